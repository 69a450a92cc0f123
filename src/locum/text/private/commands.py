"""Private texts in a file, synthetic texts in a folder: the four private routes, with ledger and account."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from locum.data.cell_texts import column_texts
from locum.data.lineage_stamp import beside, stamp_of, write_stamp
from locum.data.private_table import PrivateTable, open_private
from locum.data.read import TEXT_FILES, kind_of_file
from locum.errors import UsageError
from locum.files.atomic import replacing, write_text
from locum.privacy.budget import Accounting
from locum.privacy.ledger import Ledger
from locum.privacy.ledger_file import HEAD_SUFFIX
from locum.privacy.sealed import seal_errors
from locum.privacy.unit import Unit
from locum.runs.budget import budget_of_request, open_ledger
from locum.runs.files import LEDGER, LEDGER_PATH, MODEL, PRIVACY
from locum.runs.guarantee import ALWAYS_ASSUMED, TRUST_MODEL, account_of, bounding, guarantee_of
from locum.runs.options import DEFAULT_DELTA, DEFAULT_PER_UNIT, check_rows
from locum.runs.out_folder import make_folder, own_folder
from locum.runs.plan import fingerprint
from locum.runs.private_form import unit_said
from locum.runs.request import PrivacyRequest
from locum.runs.tables import need_column, read_table
from locum.runs.versions import versions
from locum.schema.lineage import REAL, Lineage, blend, warning_of
from locum.sources.rows import MemoryRows
from locum.sources.size import buy_size
from locum.text.engine.model import ModelSpec
from locum.text.plan.toml import dump_plan
from locum.text.runs.lineage import file_warnings
from locum.text.runs.sources import SeedFile

TEXTS, PLAN = "texts.jsonl", "plan.toml"
_OWN = {TEXTS, beside(Path(TEXTS)).name, PRIVACY, LEDGER, LEDGER + HEAD_SUFFIX, LEDGER_PATH, MODEL, PLAN}
_PUBLIC = "The public texts, examples and pools that were given owe nothing to the private texts."
_ENCODER = "The encoder of texts (static vectors from a package) owes nothing to the private texts."
_ONE = "Each row is the text of another person, or other private unit."
_SIZE = "The number of private texts, about {rows:,}, is public knowledge."


@dataclass(frozen=True, slots=True)
class PrivateTextRequest:
    """What is asked of a private route, whichever it is.

    Attributes
    ----------
    data
        File or frame with the private texts.
    column, label
        Its columns of texts and of classes; the column may be left out when there is one only.
    epsilon, delta
        Budget of this run.
    unit, per_unit
        Column that says whose text it is, None for texts by themselves; and how many texts of each are kept.
    public_size
        Number of texts, about, where it is public knowledge; None buys it with a small part of the budget.
    ledger, total
        A ledger that adds up over runs, and its total when it is new. None: one in the folder.
    out
        The folder.
    rows
        Texts wanted.
    seed
        Of everything but the noise.
    classes
        Public names of the classes.
    one_row_per_person
        Whether nobody has more than one text; must be said where a column of a CSV file is named like an id.
    test_seed
        Seeded noise, NOT PRIVATE; for tests.
    """

    data: Any
    epsilon: float | str
    out: Path
    rows: int = 100
    delta: float | str = DEFAULT_DELTA
    unit: str | None = None
    per_unit: int = DEFAULT_PER_UNIT
    public_size: int | None = None
    column: str | None = None
    label: str | None = None
    classes: tuple[str, ...] = ()
    ledger: Path | None = None
    total: float | str | None = None
    seed: int = 0
    test_seed: int | None = None
    one_row_per_person: bool = False

    @property
    def privacy(self) -> PrivacyRequest:
        """The part about the guarantee, as it is asked of tables."""
        return PrivacyRequest(
            epsilon=self.epsilon,
            delta=self.delta,
            unit=self.unit,
            per_unit=self.per_unit,
            ledger=self.ledger,
            total=self.total,
            test_seed=self.test_seed,
            one_row_per_person=self.one_row_per_person,
        )


@dataclass(frozen=True, slots=True)
class PrivateTexts:
    """What came out of a route; all of it may be published, unless noise was seeded.

    Attributes
    ----------
    folder, files
        Where it is written, and what.
    texts
        How many texts.
    sentence, statement
        The account in one line, and the guarantee.
    lineage
        Of the texts.
    warnings
        On sources that are stamped as made by a generator and not verified.
    """

    folder: Path
    files: tuple[str, ...]
    texts: int
    sentence: str
    statement: str
    lineage: Lineage
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "folder": str(self.folder),
            "files": list(self.files),
            "texts": self.texts,
            "account": self.sentence,
            "statement": self.statement,
            "lineage": self.lineage.to_json(),
            "warnings": list(self.warnings),
            **self.facts,
        }


@dataclass(frozen=True, slots=True)
class _Opened:
    texts: list[str] = field(repr=False)
    labels: list[str] | None = field(repr=False)
    records: list[dict[str, Any]] = field(repr=False)
    column: str
    ledger: Ledger


def evolve_texts(
    asked: PrivateTextRequest,
    public: Sequence[Path],
    *,
    rounds: int = 10,
    variations: int = 3,
    length: int = 40,
) -> PrivateTexts:
    """Private Evolution with n-gram filling; see `locum.text.private.evolution.evolve`."""
    from locum.text.private.evolution import Settings, evolve
    from locum.text.private.masked_words import NGramFiller
    from locum.text.private.votes import group

    filler = NGramFiller(_records(public)[0], length=length)
    opened = _open(asked, "gdp")
    group(opened.texts, opened.labels, asked.classes or None)
    _settle(asked, opened)
    found = evolve(
        opened.texts,
        filler,
        opened.ledger,
        labels=opened.labels,
        classes=asked.classes or None,
        settings=Settings(rounds, asked.rows, variations),
        seed=asked.seed,
    )
    facts = {"rounds": rounds, "sigma": found.sigma}
    return _finish(asked, opened, "evolve", found.texts, found.labels, found.sentence, facts, public)


def resample_texts(
    asked: PrivateTextRequest,
    pool: Path,
    *,
    pool_column: str | None = None,
    clusters: int | None = None,
    repeat: bool = False,
) -> PrivateTexts:
    """Draw from a pool by a private histogram; see `locum.text.private.resampling.resample`."""
    from locum.text.private.resampling import check_pool, resample

    table = read_table(pool).table
    texts = _column(table, pool_column or asked.column, "pool")
    marks = _column(table, asked.label, "pool") if asked.label else None
    opened = _open(asked, "gdp")
    check_pool(texts, asked.rows, opened.labels, marks, asked.classes or None, repeat=repeat)
    _settle(asked, opened)
    found = resample(
        opened.texts,
        texts,
        opened.ledger,
        size=asked.rows,
        labels=opened.labels,
        pool_labels=marks,
        classes=asked.classes or None,
        clusters=clusters,
        repeat=repeat,
        seed=asked.seed,
    )
    facts = {"clusters": sum(map(len, found.counts.values())), "unmet": found.unmet, "sigma": found.sigma}
    return _finish(asked, opened, "resample", found.texts, found.labels, found.sentence, facts, [pool])


def predict_texts(
    asked: PrivateTextRequest,
    public: Sequence[Path],
    *,
    batch: int,
    tokens: int = 40,
    temperature: float = 1.0,
    top: int = 100,
    used: float = 1.0,
    model: ModelSpec | None = None,
    allowed: Sequence[str] = (),
) -> PrivateTexts:
    """Private prediction over n-grams or a model here; see `locum.text.private.prediction.predict`."""
    from locum.text.private.prediction import LanguageModel, check_prediction, predict
    from locum.text.private.prompt_model import PromptedModel
    from locum.text.private.trigrams import NGramModel

    known = _records(public)[0]
    writer: AbstractContextManager[LanguageModel] = (
        nullcontext(NGramModel(known))
        if model is None
        else PromptedModel(model, known[0] if known else "", allowed=allowed)
    )
    with writer as words:
        opened = _open(asked, "zcdp")
        check_prediction(opened.ledger, asked.rows, batch, tokens, temperature, top, used)
        _settle(asked, opened)
        found = predict(
            opened.texts,
            words,
            opened.ledger,
            texts=asked.rows,
            batch=batch,
            tokens=tokens,
            temperature=temperature,
            top=top,
            used=used,
        )
    facts = {"experimental": True, "clip": found.clip, "epsilon_token": found.epsilon_token}
    return _finish(asked, opened, "predict", found.texts, (), found.sentence, facts, public)


def attribute_texts(
    asked: PrivateTextRequest,
    attributes: Path,
    *,
    public: Sequence[Path] = (),
    by: str = "",
    what: str = "text",
    synthesizer: str = "auto",
    model: ModelSpec | None = None,
    writer: ModelSpec | None = None,
    tries: int = 4,
    allowed: Sequence[str] = (),
) -> PrivateTexts:
    """The attribute route: a private generator of attributes and the plan that writes from it.

    Writes ``model.locum`` and ``plan.toml`` (for ``locum text run``), and, with public texts, ``texts.jsonl``
    by n-grams of them; see `locum.text.private.attributed`.
    """
    from locum.text.private.attributed import fit_attributes, labelled_filler, plan_for, write
    from locum.text.private.attributes import Asked as AskedAttribute
    from locum.text.private.attributes import Given
    from locum.text.private.read_attributes import load_attributes, read_attributes

    found = load_attributes(attributes)
    known, records = _records(public)
    chosen = by or found[0].name
    shown = [a for a in found if a.name == chosen]
    if not shown:
        raise UsageError(
            f"there is no attribute {chosen!r}", where="by", expected=", ".join(a.name for a in found)
        )
    if isinstance(shown[0], AskedAttribute) and known:
        raise UsageError("examples cannot be chosen by an answer of a model", where="by", do="choose another")
    values = read_attributes(known, shown, records=records).column(chosen).to_pylist() if known else []
    if known and isinstance(shown[0], Given) and set(values) == {"other"}:
        raise UsageError(
            f"the public texts have no column {shown[0].column!r} with a declared value",
            where="by",
            do="choose examples by an attribute that is read from the text",
        )
    opened = _open(asked, "gdp", [a.column for a in found if isinstance(a, Given)])
    fit = fit_attributes(
        opened.texts,
        found,
        opened.ledger,
        records=opened.records,
        model=model,
        allowed=allowed,
        synthesizer=synthesizer,
        seed=asked.seed,
    )
    plan = plan_for(
        fit,
        MODEL,
        rows=asked.rows,
        what=what,
        examples=known,
        example_values=values,
        by=chosen if known else "",
        spec=writer,
        tries=tries,
        seed=asked.seed,
    )
    with replacing(asked.out / MODEL, private=True) as path:
        made_under = guarantee_of(account_of(opened.ledger))
        fit.fit.synthesizer.descend(stamp_of(asked.data)).promise(made_under).save(path)
    write_text(asked.out / PLAN, dump_plan(plan), private=True)
    facts: dict[str, Any] = {"attributes": [a.name for a in found], "generator": fit.fit.synthesizer.name}
    texts: Sequence[str] = ()
    rows: Sequence[Mapping[str, str]] = ()
    if known:
        drawn = fit.rows(asked.rows, asked.seed)
        made = write(drawn, found, labelled_filler(known, values), by=chosen, seed=asked.seed)
        texts, rows, facts["agree"] = made.texts, made.rows, dict(made.agree)
    return _finish(
        asked,
        opened,
        "attributes",
        texts,
        (),
        fit.sentence,
        facts,
        public,
        rows=rows,
        more=(MODEL, PLAN),
        through=fit.fit.synthesizer.lineage,
    )


def _open(asked: PrivateTextRequest, accounting: Accounting, also: Sequence[str] = ()) -> _Opened:
    """The private texts with the columns that are asked for or named `also`, bounded, and their ledger.

    Nothing is spent.
    """
    own_folder(asked.out, _OWN)
    privacy = asked.privacy
    budget, unit = budget_of_request(privacy), Unit(asked.unit, asked.per_unit)
    if asked.public_size is not None:
        budget.check_rows(check_rows(asked.public_size, where="--public-size"))
    column, table = _private_texts(asked, unit, also)
    with seal_errors("reading the texts"):
        held = MemoryRows.of(table).bounded(unit).table()
        records = [
            dict(zip(held.column_names, row, strict=True))
            for row in zip(*(column_texts(c).to_pylist() for c in held.columns), strict=True)
        ]
    texts = [record[column] or "" for record in records]
    labels = [record[asked.label] or "" for record in records] if asked.label else None
    make_folder(asked.out, private=True)
    ledger = open_ledger(
        privacy,
        budget,
        unit,
        data=table.name,
        accounting=accounting,
        run=secrets.token_hex(8),
        own=asked.out / LEDGER,
    )
    return _Opened(texts, labels, records, column, ledger)


def _private_texts(asked: PrivateTextRequest, unit: Unit, also: Sequence[str]) -> tuple[str, PrivateTable]:
    """The column of texts, and the table with that and the other columns that are needed, and no other."""
    column = asked.column
    if column is None:
        in_lines = isinstance(asked.data, str | Path) and kind_of_file(Path(asked.data))[0] in TEXT_FILES
        # the name is published: no other word of a first line is taken for it, for that may be a text
        if in_lines and "text" not in open_private(asked.data).names:
            raise UsageError(
                "which column holds the texts was not said, and none is called text",
                where="--column",
                expected="the name of a column in the first line of the file; it is published",
                do="name it; where the first line is a text, put a line with a name before it",
            )
        column = "text"
    names = dict.fromkeys(name for name in (column, asked.label, unit.column, *also) if name is not None)
    table = open_private(asked.data, tuple(names))
    # the other names of a first line are looked at, and not told unless they say whose text it is
    unit_said(asked.privacy, table.fields)
    return column, table


def _settle(asked: PrivateTextRequest, opened: _Opened) -> None:
    """Hold delta against the number of texts, public or bought; the last step before a route spends."""
    if asked.public_size is not None:
        opened.ledger.settle(asked.public_size)
    else:
        buy_size(len(opened.texts), opened.ledger)


def _finish(
    asked: PrivateTextRequest,
    opened: _Opened,
    route: str,
    texts: Sequence[str],
    labels: Sequence[str],
    sentence: str,
    facts: Mapping[str, Any],
    public: Sequence[Path],
    *,
    rows: Sequence[Mapping[str, str]] = (),
    more: tuple[str, ...] = (),
    through: Lineage | None = None,
) -> PrivateTexts:
    """Write texts and account; each file all or nothing.

    `through` is the lineage of a model that stands between the private texts and these.
    """
    # Stamps are about files, not about any row of them. Each file counts once: the number of the private
    # texts is private itself.
    private = stamp_of(asked.data)
    lineage = blend(
        [(1, x) for x in (through or private or REAL, *(stamp_of(p) or REAL for p in public))]
    ).child()
    name = Path(asked.data).name if isinstance(asked.data, str | Path) else "the table of private texts"
    risks = (*filter(None, [warning_of(private, name)]), *file_warnings(public))
    ledger = opened.ledger
    account = account_of(ledger)
    lineage = lineage.under(guarantee_of(account))
    lines = []
    for i, text in enumerate(texts):
        row: dict[str, Any] = {**(rows[i] if rows else {}), opened.column: text}
        if labels and asked.label:
            row[asked.label] = labels[i]
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    files = [*more, PRIVACY]
    if texts:
        write_text(asked.out / TEXTS, "".join(lines), private=True)
        files[:0] = [TEXTS, *write_stamp(asked.out / TEXTS, lineage)]
    whom = [_ONE] if ledger.unit.column is None else bounding(ledger.unit)
    size = [] if ledger.size.sigma else [_SIZE.format(rows=ledger.size.rows)]
    document = {
        **account,
        "what": "private text",
        "route": route,
        "account": sentence,
        "facts": dict(facts),
        "public_texts": [asdict(fingerprint(p)) for p in public],
        "trust_model": list(TRUST_MODEL),
        "assumptions": [*whom, *size, _PUBLIC, _ENCODER, *ALWAYS_ASSUMED],
        "versions": versions(),
        "lineage": lineage.to_json(),
    }
    write_text(asked.out / PRIVACY, json.dumps(document, indent=1, ensure_ascii=False) + "\n", private=True)
    if asked.ledger is not None and asked.test_seed is None:
        write_text(asked.out / LEDGER_PATH, f"{asked.ledger.resolve()}\n", private=True)
    said = str(account["statement"])
    return PrivateTexts(asked.out, tuple(files), len(texts), sentence, said, lineage, risks, facts)


def _records(paths: Sequence[Path]) -> tuple[list[str], list[dict[str, Any]]]:
    """Public texts with their records: each file's ``text`` field, else its longest text."""
    texts, records = [], []
    for path in paths:
        for record in SeedFile(path).records:
            words = [str(v) for v in record.values() if isinstance(v, str)]
            text = str(record["text"]) if record.get("text") else max(words, key=len, default="")
            if text.strip():
                texts.append(text)
                records.append(dict(record))
    return texts, records


def _column(table: Any, name: str | None, where: str) -> list[str]:
    chosen = name or _only([str(n) for n in table.column_names])
    need_column(chosen, table.column_names, where=where)
    with seal_errors("reading a column"):
        return ["" if v is None else str(v) for v in table.column(chosen).to_pylist()]


def _only(names: Sequence[str]) -> str:
    """The column of texts: the one called text, or the only one; never chosen by what is in it."""
    if "text" in names or len(names) == 1:
        return "text" if "text" in names else names[0]
    raise UsageError(
        "which column holds the texts is not clear",
        where="--column",
        expected=f"one of {', '.join(names[:12])}",
    )
