"""Rules that a table follows, found by trying the shapes that rules have; with what was tried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from locum.control.rules.chance import (
    AGAINST,
    LEAST,
    LEAST_BROKEN,
    LEAST_BROKEN_NEARLY,
    limit,
    log_tail,
    share_broken_by_chance,
)
from locum.control.rules.clause import Clause, rule_clauses
from locum.control.rules.definition import Definition
from locum.control.rules.proposal import Discovery, RuleProposal
from locum.control.rules.reduction import ColumnOrder, needed_orders, zero_follows
from locum.control.rules.shapes.calendar import dates
from locum.control.rules.shapes.combinations import label_pairs
from locum.control.rules.shapes.copies import changed_copies, copies
from locum.control.rules.shapes.implications import gaps, implications, never_together
from locum.control.rules.shapes.joins import joins
from locum.control.rules.shapes.keys import keys
from locum.control.rules.shapes.lookups import lookups
from locum.control.rules.shapes.orders import never_ties, orders
from locum.control.rules.shapes.products import plain_products, products
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.rules.shapes.sums import long_sums, same_columns, sums
from locum.control.rules.shapes.thresholds import thresholds
from locum.control.rules.whole_table import rows_against, rows_in_support
from locum.control.where.evaluate import evaluate
from locum.control.where.names import Names
from locum.control.where.token import quote
from locum.errors import UsageError
from locum.randomness import stream
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Kinds of rules, in the order in which they are looked for.
KINDS = (
    "copy",
    "date",
    "text",
    "sum",
    "product",
    "missing",
    "look-up",
    "condition",
    "order",
    "combination",
    "unique",
)
#: Most columns among which rules are looked for; the work grows with their cube.
MOST_COLUMNS = 100
#: Fewest rows of a table in which rules are looked for.
LEAST_ROWS = 16


def discover(table: pa.Table, schema: Schema) -> Discovery:
    """Find the rules that a canonical table follows without exception, and those with few.

    Looked for: copies (also in another unit), parts of dates and times between them, texts put together from
    other columns, sums and products, columns missing together, look-ups by two or three columns, thresholds,
    conditions between levels and frequent numbers, orders, combinations of labels, and keys. What follows
    from another rule is left out, and no column is calculated twice or in a circle.

    Notes
    -----
    Candidates are tried on a sample of rows and counted on all. The test: a rule without exception is taken
    when it has `LEAST` rows for it and when, with one of its columns shuffled, rows would break it so often
    that none in so many rows has a chance below one in a million divided by the candidates tried
    (`locum.control.rules.chance`); look-ups, conditions and keys have such a test of their own, told where
    they are found. A rule with at most 1 % of rows against it is given with their number. Ids, texts and
    personal data are never listed. Cost: columns cubed, on a few rows.
    """
    left_out = dict.fromkeys(schema.names[MOST_COLUMNS:], "more columns than are looked at")
    if left_out:
        kept = schema.names[:MOST_COLUMNS]
        some = tuple(d for d in schema.dependencies if {d.determinant, d.dependent} <= set(kept))
        schema = Schema(schema.columns[:MOST_COLUMNS], some, name=schema.name)
        table = table.select(list(kept))
    if table.num_rows < LEAST_ROWS:
        return Discovery((), {}, left_out | dict.fromkeys(schema.names, f"fewer than {LEAST_ROWS} rows"))
    sheet = Sheet.of(table, schema)
    left_out |= {n: "one value in all rows" for n in schema.names if len(sheet.levels[n]) < 2}
    search = _Search(sheet, Names(schema))
    search.run()
    found = sorted(search.found, key=lambda p: (p.violations > 0, KINDS.index(p.kind), p.rule))
    return Discovery(tuple(found), {k: search.tried.get(k, 0) for k in KINDS}, left_out)


@dataclass(slots=True)
class _Search:
    """One search: what was found so far keeps later shapes from saying the same again."""

    sheet: Sheet
    names: Names
    found: list[RuleProposal] = field(default_factory=list)
    tried: dict[str, int] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    kept_orders: list[ColumnOrder] = field(default_factory=list)

    def run(self) -> None:
        """Look for one shape after the other."""
        sheet = self.sheet
        for d in sheet.schema.dependencies:
            self.definitions[d.dependent] = Definition(d.dependent, (d.determinant,), "dependency")
        self.take("copy", *copies(sheet))
        self.take("date", *dates(sheet, self.definitions))
        self.take("text", *joins(sheet))
        self.numbers()
        missing, together, tried = gaps(sheet)
        self.take("missing", missing, tried)
        self.take("condition", *thresholds(sheet, self.definitions, self.tied(), together))
        ancestors = {name: self.ancestors(name) for name in self.definitions}
        found, tried = lookups(sheet, ancestors, self.tied())
        self.count("look-up", tried)
        for proposal in found:
            self.found.append(proposal)
            [clause] = rule_clauses(proposal.rule, self.names)
            whole, *by = clause.columns
            if not proposal.violations:
                self.definitions[whole] = Definition(whole, tuple(by), "look-up")
        self.orders()
        self.conditions(together)
        unique, tried = keys(sheet, self.definitions)
        self.count("unique", tried)
        self.found += unique

    def numbers(self) -> None:
        """Plain products and sums first: a mean is a fifth of a sum, not the sum five means."""
        for kind, shape in (
            ("product", plain_products),
            ("sum", sums),
            ("copy", changed_copies),
            ("sum", long_sums),
            ("product", products),
        ):
            candidates, tried = shape(self.sheet, self.definitions)
            self.take(kind, same_columns(candidates), tried)

    def count(self, kind: str, tried: int) -> None:
        """Add to what was tried."""
        self.tried[kind] = self.tried.get(kind, 0) + tried

    def tied(self) -> set[frozenset[str]]:
        """Pairs of columns of which one follows from the other, or both from a third, alone."""
        alone = [d for d in self.definitions.values() if len(d.sources) == 1]
        pairs = {frozenset((d.column, d.sources[0])) for d in alone}
        by: dict[str, list[str]] = {}
        for d in alone:
            by.setdefault(d.sources[0], []).append(d.column)
        pairs |= {frozenset((a, b)) for group in by.values() for a in group for b in group if a != b}
        return pairs

    def take(self, kind: str, candidates: Iterable[RuleCandidate], tried: int) -> None:
        """Put candidates to the test, and keep those that pass it."""
        self.count(kind, tried)
        for candidate in candidates:
            known = self.definitions.get(candidate.defines)
            again = known is not None and (known.kind, known.sources) != (candidate.kind, candidate.sources)
            if again or (known is not None and kind != "condition") or self.circle(candidate):
                continue
            if self.clause(candidate) is None or (candidate.kind == "text" and self.is_told(candidate)):
                continue
            proposal = self.judged(candidate, tried)
            if proposal is None:
                continue
            self.found.append(proposal)
            if candidate.defines and not proposal.violations:
                sign = "*" if candidate.kind == "product" else "+"
                bare = f" {sign} ".join(quote(name) for name in candidate.sources)
                plain = candidate.text == f"{quote(candidate.defines)} = {bare}"
                self.definitions[candidate.defines] = Definition(
                    candidate.defines, candidate.sources, candidate.kind, plain
                )

    def is_told(self, candidate: RuleCandidate) -> bool:
        """Whether a part of a text that is a column follows from that text anyway."""
        clause = self.clause(candidate)
        return clause is not None and not candidate.defines and frozenset(clause.columns) in self.tied()

    def clause(self, candidate: RuleCandidate) -> Clause | None:
        """What the text of a candidate says; None where the language of rules has no such sentence."""
        try:
            found = rule_clauses(candidate.text, self.names)
        except UsageError:
            return None
        return found[0] if len(found) == 1 else None

    def circle(self, candidate: RuleCandidate) -> bool:
        """Whether the column would be calculated from itself."""
        return any(candidate.defines in {s, *self.ancestors(s)} for s in candidate.sources)

    def ancestors(self, name: str) -> set[str]:
        """All columns that a column follows from, over any number of steps."""
        found: set[str] = set()
        stack = [name]
        while stack:
            at = stack.pop()
            more = self.definitions[at].sources if at in self.definitions else ()
            stack += [s for s in more if s not in found]
            found |= set(more)
        return found

    def judged(self, candidate: RuleCandidate, tried: int) -> RuleProposal | None:
        """The proposal that a candidate makes, None when rows or chance speak against it."""
        clause = self.clause(candidate)
        if clause is None:
            return None
        if clause.about_table:
            if rows_against(clause, self.sheet.table).any():
                return None
            return RuleProposal(candidate.text, candidate.kind, rows_in_support(clause, self.sheet.table), 0)
        some = rows_for_and_against(clause, self.sheet.trial)
        if some[1] > 2 * AGAINST * sum(some):
            return None
        share = candidate.by_chance
        if share is None:
            rng = stream(0, "rules", candidate.text)
            share = share_broken_by_chance(clause, self.sheet.trial, rng, each=candidate.each)
        if share <= (LEAST_BROKEN if candidate.kind == "order" else 0.0):
            return None
        support, against = rows_for_and_against(clause, self.sheet.table)
        rows = support + against
        if support < min(LEAST, self.sheet.table.num_rows) or against > AGAINST * rows:
            return None
        if log_tail(_known(clause, self.sheet.table), share, against) > limit(tried):
            return None
        if against and against > 0.1 * share * rows:
            return None
        if against and candidate.kind == "order" and share < LEAST_BROKEN_NEARLY:
            return None
        return RuleProposal(candidate.text, candidate.kind, support, against)

    def orders(self) -> None:
        """Orders, without those that follow from others."""
        candidates, tried = orders(self.sheet)
        self.count("order", tried)
        exact: dict[ColumnOrder, RuleProposal] = {}
        for candidate in candidates:
            proposal = self.judged(candidate, tried)
            if proposal is None:
                continue
            low, high = rule_clauses(candidate.text, self.names)[0].columns
            if proposal.violations:
                if not any({low, high} <= {d.column, *d.sources} for d in self.definitions.values()):
                    self.found.append(proposal)
                continue
            strict = never_ties(self.sheet, low, high)
            exact[ColumnOrder(low, high, strict)] = proposal
        self.kept_orders = needed_orders(exact, self.definitions.values(), self.sheet)
        for order in self.kept_orders:
            text = f"{quote(order.low)} {'<' if order.strict else '<='} {quote(order.high)}"
            self.found.append(RuleProposal(text, "order", exact[order].support, 0))

    def conditions(self, together: list[list[str]]) -> None:
        """Conditions between levels, and levels that never meet."""
        pairs, about, tried = label_pairs(self.sheet, self.tied())
        self.take("combination", pairs, tried)
        tied = self.tied() | about
        tied |= {frozenset((d.column, source)) for d in self.definitions.values() for source in d.sources}
        said = [p for p in self.found if p.kind in ("look-up", "condition", "text")]
        for whole, *by in (rule_clauses(p.rule, self.names)[0].columns for p in said):
            tied |= {frozenset((whole, source)) for source in by}
        origins = {name: self.ancestors(name) for name in self.definitions}
        tied |= {frozenset((a, b)) for a, b in combinations(origins, 2) if origins[a] & origins[b]}
        same = {d.column for d in self.definitions.values() if d.kind in ("copy", "dependency")}
        tied |= {frozenset((name, other)) for name in same for other in self.sheet.schema.names}
        candidates, tried = implications(self.sheet, tied, together)
        self.take("condition", [c for c in candidates if not self.zero_follows(c)], tried)
        self.take("combination", *never_together(self.sheet, tied))

    def zero_follows(self, candidate: RuleCandidate) -> bool:
        """Whether ``if a = 0 then b = 0`` follows from an order or a product."""
        clause = self.clause(candidate)
        if clause is None or not candidate.text.endswith(" = 0") or len(clause.columns) != 2:
            return False
        by, column = clause.columns
        return zero_follows(column, by, self.kept_orders, self.definitions.values(), self.sheet)


def _known(clause: Clause, table: pa.Table) -> int:
    """Rows about which a rule says something."""
    truth = evaluate(clause.term, table)
    return int((truth.yes | truth.no).sum())


def rows_for_and_against(clause: Clause, table: pa.Table) -> tuple[int, int]:
    """Rows that are true, and rows that are false; the condition of an ``if`` must be true to count."""
    truth = evaluate(clause.term, table)
    if clause.text.startswith("if "):
        applies = evaluate(clause.term.args[0].args[0], table).yes
        return int((applies & truth.yes).sum()), int((applies & truth.no).sum())
    return int(np.count_nonzero(truth.yes)), int(np.count_nonzero(truth.no))
