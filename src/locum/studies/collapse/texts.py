"""The laboratory over texts: a model of runs of words that learns from its own texts, and its measures."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from locum.errors import DataError, UsageError
from locum.evaluation.curation import select_by_judge
from locum.evaluation.text.words import distinct, split
from locum.randomness import stream
from locum.schema.column import Column
from locum.schema.lineage import Lineage
from locum.schema.table import Schema
from locum.studies.collapse import laws
from locum.studies.collapse.result import Generation, Mode

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.studies.collapse.lab import LabRows

#: Name of the column of words, times a rare word is written at most, longest text made (words).
WORDS, RARE, LONGEST = "words", 3, 1000
#: Fewest words of all texts together, commonest words that a judge knows.
LEAST_WORDS, KNOWN = 500, 60
_END = ""


def as_words(column: pa.ChunkedArray, name: str) -> tuple[pa.Table, Schema]:
    """Texts as a table of one column, words and marks with blanks between; those without a word are left out.

    Raises
    ------
    DataError
        With fewer than `LEAST_WORDS` words in all.
    """
    import pyarrow as pa

    found = [split(str(v)) for v in column.to_pylist() if v is not None]
    kept = [words for words in found if words]
    total = sum(map(len, kept))
    if total < LEAST_WORDS:
        raise DataError(
            f"{total} words in {len(kept)} texts are too few for a loop",
            where=name,
            expected=f"at least {LEAST_WORDS} words",
            do="name a column of texts, or collect more of them",
        )
    table = pa.table({WORDS: pa.array([" ".join(w) for w in kept], type=pa.string())})
    return table, Schema((Column(WORDS, "text"),), name=name)


def words_of(table: pa.Table) -> list[list[str]]:
    """Texts of such a table as lists of words."""
    return [text.split(" ") if text else [] for text in table.column(WORDS).to_pylist()]


class RunModel:
    """Words by the `order` - 1 words before them, learned by counting.

    Drawing uses the plain counts, so that nothing but chance moves the next generation away from this one.
    Pricing mixes them with shorter runs down to single words and an equal share for each of `size` words
    (Witten and Bell 1991), so that words never seen have a price too. Cost: one pass over the texts.
    """

    def __init__(self, texts: Iterable[Sequence[str]], order: int, size: int) -> None:
        after: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._order, self._size = order, size
        for words in texts:
            run = [_END] * (order - 1) + [*words, _END]
            for i in range(order - 1, len(run)):
                after[tuple(run[i - order + 1 : i])].append(run[i])
        self._after = dict(after)
        self._counts: dict[tuple[str, ...], tuple[Counter[str], int]] = {}

    def draw(self, n: int, rng: np.random.Generator) -> list[list[str]]:
        """`n` texts, each of at most `LONGEST` words; a text may be empty at order 1."""
        return [self._one(rng) for _ in range(n)]

    def _one(self, rng: np.random.Generator) -> list[str]:
        before, out = (_END,) * (self._order - 1), list[str]()
        while len(out) < LONGEST:
            choices = self._after[before]
            word = choices[int(rng.random() * len(choices))]
            if word == _END:
                break
            out.append(word)
            before = (*before, word)[1:]
        return out

    def bits(self, words: Sequence[str]) -> float:
        """Cost of a text with its end, in bits."""
        if not self._counts:
            self._count()
        run = [_END] * (self._order - 1) + [*words, _END]
        return -sum(
            math.log2(self._chance(run[i], tuple(run[i - self._order + 1 : i])))
            for i in range(self._order - 1, len(run))
        )

    def _chance(self, word: str, before: tuple[str, ...]) -> float:
        chance = 1 / self._size
        for n in range(len(before) + 1):
            found = self._counts.get(before[len(before) - n :])
            if found is None:
                break
            counts, total = found
            chance = (counts[word] + len(counts) * chance) / (total + len(counts))
        return chance

    def _count(self) -> None:
        """Counts after runs of every length; kept apart since most models only draw."""
        counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for before, words in self._after.items():
            for n in range(len(before) + 1):
                counts[before[n:]].update(words)
        self._counts = {before: (c, c.total()) for before, c in counts.items()}


@dataclass(frozen=True, slots=True)
class Writer:
    """Learns and draws texts for the loops, and judges those of ``verified``.

    Raises
    ------
    UsageError
        When the order is not 1 to 5.
    """

    order: int

    def __post_init__(self) -> None:
        if not 1 <= self.order <= 5:
            raise UsageError(
                f"runs of {self.order} words cannot be counted",
                where="order",
                expected="a number from 1 to 5",
            )

    def make(self, rows: pa.Table, n: int, seed: int) -> pa.Table:
        """`n` texts of a model of `rows`."""
        return _table(RunModel(words_of(rows), self.order, 1).draw(n, stream(seed, "texts")))

    def judge(self, pool: pa.Table, schema: Schema, made: pa.Table, n: int, seed: int) -> pa.Table:
        """The `n` texts of `made` that the judge of the rows of a table keeps, by their commonest words.

        It sees how often each of the `KNOWN` commonest words is in a text, and how long that is. Rare words
        it must not see: it would throw out each real word that is new to it, and lose the tail sooner.
        Cost: one LightGBM fit.
        """
        import pyarrow as pa

        real, mine = words_of(pool), words_of(made)
        known = [w for w, _ in Counter(w for t in real for w in t).most_common(KNOWN)]
        columns = Schema(tuple(Column(f"n{j}", "number") for j in range(len(known) + 1)), name=schema.name)
        rows = pa.array(range(len(mine)))
        kept = select_by_judge(
            _count_words(real, known), columns, _count_words(mine, known).append_column("row", rows), n, seed
        )
        return made.take(kept.column("row"))


@dataclass(frozen=True, eq=False)
class WordScale:
    """How generations of texts are measured: shares of words, rare words, pairs of words, cross-entropy."""

    error_name: ClassVar[str] = "word error"
    rare_name: ClassVar[str] = "rare words'"

    order: int
    test: tuple[list[str], ...]
    shares: dict[str, float]
    rare: dict[str, int]
    size: int
    pairs: int
    distinct: float
    floor: float
    floor_entropy: float

    @classmethod
    def of(cls, ground: LabRows, writer: Writer) -> WordScale:
        """Learn from the test texts what is real, and from the start texts the floors and the rare words."""
        start, test = words_of(ground.start), words_of(ground.test)
        counts, shares = Counter(w for t in start for w in t), _shares(test)
        rare = {w: c for w, c in counts.items() if c <= RARE}
        size = _size(start, words_of(ground.pool), test)
        # Half of the real pairs: generations with fewer words than the real texts reach that too.
        pairs = max(1, sum(max(len(t) - 1, 0) for t in start) // 2)
        return cls(
            writer.order,
            tuple(test),
            shares,
            rare,
            size,
            pairs,
            distinct(start, 2, pairs),
            _variation(_shares(start), shares),
            _entropy(RunModel(start, writer.order, size), test),
        )

    def law(self, mode: Mode, t: int) -> float | None:
        """Share of the rare words' mass that chance alone leaves."""
        if mode not in ("replace", "accumulate") or not self.rare:
            return None
        copies: npt.NDArray[np.float64] = np.array(list(self.rare.values()), dtype=np.float64)
        left = laws.surviving_copies(copies, t, kept=mode == "accumulate")
        return float((copies * left).sum() / copies.sum())

    def measure(self, made: pa.Table, t: int, law: float | None, lineage: Lineage) -> Generation:
        """One generation against the test texts; cost one model and one pricing of the test texts."""
        mine = words_of(made)
        shares = _shares(mine)
        mass = sum(self.rare.values())
        kept = sum(c for w, c in self.rare.items() if w in shares)
        found = distinct(mine, 2, self.pairs) / self.distinct if self.distinct > 0 else math.nan
        return Generation(
            t,
            _variation(shares, self.shares),
            kept / mass if mass else 1.0,
            found,
            law,
            (),
            lineage,
            _entropy(RunModel(mine, self.order, self.size), self.test),
        )

    def groups(self, table: pa.Table) -> tuple[tuple[str, str, float], ...]:
        """None: groups are not followed in texts."""
        return ()


