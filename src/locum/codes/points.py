"""Texts that hold coordinates, such as ``POINT(13.4 52.5)``: the text stays, and they stay in their box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.json_fields import JsonFields, Wire

_NUMBER = r"[+-]?\d+\.\d+"
#: Share of the texts that must be of one form, and texts that there must be.
_ONE_FORM, _ENOUGH = 0.95, 20
#: The outermost ends are about these ranks, so that no single place is an end.
_EDGE, _CUTS = 5, 10
_MOST, _LONGEST = 8, 64


@dataclass(frozen=True, slots=True)
class PointMaker(JsonFields):
    """Maker of texts with coordinates.

    Attributes
    ----------
    parts
        The texts before, between and after the numbers.
    decimals
        Digits after the point of each number.
    cuts
        Ends and deciles of each number, one after the other, rounded.
    """

    parts: tuple[str, ...]
    decimals: tuple[int, ...]
    cuts: tuple[float, ...]

    @classmethod
    def fit(cls, values: pa.Array) -> PointMaker | None:
        """The form of texts that all hold two numbers or more with decimals; None where they do not."""
        distinct = pc.unique(values)
        if len(distinct) < _ENOUGH:
            return None
        forms = pc.value_counts(pc.replace_substring_regex(distinct, _NUMBER, "\x00")).to_pylist()
        top = max(forms, key=lambda form: form["counts"])
        parts = tuple(top["values"].split("\x00"))
        if not 3 <= len(parts) <= _MOST + 1 or top["counts"] < _ONE_FORM * len(distinct):
            return None
        if max(map(len, parts)) > _LONGEST or any(p in ("", "-", ":", "/") for p in parts[1:-1]):
            return None
        form = "^" + "".join(
            _escaped(part) + (f"(?P<n{i}>{_NUMBER})" if i < len(parts) - 1 else "")
            for i, part in enumerate(parts)
        )
        found = pc.extract_regex(distinct, form + "$").drop_null()
        decimals, cuts = [], []
        for i in range(len(parts) - 1):
            texts = pc.struct_field(found, f"n{i}")
            after = pc.utf8_length(pc.replace_substring_regex(texts, r"^[^.]*\.?", ""))
            decimals.append(min(9, int(pc.max(after).as_py())))
            numbers = np.sort(np.asarray(texts.cast(pa.float64())))
            edge = min(_EDGE, len(numbers) // 4)
            inner = numbers[edge : len(numbers) - edge]
            cuts += [float(f"{x:.4g}") for x in np.quantile(inner, np.linspace(0, 1, _CUTS + 1))]
        return cls(parts, tuple(decimals), tuple(cuts))

    def make(self, n: int, rng: np.random.Generator) -> pa.Array:
        """`n` texts, their numbers spread as the real ones are, each by itself."""
        out: list[pa.Array | pa.Scalar] = [pa.scalar(self.parts[0])]
        for i, decimals in enumerate(self.decimals):
            cuts = np.maximum.accumulate(np.array(self.cuts[i * (_CUTS + 1) : (i + 1) * (_CUTS + 1)]))
            at = rng.integers(_CUTS, size=n)
            drawn = cuts[at] + rng.random(n) * (cuts[at + 1] - cuts[at])
            out.append(pa.array([f"{x:.{decimals}f}" for x in drawn], pa.string()))
            out.append(pa.scalar(self.parts[i + 1]))
        return pc.binary_join_element_wise(*out, "")

    def describe(self) -> str:
        """What is made, as a clause."""
        return "texts of the same form with other numbers, each within the range of the real ones"

    @classmethod
    def from_json(cls, wire: Wire) -> PointMaker:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        parts = wire.texts("parts")
        if not 3 <= len(parts) <= _MOST + 1 or max(map(len, parts)) > _LONGEST:
            raise wire.fail("parts", "a few short texts")
        decimals = wire.integers("decimals", length=len(parts) - 1, low=1, high=9)
        cuts = wire.numbers("cuts", length=len(decimals) * (_CUTS + 1), low=-1e15, high=1e15)
        return cls(tuple(parts), tuple(decimals.tolist()), tuple(cuts.tolist()))


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if not c.isalnum() and c.isascii() and not c.isspace() else c for c in text)
