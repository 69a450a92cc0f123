"""Named arrays to safetensors bytes and back, with every claim of an untrusted file checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.errors import FileFormatError

Tensor = npt.NDArray[Any]

#: Element types a model file may hold, by their safetensors name. Floats are always finite.
DTYPES: Mapping[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
MAX_TENSORS = 20_000
MAX_DIMENSIONS = 8
_MAX_HEADER = 4 * 2**20


def dump_tensors(tensors: Mapping[str, Tensor]) -> bytes:
    """Safetensors bytes; the same arrays give the same bytes.

    Raises
    ------
    ValueError
        For an element type that is not in `DTYPES`, for NaN and for infinities: a model that needs them
        must say so another way (a mask, a sentinel), because a loaded file with them is refused.
    """
    from safetensors.numpy import save

    allowed = set(DTYPES.values())
    plain: dict[str, Tensor] = {}
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype not in allowed:
            raise ValueError(
                f"tensor {name!r} has element type {array.dtype}, which a model file cannot hold"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"tensor {name!r} holds NaN or infinity")
        plain[name] = array.reshape(np.shape(tensors[name]))
    return bytes(save(plain))


def load_tensors(content: bytes, where: str) -> dict[str, Tensor]:
    """Arrays by name, read-only, from untrusted safetensors bytes.

    Memory stays within about twice ``len(content)``, whatever shapes the file claims.

    Raises
    ------
    FileFormatError
        On a damaged header, claims that do not fit the content, foreign element types, NaN or infinity.
    """
    from safetensors import SafetensorError, deserialize

    header = int.from_bytes(content[:8], "little")
    if len(content) < 8 or header > min(_MAX_HEADER, len(content) - 8):
        raise _broken("the header's length is impossible", where)
    try:
        entries = deserialize(content)  # type: ignore[no-untyped-call]
    except (SafetensorError, ValueError, OverflowError) as error:
        raise _broken(f"not readable as safetensors: {type(error).__name__}", where) from None
    if len(entries) > MAX_TENSORS:
        raise _broken(f"{len(entries):,} arrays, at most {MAX_TENSORS:,} are allowed", where)
    return {name: _array(name, entry, where) for name, entry in entries}


def _array(name: str, entry: Mapping[str, Any], where: str) -> Tensor:
    shown = ascii(name[:60])
    dtype = DTYPES.get(str(entry["dtype"]))
    shape = tuple(entry["shape"])
    if dtype is None:
        raise _broken(f"array {shown} has the element type {str(entry['dtype'])[:20]}", where)
    if len(shape) > MAX_DIMENSIONS or any(n > 2**40 for n in shape):
        raise _broken(f"array {shown} claims an impossible shape", where)
    data = bytes(entry["data"])
    try:
        flat = np.frombuffer(data, dtype=np.uint8 if dtype.kind == "b" else dtype)
        if dtype.kind == "b":
            if flat.max(initial=0) > 1:
                raise _broken(f"array {shown} holds truth values that are neither", where)
            flat = flat.view(np.bool_)
        array = flat.reshape(shape)
    except ValueError:
        raise _broken(f"array {shown} claims a shape that does not fit its content", where) from None
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise _broken(f"array {shown} holds NaN or infinity", where)
    return array


def _broken(what: str, where: str) -> FileFormatError:
    return FileFormatError(what, where=where, do="use an intact file from a source you trust")
