"""Every measure and attack, told once: what it is called, how it is read, what it needs, what computes it.

The evaluation runs this table from top to bottom; the suite of attacks, the tournament, help texts, the
reference and the report read it (`locum.evaluation.registry`). What a measure says and how its verdict comes
about stands in the docstring of its function, which the reference prints. Functions lie below
`locum.evaluation`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from locum.evaluation.evaluator import Effort, Evaluator, Measure, Section

_lower, _higher, _target = (partial(Measure, direction=d) for d in ("lower", "higher", "target"))
#: An area under a curve, where one half is guessing.
_chance = partial(_target, target=0.5)


def _evaluator(section: Section, function: str, *measures: Measure, **rest: Any) -> Evaluator:
    return Evaluator(f"locum.evaluation.{function}", section, measures, **rest)


def _text(section: Section, function: str, *measures: Measure, **rest: Any) -> Evaluator:
    return _evaluator(section, f"text.{function}", *measures, kind="text", **rest)


def _attack(function: str, *measures: Measure, **rest: Any) -> Evaluator:
    """An attack that the suite runs with what it has ready."""
    given: dict[str, Any] = {"kind": "attack", "needs": ("hold-out",), "effort": "standard", **rest}
    return _evaluator("attacks", f"attacks.{function}", *measures, **given)


def _score(
    name: str, function: str, effort: Effort | None, title: str, goes_by: str, **rest: Any
) -> Evaluator:
    """A membership attack by a score; it takes part in tournaments under the last part of its name."""
    return _attack(
        function,
        _chance(name, title, goes_by=goes_by),
        kind="score",
        effort=effort,
        attacker="The synthetic rows and other real rows of the same population.",
        words=title.lower(),
        **rest,
    )


_ALL_BUT_ONE = "The synthetic rows, and every value of the attacked row but one."

#: All of them, in the order in which they are run.
EVALUATORS: tuple[Evaluator, ...] = (
    _evaluator(
        "likeness",
        "metrics.shapes:shapes",
        _lower("tv.1way", "Shape of single columns"),
        _lower("ks", "Distribution of ordered columns"),
    ),
    _evaluator(
        "likeness",
        "metrics.worst_parts:worst_parts",
        _lower("columns.worst", "The column that is farthest off", target=0.0, headline=True),
        _lower("pairs.worst", "The pair of columns that is farthest off", target=0.0, headline=True),
    ),
    _evaluator("likeness", "metrics.marginals:pairs", _lower("tv.2way", "Pairs of columns")),
    _evaluator(
        "likeness",
        "metrics.marginals:triples",
        _lower("tv.3way", "Triples of columns"),
    ),
    _evaluator(
        "likeness",
        "metrics.association:association",
        _lower("association", "Strength of association between columns"),
    ),
    _evaluator(
        "likeness",
        "metrics.tails:tails",
        _lower("tails.extremes", "Lowest and highest values"),
        _lower("tails.rare", "Rare levels"),
    ),
    _evaluator(
        "likeness",
        "metrics.missingness:missingness",
        _lower("missing.rate", "Missing values"),
        _lower("missing.pairs", "Values missing together"),
    ),
    _evaluator(
        "likeness",
        "metrics.rules:rules",
        _lower("rules.broken", "Rules that every real row keeps", headline=True),
    ),
    _evaluator(
        "likeness",
        "metrics.twosample:c2st",
        _chance("c2st", "Can a trained judge tell the rows apart?", headline=True),
        takes=("known",),
    ),
    _evaluator(
        "likeness", "metrics.simplejudge:logistic", _chance("c2st.logistic", "Simple linear judge (footnote)")
    ),
    _evaluator(
        "usefulness",
        "metrics.utility:utility",
        _higher("utility.kept", "Skill kept when training on synthetic rows", headline=True),
        _higher("utility.tstr", "Predicting {column} ({measure})", of="column"),
        _lower("utility.loss", "Loss in predicting {column} ({measure})", target=0.0, of="column"),
        takes=("targets",),
    ),
    _evaluator(
        "statistics",
        "metrics.inference.naive:inference",
        _higher("inference.naive", "Truth held by a naive 95 % interval"),
        _higher("inference.unbiased", "Means and shares without bias"),
    ),
    _evaluator(
        "fairness",
        "metrics.fairness.data:parity",
        _lower("fair.parity", "Rate of {target} = {label} by {groups}", of="groups"),
        needs=("target", "protected columns"),
    ),
    _evaluator(
        "fairness",
        "metrics.fairness.models:model_parity",
        _lower("fair.model", "{parity} by {groups}", of="groups and parity"),
        _lower("fair.amplification", "Bias amplification by {groups}", of="groups"),
        _lower("fair.utility", "Usefulness by {groups}", of="groups"),
        needs=("target", "protected columns"),
    ),
    _evaluator(
        "fairness",
        "metrics.fairness.quality:quality_parity",
        _lower("fair.fidelity", "Faithfulness by {groups}", of="groups"),
        needs=("hold-out", "protected columns"),
    ),
    _evaluator(
        "copying",
        "attacks.copies:exact_copies",
        _lower("copying.exact", "Exact copies of rows", headline=True),
    ),
    _evaluator(
        "copying",
        "attacks.copies:copied_persons",
        _lower("copying.persons", "Copies of persons"),
        needs=("several rows a person",),
    ),
    _evaluator(
        "copying",
        "attacks.closest_record:distance_share",
        _chance("copying.distance", "Nearer to rows learned from than to rows never seen"),
        needs=("hold-out",),
    ),
    _evaluator(
        "copying",
        "attacks.membership:nearest_membership",
        _chance(
            "copying.membership",
            "Membership from the rows",
            headline=True,
            goes_by="the distance to the nearest synthetic row",
        ),
        _lower("copying.membership.rate", "Members found at 1 % false alarms", target=0.01),
        needs=("hold-out",),
        attacker="The synthetic rows.",
    ),
    _evaluator(
        "copying",
        "attacks.membership:probability_membership",
        _chance(
            "copying.logprob",
            "Membership from the model",
            goes_by="the probability that the model gives a row",
        ),
        _lower("copying.logprob.rate", "Members found at 1 % false alarms (model)", target=0.01),
        takes=("log_prob",),
        needs=("hold-out", "log_prob"),
        attacker="The synthetic rows and the model.",
    ),
    _evaluator(
        "training",
        "metrics.mixture:mixture",
        _higher("risk.mix", "Adding synthetic rows to the real ones", headline=True),
        takes=("targets",),
    ),
    _evaluator(
        "training",
        "metrics.next_generation:next_generation",
        _lower("risk.generation", "One more generation", target=0.0, headline=True),
        takes=("generator",),
        needs=("generator",),
    ),
    _score(
        "attack.density.neighbours",
        "density:neighbour_ratio",
        "quick",
        "Membership by distances",
        "whether a synthetic row or a fresh real row is nearer",
    ),
    _score(
        "attack.density.scaled",
        "scaled:scaled_ratio",
        "standard",
        "Membership by scaled distances",
        "how much nearer a synthetic row is than the nearest fresh real rows, in standard deviations",
    ),
    _score(
        "attack.density.counts",
        "density:count_ratio",
        "quick",
        "Membership by counts",
        "how often a row's values occur together among synthetic and among fresh real rows",
    ),
    _score(
        "attack.density.values",
        "multiplicity:value_ratio",
        "standard",
        "Membership by exact values",
        "a row's exact values, alone and together, that synthetic rows show and fresh rows do not",
    ),
    _score(
        "attack.density.trees",
        "density:tree_ratio",
        "standard",
        "Membership by a trained judge",
        "a judge trained to tell synthetic from fresh real rows",
    ),
    _score(
        "attack.density.forest",
        "density:forest_ratio",
        "standard",
        "Membership by a deep forest",
        "whether synthetic rows or fresh real rows share the smallest leaves of a forest",
        weak=True,
    ),
    _score(
        "seek.nearest",
        "baselines:nearest_row",
        None,
        "Membership by the nearest row",
        "the distance to the nearest synthetic row",
    ),
    _score(
        "seek.linear",
        "baselines:linear_judge",
        None,
        "Membership by a linear judge",
        "a logistic regression trained to tell synthetic from fresh real rows (weak)",
        weak=True,
    ),
    _score(
        "seek.guess",
        "baselines:guess",
        None,
        "Guessing",
        "nothing: a control that must score one half",
        weak=True,
    ),
    _attack(
        "singling:singling_out",
        _lower("attack.singling.one", "Singling out by one column", target=0.0),
        _lower("attack.singling.several", "Singling out by several columns", target=0.0),
        takes=("trial", "conditions"),
        attacker="The synthetic rows only.",
    ),
    _attack(
        "linkability:linkability",
        _lower("attack.linkability", "Linking two halves of a row", target=0.0),
        takes=("trial", "attacks", "searched"),
        attacker="The synthetic rows, and two tables that hold different columns of the same people.",
    ),
    _attack(
        "inference:inference",
        _lower("attack.inference", "Guessing a value from the nearest row", target=0.0),
        takes=("trial", "attacks", "searched"),
        attacker=_ALL_BUT_ONE,
        words="inference from the nearest row",
    ),
    _attack(
        "advantage:advantage",
        _lower("attack.attribute", "Guessing a value with a trained model", target=0.0),
        takes=("known", "targets", "secrets"),
        attacker=_ALL_BUT_ONE,
        words="guessing values with trained models",
    ),
    _attack(
        "shadows:shadow_attacks",
        _chance(
            "attack.shadow.lira",
            "Membership by likelihood ratio (LiRA)",
            goes_by="the likelihood under shadow generators",
        ),
        _chance(
            "attack.shadow.rmia",
            "Membership relative to shadows (RMIA)",
            goes_by="nearness relative to shadow generators",
        ),
        _chance(
            "attack.shadow.queries",
            "Membership by shadow queries",
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
        "canaries:find",
        _chance("attack.canaries", "Canary rows planted before the fit"),
        takes=("canaries", "synthetic", "schema", "seed"),
        needs=("canaries",),
        effort="quick",
        attacker="The synthetic rows, and a list of rows one half of which was learned from.",
        words="canary rows planted before the fit",
    ),
    _evaluator(
        "attacks",
        "attacks.suite:suite",
        _chance("attack.groups", "Membership by {column}", of="protected column"),
        _lower("attack.worst", "The strongest attack", target=0.0, headline=True),
        kind="summary",
        takes=("effort", "before", "fit", "canaries"),
    ),
    _text(
        "likeness",
        "likeness:clouds",
        _lower("text.frechet", "Frechet distance of embeddings", headline=True),
        _higher("text.mauve", "MAUVE"),
        _higher("text.precision", "Precision"),
        _higher("text.recall", "Recall"),
        _target("text.density", "Density"),
        _higher("text.coverage", "Coverage", headline=True),
    ),
    _text(
        "likeness",
        "topics:topics",
        _lower("text.topics", "Topics in other shares", headline=True),
        _lower("text.topics_missing", "Real texts in missing topics"),
    ),
    _text("likeness", "likeness:order", _higher("text.order", "Order of words", headline=True)),
    _text(
        "likeness",
        "likeness:variety",
        _target("text.distinct1", "Distinct words"),
        _target("text.distinct2", "Distinct pairs of words"),
        _lower("text.self_bleu", "Self-BLEU"),
        _target("text.vendi", "Vendi score"),
    ),
    _text(
        "usefulness",
        "use:train_and_test",
        _higher("text.tstr", "Train on synthetic, test on real", headline=True),
        needs=("hold-out", "labels"),
    ),
    _text(
        "likeness",
        "use:label_agreement",
        _higher("text.labels", "Labels fit their texts", headline=True),
        needs=("hold-out", "labels"),
    ),
    _text(
        "copying",
        "copying:runs",
        _lower("text.copied_runs", "Runs of {words} words", headline=True),
        needs=("hold-out",),
    ),
    _text(
        "copying",
        "copying:membership",
        _chance("text.membership.nearest", "Told by the nearest synthetic text", headline=True),
        _chance("text.membership.likelihood", "Told by likelihood in the synthetic texts"),
        needs=("hold-out",),
    ),
    _text(
        "copying",
        "identifiers:identifiers",
        _lower("text.identifiers", "Identifiers that return", target=0.0),
        _lower("text.names", "Names that return"),
    ),
    _evaluator(
        "copying",
        "text.canaries:find",
        _chance("text.canaries.likelihood", "Canaries by likelihood"),
        _chance("text.canaries.nearest", "Canaries by nearest texts"),
        kind="text study",
        needs=("canaries",),
    ),
    _evaluator(
        "likeness",
        "text.attributes:attributes",
        _lower("text.attribute", "Attribute {name}", of="attribute"),
        kind="text study",
    ),
    _evaluator(
        "likeness",
        "text.attributes:plan_agreement",
        _target("text.plan", "Plan of {name}", target=1.0, of="column"),
        kind="text study",
        needs=("plan",),
    ),
)
