"""The protocol of a verifier and its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from locum.text.engine.client import Engine


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says.

    Attributes
    ----------
    ok
        Whether the item passes.
    reason
        Why not, in a few words of the verifier's own; goes into the reject table, so it holds no values.
    fixed
        The item mended, to be kept in its place; None leaves it. Only read when `ok`.
    """

    ok: bool
    reason: str = ""
    fixed: Any = None


@runtime_checkable
class Verifier(Protocol):
    """Looks at one item. Same item and row, same verdict; never raises for what a model wrote."""

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """Judge `item`, the value of one cell; `row` holds the columns made before it."""
        ...


@runtime_checkable
class AskingVerifier(Protocol):
    """A verifier that asks a model itself (a judge, a round trip); its requests are cached like all."""

    async def verify_asking(self, item: Any, row: Mapping[str, Any], engine: Engine, seed: int) -> Verdict:
        """Judge `item`; ask `engine` with `seed`."""
        ...


async def verdict_of(
    verifier: Verifier | AskingVerifier, item: Any, row: Mapping[str, Any], engine: Engine, seed: int
) -> Verdict:
    """The verdict of either kind of verifier."""
    if isinstance(verifier, AskingVerifier):
        return await verifier.verify_asking(item, row, engine, seed)
    return verifier.verify(item, row)


def majority(answers: Sequence[Any]) -> tuple[Any, float]:
    """The commonest answer (the first among equals) and its share of all; None counts as no answer."""
    counts = Counter(answer for answer in answers if answer is not None)
    if not counts:
        return None, 0.0
    best, count = counts.most_common(1)[0]
    return best, count / len(answers)


def fault(text: str, *verifiers: Verifier) -> str:
    """Reason of the first verifier that says no to a text; empty when all pass it."""
    verdicts = (verifier.verify(text, {}) for verifier in verifiers)
    return next((verdict.reason for verdict in verdicts if not verdict.ok), "")
