"""Every measure and attack, told once: what it is called, how it is read, what it needs, what computes it.

The evaluation runs this table from top to bottom; the suite of attacks, the tournament, help texts, the
reference and the report read it (`locum.evaluation.registry`). What a measure says and how its verdict comes
about stands in the docstring of its function, which the reference prints.
"""

from __future__ import annotations

from typing import Any

from locum.evaluation.evaluator import Effort, Evaluator, Measure, Need, Section


def _evaluator(function: str, section: Section, *measures: Measure, **rest: Any) -> Evaluator:
    return Evaluator(function, section, measures, **rest)


def _text(function: str, section: Section, *measures: Measure, needs: tuple[Need, ...] = ()) -> Evaluator:
    return Evaluator(function, section, measures, kind="text", needs=needs)


def _attack(function: str, *measures: Measure, effort: Effort = "standard", **rest: Any) -> Evaluator:
    """An attack that the suite runs with what it has ready."""
    needs: tuple[Need, ...] = rest.pop("needs", ("hold-out",))
    return Evaluator(function, "attacks", measures, kind="attack", needs=needs, effort=effort, **rest)


def _score(
    name: str, function: str, title: str, goes_by: str, effort: Effort | None, **rest: Any
) -> Evaluator:
    """A membership attack by a score; it takes part in tournaments under the last part of its name."""
    measure = Measure(name, title, "target", 0.5, goes_by=goes_by)
    return Evaluator(
        function, "attacks", (measure,), "score", (), ("hold-out",), effort, _OTHERS, title.lower(), **rest
    )


_OTHERS = "The synthetic rows and other real rows of the same population."
_ALL_BUT_ONE = "The synthetic rows, and every value of the attacked row but one."

