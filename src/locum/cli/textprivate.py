"""``locum text private``: texts under differential privacy, by one of four routes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from locum.cli.console import emit, note, say
from locum.errors import UsageError
from locum.text.engine.model import ModelSpec
from locum.text.engine.weights import DEFAULT
from locum.text.private.commands import (
    PLAN,
    TEXTS,
    PrivateTextRequest,
    PrivateTexts,
    attribute_texts,
    evolve_texts,
    predict_texts,
    resample_texts,
)

_ASKED = tuple(PrivateTextRequest.__dataclass_fields__)


def evolve(public: tuple[Path, ...] = (), as_json: bool = False, **asked: Any) -> None:
    """Private Evolution."""
    request, more = _request(asked)
    _show("evolve", evolve_texts(request, _needed(public), **more), as_json=as_json)


def resample(as_json: bool = False, **asked: Any) -> None:
    """Draw from a pool."""
    request, more = _request(asked)
    _show("resample", resample_texts(request, **more), as_json=as_json)


def attributes(
    model: str | None = None,
    endpoint: str | None = None,
    writer: str | None = None,
    as_json: bool = False,
    **asked: Any,
) -> None:
    """A private table of attributes, and texts written from it."""
    request, more = _request(asked)
    spec = ModelSpec(writer or DEFAULT, endpoint, context=1024) if endpoint or writer else None
    made = attribute_texts(request, **more, model=_local(model), writer=spec)
    _show("attributes", made, as_json=as_json)


def predict(
    public: tuple[Path, ...] = (), model: str | None = None, as_json: bool = False, **asked: Any
) -> None:
    """Private prediction of tokens."""
    request, more = _request(asked)
    known = public if model else _needed(public)
    _show("predict", predict_texts(request, known, **more, model=_local(model)), as_json=as_json)


def _request(asked: dict[str, Any]) -> tuple[PrivateTextRequest, dict[str, Any]]:
    """What every route is asked, and what only this one."""
    common = {key: value for key, value in asked.items() if key in _ASKED}
    return PrivateTextRequest(**common), {key: value for key, value in asked.items() if key not in _ASKED}


def _needed(public: tuple[Path, ...]) -> tuple[Path, ...]:
    if not public:
        raise UsageError("no public texts were named", where="--public", do="name a file of them")
    return public


def _local(model: str | None) -> ModelSpec | None:
    return None if model is None else ModelSpec(model, context=1024)


def _show(route: str, made: PrivateTexts, *, as_json: bool) -> None:
    for risk in made.warnings:
        note(f"warning: {risk}", style="yellow")
    if as_json:
        emit({"command": f"text private {route}", **made.to_json()})
        return
    say(made.statement)
    say(made.sentence)
    if made.texts:
        say(f"{made.texts:,} texts in {made.folder / TEXTS}")
    if PLAN in made.files:
        say(f"Next: locum text run {made.folder / PLAN}")
