"""From many results to one verdict a question, and to the five sentences."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from locum.evaluation.attacks.by_group import ORDER, worst_of
from locum.evaluation.attacks.copies import SURE_EXCESS
from locum.evaluation.evidence import Answer, Control
from locum.evaluation.groups import groupings
from locum.evaluation.hold_out_shift import SUFFIX
from locum.evaluation.metrics.fairness.data import classes_of
from locum.evaluation.metrics.utility import why_not
from locum.evaluation.overlap import repeats
from locum.evaluation.registry import deciding
from locum.evaluation.result import Result, Verdict
from locum.evaluation.trial import Trial
from locum.wording import in_hundred, percent

#: The use of the rows that each looks at.
_USES = {
    "risk.mix": "when these rows are added to real ones",
    "risk.generation": "when a generator learns from these rows",
}


#: With fewer real, synthetic or held-out rows than this nothing is said about a table as a whole.
FEW = 20
#: Where train repeats itself more than this, rows met by chance cannot be told from a leaked hold-out.
REPETITIVE = 0.01
#: A two-sample area with its whole interval below this: synthetic rows repeat the hold-out.
TOO_REAL = 0.47


def worst(results: Sequence[Result], names: Collection[str]) -> Verdict:
    """The worst verdict among the named results; those that are unclear do not count, unless all are."""
    return worst_of([r.verdict for r in results if r.name in names])


def faithful(results: Sequence[Result]) -> Verdict:
    """Worst of the deciding measures (`deciding`); pairs of columns stand in where there are no triples.

    Unclear when all tests of columns together are unclear and nothing else is worse than good: single columns
    alone cannot show that a table is faithful.
    """
    names = set(deciding("faithful"))
    if not any(r.name == "tv.3way" for r in results):
        names |= {"tv.2way"}
    verdict = worst(results, names)
    judged = {r.name for r in results if r.verdict != "unclear"}
    # that rules hold does not show that the rest is like
    if verdict == "good" and not judged - {"tv.1way", "rules.broken"} & names:
        return "unclear"
    return verdict


def useful(results: Sequence[Result]) -> Verdict:
    """Verdict on the share of skill kept (``utility.kept``)."""
    return worst(results, deciding("useful"))


def copying(results: Sequence[Result]) -> Verdict:
    """Worst of the copying tests; good means only that none of them found anything."""
    return worst(results, deciding("private"))


def answers(trial: Trial, results: Sequence[Result], controls: Sequence[Control] = ()) -> tuple[Answer, ...]:
    """The five questions, each answered in one or two sentences.

    Where a negative control got the verdict that the stand-in gets, though it deserved another, the tests
    have no power and the answer is unclear. "private" never gets a better verdict than unclear: no guarantee
    is made or measured here, and copying tests that find nothing prove nothing.
    """
    by_name = {r.name: r for r in results}
    return (
        _check_power(_faithful(trial, results, by_name), controls),
        _check_power(_useful(trial, results, by_name), controls),
        _private(trial, results, by_name),
        _fair(trial, results, by_name),
        _risk(by_name, faithful(results)),
    )


def _check_power(answer: Answer, controls: Sequence[Control]) -> Answer:
    """The answer, or unclear when a control shows that the tests cannot tell good from poor here."""
    q, verdict = answer.question, answer.verdict
    blind = any(c.deserved.get(q) == "poor" and c.got.get(q) != "poor" for c in controls)
    alarmed = any(c.deserved.get(q) == "good" and c.got.get(q) in ("fair", "poor") for c in controls)
    misled = (blind and verdict in ("good", "fair")) or (alarmed and verdict in ("fair", "poor"))
    if not misled:
        return answer
    rest = answer.sentence
    for start in ("Yes, as far as was tested. ", "In part. ", "No. "):
        rest = rest.removeprefix(start)
    return Answer(
        q, "unclear", f"These tests have no power on this data, as the negative controls show. {rest}"
    )


def _faithful(trial: Trial, results: Sequence[Result], by_name: dict[str, Result]) -> Answer:
    verdict = faithful(results)
    test = by_name.get("c2st")
    if test is None:
        return Answer(
            "faithful", "not measured", "Not measured: there is no column whose values can be compared."
        )
    if few := _few(trial):
        return Answer("faithful", "unclear", f"The rows do not suffice to tell: {few}.")
    if test.high is not None and test.high < TOO_REAL and verdict == "good":
        said = "the real rows, so likeness to them says nothing. Keep rows out of fitting and give them here."
        if trial.independent_test:
            said = (
                "rows of the hold-out, so likeness to it says nothing. Keep the hold-out away from whoever "
                "makes the rows."
            )
        return Answer("faithful", "unclear", f"The synthetic rows repeat {said}")
    start = {
        "good": "Yes, as far as was tested.",
        "fair": "In part.",
        "poor": "No.",
        "unclear": "The rows do not suffice to tell.",
    }[verdict]
    if test.verdict == "unclear" or ORDER.index(test.verdict) > ORDER.index(
        verdict if verdict in ORDER else "good"
    ):
        # The two-sample test is not what decided: say what did.
        broken = ("rules.broken",) if verdict != "good" else ()
        for name in (*broken, "tv.3way", "tv.2way", "association", "tv.1way"):
            other = by_name.get(name)
            if other is not None and other.verdict == verdict:
                return Answer("faithful", verdict, f"{start} {other.sentence}")
    return Answer("faithful", verdict, f"{start} {test.sentence}")


def _few(trial: Trial) -> str:
    """Which tables hold too few rows, in words; empty when none does."""
    sizes = {"real": trial.train.num_rows, "synthetic": trial.synthetic.num_rows}
    if trial.holdout is not None:
        sizes["held-out"] = trial.holdout.num_rows
    few = [f"{n} {name} row{'' if n == 1 else 's'}" for name, n in sizes.items() if n < FEW]
    return f"there {'is' if few[0].startswith('1 ') else 'are'} only {' and '.join(few)}" if few else ""


def _useful(trial: Trial, results: Sequence[Result], by_name: dict[str, Result]) -> Answer:
    kept = by_name.get("utility.kept")
    if kept is None:
        return Answer("useful", "not measured", f"Not measured: {why_not(trial)}.")
    return Answer("useful", useful(results), kept.sentence)


def _private(trial: Trial, results: Sequence[Result], by_name: dict[str, Result]) -> Answer:
    start = "No guarantee was made."
    if not trial.independent_test:
        return _private_alone(trial, by_name.get("copying.exact"), start)
    verdict, exact = copying(results), by_name.get("copying.exact")
    leaked = f"{trial.leaked:,} of {trial.leaked + trial.test.num_rows:,} hold-out rows"
    often = repeats(trial) if trial.leaked else 0.0
    beyond = exact is not None and exact.low is not None and exact.low > often + SURE_EXCESS
    if often > REPETITIVE and not beyond:
        # What is left of the hold-out meets train less often than fresh rows would.
        return Answer(
            "private",
            "unclear",
            f"{start} {leaked} were learned from, and rows of this table repeat each other, so copying "
            "cannot be judged.",
        )
    if verdict == "good" and (few := _few(trial)):
        return Answer("private", "unclear", f"{start} Copies cannot be told from chance, for {few}.")
    if verdict == "unclear":
        return Answer("private", "unclear", f"{start} Copying could not be tested on this table.")
    doubted = [r for r in results if r.name in deciding("private") and r.sentence.endswith(SUFFIX)]
    if verdict == "good" and doubted:
        return Answer("private", "unclear", f"{start} {doubted[0].sentence}")
    numbers = []
    member = by_name.get("copying.membership")
    if exact is not None and exact.reference is not None:
        numbers.append(
            f"{100 * exact.value:.2f} % exact copies against {100 * exact.reference:.2f} % by chance"
        )
    if member is not None:
        numbers.append(
            f"rows learned from are recognised {100 * member.value:.1f} times in 100, 50 being a guess"
        )
    strongest = by_name.get("attack.worst")
    if strongest is not None and strongest.verdict in ("fair", "poor"):
        numbers.append(f"strongest attack: {strongest.detail['title'].lower()}, {_strength(strongest)}")
    figures = f" ({'; '.join(numbers)})" if numbers else ""
    words = {
        "good": f"Smoke tests found no copying{figures}, which is no proof.",
        "fair": f"Smoke tests found traces of copying{figures}.",
        "poor": f"Smoke tests found copying{figures}: treat the synthetic rows like the real ones.",
    }
    sentence = f"{start} {words[verdict]}"
    if trial.leaked:
        sentence += f" {leaked} had been learned from and were left out."
    model = by_name.get("copying.logprob")
    if model is not None and model.verdict in ("fair", "poor"):
        sentence += (
            f" With the model file they are recognised {100 * model.value:.0f} times in 100:"
            " guard it like the data."
        )
    return Answer("private", "poor" if verdict == "poor" else "unclear", sentence)


def _strength(worst: Result) -> str:
    """What the strongest attack achieves, in words."""
    measure, effect = worst.detail["measure"], float(worst.detail["effect"])
    if measure == "area":
        return f"which tells rows apart {in_hundred(effect)} times in 100"
    if measure == "outlying area":
        return f"which tells unusual rows apart {in_hundred(effect)} times in 100"
    if measure == "found at 1 %":
        return f"which finds {percent(effect)} of the rows with one false alarm in 100"
    return f"with a {measure} of {effect:.2f} (0: as on rows never seen, 1: always right)"


def _private_alone(trial: Trial, exact: Result | None, start: str) -> Answer:
    """About privacy without a hold-out: copies beyond doubt, or nothing."""
    why = "No real rows were kept out of fitting"
    if trial.leaked:
        why = "Every row of the hold-out had been learned from"
    if exact is not None and exact.verdict == "poor":
        return Answer(
            "private", "poor", f"{start} {exact.sentence} Treat the synthetic rows like the real ones."
        )
    return Answer("private", "unclear", f"{start} {why}, so copying cannot be judged either.")


def _fair(trial: Trial, results: Sequence[Result], by_name: dict[str, Result]) -> Answer:
    """Never better than unclear: that groups are treated as real rows treat them does not make it fair."""
    gaps = [r for r in results if r.name.startswith("fair.parity.")]
    models = [r for r in results if r.name.startswith("fair.model.")]
    if not gaps and not models and trial.target is not None and trial.schema.protected:
        _, left = groupings(trial)
        if classes_of(trial) is None:
            left = [f"{trial.target!r} has no classes whose rates could be compared"]
        why = "; ".join(left) or "no two groups have enough rows"
        return Answer("fair", "not measured", f"Not measured: {why}.")
    if not gaps and not models:
        return Answer(
            "fair",
            "not measured",
            "Not measured: it takes a target and protected columns to see rates by group.",
        )
    if not models:
        largest = max(gaps, key=lambda r: abs(r.value - (r.reference or 0.0)))
        return Answer("fair", "not measured", f"Fairness of models was not measured. {largest.sentence}")
    judged = [r for r in models if r.detail["parity"] in ("demographic_parity", "equalized_odds")]
    verdict = worst(judged, [r.name for r in judged])
    shown = max(judged, key=lambda r: (ORDER[::-1].index(r.verdict) if r.verdict in ORDER else 0, r.value))
    start = {
        "poor": "Models trained on these rows treat groups worse than models trained on real rows.",
        "fair": "Models trained on these rows treat groups somewhat worse than models trained on real rows.",
    }.get(
        verdict,
        "As far as was tested, models trained on these rows treat groups no worse than real rows' do.",
    )
    said = f"{start} {shown.sentence}"
    kept = by_name.get("utility.kept")
    if verdict not in ("poor", "fair") and kept is not None and kept.verdict == "poor":
        said += (
            f" But they keep only {percent(kept.value)} of the skill, and a model that cannot tell people "
            "apart treats all groups alike."
        )
    return Answer("fair", verdict if verdict in ("poor", "fair") else "unclear", said)


def _risk(by_name: dict[str, Result], likeness: Verdict) -> Answer:
    """Worst of what mixing does and what one more generation loses.

    Both are measured against the rows as they are: of rows that are poor already little can be lost, and that
    is not good.
    """
    names = deciding("risk")
    found = [by_name[name] for name in names if name in by_name]
    if not found:
        return Answer(
            "risk", "not measured", "Not measured: there are no two columns to predict or to hold together."
        )
    verdict = worst(found, names)
    # What decided is named and comes first, so that harm in one use does not seem to be denied by the other.
    found.sort(key=lambda r: r.verdict != verdict)
    uses = " and ".join(_USES[r.name] for r in found if r.verdict == verdict)
    start = {
        "good": "Little, as far as was tested.",
        "fair": f"Some loss was found {uses}.",
        "poor": f"Clear harm was found {uses}.",
        "unclear": "The rows do not suffice to tell.",
    }[verdict]
    if verdict == "good" and likeness == "poor":
        verdict, start = "unclear", "Little besides what is wrong with these rows already."
    return Answer("risk", verdict, " ".join([start, *(r.sentence for r in found)]))
