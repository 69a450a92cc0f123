"""The arrays of a model, declared once: written as declared, and read back with every claim checked.

A model says which arrays it has (`Layout`), and reads them from an untrusted file through `StateReader`:
element type, dimensions, range and finiteness are checked by the layout, lengths where an array is asked for.
Nothing is ever made as large as a file claims: arrays are only cut, and a sum of claimed sizes has to match
what is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.codes.json_fields import Wire
from locum.errors import UsageError
from locum.models.base import ModelState, Tensor
from locum.models.checks import broken, within
from locum.models.settings import ModelSettings
from locum.schema.domain import Codes, Domain

#: Most rows that counts may add up to, so that no later sum overflows.
MOST_ROWS = 2**62


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """What an array of a model file must be; floats are always finite.

    Attributes
    ----------
    dtype
        Element type.
    low, high
        Range of all values, ends included.
    ndim
        Number of dimensions.
    """

    dtype: npt.DTypeLike
    low: float = -math.inf
    high: float = math.inf
    ndim: int = 1

    def problem(self, array: Tensor) -> str:
        """What is wrong with an array, empty when nothing is."""
        if array.dtype != np.dtype(self.dtype) or array.ndim != self.ndim:
            return f"is {array.dtype} in {array.ndim}-D, {np.dtype(self.dtype)} in {self.ndim}-D is needed"
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return "holds NaN or infinity"
        if (
            array.dtype.kind != "b"
            and array.size
            and not (self.low <= array.min() and array.max() <= self.high)
        ):
            return f"holds values outside {self.low:g} to {self.high:g}"
        return ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The settings and arrays that a kind of model file has, all of them and no others."""

    arrays: Mapping[str, ArraySpec]
    settings: frozenset[str] = field(default_factory=frozenset)

    def write(self, arrays: Mapping[str, Any], **settings: Any) -> ModelState:
        """A model's state with every array in its declared element type."""
        return ModelState(
            settings, {n: np.asarray(arrays[n], dtype=spec.dtype) for n, spec in self.arrays.items()}
        )


class StateReader:
    """A state from an untrusted file, checked against a layout.

    Raises
    ------
    FileFormatError
        From the constructor and every method, when the file cannot be what the layout says.
    """

    def __init__(self, state: ModelState, domain: Domain, layout: Layout) -> None:
        if set(state.settings) != layout.settings or set(state.tensors) != set(layout.arrays):
            raise broken("settings or arrays are missing or surplus")
        if not len(domain):
            raise broken("there is no column")
        for name, spec in layout.arrays.items():
            problem = spec.problem(state.tensors[name])
            if problem:
                raise broken(f"array {name!r} {problem}")
        self.domain = domain
        self.settings = Wire(state.settings, "model file")
        self._tensors = state.tensors

    def array(self, name: str, *shape: int | None) -> Tensor:
        """An array of exactly this shape; None stands for any length."""
        array = self._tensors[name]
        if any(want is not None and want != got for want, got in zip(shape, array.shape, strict=True)):
            wanted = " x ".join("any" if n is None else str(n) for n in shape)
            raise broken(f"array {name!r} has the shape {array.shape}, {wanted} is needed")
        return array

    def parts(self, name: str, lengths: Iterable[int]) -> tuple[Tensor, ...]:
        """An array cut into parts that have together exactly its length."""
        sizes = [int(n) for n in lengths]
        if min(sizes, default=0) < 0:
            raise broken(f"array {name!r} has parts of negative length")
        flat = self.array(name, sum(sizes))
        return tuple(np.split(flat, np.cumsum(sizes)[:-1])) if sizes else ()

    def per_attribute(self, name: str) -> tuple[Tensor, ...]:
        """An array with one number for each code, cut into one part for each attribute."""
        return self.parts(name, self.domain.sizes)

    def counts(self, name: str, *shape: int | None) -> npt.NDArray[np.int64]:
        """Counts of rows, at least one in all."""
        return check_counts(self.array(name, *shape))

    def order(self, name: str) -> list[int]:
        """A permutation of the attributes."""
        order: list[int] = self.array(name, len(self.domain)).tolist()
        if sorted(order) != list(range(len(self.domain))):
            raise broken(f"array {name!r} does not name every column once")
        return order

    def rows(self, name: str) -> Codes:
        """At least one row of codes of the domain."""
        rows = self.array(name, None, len(self.domain))
        if not len(rows) or not within(rows, self.domain).all():
            raise broken("rows hold codes outside the domain, or there are none")
        return rows

    def model_settings(self, made_by: type[ModelSettings], **given: Any) -> Any:
        """Settings of a model that a file holds, checked as a caller's are."""
        try:
            return made_by.of(given, "model file")
        except UsageError as error:
            raise broken(f"settings are not usable: {error}") from error


def check_counts(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Non-negative counts with a sum from 1 to below `MOST_ROWS`; raises FileFormatError otherwise."""
    # Python integers: a hostile sum would wrap around in int64.
    if counts.min(initial=0) < 0 or not 0 < sum(counts.tolist()) < MOST_ROWS:
        raise broken("counts are negative, all zero or absurdly large")
    return counts


def check_shares(tables: Iterable[FloatArray], low: float, high: float) -> None:
    """Raise FileFormatError unless the last axis of each table adds up to about one, from `low` to `high`."""
    for table in tables:
        sums = table.sum(axis=-1)
        if not ((sums > low) & (sums < high)).all():
            raise broken("shares do not add up to one")


def flatten(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Arrays of any shapes as one flat one."""
    return np.concatenate([part.reshape(-1) for part in parts])
