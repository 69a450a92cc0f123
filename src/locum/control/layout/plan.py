"""Choosing how a table is laid out so that its rules hold by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.entity import EntityForm
from locum.codes.recoding import Recoding, Values
from locum.control.calculate import calculate
from locum.control.layout.forced import Forced
from locum.control.layout.formula import Formula
from locum.control.layout.gap import OrderGap, order_of_clause
from locum.control.layout.joined import Joined
from locum.control.layout.lookup import Lookup
from locum.control.layout.nearest_day import NearestDay
from locum.control.layout.nested import Nested
from locum.control.layout.offset import Offset
from locum.control.layout.residual import Residual
from locum.control.layout.switch import Switch
from locum.control.layout.units import CommonUnit, Numbers
from locum.control.rules.clause import Clause, rule_clauses
from locum.control.rules.equation import equations_of
from locum.control.rules.implication import Implication, implications_of
from locum.control.where.names import Names
from locum.data.distinct import flat
from locum.randomness import stream
from locum.schema.column import Column
from locum.schema.table import Schema

#: Most combinations of joined columns, and the most of them for one row.
MOST_JOINED, ROWS_PER = 4000, 0.25
#: Rows by which a gap is compared with its column; parts of the range that are told apart.
LOOK, PARTS = 20_000, 200
#: Nats by which a gap must be less spread than its column to be coded instead. With less to win the column is
#: coded: its own shares then come out better, and few rows break the order.
LESS = 1.0
#: The same for the distance from a line, which no rule asks for; least correlation to look at it, partners
#: that are tried for a column, and the most columns among which they are looked for.
MUCH_LESS, TIED, TIES, MOST_TIED = 2.5, 0.99, 3, 200
#: Different values that a column must have, and the largest share of one, to be coded by such a distance;
#: fewest rows.
SMOOTH, LEAST_ROWS = (50, 0.05), 100
#: Numbers beyond this are not tied to others.
HUGE = 1e100
#: Rows of mixed inputs on which a formula is tried.
MIXED = 2_000
#: A column with so many rows for each of its values is one of single values, not of a range.
REPEATED = 20


def lay_out(table: pa.Table, schema: Schema) -> tuple[Recoding, ...]:
    """Recodings by which as many rules of the schema as possible hold in every row that is decoded.

    Parameters
    ----------
    table
        Canonical rows to learn from. A rule that they break is left to checks.
    schema
        Columns, dependencies and rules.

    Returns
    -------
    tuple
        In the order in which they are applied. Target and protected columns stay as they are, but for a
        target that is the only column of a rule that can be calculated.

    Notes
    -----
    What follows is calculated, decided or looked up; columns of which only some combinations occur are drawn
    as one; what is missing together shares one flag; of an order the gap is coded where it is less spread
    than the column itself (else the column is coded, and rows that break the order are drawn again). Rules
    for which a column would have to follow from itself are left to checks, and so is ``unique``.
    """
    names = Names(schema)
    clauses = [c for c in rule_clauses(schema.rules, names) if c.holds(table).all()]
    near = rule_clauses(schema.near_rules, names)
    columns = {name: flat(table.column(name)) for name in schema.names}
    plan = _Plan(schema, columns)
    # Of the parts of one date a single one can lead: more hangs on weekdays than on days of the month.
    for clause in sorted(clauses, key=lambda c: "weekday(" not in c.text):
        plan.move(clause, clauses)
    for clause in clauses:
        plan.calculate(clause)
        plan.calculate_target(clause)
        if any(arg.op != "name" for arg in clause.term.args):
            plan.look_up(clause)
    plan.join(clauses, near)
    for clause in clauses:
        plan.look_up(clause)
    for clause in clauses:
        plan.fix(clause)
    plan.leave_over(near)
    plan.order(clauses, [])
    plan.order([], near)
    plan.tie()
    return plan.recodings


@dataclass(slots=True)
class _Plan:
    """Recodings chosen so far, in the four groups in which they are applied."""

    schema: Schema
    table: Values
    constants: list[Recoding] = field(default_factory=list)
    whole: list[Recoding] = field(default_factory=list)
    gaps: list[Recoding] = field(default_factory=list)
    missing: list[Implication] = field(default_factory=list)
    needs: dict[str, set[str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.needs = {d.dependent: {d.determinant} for d in self.schema.dependencies}
        if self.schema.entity is not None:
            # what is the same in all rows of a person is drawn once, not calculated row by row
            self.done |= set(EntityForm.fit(pa.table(dict(self.table)), self.schema).constants)

    @property
    def recodings(self) -> tuple[Recoding, ...]:
        """All of them, in order; what is missing by a rule comes last, on what the others have made."""
        places = {r.gives[0]: r.coded for r in self.gaps}
        forced = [
            Forced.fit(self.table, places.get(i.column) or self.schema[i.column], i) for i in self.missing
        ]
        return (*self.constants, *self.whole, *self.gaps, *forced)

    def calculate(self, clause: Clause) -> None:
        """A column that the rule gives."""
        for equation in equations_of(clause, self.schema):
            if self._whole(equation.column, equation.inputs):
                formula = Formula.fit(self.table, self.schema[equation.column], equation)
                if formula is not None and self._always(formula, clause):
                    self._add(self.whole, formula)
                    return
        found = list(implications_of(clause, self.schema))
        if any(i.value is None for i in found):
            return  # a column that is missing exactly then: the flag is the other side
        for implication in found:
            if implication.exactly and self._whole(implication.column, implication.inputs):
                switch = Switch.fit(self.table, self.schema[implication.column], implication)
                if switch is not None:
                    self._add(self.whole, switch)
                    return

    def calculate_target(self, clause: Clause) -> None:
        """A target that is a product of others, which no other column can be calculated from."""
        if any(clause.text in r.rules for r in self.whole):
            return
        for equation in equations_of(clause, self.schema):
            name = equation.column
            number = self.schema[name].kind in ("integer", "number") and len(equation.inputs) > 1
            free = name == self.schema.target and name not in self.schema.protected and name not in self.done
            if not number or not free or not self._acyclic(name, equation.inputs):
                continue
            formula = Formula.fit(self.table, self.schema[name], equation)
            if formula is not None and self._always(formula, clause):
                self._add(self.whole, formula)
                return

    def move(self, clause: Clause, clauses: Sequence[Clause]) -> None:
        """A date to the nearest day that has a part, because its code says little of the part."""
        pairs = [set(pair[:2]) for c in clauses if (pair := order_of_clause(c)) is not None]
        parts: list[Formula | Lookup | None] = [
            Formula.fit(self.table, self.schema[e.column], e)
            for e in equations_of(clause, self.schema)
            if len(e.inputs) == 1
        ]
        if clause.term.op == "follows" and len(clause.columns) == 2:
            parts.append(Lookup.fit(self.table, self.schema[clause.columns[0]], clause))
        for part in parts:
            if part is None:
                continue
            name, (date,) = part.column.name, part.inputs
            moment = self.schema[date].kind in ("date", "datetime")
            fixed = self.schema[name].regenerated or name in self.done
            if fixed or not moment or not self._whole(date, [name]):
                continue
            if any(date in pair and pair & self._roles for pair in pairs):
                continue  # the other stays as it is, so that this one is coded by its distance from it
            moved = NearestDay.fit(self.table, self.schema[date], part)
            if moved is not None:
                self._add(self.whole, moved)
                self.done.add(name)
                return

    def _always(self, formula: Formula, clause: Clause) -> bool:
        """Whether the rule holds for whatever the inputs are together: a rounded third is none."""
        rng = stream(0, "plan", clause.text)
        rows = len(self.table[formula.column.name])
        mixed = {
            name: self.table[name].take(pa.array(rng.integers(rows, size=MIXED))) for name in formula.inputs
        }
        made = calculate(formula.equation.value, pa.table(mixed), formula.column)
        return bool(clause.holds(pa.table({**mixed, formula.column.name: made})).all())

    def leave_over(self, near: Sequence[Clause]) -> None:
        """Numbers that an expression gives in nearly all rows."""
        for clause in near:
            for equation in equations_of(clause, self.schema):
                name = equation.column
                tied = any(name in (d.dependent, d.determinant) for d in self.schema.dependencies)
                if tied or not self.schema[name].ordered or not self._whole(name, equation.inputs):
                    continue
                residual = Residual.fit(self.table, self.schema[name], equation)
                if _less_spread(residual, self.table):
                    self._add(self.gaps, residual)
                    break

    def look_up(self, clause: Clause) -> None:
        """A column that parts of others determine."""
        if clause.term.op != "follows" or any(clause.text in r.rules for r in self.whole):
            return
        name, *inputs = clause.columns
        if inputs and name not in inputs and self._whole(name, inputs):
            lookup = Lookup.fit(self.table, self.schema[name], clause)
            if lookup is not None:
                self._add(self.whole, lookup)

    def join(self, clauses: Sequence[Clause], near: Sequence[Clause]) -> None:
        """Columns of which one follows from others, or of which only listed combinations occur."""
        groups: list[tuple[set[str], list[str]]] = []
        for clause in (*clauses, *near):
            plain = clause.term.op == "follows" and all(a.op == "name" for a in clause.term.args)
            listed = clause.term.op == "in" and len(clause.columns) > 1
            names = set(clause.columns)
            stay = names & self._roles
            free = names - stay
            if (
                not (plain or listed)
                or not free
                or len(names) < 2
                or not all(self._joinable(n) for n in free)
            ):
                continue
            touched = [g for g in groups if g[0] & names]
            merged = (
                names.union(*(g[0] for g in touched)),
                [clause.text, *(t for g in touched for t in g[1])],
            )
            if self._few(merged[0]):
                groups = [g for g in groups if g not in touched] + [merged]
            elif self._few(names) and not touched:
                groups.append((names, [clause.text]))
        for names, texts in groups:
            texts = [text for text in texts if text in self.schema.rules]
            ordered = [self.schema[n] for n in self.schema.names if n in names]
            roles = [c.name for c in ordered if c.name in self._roles]
            if not roles:
                taken = [*self.schema.names, *(r.name for r in self.whole if isinstance(r, Joined))]
                self._add(self.whole, Joined.fit(self.table, ordered, texts, taken))
            elif all(self._acyclic(c.name, roles) for c in ordered if c.name not in roles):
                self._add(self.whole, Nested.fit(self.table, ordered, roles, texts))

    def fix(self, clause: Clause) -> None:
        """A column that has one value, or none, under a condition."""
        for implication in implications_of(clause, self.schema):
            name = implication.column
            column = self.schema[name]
            free = (
                name not in self.done and not column.regenerated and self._acyclic(name, implication.inputs)
            )
            determined = any(d.dependent == name for d in self.schema.dependencies)
            if not free or determined or (implication.value is None and name in self._roles):
                continue
            if implication.value is None:
                if any(i.column == name for i in self.missing):
                    continue
                self.missing.append(implication)
                self._need(name, implication.inputs)
            elif not implication.exactly:
                self._add(self.constants, Forced.fit(self.table, column, implication), final=False)
            if clause.term.op != "together":
                return

    def order(self, clauses: Sequence[Clause], near: Sequence[Clause]) -> None:
        """Columns that others never exceed: the gap, where it says less."""
        above: dict[str, dict[str, tuple[bool, str]]] = {}
        below: dict[str, dict[str, tuple[bool, str]]] = {}
        for clause in (*clauses, *near):
            pair = order_of_clause(clause)
            if pair is not None:
                low, high, strict = pair
                above.setdefault(high, {})[low] = (strict, clause.text)
                below.setdefault(low, {})[high] = (strict, clause.text)
        for sign, sides in ((1, above), (-1, below)):
            for name in sides:
                others = {o: s for o, s in sides[name].items() if self._gap_free(name, o)}
                texts = {text for r in self.gaps for text in r.rules}
                others = {o: s for o, s in others.items() if s[1] not in texts}
                if not others or not self._acyclic(name, others):
                    continue
                gap = OrderGap.fit(
                    self.table,
                    self.schema[name],
                    [self.schema[o] for o in others],
                    sign,
                    [s for s, _ in others.values()],
                    [t for _, t in others.values()] if clauses else [],
                )
                if _less_spread(gap, self.table):
                    self._add(self.gaps, gap)

    def tie(self) -> None:
        """Numbers that nearly follow from one other: the distance from a line."""
        names = [c.name for c in self.schema if self._smooth(c)]
        if len(names) < 2 or len(names) > MOST_TIED:
            return
        ranks = np.vstack([self._look(name) for name in names])
        with np.errstate(invalid="ignore", divide="ignore"):
            strength = np.abs(np.nan_to_num(np.corrcoef(ranks)))
        np.fill_diagonal(strength, 0.0)
        for at, name in enumerate(names):
            for other in np.argsort(-strength[at], kind="stable")[:TIES].tolist():
                free = self._gap_free(name, names[other]) and self._acyclic(name, [names[other]])
                if strength[at, other] < TIED or not free:
                    break
                offset = Offset.fit(self.table, self.schema[name], self.schema[names[other]])
                if offset is not None and _less_spread(offset, self.table, MUCH_LESS):
                    self._add(self.gaps, offset)
                    break

    def _smooth(self, column: Column) -> bool:
        """Whether a column is a number or a time with many values, none of which stands out."""
        if not column.ordered or column.regenerated:
            return False
        values = self.table[column.name].drop_null()
        values = values.slice(0, LOOK)
        if len(values) < LEAST_ROWS:
            return False
        if column.kind == "number" and pc.max(pc.abs(values)).as_py() > HUGE:
            return False  # products of such numbers are beyond what can be said
        counts = np.asarray(pc.value_counts(values).field("counts"))
        return len(counts) >= SMOOTH[0] and counts.max() <= SMOOTH[1] * len(values)

    def _look(self, name: str) -> Numbers:
        """Values of a column at some rows, in its unit, the mean where missing."""
        units, present = CommonUnit.of([self.schema[name]]).read(self.table[name])
        step = max(1, len(units) // LOOK)
        units, present = units[::step].astype(np.float64), present[::step] & np.isfinite(units[::step])
        return np.where(present, units, units[present].mean() if present.any() else 0.0)

    @property
    def _roles(self) -> set[str]:
        return {*self.schema.protected, *([self.schema.target] if self.schema.target else [])}

    def _whole(self, name: str, inputs: Sequence[str]) -> bool:
        """Whether a column may follow from others wholly."""
        return self._joinable(name) and self._acyclic(name, inputs)

    def _joinable(self, name: str) -> bool:
        tied = {n for d in self.schema.dependencies for n in (d.dependent,)}
        column = self.schema[name]
        return not (name in self.done or name in self._roles or name in tied or column.regenerated)

    def _gap_free(self, name: str, other: str) -> bool:
        tied = {n for d in self.schema.dependencies for n in (d.dependent, d.determinant)}
        return self._joinable(name) and name not in tied and other != name

    def _few(self, names: set[str]) -> bool:
        values = {n: self.table[n] for n in names}
        n = len(next(iter(values.values())))
        most = min(MOST_JOINED, int(ROWS_PER * n))
        return int(pa.table(values).group_by(list(names)).aggregate([]).num_rows) <= most

    def _acyclic(self, name: str, inputs: Sequence[str] | dict[str, tuple[bool, str]]) -> bool:
        """Whether none of the inputs follows from the column."""
        todo, seen = list(inputs), set()
        while todo:
            at = todo.pop()
            if at == name:
                return False
            if at not in seen:
                seen.add(at)
                todo += self.needs.get(at, ())
        return True

    def _need(self, name: str, inputs: Sequence[str]) -> None:
        self.needs.setdefault(name, set()).update(inputs)

    def _add(self, group: list[Recoding], recoding: Recoding, *, final: bool = True) -> None:
        group.append(recoding)
        for name in recoding.gives:
            self._need(name, recoding.inputs)
            if final:
                self.done.add(name)


def _less_spread(gap: OrderGap | Offset | Residual, table: Values, by: float = LESS) -> bool:
    """Whether the gap is less spread than the column, in entropy over equal parts of the column's range."""
    units, present = gap.unit.read(table[gap.column.name])
    gaps, _ = gap.width(gap.forth({gap.column.name: table[gap.column.name]}, table))
    at = np.flatnonzero(present)[:: max(1, int(present.sum()) // LOOK)]
    if len(at) < 2:
        return False
    own, new = units[at].astype(np.float64), gaps[at].astype(np.float64)
    low, high = np.quantile(own, [0.005, 0.995])
    width = max((high - low) / PARTS, 1.0 if gap.unit.whole else 1e-300)
    if gap.unit.whole and len(np.unique(own)) * REPEATED <= len(own):
        width = 1.0  # single values count: a gap would smear them
    return _entropy(new, width) < _entropy(own, width) - by


def _entropy(values: Numbers, width: float) -> float:
    """Entropy of values cut into parts of equal width, in nats."""
    _, counts = np.unique(np.floor(values / width), return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())
