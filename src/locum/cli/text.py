"""``locum text``: data sets of text from a plan, with any endpoint or the embedded model."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from locum.cli import options
from locum.cli.helppage import CommandList
from locum.cli.options import argument, option
from locum.cli.textjudge import evaluate, plant
from locum.cli.textprivate import private
from locum.errors import UsageError

if TYPE_CHECKING:
    from locum.text.engine.caps import Caps
    from locum.text.engine.model import ModelSpec
    from locum.text.plan.plan import Plan
    from locum.text.runs.result import TextOutcome

text = typer.Typer(
    name="text",
    cls=CommandList,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Write, check and select text by a plan; every answer is kept, so runs can be taken up again.",
)

PlanFile = Annotated[Path, argument("A plan; see `locum text init`.", "PLAN")]
Folder = Annotated[Path, argument("Folder of a text run.", "DIR")]
Out = Annotated[Path | None, option("--out", "Run folder. Default: <plan>-text.", "DIR")]
MaxCost = Annotated[float | None, option("--max-cost", "Never spend more, in the money of the prices.", "X")]
MaxTokens = Annotated[int | None, option("--max-tokens", "Never use more tokens in all.", "N")]
MaxTime = Annotated[str | None, option("--max-time", "Never take longer, e.g. 90s, 5m.", "TIME")]
Allow = Annotated[
    list[str] | None,
    option(
        "--allow-endpoint", "Host that may have what derives from private sources; may be repeated.", "HOST"
    ),
]
Replay = Annotated[
    bool, option("--replay", "Answer from the folder's cache alone, without any model.", show_default=True)
]
Change = Annotated[
    list[str] | None,
    option("--set", "A setting of a recipe, e.g. seeds_file=seeds.jsonl; may be repeated.", "KEY=VALUE"),
]


@text.command()
def init(
    plan: Annotated[Path, argument("File to write. Default: text.toml.", "PLAN")] = Path("text.toml"),
    endpoint: Annotated[
        str | None,
        option("--endpoint", "Address of an endpoint, to /v1. Default: the embedded model.", "URL"),
    ] = None,
    model: Annotated[str | None, option("--model", "Name of the model.", "NAME")] = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Write a first plan, to be read and changed: short labelled reviews."""
    from locum.cli.console import emit, say
    from locum.errors import FolderError
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


@text.command()
def plan(
    plan: PlanFile,
    rows: options.Rows = None,
    preview_rows: Annotated[int, option("--preview", "Rows to reckon from.", "N", show_default=True)] = 8,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_time: MaxTime = None,
    allow_endpoint: Allow = None,
    as_json: options.Json = False,
) -> None:
    """Say what a run would take: calls, tokens, money and time, reckoned from a few rows made now."""
    from locum.cli.console import emit, say, table
    from locum.text.failures import Stop
    from locum.text.runs.cost import Interval, estimate
    from locum.wording import duration

    loaded = _load(plan, rows=rows)
    _notice(loaded)
    caps = _caps(max_cost, max_tokens, max_time)
    try:
        found = asyncio.run(estimate(loaded, preview_rows, caps=caps, allow_endpoints=allow_endpoint or ()))
    except Stop as stop:
        raise stop.error from None
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


@text.command()
def preview(
    plan: PlanFile,
    rows: Annotated[int, option("--rows", "Rows to make.", "N", show_default=True)] = 3,
    allow_endpoint: Allow = None,
    as_json: options.Json = False,
) -> None:
    """Make a few rows and show them whole, with what was lost; nothing is written."""
    import json

    from locum.cli.console import emit, say
    from locum.text.failures import Stop
    from locum.text.runs.run import preview as make

    loaded = _load(plan)
    _notice(loaded)
    try:
        made, funnel, engine = asyncio.run(make(loaded, rows, allow_endpoints=allow_endpoint or ()))
    except Stop as stop:
        raise stop.error from None
    if as_json:
        emit({"command": "text preview", "rows": made, "funnel": funnel, "tokens": engine.purse.tokens})
        return
    for number, row in enumerate(made, 1):
        say(f"row {number}", style="bold")
        for name, value in row.items():
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            say(f"  {name}: {shown if len(shown) <= 1500 else shown[:1500] + ' ...'}")
    _show_funnel(funnel)


