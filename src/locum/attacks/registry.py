"""All copying tests that need nothing but tables, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from locum.attacks.copies import exact_copies
from locum.attacks.distance import distance_share
from locum.attacks.membership import nearest_membership
from locum.evidence.result import Result
from locum.evidence.trial import Trial

Attack = Callable[[Trial], list[Result]]

#: Every copying test; each returns an empty list where there is nothing to compare.
ATTACKS: Mapping[str, Attack] = MappingProxyType(
    {"exact": exact_copies, "distance": distance_share, "membership": nearest_membership}
)
