"""The five answers in words: what `locum.evaluation.decision` decides, and the measures that decided it."""

from __future__ import annotations

from collections.abc import Sequence

from locum.evaluation.attacks.copies import SURE_EXCESS
from locum.evaluation.decision import Conclusion, decide
from locum.evaluation.evidence import Answer, Control
from locum.evaluation.groups import groupings
from locum.evaluation.metrics.fairness.data import classes_of
from locum.evaluation.metrics.utility import why_not
from locum.evaluation.overlap import REPETITIVE, repeats
from locum.evaluation.result import Question, Result, Verdict
from locum.evaluation.trial import Trial
from locum.wording import count

#: With fewer real, synthetic or held-out rows than this nothing is said about a table as a whole.
FEW = 20
#: A two-sample area with its whole interval below this: synthetic rows repeat the hold-out.
TOO_REAL = 0.47
#: Sentences of results that are said with an answer, at most.
SAID = 2

#: How an answer begins, by question and verdict.
_STARTS: dict[Question, dict[Verdict, str]] = {
    "faithful": {"good": "Yes, as far as was tested.", "middling": "In part.", "poor": "No."},
    "useful": {"good": "Yes, as far as was tested.", "middling": "In part.", "poor": "No."},
    "private": {
        "good": "No copying was found, which is no proof.",
        "middling": "Traces of copying were found: treat the synthetic rows like the real ones.",
        "poor": "Copying was found: treat the synthetic rows like the real ones.",
    },
    "fair": {
        "good": "No difference between groups was found that real rows do not show, chance allowed for.",
        "middling": "Some groups are treated otherwise than by real rows.",
        "poor": "Some groups are treated quite otherwise than by real rows.",
    },
    "risk": {
        "good": "Little, as far as was tested.",
        "middling": "Some loss was found",
        "poor": "Clear harm was found",
    },
}
#: The use of the rows that each looks at.
_USES = {
    "risk.mix": "when these rows are added to real ones",
    "risk.generation": "when a generator learns from these rows",
}
NO_GUARANTEE = "No guarantee was made."


def answers(trial: Trial, results: Sequence[Result], controls: Sequence[Control] = ()) -> tuple[Answer, ...]:
    """The five questions, each answered in a few sentences by its decision; `results` are judged."""
    return (
        _faithful(trial, results, controls),
        _useful(trial, results, controls),
        _private(trial, results, controls),
        _fair(trial, results, controls),
        _risk(trial, results, controls),
    )


def powerless(controls: Sequence[Control]) -> set[tuple[str, Verdict]]:
    """Questions and verdicts that mean nothing here, as the controls show.

    Good says nothing where a stand-in that is bad on purpose was not told apart; what speaks against a
    stand-in says nothing where real rows got it too.
    """
    out: set[tuple[str, Verdict]] = set()
    for control in controls:
        for question, deserved in control.deserved.items():
            got = control.got.get(question)
            if deserved == "poor" and got not in ("poor", "middling"):
                out.add((question, "good"))
            elif deserved == "good" and got in ("poor", "middling"):
                out |= {(question, "middling"), (question, "poor")}
    return out


def _said(
    question: Question, trial: Trial, results: Sequence[Result], controls: Sequence[Control], start: str = ""
) -> Answer:
    """The answer that follows from the decision alone."""
    made = decide(question, results)
    by_name = {r.name: r for r in results}
    sentences = [by_name[name].sentence for name in made.decided[:SAID]]
    if not start:
        start = _STARTS[question].get(made.verdict) or _cannot_tell(trial, made, question, controls)
    return Answer(question, made.verdict, " ".join([start, *sentences]).strip(), made.decided)


def _cannot_tell(trial: Trial, made: Conclusion, question: Question, controls: Sequence[Control]) -> str:
    if any(q == question for q, _ in powerless(controls)):
        return "Nobody can tell: these tests have no power on this data, as the controls show."
    # Without the number of real rows: under a guarantee of privacy it may not be told on the screen.
    seen = f"; {made.seen} would have been seen" if made.seen else ""
    rows = count(trial.synthetic.num_rows, "synthetic row")
    return f"The rows do not suffice to tell ({rows} and the real rows at hand{seen})."


def _faithful(trial: Trial, results: Sequence[Result], controls: Sequence[Control]) -> Answer:
    test = next((r for r in results if r.name == "c2st"), None)
    if test is None:
        return Answer(
            "faithful", "not measured", "Not measured: there is no column whose values can be compared."
        )
    made = _said("faithful", trial, results, controls)
    if made.verdict in ("poor", "middling"):
        return made
    if few := _few(trial):
        return Answer("faithful", "unclear", f"The rows do not suffice to tell: {few}.", made.decided)
    if test.high is not None and test.high < TOO_REAL:
        said = "the real rows, so likeness to them says nothing. Keep rows out of fitting and give them here."
        if trial.independent_test:
            said = (
                "rows of the hold-out, so likeness to it says nothing. Keep the hold-out away from whoever "
                "makes the rows."
            )
        return Answer("faithful", "unclear", f"The synthetic rows repeat {said}", made.decided)
    return made


