"""All attacks at one of three efforts, and the worst of them after correction for their number."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.evaluation.attacks.advantage import advantage
from locum.evaluation.attacks.by_group import per_group, worst_of
from locum.evaluation.attacks.canaries import Canaries, find
from locum.evaluation.attacks.inference import inference
from locum.evaluation.attacks.linkability import linkability
from locum.evaluation.attacks.scorers import SCORERS
from locum.evaluation.attacks.singling import singling_out
from locum.evaluation.attacks.threat import Knowledge, Targets, set_up
from locum.evaluation.attacks.verdict import Claim, Found, holm, membership
from locum.evaluation.learn.cells import texts
from locum.evaluation.overlap import overlap_sentence
from locum.evaluation.result import Result, Verdict
from locum.evaluation.trial import Trial

if TYPE_CHECKING:
    import pyarrow as pa

Effort = Literal["quick", "standard", "thorough"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)
Groups = dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much an effort spends.

    Attributes
    ----------
    targets, rare
        Random and outlying rows a side.
    searched
        Synthetic rows looked at.
    attacks
        Rows and conditions attacked by singling out, linkability and inference; 0 leaves them out.
    secrets
        Columns guessed by trained models, besides target and protected ones; None leaves that attack out.
    scorers
        Density ratios that are run.
    shadows
        Generators fitted by the attacker where a fitting function is given; 0 leaves these attacks out.
    """

    targets: int
    rare: int
    searched: int
    attacks: int
    secrets: int | None
    scorers: tuple[str, ...]
    shadows: int = 0


SIZES: Mapping[Effort, Sizes] = MappingProxyType(
    {
        "quick": Sizes(2_000, 400, 16_000, 0, None, ("neighbours", "counts")),
        "standard": Sizes(5_000, 1_000, 40_000, 1_000, 3, tuple(SCORERS)),
        "thorough": Sizes(20_000, 4_000, 100_000, 2_000, 12, tuple(SCORERS), shadows=32),
    }
)
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "scaled": "membership by scaled distances",
        "values": "membership by exact values",
        "trees": "membership by a trained judge",
        "forest": "membership by a deep forest",
        "attacks": "singling out, linkability, inference from the nearest row",
        "secrets": "guessing values with trained models",
        "shadows": "shadow models (LiRA, RMIA, queries): the generator fitted again and again",
        "logprob": "the model's own probabilities (no model was given)",
        "canaries": "canary rows planted before the fit",
    }
)


@dataclass
class _Log:
    """What was found, and what was left out and why."""

    found: list[Found] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def check_effort(name: str) -> Effort:
    """Return a usable effort.

    Raises
    ------
    UsageError
        When there is none of that name.
    """
    for effort in EFFORTS:
        if name == effort:
            return effort
    raise UsageError(f"there is no effort {name!r}", where="effort", expected=f"one of {', '.join(EFFORTS)}")


