"""Options of a run that several verbs share: their defaults and what they may be, told once."""

from __future__ import annotations

from collections.abc import Iterable

from locum.errors import UsageError

DEFAULT_SYNTHESIZER = "tree"
FAST_SYNTHESIZER = "tree-fast"
#: With a guarantee the generator is chosen by the size of the domain.
PRIVATE_SYNTHESIZER = "auto"
DEFAULT_SEED = 0
DEFAULT_HOLDOUT = 0.2
#: What a run spends on attacks, and what `evaluate` spends.
DEFAULT_EFFORT = "quick"
EVALUATE_EFFORT = "standard"
#: Of a comparison: share of rows kept back, seeds, seconds on the clock for one fit (of a tournament too).
COMPARE_HOLDOUT = 0.25
COMPARE_SEEDS = 3
COMPARE_LIMIT_S = 3_600.0
#: Where nobody says how likely the guarantee may fail.
DEFAULT_DELTA = "1e-6"
DEFAULT_PER_UNIT = 1
#: What stands for the column that says whose row it is, where each row is somebody else's.
NO_ENTITY = "none"

#: Which rules are kept: those that were declared and, where no schema says what they are, those that hold in
#: every row; or the declared ones alone.
FOUND_RULES, DECLARED_RULES = "found", "declared"

#: Forms in which the synthetic table can be written.
FORMATS = ("csv", "tsv", "parquet", "arrow", "jsonl")
#: Where private rows may lie; ``auto`` goes by their size.
ENGINES = ("auto", "memory", "duckdb")


def several(names: str | Iterable[str]) -> tuple[str, ...]:
    """Names as they may be given in Python: one alone, or several."""
    return (names,) if isinstance(names, str) else tuple(names)


def check_rows(rows: int, where: str = "rows") -> int:
    """Return a usable number of rows.

    Raises
    ------
    UsageError
        When it is not a whole number from 1 to ten billion.
    """
    if isinstance(rows, bool) or not isinstance(rows, int) or not 1 <= rows <= 10**10:
        raise UsageError(f"{rows!r} rows cannot be made", where=where, expected="a whole number, 1 or more")
    return rows


def check_format(name: str) -> str:
    """Return a usable output format, with or without a leading point.

    Raises
    ------
    UsageError
        When it is none of `FORMATS`.
    """
    plain = name.lower().lstrip(".")
    if plain not in FORMATS:
        raise UsageError(
            f"there is no output format {name!r}", where="format", expected=f"one of {', '.join(FORMATS)}"
        )
    return plain


def check_rules(which: str) -> str:
    """Return a usable choice of rules; raises UsageError."""
    if which not in (FOUND_RULES, DECLARED_RULES):
        raise UsageError(
            f"there is no choice of rules {which!r}",
            where="rules",
            expected=f"{FOUND_RULES} (those that hold in every row) or {DECLARED_RULES}",
        )
    return which


def check_engine(name: str) -> str:
    """Return a usable name of an engine; raises UsageError."""
    if name not in ENGINES:
        raise UsageError(
            f"there is no engine {name!r}", where="--engine", expected=f"one of {', '.join(ENGINES)}"
        )
    return name
