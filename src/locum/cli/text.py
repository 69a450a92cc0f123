"""``locum text``: data sets of text from a plan, with any endpoint or the embedded model."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from locum.cli.console import emit, err, note, say, table
from locum.cli.progress import Display
from locum.cli.show import show_page
from locum.errors import FolderError, LineageWarning, UsageError
from locum.text.engine.caps import Caps
from locum.wording import duration

if TYPE_CHECKING:
    from locum.text.engine.model import ModelSpec
    from locum.text.judge.evaluate import TextEvidence
    from locum.text.plan.plan import Plan
    from locum.text.runs.result import TextOutcome


T = TypeVar("T")


def init(
    plan: Path = Path("text.toml"),
    endpoint: str | None = None,
    model: str | None = None,
    force: bool = False,
    as_json: bool = False,
) -> None:
    """Write a first plan, to be read and changed: short labelled reviews."""
    from locum.files.atomic import write_text
    from locum.text.plan.starter import starter
    from locum.text.plan.toml import dump_plan

    if plan.exists() and not force:
        raise FolderError("the file exists", where=str(plan), do="use --force to replace it")
    write_text(plan, dump_plan(starter(endpoint, model)))
    if as_json:
        emit({"command": "text init", "plan": str(plan)})
        return
    say(f"Wrote {plan}. Next: locum text preview {plan}")


def plan(
    plan: Path,
    rows: int | None = None,
    preview_rows: int = 8,
    allow_endpoints: Sequence[str] = (),
    as_json: bool = False,
    **limits: Any,
) -> None:
    """Say what a run would take: calls, tokens, money and time, reckoned from a few rows made now."""
    from locum.text.runs.cost import Interval, estimate

    loaded = _load(plan, rows=rows)
    _notice(loaded)
    found = _finish(estimate(loaded, preview_rows, caps=Caps(**limits), allow_endpoints=allow_endpoints))
    if as_json:
        emit({"command": "text plan", **found.to_json(), "order": _order(loaded)})
        return

    def line(name: str, part: Interval, form: Any) -> list[str]:
        return [name, form(part.value), f"{form(part.low)} to {form(part.high)}"]

    def whole(x: float) -> str:
        return f"{x:,.0f}"

    say("Order: " + " -> ".join(" + ".join(layer) for layer in _order(loaded)))
    table(
        [f"for {found.rows:,} rows", "about", "95 % interval"],
        [
            line("calls", found.calls, whole),
            line("tokens in", found.tokens_in, whole),
            line("tokens out", found.tokens_out, whole),
            line("money", found.cost, lambda x: f"{x:,.4f}"),
            line("time", found.seconds, duration),
            line("share kept", found.keep_rate, lambda x: f"{x:.0%}"),
        ],
        right=(1, 2),
    )
    say(f"Reckoned from {found.preview_rows} rows: {found.preview_calls} calls, {found.preview_cost:.4f}.")


def preview(plan: Path, rows: int = 3, allow_endpoints: Sequence[str] = (), as_json: bool = False) -> None:
    """Make a few rows and show them whole, with what was lost; nothing is written."""
    from locum.text.runs.run import preview as make

    loaded = _load(plan)
    _notice(loaded)
    made, funnel, engine = _finish(make(loaded, rows, allow_endpoints=allow_endpoints))
    if as_json:
        emit({"command": "text preview", "rows": made, "funnel": funnel, "tokens": engine.purse.tokens})
        return
    for number, row in enumerate(made, 1):
        say(f"row {number}", style="bold")
        for name, value in row.items():
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            say(f"  {name}: {shown if len(shown) <= 1500 else shown[:1500] + ' ...'}")
    _show_funnel(funnel)


def run(
    plan: Path,
    out: Path | None = None,
    rows: int | None = None,
    seed: int | None = None,
    allow_endpoints: Sequence[str] = (),
    replay: bool = False,
    change: Sequence[str] = (),
    as_json: bool = False,
    **limits: Any,
) -> None:
    """Make the rows of a plan or recipe."""
    from locum.text.recipes.run import load_recipe, locate, run_recipe, with_rows_and_seed
    from locum.text.runs.lineage import file_warnings
    from locum.text.runs.run import run as make

    plan = locate(plan)
    options: dict[str, Any] = {"caps": Caps(**limits), "replay": replay, "allow_endpoints": allow_endpoints}
    recipe = load_recipe(plan, change)
    if recipe is None and change:
        raise UsageError(
            "settings belong to recipes, and this is a plan", where="--set", do="change the plan"
        )
    loaded = _load(plan, rows=rows, seed=seed) if recipe is None else None
    if loaded is not None and not replay:
        _notice(loaded)
    if recipe is not None and not replay:
        if recipe.model.embedded:
            _notice_of(recipe.model)
        _risks(file_warnings(recipe.files))
    folder = out or Path(f"{plan.stem}-text")
    with Display() as display, _quiet():
        if recipe is not None:
            outcome = run_recipe(
                with_rows_and_seed(recipe, rows=rows, seed=seed), folder, progress=display, **options
            )
        else:
            assert loaded is not None
            outcome = make(loaded, folder, progress=display, **options)
    _show(outcome, "text run", as_json=as_json)


def resume(
    folder: Path,
    allow_endpoints: Sequence[str] = (),
    replay: bool = False,
    as_json: bool = False,
    **limits: Any,
) -> None:
    """Take up a run by its folder alone."""
    from locum.text.runs.run import plan_in
    from locum.text.runs.run import run as make

    loaded = plan_in(folder)
    if not replay:
        _notice(loaded)
    options: dict[str, Any] = {"caps": Caps(**limits), "replay": replay, "allow_endpoints": allow_endpoints}
    with Display() as display, _quiet():
        outcome = make(loaded, folder, progress=display, **options)
    _show(outcome, "text resume", as_json=as_json)


def inspect(found: Mapping[str, Any], folder: Path) -> None:
    """How far a run is, what was lost, and what it has used."""
    say(f"{folder}: {found['state']}, {found['kept']:,} of {found['wanted']:,} rows kept")
    for model, used in found["usage"].items():
        say(f"  {model}: {used['requests']:,} answers, {used['tokens_in']:,} + {used['tokens_out']:,} tokens")
    _show_funnel(found["funnel"])


def evaluate(found: TextEvidence, out: Path | None) -> None:
    """What was found out about texts."""
    from locum.text.judge.evaluate import PAGE

    for text in found.notes:
        note(f"note: {text}")
    for answer in found.answers:
        say(f"{answer.question.capitalize()}: {answer.verdict}. {answer.sentence}")
    for r in found.results:
        real_value = "" if r.reference is None else f"  real {r.reference:.4g}"
        say(f"  {r.title:<44} {r.value:10.4g}{real_value:<16}  {r.verdict}")
    show_page(out, PAGE, on="texts")


def plant(
    data: Path,
    out: Path,
    keys: Path = Path("canaries.json"),
    column: str | None = None,
    planted: int = 50,
    copies: int = 1,
    seed: int | None = None,
    as_json: bool = False,
) -> None:
    """Plant unusual texts."""
    from locum.text.judge.evaluate import plant_canaries

    made = plant_canaries(data, out, keys, column=column, count=planted, copies=copies, seed=seed)
    if as_json:
        body = {"command": "text plant", "out": str(out), "keys": str(keys)}
        emit({**body, "planted": len(made.planted), "spared": len(made.spared), "copies": copies})
        return
    say(f"Planted {len(made.planted)} canaries ({copies} each) in {out}; their key is {keys}.")
    say(f"Next: make texts from {out}, then locum text evaluate ... --canaries {keys}")


def _load(path: Path, *, rows: int | None = None, seed: int | None = None) -> Plan:
    from dataclasses import replace

    from locum.text.plan.toml import load_plan
    from locum.text.recipes.run import load_recipe, locate

    path = locate(path)
    if load_recipe(path) is not None:
        raise UsageError("that is a recipe, no plan", where=str(path), do="use `locum text run`")
    loaded = load_plan(path)
    if rows is not None:
        if rows < 1:
            raise UsageError(f"{rows} rows", where="--rows", expected="1 or more")
        if loaded.quota is not None:
            raise UsageError("the plan has a quota", where="--rows", do="change per_cell in the plan")
        loaded = replace(loaded, rows=rows)
    return loaded if seed is None else replace(loaded, seed=seed)


def _finish(work: Coroutine[Any, Any, T]) -> T:
    from locum.text.failures import Stop

    try:
        return asyncio.run(work)
    except Stop as stop:
        raise stop.error from None


def _notice(plan: Plan) -> None:
    """What to know before the run: that the model is the embedded one, that seeds are of generators."""
    from locum.text.runs.lineage import warnings_of

    _risks(warnings_of(plan))
    for spec in plan.used_models().values():
        if spec.embedded:
            _notice_of(spec)


def _risks(risks: Iterable[str]) -> None:
    for risk in risks:
        note(f"warning: {risk}", style="yellow")


@contextmanager
def _quiet() -> Iterator[None]:
    """Python's form of a warning that the command line has shown already is not shown again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LineageWarning)
        yield


