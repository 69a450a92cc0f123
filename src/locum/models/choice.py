"""Which private generator fits a table, decided by what is public anyway: sizes, budget, a public table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locum.errors import FeasibilityError
from locum.schema.domain import Domain

#: Cells of one pair of attributes beyond which counting it makes no sense on any machine.
MAX_PAIR = 4_000_000
#: From so many attributes on, one round of measuring is preferred to many.
_WIDE = 40


@dataclass(frozen=True, slots=True)
class Choice:
    """A generator by name, and one sentence on why; without facts that are private."""

    name: str
    why: str


def choose(domain: Domain, *, public: bool, epsilon: float) -> Choice:
    """The generator for ``synthesizer="auto"``.

    Parameters
    ----------
    domain
        Sizes of the attributes, which are declared, public or bought.
    public
        Whether a public table with the same columns is there.
    epsilon
        What the run may spend.
    """
    modelled = [a for a in domain if a.size > 1]
    if public:
        return Choice(
            "jam",
            "A public table is there, so each relation is taken from it or from the data, whichever promises "
            "the smaller error.",
        )
    if len(modelled) > _WIDE:
        return Choice(
            "swift", f"With {len(modelled)} attributes to model, everything is measured once and fitted once."
        )
    return Choice(
        "aim",
        f"With {len(modelled)} attributes and epsilon {epsilon:g}, relations are chosen one after the "
        "other where the model is worst.",
    )


def refuse_large(domain: Domain, most: int = MAX_PAIR) -> None:
    """Refuse a domain whose pairs of attributes would not fit into memory; nothing has been spent then.

    Raises
    ------
    FeasibilityError
        Naming the attributes to make coarser.
    """
    largest = sorted(domain, key=lambda a: -a.size)
    if len(largest) < 2 or largest[0].size * largest[1].size <= most:
        return
    names: Sequence[str] = [a.name for a in largest if a.size * a.size > most] or [largest[0].name]
    raise FeasibilityError(
        f"{largest[0].name} with {largest[0].size:,} codes and {largest[1].name} with {largest[1].size:,} "
        f"make {largest[0].size * largest[1].size:,} cells",
        where="private domain",
        expected=f"at most {most:,} cells for a pair of columns",
        do=f"coarsen {', '.join(names[:4])}: declare fewer levels, or a narrower range",
    )
