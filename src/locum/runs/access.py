"""The real rows of a run and what may be done with them: freely, or behind a ledger that pays for every look.

A run walks the same way over both. What differs is here: opening the rows, holding some out, fitting, which
rows may be judged, what is written besides, and which errors may tell what they saw.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from locum.privacy.budget import Budget
from locum.privacy.sealed import last_seal, seal_errors
from locum.privacy.unit import Unit
from locum.progress import Event, Listener, relabel, silent
from locum.randomness import stream
from locum.runs.budget import accounting_of, budget_of_request, open_ledger, refuse_spent_ledger
from locum.runs.config import Config
from locum.runs.content import discovery_price, refuse_unknown_content
from locum.runs.entity import entity_notes
from locum.runs.files import COUNTS, HOLDOUT, LEDGER, LEDGER_PATH, MEASURED, MODEL, PRIVACY, read_privacy
from locum.runs.guarantee import guarantee_of, privacy_document
from locum.runs.holdout import persons_of, split
from locum.runs.name_notes import name_notes
from locum.runs.options import DEFAULT_SYNTHESIZER, PRIVATE_SYNTHESIZER
from locum.runs.plan import Fingerprint, RunPlan, fingerprint, fingerprint_of, fingerprint_table
from locum.runs.private_form import private_form, with_declared_unit
from locum.runs.private_rows import choose_engine, open_rows
from locum.runs.rare_labels import rare_label_notes
from locum.runs.request import PrivacyRequest, RunRequest
from locum.runs.rules import rule_note
from locum.runs.tables import (
    check_target,
    find_rules,
    read_table,
    refine_schema,
    rule_notes,
    schema_given,
    without_data_bounds,
)
from locum.schema.lineage import Lineage, warning_of
from locum.schema.table import Schema
from locum.sources.domain import NOTHING_FOUND
from locum.sources.levels import OTHER
from locum.sources.rows import Mask, MemoryRows, Rows
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Origin, Raw
    from locum.files.folder import RunFolder
    from locum.synthesizer.private import PrivateFit
    from locum.synthesizer.table import Synthesizer

#: Most rows of each table that are judged where rows stay in their file.
JUDGED = 50_000


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What anybody may know of the table of a run.

    Attributes
    ----------
    name, source
        Of the table, and its content by hash.
    schema
        Its columns; under a guarantee what was declared, without columns when nothing was.
    n_rows
        How many rows there are; 0 where that is private.
    lineage
        Stamp of the data; None for real rows.
    privacy
        What decides a guarantee, for the plan; None without.
    notes
        Sentences for the user.
    """

    name: str
    source: Fingerprint
    schema: Schema
    n_rows: int = 0
    lineage: Lineage | None = None
    privacy: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class AccessFit:
    """A fitted generator, and what a run keeps besides.

    Attributes
    ----------
    synthesizer, n_rows, n_columns
        The generator, and the size of what it learned; noisy under a guarantee.
    notes
        Sentences for the user; nothing that is not published anyway.
    privacy
        Content of ``privacy.json``; None without a guarantee.
    files
        Other files of the run folder by name.
    """

    synthesizer: Synthesizer
    n_rows: int
    n_columns: int
    notes: tuple[str, ...] = ()
    privacy: Mapping[str, Any] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class OpenAccess:
    """Rows that may be looked at freely: a canonical table in memory."""

    private: ClassVar[bool] = False

    about: TableFacts
    origin: Origin
    table: pa.Table

    @classmethod
    def open(
        cls,
        request: RunRequest,
        config: Config | None,
        data: Any,
        reading: Mapping[str, Any],
        progress: Listener = silent,
    ) -> OpenAccess:
        """Read a path or frame and find out what its columns are.

        Raises
        ------
        UsageError
            When an option names a column that is not there.
        DataError
            When the data cannot be read, contradicts the schema, or has an unusable target.
        """
        from locum.data.canonical import canonical

        raw = read_table(data, ask=True, **reading)
        progress(Event("detect", 0, 2))
        schema, notes = refine_schema(request, raw, config)
        table = canonical(raw, schema)
        check_target(table, schema, schema.target)
        schema = find_rules(request, config, table, schema)
        risk = warning_of(raw.lineage, raw.name)
        first = (*entity_notes(table, schema), *name_notes(table, schema))
        notes = (*first, *raw.notes, *([risk] if risk else []), *notes, *rule_notes(table, schema))
        notes += rare_label_notes(table, schema)
        said = "" if schema_given(request, config) else rule_note(schema)
        notes = (*notes, said) if said else notes
        progress(Event("detect", 1, 2))
        facts = TableFacts(
            raw.name, fingerprint_of(data, raw), schema, table.num_rows, raw.lineage, notes=notes
        )
        return cls(facts, raw.origin, table)

    def seal(self, doing: str, *, outermost: bool = False) -> AbstractContextManager[None]:
        """Around work on the rows, so that no error tells what it must not: here nothing needs hiding."""
        return nullcontext()

    def check_budget(self) -> None:
        """Refuse what cannot be paid for: nothing here costs anything."""

    def hold_out(self, folder: RunFolder, plan: RunPlan) -> Mask:
        """The rows to learn from, drawn by the seed: the same in every call on a folder."""
        learned = np.zeros(self.table.num_rows, dtype=np.bool_)
        persons = persons_of(self.table, plan.schema)
        learned[split(len(learned), plan.holdout, plan.seed, persons)[0]] = True
        return learned

    def fit(
        self,
        plan: RunPlan,
        learned: Mask | None = None,
        *,
        seed: int,
        folder: RunFolder | None = None,
        progress: Listener = silent,
    ) -> AccessFit:
        """Fit the planned generator to some rows, None for all; what else is kept goes with a `folder`."""
        from locum.synthesizer.table import Synthesizer

        table = self.table if learned is None else self.judged(learned, plan)
        progress(Event("fit", 0, 1))
        synth = Synthesizer(plan.synthesizer, seed=seed, **plan.settings)
        synth.fit_table(table, without_data_bounds(plan.schema), progress=relabel(progress, "fit"))
        synth.remember(self.origin).descend(plan.lineage)
        notes = tuple(
            f"The rule {rule} holds in every row, but this generator breaks it too often to keep it."
            for rule in synth.given_up
        )
        return AccessFit(synth, table.num_rows, table.num_columns, notes)

    def complete(self, plan: RunPlan, folder: RunFolder) -> RunPlan:
        """The plan with what the fit decided: nothing here."""
        return plan

    def judged(self, rows: Mask, plan: RunPlan) -> pa.Table:
        """Those of some rows that the internal report is computed on: all."""
        import pyarrow as pa

        return self.table.filter(pa.array(rows))


