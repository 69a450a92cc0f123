"""Seals around work on private rows: whatever goes wrong inside is told without a word of theirs."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from locum.errors import (
    BudgetError,
    FeasibilityError,
    FolderError,
    LeakError,
    LocumError,
    SchemaError,
    SealedError,
    UsageError,
)

#: Errors whose words come from options, schemas and ledgers, never from rows.
_PUBLIC = (BudgetError, LeakError, UsageError, FolderError, FeasibilityError, SchemaError, SealedError)
#: What the system says when a file cannot be written; its words name the file only.
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


@contextmanager
def seal_errors(doing: str) -> Iterator[None]:
    """Replace errors from inside the block by one that names only what was being done.

    Examples, texts of other libraries and the traceback are dropped, for each may quote a value. Errors about
    options, budgets and sizes that follow from the schema pass, and so does a lack of memory.

    Raises
    ------
    SealedError
        In place of anything else, the name of its class included.
    """
    try:
        yield
    except (*_PUBLIC, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the border: an error of any class may quote a value
        kind = type(error).__name__
    else:
        return
    raise _without_words(doing, kind) from None


@contextmanager
def last_seal(doing: str) -> Iterator[None]:
    """The seal around a whole private run, for what no inner seal held.

    Our own errors pass: inside the inner seals they hold no word of a row, outside they speak of options and
    public tables. So do errors of a full disk. Everything else would reach the crash handler, which writes
    tracebacks with their words to a file.

    Raises
    ------
    SealedError
        In place of an error of any other class.
    """
    try:
        yield
    except (LocumError, MemoryError):
        raise
    except Exception as error:  # the outermost border: an error of any class may quote a value
        if isinstance(error, BrokenPipeError) or (isinstance(error, OSError) and error.errno in _DISK):
            raise
        kind = type(error).__name__
    else:
        return
    raise _without_words(doing, kind) from None


def _without_words(doing: str, kind: str) -> SealedError:
    return SealedError(
        f"{doing} failed ({kind}); what exactly is not told, for it may quote a value",
        where="private data",
        do="look at the data with `locum check`, without --epsilon, on a machine that may see them",
    )
