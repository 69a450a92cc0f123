"""Data frames of other libraries in and out, with their own types; no such library is imported here."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

from locum.data.arrowtypes import cannot_hold, family
from locum.data.cell_texts import texts_of
from locum.data.distinct import plain, plain_type
from locum.data.lineage_stamp import stamp_in
from locum.data.mixed_objects import from_label, to_label, types_of
from locum.data.origin import Backend, Held, NullStyle, Origin, Raw
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa


def from_native(source: Any) -> Raw:
    """Turn a pandas, polars or other eager frame that narwhals knows into a `Raw`.

    Raises
    ------
    UsageError
        When `source` is no frame, or a lazy one.
    DataError
        When two columns have one name or values cannot be held by Arrow.
    """
    import narwhals as nw

    wrapped = isinstance(source, nw.DataFrame | nw.LazyFrame)
    frame = _eager(source)
    native = frame.to_native()
    if frame.implementation.is_pandas():
        table, origin, notes = _from_pandas(native)
    elif frame.implementation.is_polars():
        table, origin, notes = _from_polars(native)
    elif frame.implementation.is_pyarrow():
        table, notes = native, ()
        origin = Origin("pyarrow", tuple(Held(f.name, str(f.type)) for f in table.schema))
    else:
        table = frame.to_arrow()
        origin = Origin("pyarrow", tuple(Held(f.name, str(f.type)) for f in table.schema))
        notes = (f"{frame.implementation} frames come back as Arrow tables.",)
    origin = Origin(origin.backend, origin.columns, wrapped=wrapped, labels=origin.labels)
    return Raw(table, origin, "table", notes, stamp_in(getattr(native, "attrs", None)))


def _eager(source: Any) -> Any:
    """A frame as narwhals holds it; errors as in `from_native`."""
    import narwhals as nw
    from narwhals.exceptions import DuplicateError

    held = source if isinstance(source, nw.DataFrame | nw.LazyFrame) else None
    try:
        frame = nw.from_native(source) if held is None else held
    except TypeError as error:
        raise UsageError(
            f"locum cannot read a {type(source).__name__}",
            where="data",
            expected="a path, or a pandas, polars, pyarrow or narwhals data frame",
        ) from error
    except DuplicateError as error:
        raise _twice([str(label) for label in source.columns]) from error
    if isinstance(frame, nw.LazyFrame):
        raise UsageError("this frame is lazy", where="data", do="call .collect() first")
    return frame


def frame_backend(source: Any) -> Backend:
    """The library that a frame belongs to, as rows are handed back in it; errors as in `from_native`."""
    made = _eager(source).implementation
    return "pandas" if made.is_pandas() else "polars" if made.is_polars() else "pyarrow"


def frame_labels(source: Any) -> list[str]:
    """Names of the columns of a frame as texts; errors as in `from_native`."""
    frame = _eager(source)
    return [
        str(label) for label in (frame.to_native() if frame.implementation.is_pandas() else frame).columns
    ]


def frame_column(source: Any, name: str) -> pa.Array | pa.ChunkedArray:
    """One column of a frame, read without a look at the others; of objects the text of each value."""
    import narwhals as nw
    import pyarrow as pa

    frame = _eager(source)
    if not frame.implementation.is_pandas():
        column = frame.get_column(name)
        return texts_of(column.to_list()) if column.dtype == nw.Object else column.to_arrow()
    native = frame.to_native()
    series = native.iloc[:, [str(label) for label in native.columns].index(name)]
    kind = str(series.dtype)
    if kind.startswith("Sparse"):
        series = series.sparse.to_dense()
    if kind.startswith(("period", "interval", "complex")):
        return texts_of(None if text in ("NaT", "nan") else text for text in series.astype(str))
    try:
        # a column of objects is one of texts, or each of its values is read by itself
        return pa.array(series, pa.string() if kind == "object" else None, from_pandas=True)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return texts_of(series)


def _from_pandas(frame: Any) -> tuple[pa.Table, Origin, tuple[str, ...]]:
    import pyarrow as pa

    notes: list[str] = []
    names = [str(label) for label in frame.columns]
    if len(set(names)) != len(names):
        raise _twice(names)
    arrays, held = [], []
    for i, name in enumerate(names):
        series = frame.iloc[:, i]
        array, style, types = _pandas_array(series, name, notes)
        arrays.append(array)
        held.append(Held(name, str(array.type), str(series.dtype), style, series.dtype, types=types))
    index = frame.index
    if type(index).__name__ != "RangeIndex" or index.name is not None:
        notes.append("The row index is not modelled; reset_index() turns it into columns.")
    table = pa.table(arrays, names=names)
    return table, Origin("pandas", tuple(held), labels=frame.columns), tuple(notes)


def _twice(names: list[str]) -> DataError:
    return DataError(
        "two columns have the same name",
        where="table",
        examples=[repr(name) for name, count in Counter(names).items() if count > 1],
        do="rename the columns so that all differ as text",
    )


def _pandas_array(series: Any, name: str, notes: list[str]) -> tuple[Any, NullStyle, tuple[str, ...]]:
    """Arrow values of a pandas column, how an ``object`` column spells missing, and the types it mixes."""
    import pyarrow as pa

    kind = str(series.dtype)
    if kind.startswith("Sparse"):
        series = series.sparse.to_dense()
    if kind.startswith("period"):
        return _periods(series), "", ()
    if kind.startswith(("interval", "complex")):
        raise _cannot(name, kind)
    if (kind == "category" and str(series.dtype.categories.dtype) in ("object", "category")) or (
        kind == "category" and str(series.dtype.categories.dtype).startswith("interval")
    ):
        return _labels(series, name), "", ()
    if kind != "object":
        try:
            return pa.array(series, from_pandas=True), "", ()
        except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
            raise _cannot(name, kind) from error
    missing = series.isna()
    style: NullStyle = ""
    if bool(missing.any()):
        first = series[missing].iloc[0]
        style = "none" if first is None else "nan" if isinstance(first, float) else "na"
    array, types = _objects(series, missing, name, notes)
    return array, style, types


def _periods(series: Any) -> pa.Array:
    """The moment at which each period begins, as a date where days or longer are counted."""
    import pyarrow as pa

    starts = pa.array(series.dt.start_time.astype("datetime64[us]"), from_pandas=True)
    days = str(series.dtype).removeprefix("period[")[0] in "YAQMWDB"
    return starts.cast(pa.date32()) if days else starts


def _labels(series: Any, name: str) -> pa.Array:
    """A categorical column whose categories Arrow cannot hold, by their texts."""
    import pyarrow as pa

    texts = [str(category) for category in series.dtype.categories]
    if len(set(texts)) < len(texts):
        raise _cannot(name, "category with categories of one text")
    codes = series.cat.codes
    return pa.array([None if code < 0 else texts[code] for code in codes], pa.string())


def _objects(series: Any, missing: Any, name: str, notes: list[str]) -> tuple[pa.Array, tuple[str, ...]]:
    """A column of objects: as Arrow holds them when they are of one type, else as labels."""
    import pyarrow as pa

    values = [None if gone else value for value, gone in zip(series, missing, strict=True)]
    some = [value for value in values if value is not None]
    types = types_of(some)
    if set(types) <= {"int", "float"} and len(types) == 2:
        return pa.array([None if v is None else float(v) for v in values], pa.float64()), types
    if len(types) > 1 or types == ("UUID",):
        return pa.array([None if v is None else to_label(v, types) for v in values], pa.string()), types
    zones = {str(value.tzinfo) for value in some} if types == ("datetime",) else set()
    if len(zones) > 1:
        if "None" in zones:
            raise _cannot(name, "datetimes with and without a zone")
        notes.append(f"Column {name!r} mixes time zones; its moments come back in UTC.")
        values = [None if v is None else v.astimezone(dt.UTC) for v in values]
    try:
        array = pa.array(values, from_pandas=True)
    except OverflowError:
        if types == ("int",):
            notes.append(f"Column {name!r} holds whole numbers beyond 64 bits; they come back as text.")
            return pa.array([None if v is None else str(v) for v in values], pa.string()), ()
        raise _cannot(name, "object") from None
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _cannot(
            name, f"{' and '.join(sorted({type(v).__name__ for v in some})[:3])} (objects)"
        ) from error
    if some and family(plain_type(array.type)) == "other":
        raise _cannot(name, f"{type(some[0]).__name__} (objects)")
    return array, types if types == ("datetime",) and type(some[0]).__name__ == "Timestamp" else ()


def _cannot(name: str, kind: str) -> DataError:
    return cannot_hold(kind, f"table.{name}")


def _from_polars(frame: Any) -> tuple[pa.Table, Origin, tuple[str, ...]]:
    import pyarrow as pa

    arrays, held, notes = [], [], []
    for name, dtype in frame.schema.items():
        column = frame.get_column(name)
        if str(dtype) in ("Object", "Unknown"):
            raise _cannot(name, str(dtype))
        try:
            array = (_narrower(column) if str(dtype) in ("Int128", "UInt128") else column).to_arrow()
        except Exception as error:
            raise _cannot(name, str(dtype)) from error
        if family(array.type) == "float" and column.null_count() and column.is_nan().any():
            notes.append(f"Column {name!r} holds both NaN and null; both are missing, and come back as null.")
        arrays.append(array)
        held.append(Held(name, str(array.type), str(dtype), "", dtype))
    table = pa.table(arrays, names=[column.name for column in held])
    return table, Origin("polars", tuple(held)), tuple(notes)


def _narrower(column: Any) -> Any:
    """Whole numbers of 128 bits in 64, where they fit; the library's error otherwise."""
    import narwhals as nw

    pl = nw.Implementation.POLARS.to_native_namespace()
    return column.cast(pl.Int64)


