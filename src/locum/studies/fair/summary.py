"""What a repair did, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from locum.studies.fair.result import FairEvidence

#: Difference in odds by chance alone from which the sentence speaks of it.
CHANCE = 0.03
#: Rise that is spoken of although its interval holds 0.
RISE = 0.02
NAMES = (("demographic_parity", "Demographic parity"), ("equalized_odds", "Equalised odds"))


def sentence(evidence: FairEvidence, target: str, protected: Sequence[str]) -> str:
    """Both parities before and after, which of them got worse, what chance makes, and the cost."""
    b, a = evidence.before, evidence.after
    what = f"{target} = {evidence.positive}" if evidence.binary else target
    words = [
        f"Between groups of {' x '.join(protected)} the share of {what!r} differed by up to "
        f"{100 * b['label_gap'].value:.1f} points, now by {100 * a['label_gap'].value:.1f}."
    ]
    if np.isnan(b["demographic_parity"].value):
        words.append("There were too few test rows to compare models between groups.")
    else:
        words += _of_models(evidence)
    words.append(
        f"Area under the ROC curve: {b['auc'].value:.3f}, now {a['auc'].value:.3f}; rows judged rightly: "
        f"{100 * b['accuracy'].value:.1f} %, now {100 * a['accuracy'].value:.1f} %."
    )
    return " ".join(words)


def _of_models(evidence: FairEvidence) -> list[str]:
    b, a, change = evidence.before, evidence.after, evidence.change
    words = [
        f"Of models trained on the rows, the difference in demographic parity went from "
        f"{b['demographic_parity'].value:.3f} to {a['demographic_parity'].value:.3f}, in equalised odds "
        f"from {b['equalized_odds'].value:.3f} to {a['equalized_odds'].value:.3f}."
    ]
    worse = [name for key, name in NAMES if change[key].low > 0]
    if worse:
        words.append(f"{' and '.join(worse)} got worse: where groups differ, not every parity can hold.")
    maybe = [name for key, name in NAMES if change[key].value > RISE and change[key].low <= 0]
    if maybe:
        words.append(f"{' and '.join(maybe)} may have got worse: the interval of the rise holds 0.")
    odds = evidence.beyond_chance["equalized_odds"][1]
    if odds.by_chance >= CHANCE:
        words.append(
            f"With as few test rows as some groups have, equal error rates would show a difference in "
            f"odds of about {odds.by_chance:.3f} by chance alone; beyond that {odds.value:.3f} is left "
            f"({odds.low:.3f} to {odds.high:.3f})."
        )
    return words


def unjudged_groups(evidence: FairEvidence, least: int) -> tuple[str, ...]:
    """One sentence about the groups that are not judged, or nothing."""
    if not evidence.left_out:
        return ()
    groups = "; ".join(evidence.left_out)
    return (f"Not judged, for fewer than {least} test rows of either outcome: {groups}.",)
