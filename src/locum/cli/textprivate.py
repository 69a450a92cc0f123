"""``locum text private``: texts under differential privacy, by one of four routes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli import options
from locum.cli.helppage import CommandList
from locum.cli.options import option

if TYPE_CHECKING:
    from locum.text.engine.model import ModelSpec
    from locum.text.private.verb import PrivateTextRequest, PrivateTexts

private = typer.Typer(
    name="private",
    cls=CommandList,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Write texts under differential privacy; what is learned from private texts is paid for.",
)

Epsilon = Annotated[str, option("--epsilon", "What this run may spend, e.g. 4.", "E", show_default=True)]
Delta = Annotated[
    str,
    option("--delta", "Chance left uncovered; below one over the number of texts.", "D", show_default=True),
]
Out = Annotated[Path, option("--out", "Folder for texts, account and ledger.", "DIR", show_default=True)]
Rows = Annotated[int, option("--rows", "Texts to make.", "N", show_default=True)]
Column = Annotated[str | None, option("--column", "Column of texts. Default: text, or the only one.", "COL")]
Label = Annotated[str | None, option("--label", "Column of classes.", "COL")]
Classes = Annotated[
    list[str] | None,
    option("--class", "Public name of a class; may be repeated. Never taken from the private texts.", "NAME"),
]
PublicTexts = Annotated[
    list[Path] | None,
    option("--public", "Texts that owe nothing to the private ones; may be repeated.", "FILE"),
]
Model = Annotated[
    str | None, option("--model", "Embedded model that reads private texts, on this machine.", "NAME")
]


@private.command()
def evolve(
    data: options.NeededData,
    out: Out,
    epsilon: Epsilon,
    public: PublicTexts = None,
    rows: Rows = 200,
    rounds: Annotated[int, option("--rounds", "Times that the texts vote.", "N", show_default=True)] = 10,
    length: Annotated[int, option("--length", "Words of a fresh candidate.", "N", show_default=True)] = 40,
    column: Column = None,
    label: Label = None,
    classes: Classes = None,
    delta: Delta = "1e-6",
    ledger: options.Ledger = None,
    total_epsilon: options.TotalEpsilon = None,
    seed: options.Seed = None,
    as_json: options.Json = False,
) -> None:
    """Private Evolution: candidates of public words, chosen by noisy votes of the private texts.

    For 10,000 texts or more; nothing but votes is ever read from them.
    """
    from locum.text.private.verb import evolve_texts

    asked = _asked(data, out, epsilon, delta, rows, column, label, classes, ledger, total_epsilon, seed)
    _show("evolve", evolve_texts(asked, _needed(public), rounds=rounds, length=length), as_json=as_json)


@private.command()
def resample(
    data: options.NeededData,
    out: Out,
    epsilon: Epsilon,
    pool: Annotated[Path, option("--pool", "Synthetic texts to draw from.", "FILE")],
    rows: Rows = 100,
    clusters: Annotated[int | None, option("--clusters", "Default: pool / 20.", "N")] = None,
    repeat: Annotated[
        bool, option("--repeat", "A text may be drawn more than once.", show_default=True)
    ] = False,
    column: Column = None,
    label: Label = None,
    classes: Classes = None,
    delta: Delta = "1e-6",
    ledger: options.Ledger = None,
    total_epsilon: options.TotalEpsilon = None,
    seed: options.Seed = None,
    as_json: options.Json = False,
) -> None:
    """Draw from a pool so that its clusters have the shares of the private texts; one noisy histogram.

    For a pool that somebody wrote already, or that was evolved on the same ledger.
    """
    from locum.text.private.verb import resample_texts

    asked = _asked(data, out, epsilon, delta, rows, column, label, classes, ledger, total_epsilon, seed)
    _show("resample", resample_texts(asked, pool, clusters=clusters, repeat=repeat), as_json=as_json)


@private.command()
def attributes(
    data: options.NeededData,
    out: Out,
    epsilon: Epsilon,
    attributes: Annotated[Path, option("--attributes", "TOML declarations.", "FILE")],
    public: PublicTexts = None,
    by: Annotated[
        str | None, option("--by", "Attribute that chooses public examples. Default: the first.", "NAME")
    ] = None,
    what: Annotated[
        str, option("--what", "What a text is called in prompts.", "WORD", show_default=True)
    ] = "text",
    rows: Rows = 20,
    synthesizer: options.Synthesizer = None,
    model: Model = None,
    endpoint: Annotated[
        str | None,
        option("--endpoint", "Endpoint that writes, to /v1; it sees drawn attributes only.", "URL"),
    ] = None,
    writer: Annotated[str | None, option("--writer", "Name of the model that writes.", "NAME")] = None,
    column: Column = None,
    delta: Delta = "1e-6",
    ledger: options.Ledger = None,
    total_epsilon: options.TotalEpsilon = None,
    seed: options.Seed = None,
    as_json: options.Json = False,
) -> None:
    """Read declared attributes here, model their table privately, and plan texts written from drawn rows.

    Writes the model and a plan for `locum text run`; with --public also texts by n-grams of these.
    """
    from locum.text.engine.model import ModelSpec
    from locum.text.engine.weights import DEFAULT
    from locum.text.private.verb import attribute_texts

    asked = _asked(data, out, epsilon, delta, rows, column, None, None, ledger, total_epsilon, seed)
    spec = (
        None if endpoint is None and writer is None else ModelSpec(writer or DEFAULT, endpoint, context=1024)
    )
    made = attribute_texts(
        asked,
        attributes,
        public=tuple(public or ()),
        by=by or "",
        what=what,
        synthesizer=synthesizer or "auto",
        model=_local(model),
        writer=spec,
    )
    _show("attributes", made, as_json=as_json)


@private.command()
def predict(
    data: options.NeededData,
    out: Out,
    epsilon: Epsilon,
    batch: Annotated[int, option("--batch", "Private texts for a text.", "B")],
    public: PublicTexts = None,
    rows: Rows = 10,
    tokens: Annotated[int, option("--tokens", "Most tokens of a text.", "T", show_default=True)] = 40,
    temperature: Annotated[float, option("--temperature", "Of the sampling.", "X", show_default=True)] = 1.0,
    used: Annotated[
        float, option("--used", "Chance with which a private text is used at all.", "P", show_default=True)
    ] = 1.0,
    model: Model = None,
    column: Column = None,
    delta: Delta = "1e-6",
    ledger: options.Ledger = None,
    total_epsilon: options.TotalEpsilon = None,
    seed: options.Seed = None,
    as_json: options.Json = False,
) -> None:
    """Experimental: tokens drawn from a public model that batches of private texts may move a little.

    Without --model the language model is one of word counts of the public texts.
    """
    from locum.text.private.verb import predict_texts

    asked = _asked(data, out, epsilon, delta, rows, column, None, None, ledger, total_epsilon, seed)
    known = tuple(public or ()) if model else _needed(public)
    made = predict_texts(
        asked, known, batch=batch, tokens=tokens, temperature=temperature, used=used, model=_local(model)
    )
    _show("predict", made, as_json=as_json)


def _asked(
    data: Path,
    out: Path,
    epsilon: str,
    delta: str,
    rows: int,
    column: str | None,
    label: str | None,
    classes: list[str] | None,
    ledger: Path | None,
    total: str | None,
    seed: int | None,
) -> PrivateTextRequest:
    from locum.text.private.verb import PrivateTextRequest

    return PrivateTextRequest(
        data, epsilon, out, rows, delta, column, label, tuple(classes or ()), ledger, total, seed or 0
    )


def _needed(public: list[Path] | None) -> tuple[Path, ...]:
    from locum.errors import UsageError

    if not public:
        raise UsageError("no public texts were named", where="--public", do="name a file of them")
    return tuple(public)


def _local(model: str | None) -> ModelSpec | None:
    from locum.text.engine.model import ModelSpec

    return None if model is None else ModelSpec(model, context=1024)


def _show(route: str, made: PrivateTexts, *, as_json: bool) -> None:
    from locum.cli.console import emit, note, say
    from locum.text.private.verb import PLAN, TEXTS

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
