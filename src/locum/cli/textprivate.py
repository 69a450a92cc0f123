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

Epsilon = Annotated[str, typer.Option("--epsilon", help="What this run may spend, e.g. 4.", metavar="E")]
Delta = Annotated[
    str,
    typer.Option("--delta", help="Chance left uncovered; below one over the number of texts.", metavar="D"),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for texts, account and ledger.", metavar="DIR")]
Rows = Annotated[int, typer.Option("--rows", help="Texts to make.", metavar="N")]
Column = Annotated[
    str | None, option("--column", help="Column of texts. Default: text, or the only one.", metavar="COL")
]
Label = Annotated[str | None, option("--label", help="Column of classes.", metavar="COL")]
Classes = Annotated[
    list[str] | None,
    option(
        "--class",
        help="Public name of a class; may be repeated. Never taken from the private texts.",
        metavar="NAME",
    ),
]
PublicTexts = Annotated[
    list[Path] | None,
    option("--public", help="Texts that owe nothing to the private ones; may be repeated.", metavar="FILE"),
]
Model = Annotated[
    str | None,
    option("--model", help="Embedded model that reads private texts, on this machine.", metavar="NAME"),
]


@private.command()
def evolve(
    data: options.NeededData,
    out: Out,
    epsilon: Epsilon,
    public: PublicTexts = None,
    rows: Rows = 200,
    rounds: Annotated[int, typer.Option("--rounds", help="Times that the texts vote.", metavar="N")] = 10,
    length: Annotated[int, typer.Option("--length", help="Words of a fresh candidate.", metavar="N")] = 40,
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
    pool: Annotated[Path, option("--pool", help="Synthetic texts to draw from.", metavar="FILE")],
    rows: Rows = 100,
    clusters: Annotated[int | None, option("--clusters", help="Default: pool / 20.", metavar="N")] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="A text may be drawn more than once.")] = False,
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
    attributes: Annotated[Path, option("--attributes", help="TOML declarations.", metavar="FILE")],
    public: PublicTexts = None,
    by: Annotated[
        str | None,
        option("--by", help="Attribute that chooses public examples. Default: the first.", metavar="NAME"),
    ] = None,
    what: Annotated[
        str, typer.Option("--what", help="What a text is called in prompts.", metavar="WORD")
    ] = "text",
    rows: Rows = 20,
    synthesizer: options.Synthesizer = None,
    model: Model = None,
    endpoint: Annotated[
        str | None,
        option(
            "--endpoint", help="Endpoint that writes, to /v1; it sees drawn attributes only.", metavar="URL"
        ),
    ] = None,
    writer: Annotated[
        str | None, option("--writer", help="Name of the model that writes.", metavar="NAME")
    ] = None,
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
        asked, attributes, public=tuple(public or ()), by=by or "", what=what,
        synthesizer=synthesizer or "auto", model=_local(model), writer=spec,
    )  # fmt: skip
    _show("attributes", made, as_json=as_json)


@private.command()
def predict(
    data: options.NeededData,
    out: Out,
    epsilon: Epsilon,
    batch: Annotated[int, option("--batch", help="Private texts for a text.", metavar="B")],
    public: PublicTexts = None,
    rows: Rows = 10,
    tokens: Annotated[int, typer.Option("--tokens", help="Most tokens of a text.", metavar="T")] = 40,
    temperature: Annotated[float, typer.Option("--temperature", help="Of the sampling.", metavar="X")] = 1.0,
    used: Annotated[
        float, typer.Option("--used", help="Chance with which a private text is used at all.", metavar="P")
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
