"""What the splits of a study of mixing say together: verdict, exchange rate, groups, sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.scores import floor_of
from locum.studies.mix.arms import Goal, Mix, Outcome
from locum.studies.mix.contrast import corrected_difference
from locum.studies.mix.result import Arm, Contrast, GroupGain, Mixing, MixVerdict

if TYPE_CHECKING:
    import pyarrow as pa


#: Shares of the learning rows at which real rows alone are tried, besides all of them.
CURVE = (0.25, 0.5)
#: Differences below this are none.
NOTHING = 5e-5
#: A loss by pooling below this share of what real rows bring over guessing is too small to be called harm.
MATTERS = 0.01
#: Exchange rates beyond this many times the real rows are not extrapolated.
FURTHEST = 10.0
#: Shortfall of a perfect score, so that logarithms exist.
LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Run:
    """What one split gave.

    Attributes
    ----------
    outcomes
        Predictions and score by arm.
    groups
        By column and level: test rows, and score by arm.
    curve
        Pairs (real rows, score) at the shares `CURVE` of the learning rows.
    learn, test
        Numbers of learning and test rows.
    tables
        Learning, synthetic and test rows; kept by the first split only, for the attack.
    """

    outcomes: Mapping[str, Outcome]
    groups: Mapping[tuple[str, str], tuple[int, Mapping[str, float]]]
    curve: tuple[tuple[int, float], ...]
    learn: int
    test: int
    tables: tuple[pa.Table, pa.Table, pa.Table] | None = None

    @property
    def test_share(self) -> float:
        """Test rows over learning rows."""
        return self.test / self.learn


def conclude(
    runs: Sequence[Run],
    tried: Sequence[Mix],
    goal: Goal,
    share: float,
    *,
    table: str,
    target: str,
    synthesizer: str,
) -> Mixing:
    """The finding of all splits; `share` is what `corrected` takes. Without copying, warnings and cost."""
    score = {arm: np.array([r.outcomes[arm].score for r in runs]) for arm in runs[0].outcomes}
    names = [m.name for m in tried]
    gains = np.stack([score[m] - score["real"] for m in names])
    over_copies = np.stack([score[m] - score["copy: " + m] for m in names])
    picks = [int(np.argmax(np.delete(gains, i, axis=1).mean(axis=1))) for i in range(len(runs))]
    at = np.arange(len(runs))
    gain, floor = (
        corrected_difference(gains[picks, at], share),
        corrected_difference(over_copies[picks, at], share),
    )
    full = [i for i, m in enumerate(tried) if m.weight == 1.0]
    pooled = corrected_difference(gains[full].mean(axis=0), share)
    pooled_floor = corrected_difference(over_copies[full].mean(axis=0), share)
    skill = float(score["real"].mean()) - floor_of(goal.task)
    best = tried[int(np.argmax(np.bincount(picks, minlength=len(names))))]
    chosen = best.name
    words = chosen + (", the most that was tried" if best.ratio == max(m.ratio for m in tried) else "")
    verdict = decide(gain, floor, pooled, pooled_floor, skill)
    worth = exchange(runs, gain, share) if verdict == "helps" else None
    measure = "R2" if goal.task == "regression" else "AUC"
    return Mixing(
        table=table,
        target=target,
        measure=measure,
        synthesizer=synthesizer,
        rows=runs[0].learn,
        test_rows=runs[0].test,
        splits=len(runs),
        verdict=verdict,
        sentence=_sentence(verdict, gain, pooled, words, measure, float(score[chosen].mean()))
        + (exchange_words(worth, runs[0].learn, best.ratio) if verdict == "helps" else ""),
        chosen=chosen,
        gain=gain,
        floor=floor,
        pooled=pooled,
        beside=_beside(score, chosen, share, measure) if verdict == "helps" else "",
        optimum=optimum(tried, gains.mean(axis=1)),
        arms=_arms(runs, tried, score, share),
        curve=tuple((int(n), float(s)) for n, s in zip(*_curve(runs), strict=True)),
        worth=worth,
        groups=_group_gains(runs, chosen, share),
        copying=None,
    )


def decide(
    gain: Contrast, floor: Contrast, pooled: Contrast, pooled_floor: Contrast, skill: float
) -> MixVerdict:
    """The verdict.

    ``helps``: the best mix gains over real rows alone and over copies of them, each with its whole interval.
    ``harms``: it loses in the same sense; or the mixes of full weight do in the mean (what a user does who
    just appends the rows), by more than `MATTERS` of the real rows' `skill`, and no mix helps.
    """
    if gain.low > 0 and floor.low > 0:
        return "helps"
    if gain.high < 0 and floor.high < 0:
        return "harms"
    lost = pooled.high < 0 and pooled_floor.high < 0 and -pooled.value > MATTERS * skill
    return "harms" if lost else "no evidence"


def optimum(tried: Sequence[Mix], gains: FloatArray) -> float | None:
    """Effective share of synthetic weight with the best gain, on a parabola through no rows, no gain.

    Share: see `locum.studies.mix.arms.Mix.share`. None where the parabola opens upwards, i.e.
    the grid shows no optimum; 0 where every mix is worse.
    """
    s = np.array([m.share for m in tried])
    (a, b), *_ = np.linalg.lstsq(np.stack([s, s * s], axis=1), gains, rcond=None)
    if b >= 0:
        return None if a > 0 else 0.0
    return float(np.clip(-a / (2 * b), 0.0, s.max()))


def _curve(runs: Sequence[Run]) -> tuple[FloatArray, FloatArray]:
    """Real rows learned from, and mean score on them."""
    rows = [float(np.mean([r.curve[i][0] for r in runs])) for i in range(len(CURVE))]
    return np.rint([*rows, runs[0].learn]), _scores(runs).mean(axis=0)


def _scores(runs: Sequence[Run]) -> FloatArray:
    """Scores along the curve, shape (splits, points)."""
    return np.array([[*(s for _, s in r.curve), r.outcomes["real"].score] for r in runs])


def exchange(runs: Sequence[Run], gain: Contrast, share: float) -> tuple[float, float, float] | None:
    """Further real rows that would bring the gain, with lower and upper end; inf beyond `FURTHEST`.

    The shortfall ``1 - score`` is taken to fall as ``n**-c``. c is fitted to the mean scores; its interval
    comes from the splits' own curves. The lower end takes the lower end of the gain and the steepest curve,
    the upper end the opposite, so that together they cover at least 95 % of cases. None where the mean score
    did not grow with more real rows, so that there is nothing to exchange.
    """
    n, mean = _curve(runs)
    x = np.log(n)
    x = x - x.mean()

    def slope(scores: FloatArray) -> FloatArray:
        return np.asarray(-np.log(np.maximum(1 - scores, LEAST)) @ x / (x @ x))

    c, spread = float(slope(mean)), corrected_difference(slope(_scores(runs)), share)
    if c <= 0:
        return None
    short, reach = max(1 - float(mean[-1]), LEAST), spread.high - spread.value

    def rows(g: float, c: float) -> float:
        if g <= 0:
            return 0.0
        if c <= 0 or g >= short:
            return float("inf")
        times = np.log(short / (short - g)) / c
        return float(n[-1] * np.expm1(times)) if times < np.log1p(FURTHEST) else float("inf")

    return rows(gain.value, c), rows(gain.low, c + reach), rows(gain.high, c - reach)


def exchange_words(worth: tuple[float, float, float] | None, rows: int, ratio: float) -> str:
    """The exchange rate as a sentence, with a space before it."""
    if worth is None:
        return " What that is worth in real rows cannot be said: more of them did not help here either."
    most = FURTHEST * rows

    def words(value: float) -> str:
        return f"{value:,.0f}" if value < most else f"more than {most:,.0f}"

    value, low, high = worth
    return (
        f" {ratio * rows:,.0f} synthetic rows are worth about {words(value)} further real ones "
        f"({words(low)} to {words(high)})."
    ).replace("about more", "more")


def _arms(
    runs: Sequence[Run], tried: Sequence[Mix], score: Mapping[str, FloatArray], share: float
) -> tuple[Arm, ...]:
    known = {m.name: (m.ratio, m.weight) for m in tried}
    out = []
    for arm, values in score.items():
        plain = arm.removeprefix("copy: ")
        ratio, weight = known.get(plain, (0.0, 1.0))
        kind = "real" if arm == "real" else "copy" if arm != plain else "mix" if arm in known else "rival"
        kind = "synthetic" if arm == "synthetic alone" else kind
        gain = None if arm == "real" else corrected_difference(values - score["real"], share)
        extra = {
            field: float(np.mean([getattr(r.outcomes[arm], field) for r in runs]))
            for field in ("calibration", "balanced")
            if getattr(runs[0].outcomes[arm], field) is not None
        }
        out.append(Arm(arm, kind, ratio, weight, float(values.mean()), gain, **extra))
    return tuple(out)


def _group_gains(runs: Sequence[Run], chosen: str, share: float) -> tuple[GroupGain, ...]:
    out = []
    for key in runs[0].groups:
        seen = [r.groups[key] for r in runs if key in r.groups]
        if len(seen) < max(2, len(runs) // 2):
            continue
        real = np.array([scores["real"] for _, scores in seen])
        mixed = np.array([scores[chosen] for _, scores in seen])
        rows = round(float(np.mean([n for n, _ in seen])))
        gain = corrected_difference(mixed - real, share)
        out.append(GroupGain(*key, rows, float(real.mean()), float(mixed.mean()), gain))
    return tuple(out)


def _beside(score: Mapping[str, FloatArray], chosen: str, share: float, measure: str) -> str:
    """How the chosen mix does beside the best of the rivals that need no generator; paired by split."""
    rivals = {name: score[name].mean() for name in ("class weights", "SMOTE") if name in score}
    if not rivals:
        return ""
    best = max(rivals, key=lambda name: float(rivals[name]))
    d = corrected_difference(score[chosen] - score[best], share)
    between = f"{d.value:+.4f} {measure} ({d.low:+.4f} to {d.high:+.4f})"
    if d.low > 0:
        return f"It is ahead of the best simple rival, {best}, by {between}."
    return f"It is not shown to be better than a simple rival, {best}: {between}. Try that first."


def _sentence(
    verdict: MixVerdict, gain: Contrast, pooled: Contrast, chosen: str, measure: str, mixed: float
) -> str:
    between = _between(gain, measure)
    if verdict == "helps":
        return f"Adding synthetic rows helps: {between}. Best here: {chosen}, reaching {mixed:.4f}."
    if verdict == "harms" and gain.high < 0:
        return f"Adding synthetic rows harms: {between}, even at the best mix tried. Train on the real rows."
    if verdict == "harms":
        return (
            f"Adding synthetic rows at full weight harms: {_between(pooled, measure)}, and no lighter mix is "
            f"shown to help: {between} at the best. Train on the real rows."
        )
    if gain.detectable < NOTHING and abs(gain.value) < NOTHING:
        return (
            f"There is nothing to gain: models trained on the real rows and on the mixes score alike in "
            f"every split ({mixed:.4f} {measure})."
        )
    return (
        f"There is no evidence that adding synthetic rows helps: {between}. "
        f"A true gain of {gain.detectable:.4f} or more would probably have been seen."
    )


def _between(c: Contrast, measure: str) -> str:
    return f"{c.value:+.4f} {measure} (95 % interval {c.low:+.4f} to {c.high:+.4f})"
