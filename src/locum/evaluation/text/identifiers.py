"""Whether personal data of the real texts stand in the synthetic ones."""

from __future__ import annotations

from collections import Counter

from locum.data.pii_in_text import mentions
from locum.evaluation.intervals import wilson
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result, Verdict
from locum.evaluation.text.trial import TextTrial

#: Kinds that belong to one person or household; a capitalised name may be a town or a firm.
HARD = frozenset(
    ("pii.email", "pii.url", "pii.ip", "pii.iban", "pii.card", "pii.national_id", "pii.phone", "pii.address")
)
#: Level of the one-sided test on names.
LEVEL = 0.01


def identifiers(trial: TextTrial) -> list[Result]:
    """Personal data of train that return in the synthetic texts: ``text.identifiers`` and ``text.names``.

    Found by `locum.data.pii_in_text`: patterns, and check digits where there are any. Values are shares of
    those that train has and the hold-out has not; the reference is the share of those that the hold-out has
    and train has not, which return by chance or because everybody writes them. Of identifiers a single one is
    poor. Names (two or three capitalised words) are poor when significantly more of train's return than of
    the hold-out's (exact test of the split, one-sided at `LEVEL`: one false alarm in 100 or fewer); without a
    hold-out they are not judged. Counts by kind are in ``detail``; the data themselves are never kept.
    """
    sets = {p: _find(trial.texts.get(p, ())) for p in ("train", "holdout", "synthetic")}
    out = [_hard(sets)]
    if trial.holdout is not None:
        out.append(_names(sets))
    return out


def _find(texts: list[str] | tuple[str, ...]) -> dict[bool, set[tuple[str, str]]]:
    found: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    for text in texts:
        for kind, form in mentions(text):
            found[kind in HARD].add((kind, form))
    return found


def _split(
    sets: dict[str, dict[bool, set[tuple[str, str]]]], hard: bool
) -> tuple[set[tuple[str, str]], int, int, int]:
    """Those of train that return, of how many; those of the hold-out that return, of how many."""
    train, held, ours = (sets[p][hard] for p in ("train", "holdout", "synthetic"))
    mine, other = train - held, held - train
    return mine & ours, len(mine), len(other & ours), len(other)


def _hard(sets: dict[str, dict[bool, set[tuple[str, str]]]]) -> Result:
    back, n, other, m = _split(sets, True)
    low, high = wilson(len(back), n)
    value = len(back) / n if n else 0.0
    return result_of(
        "text.identifiers",
        value,
        f"{len(back)} of {n} mail and web addresses, telephone, card and identity numbers of the "
        "real texts stand in the synthetic ones."
        if n
        else "The real texts hold no mail or web address, telephone, card or identity number of their own.",
        low=low if n else 0.0,
        high=high if n else 0.0,
        reference=other / m if m else 0.0,
        verdict="poor" if back else "good",
        detail={
            "returned": dict(Counter(kind for kind, _ in back)),
            "of": n,
            "holdout_returned": other,
            "holdout_of": m,
        },
    )


def _names(sets: dict[str, dict[bool, set[tuple[str, str]]]]) -> Result:
    from scipy.stats import hypergeom

    back, n, other, m = _split(sets, False)
    low, high = wilson(len(back), n)
    hits = len(back)
    # Chance of so many among train's when all that return fall at random (Fisher).
    p = float(hypergeom.sf(hits - 1, n + m, n, hits + other)) if hits + other else 1.0
    verdict: Verdict = "poor" if p < LEVEL else "good"
    value, real = hits / n if n else 0.0, other / m if m else 0.0
    return result_of(
        "text.names",
        value,
        f"{hits} of {n} capitalised names of the real texts stand in the synthetic ones; of "
        f"texts never seen {other} of {m}.",
        low=low if n else 0.0,
        high=high if n else 0.0,
        reference=real,
        verdict=verdict,
        detail={"p": p, "of": n, "holdout_of": m},
    )
