"""All attacks at one of three efforts, and the worst of them after correction for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError
from locum.evaluation.attacks.by_group import per_group
from locum.evaluation.attacks.canaries import Canaries
from locum.evaluation.attacks.strongest import strongest
from locum.evaluation.attacks.threat import AttackTargets, ThreatModel, threat_model
from locum.evaluation.attacks.verdict import AttackFinding, membership
from locum.evaluation.decision import judged
from locum.evaluation.evaluator import EFFORTS, Effort, Evaluator
from locum.evaluation.generator import Fit
from locum.evaluation.learn.cells import texts
from locum.evaluation.overlap import overlap_sentence
from locum.evaluation.registry import evaluators
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial

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
        Rows and conditions attacked by singling out, linkability and inference.
    secrets
        Columns guessed by trained models, besides target and protected ones.
    shadows
        Generators fitted by the attacker where a fitting function is given.
    """

    targets: int
    rare: int
    searched: int
    attacks: int
    secrets: int
    shadows: int = 0


#: What is run at an effort stands in `locum.evaluation.measures`.
SIZES: Mapping[Effort, Sizes] = MappingProxyType(
    {
        "quick": Sizes(2_000, 400, 16_000, 0, 0),
        "standard": Sizes(5_000, 1_000, 40_000, 1_000, 3),
        "thorough": Sizes(20_000, 4_000, 100_000, 2_000, 12, shadows=32),
    }
)


@dataclass
class _Log:
    """What was found, and what was left out and why."""

    found: list[AttackFinding] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


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
    fit: Fit | None = None,
    canaries: Canaries | None = None,
) -> list[Result]:
    """Run the attacks of an effort; the last result is ``attack.worst``.

    With protected columns also ``attack.groups.<column>``: the group whose members are told apart best.

    Parameters
    ----------
    trial
        The stand-in with its real rows. Without a hold-out only canaries can be looked for; without those
        too the list is empty.
    effort
        ``quick``, ``standard`` or ``thorough``; see `SIZES`.
    before
        Results of copying tests that were run already; they take part in the correction.
    fit
        The generator under attack. With it, and at thorough effort, shadow models are fitted.
    canaries
        Rows that were planted in the train rows before the fit; they need no hold-out.

    Raises
    ------
    UsageError
        For an unknown effort.

    Notes
    -----
    Each attack claims one to three times that it does better than chance; all claims about copying, those of
    the tests before too, are one family (`locum.evaluation.decision`). ``attack.worst`` sums them up: its
    value is the effect of the strongest on the scale 0 (chance) to 1 (certain), and 0 when none was found.
    """
    effort = check_effort(effort)
    sizes = SIZES[effort]
    ready = threat_model(trial, targets=sizes.targets, rare=sizes.rare, searched=sizes.searched)
    if ready is None and canaries is None:
        return []
    log, inputs = _Log(), _inputs(trial, ready, sizes) | {"fit": fit, "canaries": canaries}
    if ready is None:
        log.left.append("every attack that needs real rows kept out of fitting")
    groups = {} if ready is None else _groups(trial, ready[1])
    for attack in evaluators("score", "attack"):
        if attack.effort is None or (ready is None and "hold-out" in attack.needs):
            continue
        if not attack.within(effort) or any(inputs[name] is None for name in attack.takes):
            log.left.append(attack.name)
        elif attack.kind == "attack":
            log.found += attack.load()(**{name: inputs[name] for name in attack.takes})
        elif ready is not None:
            log.found.append(_score(attack, *ready, groups))
    if not any(r.name == "copying.logprob" for r in before):
        log.left.append("the model's own probabilities (no model was given)")
    return _judge(trial, log, before, effort) if log.found else []


def _inputs(trial: Trial, ready: tuple[ThreatModel, AttackTargets] | None, sizes: Sizes) -> dict[str, Any]:
    """Everything that an attack can take by name."""
    n = trial.budget(sizes.attacks, 200)
    known, targets = ready or (None, None)
    return {
        "trial": trial,
        "synthetic": trial.synthetic,
        "schema": trial.schema,
        "seed": trial.seed,
        "known": known,
        "targets": targets,
        "secrets": _secrets(trial, sizes.secrets),
        "attacks": n,
        "conditions": 2 * n,
        "searched": sizes.searched,
        "shadows": sizes.shadows,
    }


def _score(attack: Evaluator, known: ThreatModel, targets: AttackTargets, groups: Groups) -> AttackFinding:
    values, naive = attack.load()(known, targets.together)
    plain = targets.split(naive)
    name = attack.measures[0].name
    return membership(name, targets.split(values), (plain[0], plain[1]), groups, known.seed)


def _groups(trial: Trial, targets: AttackTargets) -> Groups:
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


def _judge(trial: Trial, log: _Log, before: Sequence[Result], effort: str) -> list[Result]:
    """The results of the suite, judged together with the copying tests that were run before; the sum last."""
    found = [replace(f.result, claims=f.claims) for f in log.found]
    found += per_group(found)
    before = [r for r in before if r.question == "private"]
    own = judged([*before, *found])
    return [*own[len(before) :], strongest(own, effort, log.left, overlap_sentence(trial))]