def _few(trial: Trial) -> str:
    """Which tables hold too few rows, in words; empty when none does."""
    sizes = {"real": trial.train.num_rows, "synthetic": trial.synthetic.num_rows}
    if trial.holdout is not None:
        sizes["held-out"] = trial.holdout.num_rows
    few = [f"{n} {name} row{'' if n == 1 else 's'}" for name, n in sizes.items() if n < FEW]
    return f"there {'is' if few[0].startswith('1 ') else 'are'} only {' and '.join(few)}" if few else ""


def _useful(trial: Trial, results: Sequence[Result], controls: Sequence[Control]) -> Answer:
    kept = next((r for r in results if r.name == "utility.kept"), None)
    if kept is None:
        return Answer("useful", "not measured", f"Not measured: {why_not(trial)}.")
    if not kept.claims:
        return Answer("useful", "unclear", kept.sentence, (kept.name,))
    return _said("useful", trial, results, controls)


def _private(trial: Trial, results: Sequence[Result], controls: Sequence[Control]) -> Answer:
    made = _said("private", trial, results, controls)
    if made.verdict == "not judged":
        return Answer("private", "unclear", f"{NO_GUARANTEE} Copying could not be tested on this table.")
    exact = next((r for r in results if r.name == "copying.exact"), None)
    leaked = f"{trial.leaked:,} of {trial.leaked + trial.test.num_rows:,} hold-out rows"
    often = repeats(trial) if trial.leaked else 0.0
    beyond = exact is not None and exact.low is not None and exact.low > often + SURE_EXCESS
    why = ""
    if made.verdict in ("poor", "middling"):
        pass
    elif not trial.independent_test:
        why = "No real rows were kept out of fitting"
        if trial.leaked:
            why = "Every row of the hold-out had been learned from"
        why += ", so copying cannot be judged either."
    elif often > REPETITIVE and not beyond:
        # What is left of the hold-out meets train less often than fresh rows would.
        why = f"{leaked} were learned from, and rows of this table repeat each other, so copying "
        why += "cannot be judged."
    elif few := _few(trial):
        why = f"Copies cannot be told from chance, for {few}."
    if why:
        return Answer("private", "unclear", f"{NO_GUARANTEE} {why}", made.decided)
    doubted = [r for r in results if r.question == "private" and r.doubted and r.sentence.endswith(r.doubted)]
    sentence = f"{NO_GUARANTEE} {made.sentence}"
    verdict = made.verdict
    if verdict == "good" and doubted:
        verdict, sentence = "unclear", f"{NO_GUARANTEE} {doubted[0].sentence}"
    elif verdict == "good":
        seen = decide("private", results).seen
        verdict, sentence = "none found", sentence + (f" The tests would have seen {seen}." if seen else "")
    if trial.leaked:
        sentence += f" {leaked} had been learned from and were left out."
    model = next((r for r in results if r.name == "copying.logprob"), None)
    if model is not None and model.low is not None and model.low > 0.5:
        sentence += (
            f" With the model file, rows that it learned from are recognised {100 * model.value:.0f} times "
            "in 100: guard it like the data."
        )
    return Answer("private", verdict, sentence, made.decided)


def _fair(trial: Trial, results: Sequence[Result], controls: Sequence[Control]) -> Answer:
    found = [r for r in results if r.question == "fair"]
    models = [r for r in found if r.name.startswith("fair.model.")]
    if not found and trial.target is not None and trial.schema.protected:
        _, left = groupings(trial)
        if classes_of(trial) is None:
            left = [f"{trial.target!r} has no classes whose rates could be compared"]
        why = "; ".join(left) or "no two groups have enough rows"
        return Answer("fair", "not measured", f"Not measured: {why}.")
    if not found:
        return Answer(
            "fair",
            "not measured",
            "Not measured: it takes a target and protected columns to see rates by group.",
        )
    made = _said("fair", trial, results, controls)
    if made.verdict == "not judged" or (not models and made.verdict not in ("poor", "middling")):
        gaps = [r for r in found if r.name.startswith("fair.parity.")] or found
        largest = max(gaps, key=lambda r: abs(r.value - (r.reference or 0.0)))
        return Answer("fair", "not measured", f"Fairness of models was not measured. {largest.sentence}")
    kept = next((r for r in results if r.name == "utility.kept"), None)
    if made.verdict == "good" and kept is not None and kept.verdict == "poor":
        said = "A model that cannot tell people apart treats all groups alike, so nothing follows from that."
        return Answer("fair", "unclear", f"{said} {kept.sentence}", made.decided)
    return made


def _risk(trial: Trial, results: Sequence[Result], controls: Sequence[Control]) -> Answer:
    found = [r for r in results if r.name in _USES]
    if not found:
        return Answer(
            "risk", "not measured", "Not measured: there are no two columns to predict or to hold together."
        )
    made = decide("risk", results)
    start = _STARTS["risk"].get(made.verdict, "")
    if made.verdict in ("poor", "middling"):
        # What decided is named, so that harm in one use does not seem to be denied by the other.
        start += f" {' and '.join(_USES[name] for name in made.decided)}."
    return _said("risk", trial, results, controls, start)
