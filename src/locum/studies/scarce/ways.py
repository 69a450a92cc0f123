"""Rows that can stand in for more real ones: generated, curated, from a file, from a related table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.evaluation.curation import curate
from locum.randomness import child_seed, stream
from locum.runs.match_columns import drop_columns
from locum.studies.scarce.borrow import borrow, ratio_weights
from locum.studies.scarce.result import WayKind
from locum.synthesizer.table import Synthesizer

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

#: Rows added to the real ones, where these are fewer.
ADDED = 1_000
#: Rows of a related table that are looked at.
MOST_RELATED = 5_000
#: Related rows for each own one that the generator of both learns from.
BORROWED = 5
#: Rows of a group that are added for each real one at most.
MOST_TIMES = 10
GENERATED, CURATED = "generated rows", ", curated"
AS_IT_IS, ALIKE = "related rows as they are", "related rows most like yours"
FROM_BOTH = "rows generated from both tables"
DOUBLED, LEVELLED = (
    "generated rows of the group, as many again",
    "generated rows of the group, up to the others",
)
HALVED = "generated rows, half of them of the group"
GROUP_WEIGHTS = "the group weighted up to the others"


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Where rows can come from.

    Attributes
    ----------
    schema
        Of the real rows.
    target
        Column to be predicted.
    curated
        Whether it has classes, so that rows can be curated.
    synthesizer, settings
        Generator by name, with its settings.
    related
        Canonical rows of a related table, null in the columns that it has not; None without one.
    lacking
        The columns that it has not.
    file, file_name
        Ready-made rows, canonical, and what they are called; None without.
    rows
        How many rows are added; None for `ADDED`, or as many as there are real ones.
    """

    schema: Schema
    target: str
    curated: bool
    synthesizer: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    related: pa.Table | None = None
    lacking: tuple[str, ...] = ()
    file: pa.Table | None = None
    file_name: str = ""
    rows: int | None = None

    def wanted(self, real: int) -> int:
        """How many rows are added to so many real ones."""
        return max(ADDED, real) if self.rows is None else self.rows

    @property
    def kinds(self) -> dict[str, WayKind]:
        """The ways that these allow, in the order in which they are shown."""
        found: dict[str, WayKind] = {GENERATED: "generated"}
        if self.file is not None:
            found[self.of_file] = "file"
        if self.curated:
            found |= {name + CURATED: kind for name, kind in tuple(found.items())}
        if self.related is not None:
            found |= {AS_IT_IS: "related", ALIKE: "related"}
            if not self.lacking:
                found[FROM_BOTH] = "related"
        return found

    @property
    def of_file(self) -> str:
        """What the rows of the file are called."""
        return f"rows of {self.file_name}"

    def fit(self, rows: pa.Table, seed: int) -> Synthesizer:
        """The generator, fitted to some of the real rows."""
        return Synthesizer(self.synthesizer, seed=seed, **self.settings).fit_table(rows, self.schema)


def stand_ins(sources: Sources, real: pa.Table, seed: int) -> dict[str, pa.Table]:
    """The rows of every way but the simple rivals, made from these real rows only.

    Cost: one fit of the generator; with a related table one more, and five small forests.
    """
    made: dict[str, pa.Table] = {}
    n = sources.wanted(real.num_rows)
    synth = sources.fit(real, seed)
    made[GENERATED] = synth.draw(synth.most_rows(n), seed=child_seed(seed, "draw")).table
    if sources.file is not None:
        made[sources.of_file] = some(sources.file, n, seed, "file")
    if sources.curated:
        for name, rows in tuple(made.items()):
            kept = curate(real, rows, sources.schema, sources.target, seed=child_seed(seed, "curate"))
            made[name + CURATED] = kept.table
    if sources.related is not None:
        made |= lent(sources, real, sources.related, seed)
    return {name: made[name] for name in sources.kinds}


def lent(sources: Sources, real: pa.Table, related: pa.Table, seed: int) -> dict[str, pa.Table]:
    """Rows of the related table: any, those most like the real ones, and those of a generator of both.

    Rows most like the real ones are drawn without replacement with chances in proportion to the density
    ratio p_own / p_related, at most half of those there are.
    """
    n = sources.wanted(real.num_rows)
    shared = drop_columns(sources.schema, set(sources.lacking))
    weights = ratio_weights(real, related, shared, seed=seed)
    keys = stream(seed, "scarce", "alike").exponential(size=len(weights)) / weights
    alike = np.sort(np.argsort(keys, kind="stable")[: min(n, max(1, related.num_rows // 2))])
    found = {AS_IT_IS: some(related, n, seed, "related"), ALIKE: related.take(alike)}
    if not sources.lacking:
        # What holds in one's own rows need not hold in another table.
        free = replace(sources.schema, rules=(), dependencies=())
        mark = free_name("domain", free.names)
        most = min(BORROWED * real.num_rows, MOST_RELATED)
        both = borrow(real, related, free, most, domain=mark, weights=weights, seed=seed)
        synth = Synthesizer(sources.synthesizer, seed=seed, **sources.settings)
        drawn = synth.fit_table(both.table, both.schema).draw(n, where=f"{mark} = 'own'", seed=seed)
        found[FROM_BOTH] = drawn.table.select(list(sources.schema.names))
    return found


def group_rows(
    sources: Sources, real: pa.Table, members: int, condition: str, seed: int
) -> dict[str, pa.Table]:
    """Generated rows of a group: as many again as its `members`, and as many as it lacks to the others.

    And as many as are added where no group is named, half of them of the group and half of anybody.
    """
    import pyarrow as pa

    synth = sources.fit(real, seed)
    most, half = short(real.num_rows, members), sources.wanted(real.num_rows) // 2
    seed = child_seed(seed, "draw")
    rows = synth.draw(max(most, half), where=condition, seed=seed).table
    anybody = synth.draw(max(1, half), seed=seed).table
    return {
        DOUBLED: rows.slice(0, min(members, most)),
        LEVELLED: rows.slice(0, most),
        HALVED: pa.concat_tables([rows.slice(0, half), anybody]),
    }


def short(rows: int, members: int) -> int:
    """Rows that a group lacks to be as many as the others, `MOST_TIMES` its members at most; at least 1."""
    return max(1, min(rows - 2 * members, MOST_TIMES * members))


def some(table: pa.Table, n: int, seed: int, what: str) -> pa.Table:
    """At most `n` rows, drawn at random."""
    if table.num_rows <= n:
        return table
    rows = stream(seed, "scarce", what).permutation(table.num_rows)[:n]
    return table.take(np.sort(rows))


def free_name(name: str, taken: tuple[str, ...]) -> str:
    """A name like `name` that no column has."""
    while name in taken:
        name += "_"
    return name