@text.command()
def run(
    plan: PlanFile,
    out: Out = None,
    rows: options.Rows = None,
    seed: options.Seed = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_time: MaxTime = None,
    allow_endpoint: Allow = None,
    replay: Replay = False,
    change: Change = None,
    as_json: options.Json = False,
) -> None:
    """Make the rows of a plan or recipe. The same command takes up a run that was stopped or killed."""
    from locum.cli.progress import Display
    from locum.text.recipes.run import changed, load_recipe, locate, run_recipe
    from locum.text.runs.lineage import file_warnings
    from locum.text.runs.run import run as make

    plan = locate(plan)
    caps = _caps(max_cost, max_tokens, max_time)
    recipe = load_recipe(plan, change or ())
    if recipe is not None:
        if recipe.model.embedded and not replay:
            _notice_of(recipe.model)
        if not replay:
            _risks(file_warnings(recipe.files))
        with Display() as display, _said():
            outcome = run_recipe(
                changed(recipe, rows=rows, seed=seed),
                out or Path(f"{plan.stem}-text"),
                caps=caps,
                replay=replay,
                allow_endpoints=allow_endpoint or (),
                progress=display,
            )
        _show(outcome, "text run", as_json=as_json)
        return
    if change:
        raise UsageError(
            "settings belong to recipes, and this is a plan", where="--set", do="change the plan"
        )
    loaded = _load(plan, rows=rows, seed=seed)
    if not replay:
        _notice(loaded)
    folder = out or Path(f"{plan.stem}-text")
    with Display() as display, _said():
        outcome = make(
            loaded, folder, caps=caps, replay=replay, allow_endpoints=allow_endpoint or (), progress=display
        )
    _show(outcome, "text run", as_json=as_json)


@text.command()
def resume(
    folder: Folder,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_time: MaxTime = None,
    allow_endpoint: Allow = None,
    replay: Replay = False,
    as_json: options.Json = False,
) -> None:
    """Take up a run by its folder alone; no request that was answered is sent again."""
    from locum.cli.progress import Display
    from locum.text.runs.run import plan_in
    from locum.text.runs.run import run as make

    loaded = plan_in(folder)
    if not replay:
        _notice(loaded)
    with Display() as display, _said():
        outcome = make(
            loaded,
            folder,
            caps=_caps(max_cost, max_tokens, max_time),
            replay=replay,
            allow_endpoints=allow_endpoint or (),
            progress=display,
        )
    _show(outcome, "text resume", as_json=as_json)


@text.command()
def inspect(folder: Folder, as_json: options.Json = False) -> None:
    """Show how far a run is, what was lost and why, and what it has used."""
    from locum.cli.console import emit, say
    from locum.text.runs.inspection import inspect as look

    seen = look(folder)
    if as_json:
        emit({"command": "text inspect", **seen})
        return
    say(f"{folder}: {seen['state']}, {seen['kept']:,} of {seen['wanted']:,} rows kept")
    for model, used in seen["usage"].items():
        say(f"  {model}: {used['requests']:,} answers, {used['tokens_in']:,} + {used['tokens_out']:,} tokens")
    _show_funnel(seen["funnel"])


text.command()(evaluate)
text.command()(plant)
text.add_typer(private, name="private")


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


def _caps(cost: float | None, tokens: int | None, time: str | None) -> Caps:
    from locum.text.engine.caps import Caps
    from locum.wording import parse_duration

    return Caps(cost, tokens, None if time is None else parse_duration(time, where="--max-time"))


def _notice(plan: Plan) -> None:
    """What to know before the run: that the model is the embedded one, that seeds are of generators."""
    from locum.text.runs.lineage import warnings_of

    _risks(warnings_of(plan))
    for spec in plan.used_models().values():
        if spec.embedded:
            _notice_of(spec)


def _risks(risks: Iterable[str]) -> None:
    from locum.cli.console import note

    for risk in risks:
        note(f"warning: {risk}", style="yellow")


@contextmanager
def _said() -> Iterator[None]:
    """Python's form of a warning that the command line has shown already is not shown again."""
    from locum.errors import LineageWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LineageWarning)
        yield


def _notice_of(spec: ModelSpec) -> None:
    from locum.cli.console import note
    from locum.text.engine.embedded import NOTICE

    note(NOTICE.format(name=spec.model), style="")


def _order(plan: Plan) -> list[list[str]]:
    return [[column.name for column in layer] for layer in plan.layers]


def _show(outcome: TextOutcome, command: str, *, as_json: bool) -> None:
    from locum.cli.console import emit, err, say

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
    from locum.cli.console import say, table

    say(f"{funnel['attempts']:,} attempts -> {funnel['kept']:,} kept, {funnel['unmet']:,} rows given up")
    if funnel["lost"]:
        lost = funnel["lost"]
        rows = [[p["column"] or "whole row", p["stage"], p["reason"], str(p["attempts"])] for p in lost]
        table(["lost in", "at", "reason", "attempts"], rows, right=(3,))
