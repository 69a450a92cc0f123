"""Which generators there are, by name; each is imported only when it is asked for."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from locum.errors import UsageError
from locum.models.base import Model


@dataclass(frozen=True, slots=True)
class Entry:
    """How a name becomes a model.

    Attributes
    ----------
    path
        ``package.module:Class``; the class follows `locum.models.base.Model`.
    sentence
        How it works, in one plain sentence for reports.
    settings
        Constructor settings that the name stands for; the caller's own settings win over them.
    takes_target
        Whether the constructor takes ``target``, the attribute that a user wants to predict; the table-level
        synthesizer then passes the schema's.
    """

    path: str
    sentence: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    takes_target: bool = False


BUILT_IN: Mapping[str, Entry] = MappingProxyType(
    {
        "tree": Entry(
            "locum.models.tree.model:TreeModel",
            "Columns are drawn one after the other, each by a decision tree on those before it, in many "
            "different orders; a boosted judge then corrects what the trees got wrong together.",
            takes_target=True,
        ),
        "tree-fast": Entry(
            "locum.models.tree.model:TreeModel",
            "Like tree, with two column orders and no correction: about a tenth of the time, less faithful.",
            MappingProxyType({"preset": "fast"}),
        ),
        "bayes-net": Entry(
            "locum.models.bayesnet.model:BayesNetModel",
            "Each column depends directly on a few others, found by search; conditions are answered exactly. "
            "For tables of categories of which rare cases are asked.",
        ),
        "few-shot": Entry(
            "locum.models.fewshot:FewShotModel",
            "Each column depends on the target and at most one other column, smoothed strongly: for tables "
            "of fewer than about 200 rows.",
            takes_target=True,
        ),
        "independent": Entry(
            "locum.models.independent:IndependentModel",
            "Each column is drawn on its own; nothing between columns is kept. A baseline, not a stand-in.",
        ),
        "bootstrap": Entry(
            "locum.models.bootstrap:BootstrapModel",
            "Training rows drawn again with replacement: a copy, for testing that copying is noticed.",
        ),
        "mwem": Entry(
            "locum.models.baselines.mwem:MWEM",
            "One histogram over all combinations of codes, bent towards a few noisy marginals. "
            "A private baseline for small tables.",
        ),
        "privbayes": Entry(
            "locum.models.baselines.privbayes:PrivBayes",
            "Columns are drawn one after the other, each given one or two before it, from noisy tables. "
            "A private baseline.",
        ),
        "jam": Entry(
            "locum.models.public.jam:JamModel",
            "Like aim, but relations that a public table tells well enough are taken from there.",
        ),
        "tab-pe": Entry(
            "locum.models.evolution.rows:TabPE",
            "Made-up rows get noisy votes from the private rows; the best are varied and voted on again.",
        ),
        "pmw-pub": Entry(
            "locum.models.public.pmw:PublicWeights",
            "Rows of a public table, weighted so that they answer noisy questions as the private rows do.",
        ),
        "aim": Entry(
            "locum.models.marginal.aim:AimModel",
            "Noisy tables of a few columns are bought round by round where the model is most wrong, and a "
            "graphical model is fitted to them: differential privacy for tables of up to about 30 columns.",
        ),
        "mst": Entry(
            "locum.models.marginal.mst:MstModel",
            "Noisy tables of single columns and of the strongest pairs, as a tree: differential privacy in a "
            "second or two.",
        ),
        "swift": Entry(
            "locum.models.marginal.oneshot:OneShotModel",
            "All tables of a few columns are scored once with noise, the best are bought once and a "
            "graphical model is fitted once: differential privacy for wide tables.",
        ),
    }
)

# The one table that can grow while the program runs, as Python's own codec registry does; only `register`
# writes to it, and a name once taken is never given away.
_added: dict[str, Entry] = {}


def names() -> tuple[str, ...]:
    """Names of all generators, built-in ones first."""
    return (*BUILT_IN, *_added)


def register(name: str, path: str, *, sentence: str, settings: Mapping[str, Any] | None = None) -> None:
    """Add a generator of your own; it is imported when first used.

    Parameters
    ----------
    name
        New name, as given to ``Synthesizer(name)`` and written to model files.
    path
        ``package.module:Class``; the class follows `locum.models.base.Model`.
    sentence
        How it works, in one plain sentence for reports.
    settings
        Constructor settings that the name stands for.

    Raises
    ------
    UsageError
        When the name is taken by another class, or the path has no colon. Registering the same again is fine.
    """
    entry = Entry(path, sentence, MappingProxyType(dict(settings or {})))
    module, _, attribute = path.partition(":")
    if not name or not module or not attribute:
        raise UsageError(f"{path!r} does not name a class", where=name, expected="package.module:Class")
    if name in names() and entry_of(name) != entry:
        raise UsageError(f"the name {name!r} is taken", where="synthesizer", do="choose another name")
    if name not in BUILT_IN:
        _added[name] = entry


def entry_of(name: str) -> Entry:
    """What is known about a name without importing anything.

    Raises
    ------
    UsageError
        For an unknown name, with the nearest known one.
    """
    entry = BUILT_IN.get(name) or _added.get(name)
    if entry is None:
        close = difflib.get_close_matches(str(name), names(), n=1, cutoff=0.5)
        raise UsageError(
            f"there is no synthesizer {name!r}",
            where="synthesizer",
            expected=f"one of {', '.join(names())}",
            do=f"did you mean {close[0]}?" if close else "choose one of these",
        )
    return entry


def get(name: str) -> type[Model]:
    """The class behind a name, imported now; raises UsageError for an unknown name."""
    module, _, attribute = entry_of(name).path.partition(":")
    return cast(type[Model], getattr(importlib.import_module(module), attribute))


def create(name: str, **settings: Any) -> Model:
    """A new, unfitted model.

    Raises
    ------
    UsageError
        For an unknown name or an unknown setting. Values of settings are checked by the model itself.
    """
    made_by = get(name)
    parameters = inspect.signature(made_by).parameters
    known = [p for p in parameters if parameters[p].kind is not inspect.Parameter.VAR_KEYWORD]
    if len(known) < len(parameters):
        # A model that takes any setting checks the names itself.
        return made_by(**{**entry_of(name).settings, **settings})
    for key in settings:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            raise UsageError(
                f"there is no setting {key!r}",
                where=f"synthesizer {name}",
                expected=f"one of {', '.join(known)}" if known else "no settings at all",
                do=f"did you mean {close[0]}?" if close else "leave it out",
            )
    return made_by(**{**entry_of(name).settings, **settings})
