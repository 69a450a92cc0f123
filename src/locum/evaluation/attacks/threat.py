"""What an attacker of the rows holds, and the rows whose membership he is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.learn.cells import Cut, codes_of, cut
from locum.evaluation.learn.features import FeatureView, Ranks, RankView
from locum.evaluation.overlap import leaked_rows
from locum.evaluation.trial import Trial, thin
from locum.randomness import stream
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa


#: Fewer rows a side than this cannot carry an attack.
LEAST = 4
#: With more of the hold-out repeating train than this, what is left is no fair sample of fresh rows.
MOSTLY_LEAKED = 0.5
#: Share of the pool that counts as outlying at most.
OUTLYING = 0.1


@dataclass(frozen=True, eq=False)
class AttackTargets:
    """Rows whose membership is asked: as many that the generator learned from as rows that it never saw.

    Attributes
    ----------
    members, others
        Rows drawn at random from train and from the half of the hold-out that the attacker does not know.
    rare_members, rare_others
        Rows that lie far out: at most the `OUTLYING` share with the least likely values, column by column, of
        a pool that holds as many of either sort, so that being rare says nothing about being a member.
    """

    members: pa.Table
    others: pa.Table
    rare_members: pa.Table
    rare_others: pa.Table

    @cached_property
    def together(self) -> pa.Table:
        """All rows in one table, in the order of the attributes."""
        import pyarrow as pa

        return pa.concat_tables([self.members, self.others, self.rare_members, self.rare_others])

    def split(self, scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Scores of `together`, taken apart again."""
        parts = (self.members, self.others, self.rare_members, self.rare_others)
        a, b, c, d = np.split(scores, np.cumsum([p.num_rows for p in parts])[:-1])
        return a, b, c, d


@dataclass(frozen=True, eq=False)
class ThreatModel:
    """What the attacker holds: the synthetic rows, and a reference sample of the same population.

    No view of it reads a row of train or of the targets: whatever is learned here (ranks, levels, cells), a
    real attacker could learn.

    Attributes
    ----------
    columns
        Columns whose values are compared.
    synthetic, reference
        Rows released, and real rows that the generator never saw.
    seed
        Of the attacker's random choices.
    """

    columns: tuple[Column, ...]
    synthetic: pa.Table
    reference: pa.Table
    seed: int = 0

    @cached_property
    def both(self) -> pa.Table:
        """All rows that the attacker holds: synthetic, then reference."""
        import pyarrow as pa

        return pa.concat_tables([self.synthetic, self.reference])

    @cached_property
    def ranks(self) -> RankView:
        """Rows as ranks and labels among all rows that the attacker holds."""
        return RankView.learn(self.columns, self.both)

    @cached_property
    def sides(self) -> tuple[Ranks, Ranks]:
        """Synthetic and reference rows as ranks and labels."""
        return self.ranks.ranks(self.synthetic), self.ranks.ranks(self.reference)

    @cached_property
    def features(self) -> FeatureView:
        """Rows as a matrix for boosted trees."""
        return FeatureView.learn(self.columns, self.both)

    @cached_property
    def cuts(self) -> tuple[Cut, ...]:
        """How each column is cut into cells."""
        return tuple(cut(c, self.both.column(c.name)) for c in self.columns)

    def cells(self, table: pa.Table) -> npt.NDArray[np.int32]:
        """Rows as cells; shape (n_rows, n_columns), column-major."""
        return codes_of(self.cuts, table)


def threat_model(
    trial: Trial, *, targets: int, rare: int, searched: int
) -> tuple[ThreatModel, AttackTargets] | None:
    """Split the real rows between attacker and judge; None where there are too few of them.

    One half of the hold-out is the attacker's reference sample, the other half are rows to be told apart from
    members. Hold-out rows that repeat train rows more often than chance allows (`leaked_rows`) are left out.

    At most `targets` random and `rare` outlying rows a side are asked, and `searched` synthetic rows
    looked at.
    """
    if not trial.columns or not trial.independent_test:
        return None
    test = trial.test
    leaked = leaked_rows(trial)
    if leaked.any() and leaked.mean() > MOSTLY_LEAKED:
        return None
    if leaked.any():
        test = test.filter(~leaked)
    order = stream(trial.seed, "attacks", "reference").permutation(test.num_rows)
    middle = len(order) // 2
    reference, pool = test.take(np.sort(order[:middle])), test.take(np.sort(order[middle:]))
    k = min(trial.train.num_rows, pool.num_rows)
    if min(k, reference.num_rows) < LEAST:
        return None
    train = thin(trial.train, k, stream(trial.seed, "attacks", "members"))
    pool = thin(pool, k, stream(trial.seed, "attacks", "others"))
    n = min(k, targets)
    rare_members, rare_others = _outlying(trial, train, pool, rare)
    # thin() and permuted hold-outs leave rows in random order or as drawn: the first n are a random n.
    rng = stream(trial.seed, "attacks", "targets")
    drawn = AttackTargets(thin(train, n, rng), thin(pool, n, rng), rare_members, rare_others)
    synthetic = trial.sample("synthetic", searched, "attacks")
    reference = thin(reference, searched, stream(trial.seed, "attacks", "known"))
    return ThreatModel(trial.columns, synthetic, reference, trial.seed), drawn


def _outlying(trial: Trial, train: pa.Table, pool: pa.Table, rare: int) -> tuple[pa.Table, pa.Table]:
    import pyarrow as pa

    both = pa.concat_tables([train, pool])
    score = np.zeros(both.num_rows)
    for column in trial.columns:
        # Cells of both sides together: cells of train alone would call its own rows common.
        c = cut(column, both.column(column.name))
        codes = c.codes(both.column(column.name))
        score -= np.log(np.bincount(codes, minlength=c.size)[codes] / len(codes))
    wanted = min(2 * rare, int(OUTLYING * len(score)))
    # Ties are broken by chance, not by the order of the tables.
    score += 1e-9 * stream(trial.seed, "attacks", "outlying").random(len(score))
    rows = np.sort(np.argsort(-score)[:wanted])
    k = train.num_rows
    return train.take(rows[rows < k]), pool.take(rows[rows >= k] - k)
