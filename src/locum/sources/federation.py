"""Counts of a data set that lies in parts: each part counts, the counts are added."""

from __future__ import annotations

from collections.abc import Sequence

from locum.errors import UsageError
from locum.sources.base import Counts, Source, merge


class SplitSource:
    """Several sources over one domain as one.

    Parameters
    ----------
    parts
        At least one source; all have the same domain. Where the unit of privacy is an id, all rows of one
        unit must lie in the same part, otherwise the bound on rows per unit holds only part by part.
    """

    def __init__(self, parts: Sequence[Source]) -> None:
        if not parts:
            raise UsageError("there is no part", where="SplitSource")
        if any(p.domain != parts[0].domain for p in parts):
            raise UsageError("the parts have different domains", where="SplitSource")
        self.domain = parts[0].domain
        self._parts = tuple(parts)

    def marginal(self, attributes: Sequence[str]) -> Counts:
        """Number of rows in each combination of codes; see `Source.marginal`."""
        return merge([part.marginal(attributes) for part in self._parts])

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Counts]:
        """Several tables of counts; see `Source.marginals`."""
        answers = [part.marginals(cliques) for part in self._parts]
        return [merge(list(tables)) for tables in zip(*answers, strict=True)]