#: All of them, in the order in which they are run.
EVALUATORS: tuple[Evaluator, ...] = (
    _evaluator(
        "locum.evaluation.metrics.shapes:shapes",
        "likeness",
        Measure("tv.1way", "Shape of single columns", "lower", decides=True),
        Measure("ks", "Distribution of ordered columns", "lower"),
    ),
    _evaluator(
        "locum.evaluation.metrics.marginals:pairs",
        "likeness",
        Measure("tv.2way", "Pairs of columns", "lower"),
    ),
    _evaluator(
        "locum.evaluation.metrics.marginals:triples",
        "likeness",
        Measure("tv.3way", "Triples of columns", "lower", headline=True, decides=True),
    ),
    _evaluator(
        "locum.evaluation.metrics.association:association",
        "likeness",
        Measure("association", "Strength of association between columns", "lower", decides=True),
    ),
    _evaluator(
        "locum.evaluation.metrics.tails:tails",
        "likeness",
        Measure("tails.extremes", "Lowest and highest values", "lower"),
        Measure("tails.rare", "Rare levels", "lower"),
    ),
    _evaluator(
        "locum.evaluation.metrics.missingness:missingness",
        "likeness",
        Measure("missing.rate", "Missing values", "lower"),
        Measure("missing.pairs", "Values missing together", "lower"),
    ),
    _evaluator(
        "locum.evaluation.metrics.twosample:c2st",
        "likeness",
        Measure(
            "c2st", "Can a trained judge tell the rows apart?", "target", 0.5, headline=True, decides=True
        ),
        takes=("known",),
    ),
    _evaluator(
        "locum.evaluation.metrics.simplejudge:logistic",
        "likeness",
        Measure("c2st.logistic", "Simple linear judge (footnote)", "target", 0.5),
    ),
    _evaluator(
        "locum.evaluation.metrics.utility:utility",
        "usefulness",
        Measure(
            "utility.kept",
            "Skill kept when training on synthetic rows",
            "higher",
            headline=True,
            decides=True,
        ),
        Measure("utility.tstr", "Predicting {column} ({measure})", "higher", of="column"),
        Measure("utility.loss", "Loss in predicting {column} ({measure})", "lower", 0.0, of="column"),
        takes=("targets",),
    ),
    _evaluator(
        "locum.evaluation.metrics.inference.naive:inference",
        "statistics",
        Measure("inference.naive", "Truth held by a naive 95 % interval", "higher"),
        Measure("inference.unbiased", "Means and shares without bias", "higher"),
    ),
    _evaluator(
        "locum.evaluation.metrics.fairness.data:parity",
        "fairness",
        Measure("fair.parity", "Rate of {target} = {label} by {groups}", "lower", of="groups"),
        needs=("target", "protected columns"),
    ),
    _evaluator(
        "locum.evaluation.metrics.fairness.models:model_parity",
        "fairness",
        Measure("fair.model", "{parity} by {groups}", "lower", of="groups and parity"),
        Measure("fair.amplification", "Bias amplification by {groups}", "lower", of="groups"),
        Measure("fair.utility", "Usefulness by {groups}", "lower", of="groups"),
        needs=("target", "protected columns"),
    ),
    _evaluator(
        "locum.evaluation.metrics.fairness.quality:quality_parity",
        "fairness",
        Measure("fair.fidelity", "Faithfulness by {groups}", "lower", of="groups"),
        needs=("hold-out", "protected columns"),
    ),
    _evaluator(
        "locum.evaluation.attacks.copies:exact_copies",
        "copying",
        Measure("copying.exact", "Exact copies of rows", "lower", headline=True, decides=True),
    ),
    _evaluator(
        "locum.evaluation.attacks.distance:distance_share",
        "copying",
        Measure(
            "copying.distance",
            "Nearer to rows learned from than to rows never seen",
            "target",
            0.5,
            decides=True,
        ),
        needs=("hold-out",),
    ),
    _evaluator(
        "locum.evaluation.attacks.membership:nearest_membership",
        "copying",
        Measure(
            "copying.membership",
            "Membership from the rows",
            "target",
            0.5,
            headline=True,
            decides=True,
            goes_by="the distance to the nearest synthetic row",
        ),
        Measure("copying.membership.rate", "Members found at 1 % false alarms", "lower", 0.01),
        needs=("hold-out",),
        attacker="The synthetic rows.",
    ),
    _evaluator(
        "locum.evaluation.attacks.membership:probability_membership",
        "copying",
        Measure(
            "copying.logprob",
            "Membership from the model",
            "target",
            0.5,
            goes_by="the probability that the model gives a row",
        ),
        Measure("copying.logprob.rate", "Members found at 1 % false alarms (model)", "lower", 0.01),
        takes=("log_prob",),
        needs=("hold-out", "log_prob"),
        attacker="The synthetic rows and the model.",
    ),
    _evaluator(
        "locum.evaluation.metrics.mixture:mixture",
        "training",
        Measure("risk.mix", "Adding synthetic rows to the real ones", "higher", headline=True, decides=True),
        takes=("targets",),
    ),
    _evaluator(
        "locum.evaluation.metrics.next_generation:next_generation",
        "training",
        Measure("risk.generation", "One more generation", "lower", 0.0, headline=True, decides=True),
        takes=("generator",),
        needs=("generator",),
    ),
    _score(
        "attack.density.neighbours",
        "locum.evaluation.attacks.density:neighbour_ratio",
        "Membership by distances",
        "whether a synthetic row or a fresh real row is nearer",
        "quick",
    ),
    _score(
        "attack.density.scaled",
        "locum.evaluation.attacks.scaled:scaled_ratio",
        "Membership by scaled distances",
        "how much nearer a synthetic row is than the nearest fresh real rows, in standard deviations",
        "standard",
    ),
    _score(
        "attack.density.counts",
        "locum.evaluation.attacks.density:count_ratio",
        "Membership by counts",
        "how often a row's values occur together among synthetic and among fresh real rows",
        "quick",
    ),
    _score(
        "attack.density.values",
        "locum.evaluation.attacks.multiplicity:value_ratio",
        "Membership by exact values",
        "a row's exact values, alone and together, that synthetic rows show and fresh rows do not",
        "standard",
    ),
    _score(
        "attack.density.trees",
        "locum.evaluation.attacks.density:tree_ratio",
        "Membership by a trained judge",
        "a judge trained to tell synthetic from fresh real rows",
        "standard",
    ),
    _score(
        "attack.density.forest",
        "locum.evaluation.attacks.density:forest_ratio",
        "Membership by a deep forest",
        "whether synthetic rows or fresh real rows share the smallest leaves of a forest",
        "standard",
        weak=True,
    ),
    _score(
        "seek.nearest",
        "locum.evaluation.attacks.baselines:nearest_row",
        "Membership by the nearest row",
        "the distance to the nearest synthetic row",
        None,
    ),
    _score(
        "seek.linear",
        "locum.evaluation.attacks.baselines:linear_judge",
        "Membership by a linear judge",
        "a logistic regression trained to tell synthetic from fresh real rows (weak)",
        None,
        weak=True,
    ),
    _score(
        "seek.guess",
        "locum.evaluation.attacks.baselines:guess",
        "Guessing",
        "nothing: a control that must score one half",
        None,
        weak=True,
    ),
    _attack(
        "locum.evaluation.attacks.singling:singling_out",
        Measure("attack.singling.one", "Singling out by one column", "lower", 0.0),
        Measure("attack.singling.several", "Singling out by several columns", "lower", 0.0),
        takes=("trial", "conditions"),
        attacker="The synthetic rows only.",
    ),
    _attack(
        "locum.evaluation.attacks.linkability:linkability",
        Measure("attack.linkability", "Linking two halves of a row", "lower", 0.0),
        takes=("trial", "attacks", "searched"),
        attacker="The synthetic rows, and two tables that hold different columns of the same people.",
    ),
    _attack(
        "locum.evaluation.attacks.inference:inference",
        Measure("attack.inference", "Guessing a value from the nearest row", "lower", 0.0),
        takes=("trial", "attacks", "searched"),
        attacker=_ALL_BUT_ONE,
        words="inference from the nearest row",
    ),
    _attack(
        "locum.evaluation.attacks.advantage:advantage",
        Measure("attack.attribute", "Guessing a value with a trained model", "lower", 0.0),
        takes=("known", "targets", "secrets"),
        attacker=_ALL_BUT_ONE,
        words="guessing values with trained models",
    ),
    _attack(
        "locum.evaluation.attacks.shadows:shadow_attacks",
        Measure(
            "attack.shadow.lira",
            "Membership by likelihood ratio (LiRA)",
            "target",
            0.5,
            goes_by="the likelihood under shadow generators",
        ),
        Measure(
            "attack.shadow.rmia",
            "Membership relative to shadows (RMIA)",
            "target",
            0.5,
            goes_by="nearness relative to shadow generators",
        ),
        Measure(
            "attack.shadow.queries",
            "Membership by shadow queries",
            "target",
            0.5,
            goes_by="counts that gave members of shadow tables away",
        ),
        takes=("trial", "fit", "shadows"),
        needs=("hold-out", "refit"),
        effort="thorough",
        attacker="The synthetic rows, the generator's program, and the pool of rows out of which its rows "
        "were drawn; {shadows} generators were fitted to samples of that pool.",
        words="shadow models (LiRA, RMIA, queries): the generator fitted again and again",
    ),
    _attack(
        "locum.evaluation.attacks.canaries:find",
        Measure("attack.canaries", "Canary rows planted before the fit", "target", 0.5),
        takes=("canaries", "synthetic", "schema", "seed"),
        needs=("canaries",),
        effort="quick",
        attacker="The synthetic rows, and a list of rows one half of which was learned from.",
        words="canary rows planted before the fit",
    ),
    _evaluator(
        "locum.evaluation.attacks.suite:suite",
        "attacks",
        Measure("attack.groups", "Membership by {column}", "target", 0.5, of="protected column"),
        Measure("attack.worst", "The strongest attack", "lower", 0.0, headline=True, decides=True),
        kind="summary",
        takes=("effort", "before", "fit", "canaries"),
    ),
    _text(
        "locum.evaluation.text.likeness:clouds",
        "likeness",
        Measure("text.frechet", "Frechet distance of embeddings", "lower", headline=True),
        Measure("text.mauve", "MAUVE", "higher"),
        Measure("text.precision", "Precision", "higher"),
        Measure("text.recall", "Recall", "higher"),
        Measure("text.density", "Density", "target"),
        Measure("text.coverage", "Coverage", "higher", headline=True),
    ),
    _text(
        "locum.evaluation.text.topics:topics",
        "likeness",
        Measure("text.topics", "Topics in other shares", "lower", headline=True),
        Measure("text.topics_missing", "Real texts in missing topics", "lower"),
    ),
    _text(
        "locum.evaluation.text.likeness:order",
        "likeness",
        Measure("text.order", "Order of words", "higher", headline=True),
    ),
    _text(
        "locum.evaluation.text.likeness:variety",
        "likeness",
        Measure("text.distinct1", "Distinct words", "target"),
        Measure("text.distinct2", "Distinct pairs of words", "target"),
        Measure("text.self_bleu", "Self-BLEU", "lower"),
        Measure("text.vendi", "Vendi score", "target"),
    ),
    _text(
        "locum.evaluation.text.use:train_and_test",
        "usefulness",
        Measure("text.tstr", "Train on synthetic, test on real", "higher", headline=True),
        needs=("hold-out", "labels"),
    ),
    _text(
        "locum.evaluation.text.use:label_agreement",
        "likeness",
        Measure("text.labels", "Labels fit their texts", "higher", headline=True),
        needs=("hold-out", "labels"),
    ),
    _text(
        "locum.evaluation.text.copying:runs",
        "copying",
        Measure("text.copied_runs", "Runs of {words} words", "lower", headline=True),
        needs=("hold-out",),
    ),
    _text(
        "locum.evaluation.text.copying:membership",
        "copying",
        Measure(
            "text.membership.nearest", "Told by the nearest synthetic text", "target", 0.5, headline=True
        ),
        Measure("text.membership.likelihood", "Told by likelihood in the synthetic texts", "target", 0.5),
        needs=("hold-out",),
    ),
    _text(
        "locum.evaluation.text.identifiers:identifiers",
        "copying",
        Measure("text.identifiers", "Identifiers that return", "lower", 0.0),
        Measure("text.names", "Names that return", "lower"),
    ),
    _evaluator(
        "locum.evaluation.text.canaries:find",
        "copying",
        Measure("text.canaries.likelihood", "Canaries by likelihood", "target", 0.5),
        Measure("text.canaries.nearest", "Canaries by nearest texts", "target", 0.5),
        kind="text study",
        needs=("canaries",),
    ),
    _evaluator(
        "locum.evaluation.text.attributes:attributes",
        "likeness",
        Measure("text.attribute", "Attribute {name}", "lower", of="attribute"),
        kind="text study",
    ),
    _evaluator(
        "locum.evaluation.text.attributes:plan_agreement",
        "likeness",
        Measure("text.plan", "Plan of {name}", "target", 1.0, of="column"),
        kind="text study",
        needs=("plan",),
    ),
)
