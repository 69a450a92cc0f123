"""A text plan: columns, models, quotas, removal of duplicates; checked as a whole before anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from locum.text.engine.model import ModelSpec
from locum.text.engine.weights import DEFAULT
from locum.text.failures import PlanError
from locum.text.plan.columns import (
    Category,
    Code,
    Column,
    Embedding,
    Judge,
    Number,
    Seed,
    Structured,
    Subcategory,
    Table,
    Text,
    Written,
)
from locum.text.plan.fields import Closed
from locum.text.plan.graph import checks_of, layers, reads
from locum.text.plan.template import is_template


@dataclass(frozen=True, slots=True)
class Dedup(Closed):
    """Rows like one that was kept are rejected while the run goes on, and made again.

    Attributes
    ----------
    columns
        Text columns compared, joined; empty takes all that a model writes.
    exact
        Whether texts that are equal but for case, white space and punctuation are duplicates.
    minhash
        Jaccard similarity of 5-grams of characters from which on two texts are near-duplicates (estimated
        from 128 hashes, standard error at most 0.045); 0 for no such test.
    embedding
        Cosine similarity (static encoder) from which on they say the same; 0 for no such test.
    """

    columns: tuple[str, ...] = ()
    exact: bool = True
    minhash: float = 0.8
    embedding: float = 0.0

    def __post_init__(self) -> None:
        for name in ("minhash", "embedding"):
            if not 0 <= getattr(self, name) <= 1:
                raise PlanError(f"{name} is {getattr(self, name)}", where="dedup", expected="0 to 1")


@dataclass(frozen=True, slots=True)
class Quota(Closed):
    """So many rows for each combination of some sampled columns, tried until met.

    Attributes
    ----------
    columns
        Category columns (subcategories too) that make the cells.
    per_cell
        Kept rows for each combination; the plan's `rows` is then the number of all of them.
    """

    columns: tuple[str, ...]
    per_cell: int


@dataclass(frozen=True, slots=True)
class Export(Closed):
    """Files made out of the kept rows besides ``data.jsonl``.

    Attributes
    ----------
    formats
        Any of ``parquet``, ``csv``, ``chat``, ``preference``, ``huggingface``.
    system, user, assistant
        Columns that are the messages of ``chat``.
    prompt, chosen, rejected
        Columns of ``preference``.
    """

    formats: tuple[str, ...] = ()
    system: str = ""
    user: str = ""
    assistant: str = ""
    prompt: str = ""
    chosen: str = ""
    rejected: str = ""


FORMATS = ("parquet", "csv", "chat", "preference", "huggingface")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written.

    Attributes
    ----------
    columns
        In the order of the output; the order of making follows from the templates.
    rows
        Kept rows wanted. With a `quota` it is computed.
    name
        Of the data set.
    seed
        Same seed, plan and answers, same bytes.
    models
        By short name; none at all means the embedded default.
    tries
        Attempts at one row before it is given up; at least 1.
    dedup, quota, export
        See there; None switches off.
    allow_endpoints
        Hosts that may have what derives from private sources.
    folder
        Where relative paths begin; not part of the plan's identity.

    Raises
    ------
    PlanError
        For unknown or double names, cycles, templates that are none, values that cannot be.
    """

    columns: tuple[Column, ...]
    rows: int = 100
    name: str = "text"
    seed: int = 0
    models: dict[str, ModelSpec] = field(default_factory=dict)
    tries: int = 4
    dedup: Dedup | None = None
    quota: Quota | None = None
    export: Export = Export()
    allow_endpoints: tuple[str, ...] = ()
    folder: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        if not self.models:
            object.__setattr__(self, "models", {"embedded": ModelSpec(DEFAULT)})
        if self.quota is not None:
            object.__setattr__(self, "rows", len(self.cells()) * self.quota.per_cell)
        _check(self)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def layers(self) -> tuple[tuple[Column, ...], ...]:
        """Columns in the order of making; those of one layer do not use each other."""
        return layers(self.columns)

    @property
    def kept(self) -> tuple[Column, ...]:
        """Columns of the output."""
        return tuple(column for column in self.columns if column.keep)

    @property
    def written(self) -> tuple[Written, ...]:
        """Columns that a model writes."""
        return tuple(column for column in self.columns if isinstance(column, Written))

    def model_of(self, column: Written | Embedding) -> str:
        """Short name of the model that a column uses."""
        return column.model or next(iter(self.models))

    def used_models(self) -> dict[str, ModelSpec]:
        """Models that some column uses, by short name."""
        return self._models_of([column.name for column in self.columns])

    def private_models(self) -> dict[str, ModelSpec]:
        """Models that are shown something which derives from a private source, by short name.

        Every column that uses a tainted one, in its templates or checks, is tainted itself.
        """
        return self._models_of(self.tainted())

    def _models_of(self, columns: Sequence[str]) -> dict[str, ModelSpec]:
        found = [self.model_of(column) for column in self.written if column.name in columns]
        found += [c.model for c in self.columns if isinstance(c, Embedding) and c.name in columns]
        return {name: spec for name, spec in self.models.items() if name in found}

    def tainted(self) -> tuple[str, ...]:
        """Names of columns that derive from a private source, in the order of making."""
        found: list[str] = []
        for layer in self.layers:
            for column in layer:
                source = isinstance(column, Seed | Table) and column.private
                if source or reads(column) & set(found):
                    found.append(column.name)
        return tuple(found)

    def cells(self) -> list[dict[str, Any]]:
        """Combinations of the quota's columns, in the order of their values; none without a quota."""
        if self.quota is None:
            return []
        found: list[dict[str, Any]] = [{}]
        for name in self.quota.columns:
            column = self._quota_column(name)
            wider = []
            for cell in found:
                if isinstance(column, Subcategory):
                    if column.parent not in cell:
                        raise PlanError(
                            f"{column.parent!r} must stand before {name!r}", where="quota.columns"
                        )
                    values = column.values.get(str(cell[column.parent]), ())
                else:
                    values = column.values
                wider += [{**cell, name: value} for value in values]
            found = wider
        return found

    def _quota_column(self, name: str) -> Category | Subcategory:
        for column in self.columns:
            if column.name == name and isinstance(column, Category | Subcategory):
                return column
        raise PlanError(f"{name!r} is no category column", where="quota.columns", do="name category columns")

    def path(self, relative: str) -> Path:
        """A path of the plan, seen from the plan's own folder."""
        return Path(self.folder) / relative

    def with_rows(self, rows: int) -> Plan:
        """The same plan for another number of rows; the quota, if any, is dropped."""
        return replace(self, rows=rows, quota=None)


