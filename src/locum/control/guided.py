"""Code rows from any model under a guide: by the model itself where it can, else weighted afterwards."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.models.base import Guided, Model
from locum.models.guide import Guide, nearest
from locum.randomness import check_seed, stream
from locum.schema.domain import Codes

#: Rows among which the nearest ones are looked for, where a model cannot draw the rest of a row itself.
DECK = 20_000


def propose(model: Model, n: int, guide: Guide, seed: int) -> tuple[Codes, FloatArray]:
    """Draw code rows and their log weights; the contract is that of `locum.models.base.Guided`.

    A model without `Guided` is drawn from freely and weighted by the guide's factors; for given cells, rows
    of a pool that agree with them most are taken.

    Raises
    ------
    UsageError
        When a temperature is asked of a model that neither draws column by column nor has a density.
    """
    seed = check_seed(seed)
    if guide.empty:
        return model.sample(n, seed=seed), np.zeros(n)
    if isinstance(model, Guided):
        return model.sample_guided(n, guide, seed=seed)
    tilt = np.zeros(n)
    if guide.fixed is not None:
        if guide.temperature != 1.0:
            raise UsageError(
                f"{model.name} has no temperature with given cells", where="temperature", do="leave it at 1"
            )
        size = n // len(guide.fixed)
        codes = nearest(model.sample(DECK, seed=seed), guide.fixed, size, stream(seed, "deck"))
    else:
        codes = model.sample(n, seed=seed)
        if guide.temperature != 1.0:
            if not model.has_density:
                raise UsageError(f"{model.name} has no temperature", where="temperature", do="leave it at 1")
            # Rows follow p; weighted by p ** (1 / t - 1) they follow p ** (1 / t).
            log_p = model.log_prob(codes)
            tilt = (1.0 / guide.temperature - 1.0) * np.where(np.isfinite(log_p), log_p, 0.0)
    return codes, guide.log_factor(codes) + tilt


def pick(log_weight: FloatArray, k: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`k` row indices, in proportion to weight, by systematic sampling over a random order."""
    top = log_weight.max(initial=-np.inf)
    if not np.isfinite(top) or k < 1:
        return np.zeros(0, dtype=np.int64)
    order = rng.permutation(len(log_weight))
    weight = np.exp(log_weight[order] - top)
    steps = np.cumsum(weight)
    marks = (np.arange(k) + rng.random()) / k * steps[-1]
    at = np.minimum(np.searchsorted(steps, marks, side="right"), len(steps) - 1)
    # The last allowed row, should rounding name one past it.
    at = np.where(weight[at] > 0, at, int(np.flatnonzero(weight)[-1]))
    out: npt.NDArray[np.int64] = order[at]
    return out