@dataclass(frozen=True, slots=True, eq=False)
class LedgerAccess:
    """Private rows, wherever they lie; every fit is paid for by a ledger.

    Attributes
    ----------
    rows, public
        The private rows, and a public table as read.
    budget, unit, asked
        What the run may spend, for whom, and the request's part on privacy.
    """

    private: ClassVar[bool] = True

    about: TableFacts
    rows: Rows
    public: Raw | None
    budget: Budget
    unit: Unit
    asked: PrivacyRequest

    @classmethod
    def open(
        cls,
        request: RunRequest,
        config: Config | None,
        data: Any,
        reading: Mapping[str, Any],
        progress: Listener = silent,
    ) -> LedgerAccess:
        """Open the tables; nothing is spent, written or told about the rows.

        Raises
        ------
        UsageError
            When an option cannot be, or names a column that is not there.
        LeakError
            When the schema took a bound from the data.
        DataError
            When a table cannot be read, or the schema or public table is about other columns.
        """
        from locum.data.lineage_stamp import stamp_of

        request = with_declared_unit(request, config)
        asked = request.privacy
        assert asked is not None
        budget, unit = budget_of_request(asked), Unit(asked.unit, asked.per_unit)
        chosen = choose_engine(data, asked.engine)
        public = None if asked.public is None else read_table(asked.public)
        form = private_form(request, config, data, reading, public)
        gaps = form.gaps
        price = discovery_price(gaps, budget, unit, rows=form.rows_guessed, besides=form.besides)
        if not asked.discover:
            refuse_unknown_content(gaps, price, form.table.name)
        rows = open_rows(form.table, chosen)
        lineage = stamp_of(data)
        alone = "What this run spends is not added to other runs on these data; --ledger FILE does."
        notes = (
            chosen.why,
            warning_of(lineage, rows.name),
            form.unit_said,
            *form.notes,
            "" if asked.ledger is not None else alone,
        )
        facts = TableFacts(
            rows.name,
            _source(data, rows),
            form.schema,
            0,
            lineage,
            {**_terms(request, asked, budget, unit), "unit_said": form.unit_said},
            tuple(n for n in notes if n),
        )
        progress(Event("read", 1, 1))
        return cls(facts, rows, public, budget, unit, asked)

    def seal(self, doing: str, *, outermost: bool = False) -> AbstractContextManager[None]:
        """No word of a row leaves."""
        return last_seal(doing) if outermost else seal_errors(doing)

    def check_budget(self) -> None:
        """Refuse a run for which a named ledger has too little left, before a folder is made for it.

        Raises
        ------
        BudgetError
            With what is left, about.
        """
        refuse_spent_ledger(self.asked, self.budget)

    def hold_out(self, folder: RunFolder, plan: RunPlan) -> Mask:
        """Drawn once, by a secret coin for each unit, and kept in the folder.

        A shuffle of all rows would move many of them when one is added; independent coins move one unit only,
        so that the guarantee for the training rows is one for all rows.
        """
        path = folder.file(HOLDOUT)
        if not path.exists():
            with seal_errors("holding rows out"):
                learned = self.rows.coins(self.unit, 1 - plan.holdout)
            folder.write_bytes(HOLDOUT, np.packbits(learned).tobytes())
        bits = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        return np.unpackbits(bits, count=self.rows.n_rows).astype(np.bool_)

    def fit(
        self,
        plan: RunPlan,
        learned: Mask | None = None,
        *,
        seed: int,
        folder: RunFolder | None = None,
        progress: Listener = silent,
    ) -> AccessFit:
        """As `OpenAccess.fit`; without a folder the ledger is the one that was named, or forgotten.

        A run that was stopped before the model was written fits anew with what is left of its budget; noise
        that was paid for and lost does not come back.

        Raises
        ------
        BudgetError
            When nothing is left to measure with.
        """
        from locum.files.tensors import dump_tensors
        from locum.synthesizer.private import fit_private

        begun = () if folder is None else (r for r in folder.records() if r.get("event") == "begun")
        run = next((str(r["run"]) for r in begun), None) or secrets.token_hex(8)
        ledger = open_ledger(
            self.asked,
            self.budget,
            self.unit,
            data=self.rows.name,
            run=run,
            accounting=accounting_of(plan.synthesizer, plan.settings),
            own=None if folder is None else folder.file(LEDGER),
        )
        rows = self.rows
        if learned is not None:
            with seal_errors("choosing the rows to learn from"):
                rows = rows.only(learned)
        # parts that touch rows are sealed one by one already, with better words
        with last_seal("the private fit"), seal_errors("fitting the generator"):
            fit: PrivateFit = fit_private(
                rows,
                ledger,
                schema=plan.schema if len(plan.schema) else None,
                public=self.public,
                target=_target(plan),
                synthesizer=plan.synthesizer,
                seed=seed,
                settings=plan.settings,
                progress=relabel(progress, "fit"),
            )
        # The stamp is about the file, not about any row of it.
        fit.synthesizer.descend(plan.lineage)
        terms = plan.privacy or {}
        document = privacy_document(
            ledger, fit, holdout=plan.holdout, public=terms.get("public"), said=str(terms["unit_said"])
        )
        fit.synthesizer.promise(guarantee_of(document))
        head = [{"clique": list(m.clique), "sigma": m.sigma} for m in fit.measurements]
        counts = {str(i): np.asarray(m.counts) for i, m in enumerate(fit.measurements)}
        files = {
            MEASURED: (json.dumps(head, ensure_ascii=True) + "\n").encode(),
            COUNTS: dump_tensors(counts),
            PRIVACY: (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode(),
        }
        if self.asked.ledger is not None and self.asked.test_seed is None:
            files[LEDGER] = self.asked.ledger.read_bytes()
            files[LEDGER_PATH] = f"{self.asked.ledger.resolve()}\n".encode()
        return AccessFit(
            fit.synthesizer, fit.n_rows, len(fit.domain.schema), _conclusions(fit), document, files
        )

    def complete(self, plan: RunPlan, folder: RunFolder) -> RunPlan:
        """The plan with its schema, number of rows, generator and guarantee."""
        from locum.synthesizer.table import Synthesizer

        facts, terms = folder.facts("fit"), plan.privacy or {}
        schema = _vouched(Synthesizer.load(folder.file(MODEL)).schema, plan.schema)
        protected = tuple(n for n in terms.get("protected", ()) if not schema[n].regenerated)
        return replace(
            plan,
            schema=replace(schema, target=_target(plan), protected=protected or schema.protected),
            rows=plan.rows or int(facts["rows"]),
            synthesizer=str(facts["synthesizer"]),
            evaluate_rows=None if isinstance(self.rows, MemoryRows) else JUDGED,
            privacy={**terms, "statement": read_privacy(folder.path)["statement"]},
        )

    def judged(self, rows: Mask, plan: RunPlan) -> pa.Table:
        """At most `RunPlan.evaluate_rows` of them; for the custodian's own report."""
        places = np.flatnonzero(rows)
        most = plan.evaluate_rows
        if most is not None and len(places) > most:
            places = stream(plan.seed, "pipeline", "judged", len(places)).choice(places, most, replace=False)
            rows = np.zeros_like(rows)
            rows[places] = True
        return self.rows.only(rows).canonical(plan.schema).table()


#: Another kind of access joins here.
Access = OpenAccess | LedgerAccess


def default_synthesizer(configured: str | None, *, private: bool) -> str:
    """The generator where none was asked for; a config may be shared with runs without a guarantee."""
    from locum.synthesizer.private import is_private

    if not private:
        return configured or DEFAULT_SYNTHESIZER
    return configured if configured is not None and is_private(configured) else PRIVATE_SYNTHESIZER


def _target(plan: RunPlan) -> str | None:
    named = (plan.privacy or {}).get("target")
    return str(named) if named is not None else plan.schema.target


def _terms(request: RunRequest, asked: PrivacyRequest, budget: Budget, unit: Unit) -> dict[str, Any]:
    """What decides the guarantee, JSON-ready."""
    return {
        "epsilon": str(asked.epsilon),
        "delta": f"{budget.delta:g}",
        "unit": unit.column,
        "per_unit": unit.rows,
        "target": request.target,
        "protected": list(request.protected),
        "public": None if asked.public is None else _public_name(asked.public),
        "columns": list(asked.columns),
        "discover": asked.discover,
        "one_row_per_person": asked.one_row_per_person,
        "ledger": "shared" if asked.ledger is not None else "own",
        "test": asked.test_seed,
    }


def _vouched(schema: Schema, given: Schema) -> Schema:
    """The schema with who vouches for what, where it is as it was given; of what was bought nobody does."""
    from locum.schema.provenance import with_marks_of

    marked = with_marks_of(schema, given)
    columns = {c.name: c for c in given}
    return replace(
        marked,
        columns=tuple(c if c == columns.get(c.name) else replace(c, read_off=(), by="") for c in marked),
    )


def _source(data: Any, rows: Rows) -> Fingerprint:
    """The data by content, for the plan, which stays in the house."""
    if isinstance(data, str | Path):
        return fingerprint(Path(data))
    assert isinstance(rows, MemoryRows)
    return fingerprint_table(rows.rows, rows.name)


def _public_name(public: Any) -> dict[str, Any]:
    """The public table by name and content."""
    if isinstance(public, str | Path):
        return asdict(fingerprint(Path(public)))
    return {"name": "table", "n_bytes": 0, "sha256": ""}


def _conclusions(fit: PrivateFit) -> tuple[str, ...]:
    """What the user should know of a private fit."""
    found = [f"Generator {fit.choice.name}: {fit.choice.why}"]
    bought = [name for name, origin in fit.domain.origins.items() if origin == "bought"]
    if bought:
        bounds = [fit.domain.schema[name].bounds for name in bought]
        declared = all(b is not None and b.source in ("declared", "public") for b in bounds)
        found.append(
            f"{100 * round(fit.domain.spent, 4):.0f} % of the budget went into finding out "
            + (
                f"where in the declared range of {count(len(bought), 'column')} values are dense."
                if declared
                else f"what {count(len(bought), 'column')} hold{'s' if len(bought) == 1 else ''}; declared "
                "kinds, levels and bounds would save it."
            )
        )
    for name, (whence, unsure, size) in fit.domain.hidden.items():
        if unsure:
            found.append(
                f"Which {name} goes with which {whence} was found under noise, and is a guess for {unsure:,} "
                f"of {size:,} values of {whence}. If the pairs are public knowledge, take {name} out of "
                "locum.toml and of --columns, and put it back afterwards."
            )
    empty = [name for name, origin in fit.domain.origins.items() if origin == NOTHING_FOUND]
    if empty:
        found.append(
            f"Left empty, for noise hid what {'it holds' if len(empty) == 1 else 'they hold'}: "
            f"{', '.join(empty)}. Declare levels or bounds to have {'it' if len(empty) == 1 else 'them'}."
        )
    pooled = [
        c.name
        for c in fit.domain.schema
        if fit.domain.origins.get(c.name) == "bought" and (c.levels or ("",))[-1].endswith(OTHER)
    ]
    if pooled:
        found.append(
            f"Labels that too few rows share to be published are written as {OTHER!r}: {', '.join(pooled)}. "
            "Declare levels to have them by name."
        )
    if fit.crowded is not None:
        found.append(
            f"About {max(0, int(fit.crowded.counts[0])):,} of those with rows (give or take "
            f"{2 * fit.crowded.sigma:.0f}) have more rows than are kept; the others of theirs were left out."
        )
    return (*found, *([fit.stopped] if fit.stopped else []))
