"""Reading JSON that may be hostile: every field is checked for type, range, length and finiteness.

Numbers that JSON cannot say (infinities) travel as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
import pyarrow as pa

from locum.arrays import FloatArray, IntArray
from locum.errors import FileFormatError

#: No list in an encoder may be longer than this (100k levels are normal, 4 million are not).
MAX_ITEMS = 4_000_000
#: No text in an encoder may be longer than this.
MAX_TEXT = 1_000_000

T = TypeVar("T")
_INT64_LOW, _INT64_HIGH = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wire:
    """A JSON object that is being read, and the place in the file where it stands."""

    data: Mapping[str, Any]
    where: str

    @classmethod
    def of(cls, obj: object, where: str) -> Wire:
        """Wrap a JSON object; FileFormatError when it is something else."""
        if not isinstance(obj, Mapping):
            raise FileFormatError("is not an object", where=where, expected="a JSON object")
        return cls(obj, where)

    def fail(self, key: str, expected: str) -> FileFormatError:
        """The error to raise for one field; never shows the value."""
        return FileFormatError(
            f"{key!r} is missing or not valid",
            where=self.where,
            expected=expected,
            do="fit the model again or get the file from its maker",
        )

    def is_null(self, key: str) -> bool:
        """Whether the field is there and null."""
        return key in self.data and self.data[key] is None

    def object(self, key: str) -> Wire:
        """A nested object."""
        return Wire.of(self.data.get(key), f"{self.where}.{key}")

    def optional(self, key: str, read: Callable[[Wire], T]) -> T | None:
        """A nested object read by `read`, None for null."""
        return None if self.is_null(key) else read(self.object(key))

    def integer(self, key: str, *, low: int = _INT64_LOW, high: int = _INT64_HIGH) -> int:
        """A whole number within bounds."""
        value = self.data.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(key, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, *, low: float, high: float) -> float:
        """A finite number within bounds."""
        value = self.data.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.fail(key, f"a number from {low} to {high}")
        return float(value)

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self.data.get(key)
        if not isinstance(value, bool):
            raise self.fail(key, "true or false")
        return value

    def text(self, key: str) -> str:
        """A text of at most `MAX_TEXT` characters."""
        value = self.data.get(key)
        if not isinstance(value, str) or not _is_text(value):
            raise self.fail(key, f"text of at most {MAX_TEXT} characters")
        return value

    def items(self, key: str, *, length: int | None = None) -> list[Any]:
        """A list, of `length` items where given."""
        value = self.data.get(key)
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise self.fail(key, f"a list of at most {MAX_ITEMS} items")
        if length is not None and len(value) != length:
            raise self.fail(key, f"a list of {length} items")
        return value

    def objects(self, key: str) -> list[Wire]:
        """A list of objects."""
        return [Wire.of(item, f"{self.where}.{key}[{i}]") for i, item in enumerate(self.items(key))]

    def texts(self, key: str, *, length: int | None = None) -> list[str]:
        """A list of texts."""
        values = self.items(key, length=length)
        if not all(_is_text(v) for v in values):
            raise self.fail(key, "a list of texts")
        return values

    def integers(
        self, key: str, *, length: int | None = None, low: int = _INT64_LOW, high: int = _INT64_HIGH
    ) -> IntArray:
        """A list of whole numbers within bounds; int64."""
        values = self.items(key, length=length)
        if not all(type(v) is int and low <= v <= high for v in values):
            raise self.fail(key, f"a list of whole numbers from {low} to {high}")
        return np.array(values, dtype=np.int64)

    def numbers(
        self, key: str, *, length: int | None = None, low: float, high: float, infinite: bool = False
    ) -> FloatArray:
        """A list of numbers within bounds; with `infinite` also the texts ``inf`` and ``-inf``."""
        values = self.items(key, length=length)
        if infinite:
            values = [float(v) if v in ("inf", "-inf") and isinstance(v, str) else v for v in values]
        limit = 2**1023
        if not all(type(v) is float or (type(v) is int and -limit < v < limit) for v in values):
            raise self.fail(key, "a list of numbers")
        array = np.array(values, dtype=np.float64)
        inside = (array >= low) & (array <= high)
        if infinite:
            inside |= np.isinf(array)
        if not inside.all():
            raise self.fail(key, f"a list of numbers from {low} to {high}")
        return array


class JsonFields:
    """A dataclass whose JSON form is its fields: arrays and tuples as lists, parts as their own JSON."""

    __slots__ = ()
    #: Fields that are left out.
    unwritten: ClassVar[frozenset[str]] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        named = (f.name for f in fields(cast(Any, self)) if f.name not in self.unwritten)
        return {name: _plain(getattr(self, name)) for name in named}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return plain_numbers(value.ravel())
    if isinstance(value, pa.Array):
        return arrow_to_json(value)
    if isinstance(value, tuple):
        return list(value)
    return value.to_json() if hasattr(value, "to_json") else value


def _is_text(value: object) -> bool:
    """Whether a value is text that Arrow can hold: not too long, no half of a surrogate pair."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_numbers(values: FloatArray | IntArray) -> list[Any]:
    """An array as a JSON list; infinities become text."""
    if values.dtype.kind == "f":
        return [v if np.isfinite(v) else repr(v) for v in values.tolist()]
    return list(values.tolist())


def arrow_to_json(values: pa.Array) -> list[Any]:
    """Canonical values as a JSON list; times as whole numbers, infinities as text, missing as null."""
    if pa.types.is_temporal(values.type):
        width = pa.int32() if pa.types.is_date32(values.type) else pa.int64()
        values = values.view(width)
    plain = values.to_pylist()
    if pa.types.is_floating(values.type):
        plain = [repr(v) if v is not None and np.isinf(v) else v for v in plain]
    return list(plain)


def arrow_from_json(wire: Wire, key: str, kind: pa.DataType) -> pa.Array:
    """Read back what `arrow_to_json` gave, as Arrow type `kind`; FileFormatError on anything else."""
    values = wire.items(key)
    checks: list[tuple[Callable[[pa.DataType], bool], Callable[[Any], bool]]] = [
        (pa.types.is_string, _is_text),
        (pa.types.is_boolean, lambda v: isinstance(v, bool)),
        (pa.types.is_floating, lambda v: type(v) in (int, float) or v in ("inf", "-inf")),
        (lambda _: True, lambda v: type(v) is int and _INT64_LOW <= v <= _INT64_HIGH),
    ]
    valid = next(ok for matches, ok in checks if matches(kind))
    if not all(v is None or valid(v) for v in values):
        raise wire.fail(key, f"a list of {kind} values")
    if pa.types.is_floating(kind):
        return pa.array([None if v is None else float(v) for v in values], type=kind)
    if not pa.types.is_temporal(kind):
        return pa.array(values, type=kind)
    width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    if width == pa.int32() and not all(v is None or -(2**31) <= v < 2**31 for v in values):
        raise wire.fail(key, "a list of dates")
    return pa.array(values, type=width).view(kind)