def suite(
    trial: Trial,
    *,
    effort: Effort = "standard",
    before: Sequence[Result] = (),
    fit: Callable[[pa.Table, int], pa.Table] | None = None,
    canaries: Canaries | None = None,
    seconds: float | None = None,
) -> list[Result]:
    """Run the attacks of an effort; the last result is ``attack.worst``.

    Parameters
    ----------
    trial
        The stand-in with its real rows. Without a hold-out only canaries can be looked for; without those
        too the list is empty.
    effort
        ``quick``, ``standard`` or ``thorough``; see `SIZES`.
    before
        Results of membership tests that were run already (``copying.membership``, ``copying.logprob``); they
        take part in the correction.
    fit
        Makes a synthetic table out of a real one and a seed, by the generator under attack. With it, and at
        thorough effort, shadow models are fitted.
    canaries
        Rows that were planted in the train rows before the fit; they need no hold-out.
    seconds
        CPU seconds after which no further attack is begun. What was skipped is said; without it the same
        inputs give the same results.

    Raises
    ------
    UsageError
        For an unknown effort.

    Notes
    -----
    Verdicts: each attack tests one to three hypotheses of the kind "no better than chance"; their p-values
    are corrected together (Holm, 5 %). An attack that is not beyond chance, or whose effect is small
    (`locum.evaluation.attacks.verdict.LIMITS`), is good; else fair or poor by size. ``attack.worst`` has the
    worst verdict; its value is the effect of that attack on the scale 0 (chance) to 1 (certain), and 0 when
    no attack is beyond chance.
    """
    sizes, start = SIZES[check_effort(effort)], time.process_time()
    ready = set_up(trial, targets=sizes.targets, rare=sizes.rare, searched=sizes.searched)
    if ready is None and canaries is None:
        return []
    log = _Log()
    steps = {} if ready is None else _steps(trial, *ready, sizes, fit)
    if canaries is not None:
        steps["canaries"] = lambda: find(canaries, trial.synthetic, trial.schema, seed=trial.seed)
    for name, step in steps.items():
        if seconds is not None and time.process_time() - start > seconds:
            log.left.append(f"{name} (time was up)")
            continue
        begun = time.process_time()
        log.found += step()
        log.seconds[name] = time.process_time() - begun
    if ready is None:
        log.left.append("every attack that needs real rows kept out of fitting")
    log.left += _left_out(sizes, before, fit)
    if canaries is not None:
        log.left.remove(NAMES["canaries"])
    if not log.found:
        return []
    return _judged(trial, log, before, effort)


def _steps(
    trial: Trial, known: Knowledge, targets: Targets, sizes: Sizes, fit: Any
) -> dict[str, Callable[[], list[Found]]]:
    groups = _groups(trial, targets)
    steps: dict[str, Callable[[], list[Found]]] = {}
    for name in sizes.scorers:
        steps[SCORERS[name][1].title.lower()] = lambda name=name: [_scored(known, targets, groups, name)]  # type: ignore[misc]
    if sizes.attacks:
        n = trial.budget(sizes.attacks, 200)
        steps["singling out"] = lambda: singling_out(trial, attacks=2 * n)
        steps["linkability"] = lambda: linkability(trial, attacks=n, searched=sizes.searched)
        steps["inference from the nearest row"] = lambda: inference(trial, attacks=n, searched=sizes.searched)
    if sizes.secrets is not None:
        steps["guessing values with trained models"] = lambda: advantage(
            known, targets, _secrets(trial, sizes.secrets or 0)
        )
    if sizes.shadows and fit is not None:
        from locum.evaluation.attacks.shadows import shadow_attacks

        steps["shadow models"] = lambda: shadow_attacks(trial, fit, shadows=sizes.shadows)
    return steps


def _scored(known: Knowledge, targets: Targets, groups: Groups, name: str) -> Found:
    score, wording = SCORERS[name]
    values, naive = score(known, targets.together)
    plain = targets.split(naive)
    return membership(wording, targets.split(values), (plain[0], plain[1]), groups, known.seed)


def _groups(trial: Trial, targets: Targets) -> Groups:
    """Labels of each protected column for random members and others; ordered columns are left out."""
    out: Groups = {}
    for name in trial.schema.protected:
        column = trial.schema[name]
        if not (column.ordered or column.regenerated):
            labels = [texts(t.column(name)).fill_null("missing") for t in (targets.members, targets.others)]
            inside, outside = (np.array(v.to_pylist(), dtype=object) for v in labels)
            out[name] = (inside, outside)
    return out


def _secrets(trial: Trial, more: int) -> tuple[str, ...]:
    """Target and protected columns, then others in order of the schema; no function of another column."""
    names = [c.name for c in trial.columns]
    bound = {name for d in trial.schema.dependencies for name in (d.determinant, d.dependent)}
    first = [n for n in dict.fromkeys([trial.target, *trial.schema.protected]) if n in names]
    rest = [n for n in names if n not in first and n not in bound]
    return tuple(str(n) for n in [*first, *rest[:more]])