def _check(plan: Plan) -> None:
    names = [column.name for column in plan.columns]
    if not names:
        raise PlanError("the plan has no columns", where="columns")
    for name in names:
        if not name.isidentifier() or name.startswith("_"):
            raise PlanError(
                f"{name!r} cannot be used in a template",
                where="columns",
                expected="letters, digits and _, not beginning with a digit or _",
            )
        if names.count(name) > 1:
            raise PlanError(f"two columns are called {name!r}", where="columns", do="rename one")
    if isinstance(plan.rows, bool) or plan.rows < 1 or plan.tries < 1:
        raise PlanError("rows and tries must be at least 1", where="plan")
    if not 0 <= plan.seed < 2**63:
        raise PlanError(f"seed {plan.seed} is not usable", where="seed", expected="0 to 2**63 - 1")
    _ = plan.layers
    for column in plan.columns:
        for problem in _column_problems(column, plan):
            raise PlanError(problem, where=f"columns.{column.name}")
    unknown = [n for n in (plan.dedup.columns if plan.dedup else ()) if n not in names]
    if unknown:
        raise PlanError(f"there is no column {unknown[0]!r}", where="dedup.columns")
    _check_export(plan.export, [column.name for column in plan.kept])


def _column_problems(column: Column, plan: Plan) -> list[str]:
    found = []
    if isinstance(column, Category):
        if not column.values:
            found.append("a category needs values")
        if column.weights and (
            len(column.weights) != len(column.values)
            or min(column.weights) < 0
            or not sum(column.weights) > 0
        ):
            found.append("weights must be as many as values, none negative, not all zero")
    if isinstance(column, Subcategory) and not column.values:
        found.append("a subcategory needs values")
    if isinstance(column, Number):
        found += _number_problems(column)
    model = column.model if isinstance(column, Written | Embedding) else ""
    if model and model not in plan.models:
        found.append(f"there is no model {model!r}; there are {', '.join(plan.models)}")
    if isinstance(column, Text | Structured | Code) and not (
        1 <= column.tries <= 64 and column.max_tokens >= 1
    ):
        found.append("tries must be 1 to 64 and max_tokens at least 1")
    if isinstance(column, Structured | Judge) and not 0 <= column.repairs <= 10:
        found.append("repairs must be 0 to 10")
    if isinstance(column, Judge) and (
        not column.rubrics or any(len(rubric.scores) < 2 for rubric in column.rubrics)
    ):
        found.append("a judge needs rubrics with at least two scores each")
    if isinstance(column, Structured):
        from locum.text.plan.structured import schema_problem

        found += filter(None, [schema_problem(column.schema)])
    for check in checks_of(column):
        from locum.text.verify.registry import make, names

        if check.verifier not in names():
            found.append(f"there is no verifier {check.verifier!r}; there are {', '.join(names())}")
        elif not any(is_template(value) for value in check.params.values()):
            make(check.verifier, check.params)
    return found


def _number_problems(column: Number) -> list[str]:
    low, high = column.low, column.high
    if column.distribution == "uniform" and (low is None or high is None):
        return ["a uniform number needs low and high"]
    if low is not None and high is not None and low > high:
        return ["low is above high"]
    if not 0 <= column.p <= 1 or column.n < 0 or column.sd < 0:
        return ["p must be 0 to 1, n and sd not negative"]
    if column.distribution in ("poisson", "exponential") and column.mean < 0:
        return ["mean must not be negative"]
    return []


def _check_export(export: Export, names: list[str]) -> None:
    for name in export.formats:
        if name not in FORMATS:
            raise PlanError(
                f"there is no format {name!r}", where="export.formats", expected=", ".join(FORMATS)
            )
    roles_of = {"chat": ("user", "assistant"), "preference": ("prompt", "chosen", "rejected")}
    needed = [(form, role) for form, roles in roles_of.items() if form in export.formats for role in roles]
    for form, role in needed:
        if getattr(export, role) not in names:
            raise PlanError(
                f"{form} needs a kept column for {role!r}",
                where=f"export.{role}",
                expected="one of " + ", ".join(names),
            )
    if export.system and export.system not in names:
        raise PlanError(f"there is no kept column {export.system!r}", where="export.system")
