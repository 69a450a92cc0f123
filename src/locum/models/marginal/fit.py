"""Fit a graphical model to noisy tables: the distribution nearest to them, as even as they allow.

Minimised over all distributions p with the factors' cliques, for noisy tables y_f with variances v_f of the
cells and N rows::

    1/2 sum_f |N p_f - y_f|^2 / v_f  +  tau N KL(p || base)

i.e. least squares as in Private-PGM (McKenna, Sheldon, Miklau 2019) plus a little entropy, which makes the
solution unique, keeps every weight finite and takes up less of the noise. Its dual is smooth, without
constraints, and needs one pass of inference a step::

    minimise over theta:  N log Z(theta) - <theta, y> + tau/2 sum_f |sqrt(v_f) theta_f|^2

whose gradient is ``N p_f - y_f + tau v_f theta_f``. It is solved by L-BFGS (Nocedal and Wright, ch. 7) with
the diagonal of the Hessian, ``N p_f + tau v_f``, as the first guess of curvature: ten to fifty times fewer
passes than mirror descent needs on the primal. The fit sees noisy numbers only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from locum.arrays import FloatArray
from locum.models.marginal.measured import MeasuredTable
from locum.models.marginal.propagation import Beliefs, Propagation
from locum.models.marginal.triangulate import Clique


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How hard to fit.

    Attributes
    ----------
    entropy, entropy_one
        Weight of entropy, for tables of several columns and of one, in units of 1 over the smallest standard
        deviation of the noise: tau = entropy / sigma. For several columns 0.2 to 0.5 was about best on the
        AIM suite. For one, 0.03 was chosen on titanic at epsilon 1 alone (1,304 rows, six seeds): single
        columns bear less, as every other table is judged against them.
    tolerance
        Stop when the root mean square of the gradient is this share of the noise's standard deviation.
    steps
        Most steps.
    memory
        Pairs that L-BFGS remembers.
    """

    entropy: float = 0.3
    entropy_one: float = 0.03
    tolerance: float = 0.03
    steps: int = 300
    memory: int = 8


@dataclass(frozen=True, slots=True)
class FactorFit:
    """What a fit gave.

    Attributes
    ----------
    weights
        Fitted log weights of each measured factor.
    tables
        The same with the fixed tables added, then the fixed tables that stand alone: one a factor.
    beliefs
        Beliefs under them (memory of the propagation: valid until its next run).
    steps
        Passes of inference that it took.
    gap
        The last value of what `FitSettings.tolerance` bounds.
    """

    weights: list[FloatArray]
    tables: list[FloatArray]
    beliefs: Beliefs
    steps: int
    gap: float


