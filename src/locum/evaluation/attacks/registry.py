"""All copying tests that need nothing but tables, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from locum.evaluation.attacks.copies import exact_copies
from locum.evaluation.attacks.distance import distance_share
from locum.evaluation.attacks.membership import nearest_membership
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial

Attack = Callable[[Trial], list[Result]]

#: Every copying test; each returns an empty list where there is nothing to compare.
ATTACKS: Mapping[str, Attack] = MappingProxyType(
    {"exact": exact_copies, "distance": distance_share, "membership": nearest_membership}
)
