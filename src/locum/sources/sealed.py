"""A seal around work on private rows: whatever goes wrong inside is told without a word of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from locum.errors import (
    BudgetError,
    DataError,
    FeasibilityError,
    FolderError,
    LeakError,
    LocumError,
    SchemaError,
    UsageError,
)

#: Errors whose words come from options, schemas and ledgers, never from rows.
_PUBLIC = (BudgetError, LeakError, UsageError, FolderError, FeasibilityError, SchemaError)


@contextmanager
def sealed(doing: str) -> Iterator[None]:
    """Replace errors from inside the block by one that names only what was being done.

    Examples, texts of other libraries and the traceback are dropped, for each may quote a value. Errors about
    options, budgets and sizes that follow from the schema pass.

    Raises
    ------
    DataError
        In place of anything else, the name of its class included.
    """
    try:
        yield
    except _PUBLIC:
        raise
    except LocumError as error:
        kind = type(error).__name__
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        # what libraries raise about values; MemoryError and interrupts pass
        kind = type(error).__name__
    else:
        return
    raise DataError(
        f"{doing} failed ({kind}); what exactly is not told, for it may quote a value",
        where="private data",
        do="look at the data with `locum check`, without --epsilon, on a machine that may see them",
    ) from None
