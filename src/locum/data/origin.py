"""What was read, and what is needed to hand the same kind of thing back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from locum.errors import FileFormatError
from locum.schema.lineage import Lineage

if TYPE_CHECKING:
    import pyarrow as pa

Backend = Literal["csv", "parquet", "arrow", "jsonl", "pandas", "polars", "pyarrow"]
NullStyle = Literal["", "none", "nan", "na"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is spelled.

    Attributes
    ----------
    delimiter
        One character between fields.
    encoding
        Python codec name; ``utf-8-sig`` means with a byte-order mark.
    newline
        Line end, ``\\n`` or ``\\r\\n``.
    quote_all
        Whether every field stands in quotes, numbers too.
    space
        Whether a blank follows each delimiter (the original UCI files do this).
    decimal
        Decimal sign the user asked for; None when left to detection.
    row
        The column of row numbers that has no name in the file; empty where there is none.
    row_form
        How the name is lacking: ``empty`` (pandas and R write so), or ``absent``, one name too few (R too).
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    newline: str = "\n"
    quote_all: bool = False
    space: bool = False
    decimal: str | None = None
    row: str = ""
    row_form: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """One column as the user held it.

    Attributes
    ----------
    name
        Column name as text.
    storage
        Arrow type, as ``str(pyarrow type)`` spells it.
    dtype
        The frame library's own name of the type; empty for files and Arrow.
    null
        Which object stands for missing in a pandas ``object`` column.
    native
        The frame library's own type object where it says more than its name (category lists). Lives in
        memory only.
    types
        Types of the values of a pandas ``object`` column that mixes some; see `locum.data.mixed_objects`.
    required
        Whether the type of an Arrow column says that no value may be missing.
    """

    name: str
    storage: str
    dtype: str = ""
    null: NullStyle = ""
    native: object = field(default=None, compare=False, repr=False)
    types: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table came from: enough to give back the same type, order, dtypes and spelling.

    The row index of pandas is not data: a default index comes back as a default index, any other one is
    left out with a note (``reset_index()`` turns it into columns).

    Attributes
    ----------
    backend
        Kind of file or frame library.
    columns
        One entry per column, in order.
    dialect
        Spelling of the CSV file; None for everything else.
    missing
        Texts the user declared to mean "missing".
    wrapped
        Whether a narwhals frame was given.
    labels
        Column labels of a pandas frame where they are not plain text. Lives in memory only.
    """

    backend: Backend
    columns: tuple[Held, ...] = ()
    dialect: Dialect | None = None
    missing: tuple[str, ...] = ()
    wrapped: bool = False
    labels: object = field(default=None, compare=False, repr=False)

    def held(self, name: str) -> Held | None:
        """How column `name` was held; None when it was not there."""
        for column in self.columns:
            if column.name == name:
                return column
        return None

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form, without what lives in memory only and without data values."""
        dialect = self.dialect
        return {
            "backend": self.backend,
            "columns": [_held_json(c) for c in self.columns],
            "dialect": None
            if dialect is None
            else {name: getattr(dialect, name) for name in Dialect.__dataclass_fields__},
            "missing": list(self.missing),
            "wrapped": self.wrapped,
        }


def _held_json(column: Held) -> list[Any]:
    """A column as a list; what was added to the format later stands at its end, where it says something."""
    first = [column.name, column.storage, column.dtype, column.null]
    return [*first, list(column.types), column.required] if column.types or column.required else first


def held_as(schema: pa.Schema) -> tuple[Held, ...]:
    """Names and types of columns as an `Origin` keeps them."""
    return tuple(Held(field.name, str(field.type), required=not field.nullable) for field in schema)


def origin_from_json(obj: object) -> Origin:
    """Rebuild an `Origin` from :meth:`Origin.to_json`.

    Raises
    ------
    FileFormatError
        When a part is absent or of the wrong kind.
    """
    try:
        return _origin(obj)
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            "the description of the data's origin is broken", where="origin", do="make the file anew"
        ) from error


def _origin(obj: object) -> Origin:
    if not isinstance(obj, Mapping) or obj["backend"] not in get_args(Backend):
        raise TypeError("backend")
    columns = []
    for entry in obj["columns"]:
        name, storage, dtype, null, *more = entry
        types, required = more or ((), False)
        texts = (name, storage, dtype, null, *types)
        if not all(isinstance(part, str) for part in texts) or null not in get_args(NullStyle):
            raise TypeError("columns")
        columns.append(Held(name, storage, dtype, null, types=tuple(types), required=bool(required)))
    given = obj["dialect"]
    dialect = None
    if given is not None:
        dialect = Dialect(**given)
        _check_dialect(dialect)
    missing = tuple(obj["missing"])
    if not all(isinstance(text, str) for text in missing):
        raise TypeError("missing")
    return Origin(obj["backend"], tuple(columns), dialect, missing, bool(obj["wrapped"]))


def parts_fields(mark: str) -> bool:
    """Whether a text can part the fields of a CSV file: one sign of ASCII, no letter, digit or quote."""
    return len(mark) == 1 and mark.isascii() and not mark.isalnum() and mark not in '"\r\n\0'


def _check_dialect(dialect: Dialect) -> None:
    """Refuse a spelling that no reader can have found; raises TypeError and ValueError."""
    texts = (dialect.delimiter, dialect.encoding, dialect.newline, dialect.row, dialect.row_form)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("dialect")
    if not (isinstance(dialect.quote_all, bool) and isinstance(dialect.space, bool)):
        raise TypeError("dialect")
    if not parts_fields(dialect.delimiter) or dialect.newline not in ("\n", "\r\n", "\r"):
        raise ValueError("dialect")
    if dialect.row_form not in ("", "empty", "absent") or dialect.decimal not in (None, ".", ","):
        raise ValueError("dialect")
    try:
        "".encode(dialect.encoding)
    except LookupError:
        raise ValueError("dialect") from None


@dataclass(frozen=True, slots=True)
class Raw:
    """A table as it was read, before anything was decided about it.

    Attributes
    ----------
    table
        Arrow table; every column of a CSV file is text, other sources keep their types.
    origin
        What is needed to give the same kind of thing back.
    name
        Name of the table: the file's name without its endings, or ``table``.
    notes
        Sentences for the user about how the source was read. Hold no data values.
    lineage
        Stamp that was found on the table; None where there is none, which is what real rows look like.
    """

    table: pa.Table
    origin: Origin
    name: str = "table"
    notes: tuple[str, ...] = ()
    lineage: Lineage | None = None