class _Dual:
    """The dual objective on one flat vector."""

    def __init__(
        self,
        engine: Propagation,
        targets: Sequence[MeasuredTable],
        fixed: Mapping[Clique, FloatArray],
        total: float,
        taus: Sequence[float],
    ) -> None:
        self.engine, self.total = engine, total
        self.cliques = [p.clique for p in targets]
        self.fixed = fixed
        self.alone = [fixed[c] for c in engine.factors[len(targets) :]]
        self.shapes = [tuple(engine.tree.sizes[a] for a in p.clique) for p in targets]
        self.ends = np.cumsum([p.counts.size for p in targets])
        self.variance = np.concatenate([p.variance for p in targets])
        # Noisy sums differ from the total; what no distribution can meet is taken out along the noise.
        self.target = np.concatenate(
            [p.counts + p.variance * ((total - p.counts.sum()) / p.variance.sum()) for p in targets]
        )
        self.ridge = np.concatenate([tau * p.variance for tau, p in zip(taus, targets, strict=True)])
        self.beliefs: Beliefs | None = None

    def split(self, theta: FloatArray) -> list[FloatArray]:
        parts = np.split(theta, self.ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def tables(self, theta: FloatArray) -> list[FloatArray]:
        """All log weights, in the order of the engine's factors."""
        fitted = zip(self.cliques, self.split(theta), strict=True)
        return [t + self.fixed[c] if c in self.fixed else t for c, t in fitted] + self.alone

    def value(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Objective, gradient and the diagonal of the Hessian, all divided by nothing: in units of rows."""
        beliefs = self.engine.run(self.tables(theta))
        self.beliefs = beliefs
        marginals = self.engine.marginals(beliefs)[: len(self.shapes)]
        expected = self.total * np.concatenate([m.reshape(-1) for m in marginals])
        value = self.total * beliefs.log_partition + float(
            np.einsum("i,i", theta, 0.5 * self.ridge * theta - self.target)
        )
        return value, expected - self.target + self.ridge * theta, expected + self.ridge


def fit(
    engine: Propagation,
    targets: Sequence[MeasuredTable],
    total: float,
    settings: FitSettings,
    *,
    fixed: Mapping[Clique, FloatArray] = MappingProxyType({}),
    warm: Sequence[FloatArray | None] = (),
    noise: float | None = None,
) -> FactorFit:
    """Find the log weights.

    Parameters
    ----------
    engine
        Planned for the cliques of `targets`, followed by those of `fixed` that are not among them.
    targets
        Noisy tables, at least one.
    total
        Number of rows, noisy or public.
    settings
        How hard to fit.
    fixed
        Log weights by clique that are not fitted: 0, and -inf for what cannot happen.
    warm
        Log weights to start from, None for a factor that is new.
    noise
        Standard deviation that the entropy is set by; None for the smallest of all cells.
    """
    sigma = noise or float(np.sqrt(min(p.variance.min() for p in targets)))
    entropies = [settings.entropy_one if len(p.clique) == 1 else settings.entropy for p in targets]
    dual = _Dual(engine, targets, fixed, total, [e / sigma for e in entropies])
    theta = np.zeros(int(dual.ends[-1]))
    for part, start in zip(dual.split(theta), warm, strict=False):
        if start is not None:
            part[...] = start.reshape(part.shape)
    scale = np.sqrt(dual.variance)
    value, gradient, diagonal = dual.value(theta)
    pairs: deque[tuple[FloatArray, FloatArray, float]] = deque(maxlen=settings.memory)
    passes, gap = 1, _gap(gradient, scale)
    while gap > settings.tolerance and passes < settings.steps:
        step = -_direction(gradient, diagonal, pairs)
        slope = float(np.einsum("i,i", step, gradient))
        if slope >= 0:
            pairs.clear()
            step = -gradient / diagonal
            slope = float(np.einsum("i,i", step, gradient))
        length = 1.0 if pairs else min(1.0, 1.0 / _overlap(engine))
        length = min(length, 10.0 / max(float(np.abs(step).max()), 1e-300))
        for _ in range(30):
            candidate = theta + length * step
            new_value, new_gradient, diagonal = dual.value(candidate)
            passes += 1
            if new_value <= value + 1e-4 * length * slope + 1e-12 * abs(value):
                break
            curve = new_value - value - length * slope
            length *= min(max(-slope * length / (2 * curve), 0.1), 0.5) if curve > 0 else 0.5
        else:
            break
        change, difference = candidate - theta, new_gradient - gradient
        curvature = float(np.einsum("i,i", change, difference))
        if curvature > 0:
            pairs.append((change, difference, curvature))
        theta, value, gradient = candidate, new_value, new_gradient
        gap = _gap(gradient, scale)
    weights = [t.copy() for t in dual.split(theta)]
    tables = dual.tables(theta)
    # A failed search leaves the beliefs of another point behind.
    return FactorFit(weights, [t.copy() for t in tables], engine.run(tables), passes, gap)


def _gap(gradient: FloatArray, scale: FloatArray) -> float:
    return float(np.sqrt(np.mean((gradient / scale) ** 2)))


def _overlap(engine: Propagation) -> float:
    """How many factors cover a typical cell: the Hessian is about that many times its diagonal."""
    return float(max(1, max(sum(set(f) <= set(c) for f in engine.factors) for c in engine.tree.cliques)))


def _direction(
    gradient: FloatArray, diagonal: FloatArray, pairs: deque[tuple[FloatArray, FloatArray, float]]
) -> FloatArray:
    """The two-loop recursion, with the diagonal (scaled to the last step) as the first guess."""
    q = gradient.copy()
    weights = []
    for change, difference, curvature in reversed(pairs):
        weight = float(np.einsum("i,i", change, q)) / curvature
        weights.append(weight)
        q -= weight * difference
    q /= diagonal
    if pairs:
        _, difference, curvature = pairs[-1]
        q *= curvature / float(np.einsum("i,i,i", difference, difference, 1.0 / diagonal))
    for (change, difference, curvature), weight in zip(pairs, reversed(weights), strict=True):
        back = float(np.einsum("i,i", difference, q)) / curvature
        q += (weight - back) * change
    return q