def _notice_of(spec: ModelSpec) -> None:
    from locum.text.engine.embedded import NOTICE

    note(NOTICE.format(name=spec.model), style="")


def _order(plan: Plan) -> list[list[str]]:
    return [[column.name for column in layer] for layer in plan.layers]


def _show(outcome: TextOutcome, command: str, *, as_json: bool) -> None:
    if as_json:
        emit({"command": command, **outcome.to_json(), "ok": outcome.state == "complete"})
    else:
        say(
            f"{outcome.state}: {outcome.kept:,} of {outcome.wanted:,} rows in {outcome.folder / 'data.jsonl'}"
        )
        _show_funnel(outcome.funnel)
        say(f"{outcome.sent:,} requests sent, {outcome.cached:,} answers cached, {outcome.tokens:,} tokens")
        if outcome.error is not None:
            err().print(f"stopped: {outcome.error.message}")
    if outcome.state != "complete":
        raise typer.Exit(1)


def _show_funnel(funnel: dict[str, Any]) -> None:
    say(f"{funnel['attempts']:,} attempts -> {funnel['kept']:,} kept, {funnel['unmet']:,} rows given up")
    if funnel["lost"]:
        lost = funnel["lost"]
        rows = [[p["column"] or "whole row", p["stage"], p["reason"], str(p["attempts"])] for p in lost]
        table(["lost in", "at", "reason", "attempts"], rows, right=(3,))