def _left_out(sizes: Sizes, before: Sequence[Result], fit: Any) -> list[str]:
    left = []
    left += [NAMES[name] for name in SCORERS if name in NAMES and name not in sizes.scorers]
    if not sizes.attacks:
        left.append(NAMES["attacks"])
    if sizes.secrets is None:
        left.append(NAMES["secrets"])
    if not sizes.shadows or fit is None:
        left.append(NAMES["shadows"])
    if not any(r.name == "copying.logprob" for r in before):
        left.append(NAMES["logprob"])
    return [*left, NAMES["canaries"]]


def _judged(trial: Trial, log: _Log, before: Sequence[Result], effort: str) -> list[Result]:
    claims = [c for r in before for c in _claims_of(r)] + [c for f in log.found for c in f.claims]
    adjusted = holm([c.p for c in claims])
    verdicts = [c.verdict(float(p)) for c, p in zip(claims, adjusted, strict=True)]
    before = [r for r in before if _claims_of(r)]
    results = []
    for f in log.found:
        own = [v for c, v in zip(claims, verdicts, strict=True) if c.attack == f.result.name]
        results.append(replace(f.result, verdict=worst_of(own)))
    results += per_group(results)
    return [*results, _summary(trial, [*before, *results], claims, adjusted, verdicts, log, effort)]


def _claims_of(result: Result) -> tuple[Claim, ...]:
    """Hypotheses of a membership test that was run before, from its detail."""
    p = result.detail.get("p", {})
    # What takes the model file is said beside the verdict and does not decide it.
    if result.name != "copying.membership" or "area" not in p:
        return ()
    found = result.detail["found"][1]["found"]
    return (
        Claim(result.name, "area", result.value, float(p["area"])),
        Claim(result.name, "found at 1 %", float(found), float(p["found at 1 %"])),
    )


def _strength(claim: Claim) -> float:
    """Effect from 0 (chance) to 1 (certain), whatever its scale."""
    value = claim.effect
    if claim.scale in ("area", "outlying area"):
        value = 2 * value - 1
    elif claim.scale == "found at 1 %":
        value = (value - 0.01) / 0.99
    return float(min(1.0, max(0.0, value)))


def _summary(
    trial: Trial,
    results: Sequence[Result],
    claims: Sequence[Claim],
    adjusted: FloatArray,
    verdicts: Sequence[Verdict],
    log: _Log,
    effort: str,
) -> Result:
    verdict = worst_of(verdicts)
    ranked = sorted(
        range(len(claims)),
        key=lambda i: (
            ("poor", "fair", "good", "unclear").index(verdicts[i]),
            adjusted[i],
            -_strength(claims[i]),
        ),
    )
    worst = claims[ranked[0]]
    by_name = {r.name: r for r in results}
    said = by_name[worst.attack]
    beyond = int((adjusted <= 0.05).sum())
    if verdict in ("fair", "poor"):
        sentence = f"The strongest of {len(by_name)} attacks succeeds. {said.sentence}"
    elif beyond:
        sentence = f"The strongest of {len(by_name)} attacks is beyond chance, but weak. {said.sentence}"
    else:
        sentence = (
            f"None of {len(by_name)} attacks did better than chance once their number is allowed for; "
            f"the strongest: {said.title.lower()}."
        )
    overlap = overlap_sentence(trial)
    return Result(
        name="attack.worst",
        title="The strongest attack",
        question="private",
        value=_strength(worst) if adjusted[ranked[0]] <= 0.05 else 0.0,
        direction="lower",
        target=0.0,
        reference=0.0,
        verdict=verdict,
        headline=True,
        sentence=sentence + (f" {overlap}" if overlap else ""),
        detail={
            "effort": effort,
            "attack": worst.attack,
            "title": said.title,
            "measure": worst.scale,
            "effect": worst.effect,
            "p_corrected": float(adjusted[ranked[0]]),
            "claims": [
                {
                    "attack": claims[i].attack,
                    "title": by_name[claims[i].attack].title,
                    "measure": claims[i].scale,
                    "effect": claims[i].effect,
                    "p": claims[i].p,
                    "p_corrected": float(adjusted[i]),
                    "verdict": verdicts[i],
                }
                for i in ranked
            ],
            "not_tried": log.left,
            **({"overlap": overlap} if overlap else {}),
        },
    )
