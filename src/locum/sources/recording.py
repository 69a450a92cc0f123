"""A private source that keeps what it was told."""

from __future__ import annotations

from collections.abc import Sequence

from locum.privacy.ledger import Ledger
from locum.sources.base import Source
from locum.sources.private import Measurement, PrivateSource


class RecordingSource(PrivateSource):
    """A private source that keeps its answers, for the quality report; they are published objects.

    `total` is the number of rows as it was bought, `kept` the list that answers are added to.
    """

    def __init__(self, source: Source, ledger: Ledger, total: Measurement, kept: list[Measurement]) -> None:
        super().__init__(source, ledger)
        self._total = total
        self._kept = kept

    def measure(self, cliques: Sequence[Sequence[str]], sigma: float, *, purpose: str) -> list[Measurement]:
        """As `PrivateSource.measure`."""
        found = super().measure(cliques, sigma, purpose=purpose)
        self._kept.extend(found)
        return found