def _table(texts: Iterable[Sequence[str]]) -> pa.Table:
    import pyarrow as pa

    return pa.table({WORDS: pa.array([" ".join(w) for w in texts], type=pa.string())})


def _count_words(texts: Sequence[Sequence[str]], known: Sequence[str]) -> pa.Table:
    """Texts as counts of the `known` words, then their lengths."""
    import pyarrow as pa

    place = {w: j for j, w in enumerate(known)}
    found = np.zeros((len(texts), len(known) + 1))
    for i, words in enumerate(texts):
        for w in words:
            if w in place:
                found[i, place[w]] += 1
        found[i, -1] = len(words)
    return pa.table({f"n{j}": found[:, j] for j in range(found.shape[1])})


def _size(*collections: Iterable[Sequence[str]]) -> int:
    """Different words, and the end of a text."""
    return len({w for texts in collections for t in texts for w in t}) + 1


def _shares(texts: Iterable[Sequence[str]]) -> dict[str, float]:
    counts = Counter(w for t in texts for w in t)
    total = counts.total()
    return {w: c / total for w, c in counts.items()}


def _variation(a: dict[str, float], b: dict[str, float]) -> float:
    # In the order of a and b, never of a set of strings: the last digits must not hang on the hash seed.
    apart = sum(abs(p - b.get(w, 0.0)) for w, p in a.items())
    return 0.5 * (apart + sum(p for w, p in b.items() if w not in a))


def _entropy(model: RunModel, texts: Sequence[Sequence[str]]) -> float:
    """Bits a word, the end of a text counted as one."""
    return sum(model.bits(t) for t in texts) / sum(len(t) + 1 for t in texts)
