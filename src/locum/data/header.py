"""Names of the columns of delimited text: from its header line, or said by the user where it has none."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from locum.data.origin import Dialect
from locum.errors import DataError


def header(
    text: bytes, dialect: Dialect, where: str, *, headed: bool = True, names: Sequence[str] = ()
) -> tuple[list[str], int]:
    """Column names, and the offset at which the rows begin.

    Parameters
    ----------
    text, dialect, where
        The text in UTF-8, how it is spelled, and the file for errors.
    headed
        Whether the first line holds the names.
    names
        The names where no line holds them; c1, c2, ... when there are none.

    Raises
    ------
    DataError
        When the first line cannot be read, or names are empty, twice, or not as many as fields.
    """
    consumed = 0

    def lines() -> Iterator[str]:
        nonlocal consumed
        start = 0
        for match in re.finditer(rb"\r\n|\n|\r|\Z", text):
            line = text[start : match.end()]
            consumed, start = match.end(), match.end()
            yield line.decode("utf-8")

    reader = csv.reader(lines(), delimiter=dialect.delimiter, skipinitialspace=dialect.space)
    try:
        first = next(record for record in reader if any(record))
    except (csv.Error, StopIteration) as error:
        raise DataError(
            f"the {'header' if headed else 'first'} line cannot be read",
            where=where,
            do="check the quotes in the first line",
        ) from error
    if headed:
        _check_names(first, where)
        return first, consumed
    if not names:
        return [f"c{i + 1}" for i in range(len(first))], 0
    if len(names) != len(first):
        raise DataError(
            f"the first line has {len(first)} fields, and {len(names)} columns are named",
            where=where,
            expected="a name for each field",
            do="correct the names in locum.toml, or name the delimiter with --delimiter",
        )
    return list(names), 0


def looks_like_data(names: Sequence[str]) -> bool:
    """Whether all names are numbers, which names seldom are."""
    return all(re.fullmatch(r"\s*[+-]?\d+([.,]\d+)?\s*", name) for name in names)


def _check_names(names: Sequence[str], where: str) -> None:
    empty = [i + 1 for i, name in enumerate(names) if not name.strip()]
    if empty:
        places = ", ".join(str(i) for i in empty[:5])
        which = f"column {places} has" if len(empty) == 1 else f"columns {places} have"
        raise DataError(
            f"{which} no name in the header line",
            where=where,
            expected="a name for every column",
            do="name it, or leave out a row number or a trailing delimiter when the file is written",
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{len(twice)} column {'name appears' if len(twice) == 1 else 'names appear'} twice",
            where=where,
            examples=[repr(name) for name in twice],
            expected="different names",
            do="rename them in the header line",
        )
