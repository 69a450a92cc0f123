"""Decontamination: items that repeat a benchmark, by runs of words and by meaning.

Source: runs of 13 words as in the appendix of GPT-3 (Brown et al. 2020), 8 for short items; the test of
meaning finds rewordings that runs of words miss (Yang et al. 2023), here with static vectors and a high bar.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from locum.text.runs.dedup import normal
from locum.text.verify.base import Verdict


@dataclass(frozen=True, slots=True)
class Hit:
    """Where an item meets a benchmark.

    Attributes
    ----------
    benchmark
        Name of the benchmark.
    entry
        Number of its entry, from 0.
    how
        ``words`` or ``meaning``.
    score
        Share of the item's runs that stand in the benchmark, or the cosine similarity.
    """

    benchmark: str
    entry: int
    how: str
    score: float


class Benchmarks:
    """Benchmark entries against which items are held.

    Parameters
    ----------
    n
        Words of a run; 13 for long items, 8 for short ones. An entry shorter than a run counts as one run.
    cosine
        Similarity of meaning from which on an item is refused; 0 for no such test.

    Notes
    -----
    An item is refused when *one* run of its words stands in a benchmark. Cost: 8 bytes and a dictionary entry
    for each word of the benchmarks.
    """

    def __init__(self, n: int = 8, cosine: float = 0.95) -> None:
        self._n, self._cosine = n, cosine
        self._runs: dict[int, tuple[str, int]] = {}
        self._lengths: set[int] = {n}
        self._vectors: list[Any] = []
        self._entries: list[tuple[str, int]] = []

    def add(self, name: str, texts: Sequence[str]) -> None:
        """Take a benchmark's entries in."""
        for number, text in enumerate(texts):
            words = normal(text).split()
            if not words:
                continue
            if len(words) < self._n:
                # Very short entries would refuse everyday phrases.
                if len(words) >= 5:
                    self._lengths.add(len(words))
                    self._runs.setdefault(_code(words), (name, number))
                continue
            for i in range(len(words) - self._n + 1):
                self._runs.setdefault(_code(words[i : i + self._n]), (name, number))
        if self._cosine and texts:
            from locum.evaluation.learn.embedding import embed

            self._vectors.append(embed(list(texts)))
            self._entries += [(name, number) for number in range(len(texts))]

    def find(self, text: str) -> Hit | None:
        """The first meeting with a benchmark, by words before meaning; None when there is none."""
        words = normal(text).split()
        for n in sorted(self._lengths):
            runs = [_code(words[i : i + n]) for i in range(len(words) - n + 1)]
            met = [run for run in runs if run in self._runs]
            if met:
                name, number = self._runs[met[0]]
                return Hit(name, number, "words", len(met) / len(runs))
        if self._vectors:
            from locum.evaluation.learn.embedding import embed

            if len(self._vectors) > 1:
                self._vectors = [np.concatenate(self._vectors)]
            near = self._vectors[0] @ embed([text])[0]
            best = int(near.argmax())
            if near[best] >= self._cosine:
                return Hit(*self._entries[best], "meaning", float(near[best]))
        return None


def read_benchmarks(files: Mapping[str, str | Path], *, n: int = 8, cosine: float = 0.95) -> Benchmarks:
    """Benchmarks by name out of files (JSON Lines, CSV, TSV, Parquet, text); all texts of a record count.

    Raises
    ------
    PlanError
        For a file that cannot be read.
    """
    from locum.text.runs.sources import SeedFile

    found = Benchmarks(n, cosine)
    for name, path in files.items():
        found.add(name, [" ".join(_texts(record)) for record in SeedFile(Path(path)).records])
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def _code(words: Sequence[str]) -> int:
    raw = " ".join(words).encode()
    return zlib.crc32(raw) << 32 | zlib.adler32(raw)


class Uncontaminated:
    """Passes items that meet no benchmark.

    Parameters
    ----------
    files
        Benchmark files by name.
    n, cosine
        See `Benchmarks`.
    """

    def __init__(self, files: Mapping[str, str], n: int = 8, cosine: float = 0.95) -> None:
        self._found = read_benchmarks(files, n=n, cosine=cosine)

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
        hit = self._found.find(text)
        return Verdict(hit is None, "" if hit is None else f"{hit.how} of {hit.benchmark} {hit.entry}")