def to_native(table: pa.Table, origin: Origin) -> Any:
    """Turn a table of storage types into the kind of frame that `origin` names.

    A pandas column of whole numbers that has got missing values it cannot hold comes back as floats.
    """
    import narwhals as nw

    native: Any = table
    if origin.backend == "pandas":
        native = _to_pandas(table, origin)
    elif origin.backend == "polars":
        native = _to_polars(table, origin)
    return nw.from_native(native, eager_only=True) if origin.wrapped else native


def _to_pandas(table: pa.Table, origin: Origin) -> Any:
    import narwhals as nw

    pd = nw.Implementation.PANDAS.to_native_namespace()
    series = {}
    holders = {held.name: held for held in origin.columns}
    for i, name in enumerate(table.column_names):
        column = table.column(i)
        held = holders.get(name)
        series[i] = column.to_pandas() if held is None else _pandas_series(pd, column, held)
    frame = pd.DataFrame(series, index=pd.RangeIndex(table.num_rows))
    same = origin.labels is not None and [str(x) for x in origin.labels] == table.column_names  # type: ignore[attr-defined]
    frame.columns = origin.labels if same else table.column_names
    return frame


def _pandas_series(pd: Any, column: pa.ChunkedArray, held: Held) -> Any:
    dtype: Any = held.native
    if dtype is None:
        arrow = held.dtype.endswith("[pyarrow]") and not held.dtype.startswith("string")
        try:
            dtype = pd.ArrowDtype(column.type) if arrow else pd.api.types.pandas_dtype(held.dtype)
        except TypeError:  # a name that only its own library knows
            return column.to_pandas()
    name = str(dtype)
    if name == "object":
        empty = {"nan": float("nan"), "na": pd.NA}.get(held.null)
        values = [empty if v is None else _object(pd, v, held.types) for v in column.to_pylist()]
        return pd.Series(values, dtype=object)
    if name == "category":
        values = plain(column).to_pylist()
        if held.native is not None and family(column.type) == "text":
            by_text = {str(category): category for category in dtype.categories}
            values = [by_text.get(v) for v in values]
        return pd.Series(pd.Categorical(values, dtype=dtype))
    if name.startswith("period"):
        moments = pd.Series(column.to_pylist(), dtype="datetime64[us]")
        return moments.dt.to_period(dtype.freq)
    if name.startswith("Sparse"):
        return pd.Series(column.to_pylist()).astype(dtype)
    if hasattr(dtype, "__from_arrow__"):
        return column.to_pandas(types_mapper=lambda _: dtype)
    result = column.to_pandas()
    if result.dtype == dtype or (column.null_count and name.startswith(("int", "uint", "bool"))):
        return result
    return result.astype(dtype)


