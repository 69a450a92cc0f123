"""What a table is: its columns in order, and which columns determine one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from locum.errors import SchemaError, UsageError
from locum.schema.column import Column, Source


@dataclass(frozen=True, slots=True)
class Dependency:
    """Each value of `determinant` goes with exactly one value of `dependent` (education -> education-num).

    `source` says where that is known from and `by` who says that it is public; they do not count when
    dependencies are compared.
    """

    determinant: str
    dependent: str
    source: Source = field(default="declared", compare=False)
    by: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of one table, in order.

    `rules` are texts such as ``admitted <= discharged`` that hold in every row that is written; what they may
    say is defined in `locum.control.where.parse`. Those that were read off rows stand in `rules_read_off`
    too; `rules_by` has pairs of a rule and who says that it is public. `near_rules` are rules that nearly all
    rows keep: they say how columns go together, and no row is refused by them. `entity` names the column that
    says whose row it is, where persons (customers, machines) have several rows.

    Raises
    ------
    SchemaError
        On duplicate names, on a dependency, target, protected column or entity that does not exist, and on
        dependencies that form a cycle (keep one direction only).
    """

    columns: tuple[Column, ...]
    dependencies: tuple[Dependency, ...] = ()
    target: str | None = None
    protected: tuple[str, ...] = ()
    name: str = "table"
    rules: tuple[str, ...] = ()
    rules_read_off: tuple[str, ...] = field(default=(), compare=False)
    rules_by: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    near_rules: tuple[str, ...] = ()
    entity: str | None = None

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise SchemaError(
                    "column name appears twice", where=f"{self.name}.{column.name}", do="rename one of them"
                )
            seen.add(column.name)
        named = [d.determinant for d in self.dependencies] + [d.dependent for d in self.dependencies]
        named += [*self.protected, *(name for name in (self.target, self.entity) if name)]
        for name in named:
            if name not in seen:
                raise SchemaError(
                    f"there is no column {name!r}",
                    where=self.name,
                    expected=f"one of {', '.join(sorted(seen)[:12])}",
                )
        self._refuse_cycles()

    def _refuse_cycles(self) -> None:
        parent = {d.dependent: d.determinant for d in self.dependencies}
        if len(parent) != len(self.dependencies):
            raise SchemaError(
                "a column has two determinants", where=self.name, do="keep one [[dependency]] for it"
            )
        for start in parent:
            at, steps = start, 0
            while at in parent:
                at, steps = parent[at], steps + 1
                if steps > len(parent):
                    raise SchemaError(
                        "dependencies form a cycle",
                        where=f"{self.name}.{start}",
                        do="keep one direction only",
                    )

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    def confirmed(self, by: str) -> Schema:
        """The schema when somebody has said that all of it is public: no mark of rows is left.

        Parameters
        ----------
        by
            Who says so; written down with each fact that was read off rows.

        Raises
        ------
        UsageError
            When nobody is named.
        """
        if not by.strip():
            raise UsageError("nobody says that these facts are public", where="by", do="name who says so")
        rules_by = dict(self.rules_by) | dict.fromkeys(self.rules_read_off, by)
        return replace(
            self,
            columns=tuple(_confirmed(column, by) for column in self.columns),
            dependencies=tuple(
                replace(d, source="public", by=by) if d.source == "data" else d for d in self.dependencies
            ),
            rules_read_off=(),
            rules_by=tuple(rules_by.items()),
            near_rules=(),
        )

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def _confirmed(column: Column, by: str) -> Column:
    bounds = column.bounds
    ranged = bounds is not None and bounds.source == "data"
    if bounds is not None and ranged:
        bounds = replace(bounds, source="public")
    if not (ranged or column.read_off):
        return column
    return replace(column, bounds=bounds, read_off=(), by=by)


def check_schema(schema: object) -> None:
    """Refuse what is neither a schema nor None.

    Raises
    ------
    UsageError
        With how to make one.
    """
    if schema is not None and not isinstance(schema, Schema):
        raise UsageError(
            f"a {type(schema).__name__} is no schema",
            where="schema",
            expected="a Schema, such as locum.detect(data) gives, or None",
        )
