"""The price of noise: which standard deviation, or which epsilon of a choice, costs a given rho.

A release of counts with Euclidean sensitivity D and Gaussian noise of standard deviation sigma is
``D**2 / (2 sigma**2)``-zero-concentrated private, with continuous, rounded and discrete noise alike, and the
costs of several releases add up (Bun and Steinke 2016, proposition 1.6 and lemma 1.7; Canonne, Kamath and
Steinke 2020, theorem 4). So k releases that share a budget rho evenly each get
``sigma = D sqrt(k / (2 rho))``. An exponential mechanism of epsilon costs ``epsilon**2 / 8`` (Cesar and
Rogers 2021). What a step on the ledger cost is `Entry.rho`.
"""

from __future__ import annotations

import math

#: Mean absolute value of a standard normal number: what noise adds to an absolute error.
MEAN_NOISE = math.sqrt(2 / math.pi)


def sigma_for(rho: float, sensitivity: float = 1.0, releases: int = 1) -> float:
    """Standard deviation of the noise with which some releases cost `rho` together.

    Parameters
    ----------
    rho
        Budget of all of them, above 0.
    sensitivity
        How far one unit moves one release, in Euclidean length.
    releases
        How many there are, each with that noise in every cell.
    """
    return float(sensitivity) * math.sqrt(releases / (2 * rho))


def choice_epsilon_for(rho: float) -> float:
    """Epsilon of an exponential mechanism that costs `rho`."""
    return math.sqrt(8 * rho)