def _object(pd: Any, value: Any, types: tuple[str, ...]) -> Any:
    """A value of a column of objects in its own type."""
    if types == ("datetime",):
        return pd.Timestamp(value)
    if isinstance(value, str) and types:
        return from_label(value, types)
    if isinstance(value, float) and types == ("int", "float") and value.is_integer():
        return int(value)
    return value


def _to_polars(table: pa.Table, origin: Origin) -> Any:
    import narwhals as nw
    import pyarrow as pa

    pl = nw.Implementation.POLARS.to_native_namespace()
    columns = []
    holders = {held.name: held for held in origin.columns}
    for name in table.column_names:
        column = table.column(name)
        held = holders.get(name)
        if family(column.type) == "text":  # polars reads dictionaries in its own way; text is safe
            column = plain(column).cast(pa.large_string())
        series = pl.Series(name, pl.from_arrow(column))
        if held is not None and held.native is not None and series.dtype != held.native:
            series = series.cast(held.native)
        elif held is not None and held.native is None and held.dtype.startswith("Categorical"):
            series = series.cast(pl.Categorical)
        columns.append(series)
    return pl.DataFrame(columns)


def like_rows(made: Any, data: Any) -> Any:
    """A pandas frame with the row index of the pandas frame whose rows it holds; anything else as it is."""
    import narwhals as nw

    native = nw.to_native(data, pass_through=True)
    if not nw.dependencies.is_pandas_dataframe(made) or not nw.dependencies.is_pandas_dataframe(native):
        return made
    made.index = native.index
    return made
