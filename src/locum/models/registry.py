"""Which generators there are, by name; each is imported only when it is asked for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from locum.errors import UsageError
from locum.models.base import Model


@dataclass(frozen=True, slots=True)
class GeneratorEntry:
    """How a name becomes a model.

    Attributes
    ----------
    path
        ``package.module:Class``; the class follows `locum.models.base.Model`.
    sentence
        How it works, in one plain sentence for reports.
    settings
        Constructor settings that the name stands for; the caller's own settings win over them.
    """

    path: str
    sentence: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> type[Model]:
        """The class, imported now."""
        module, _, attribute = self.path.partition(":")
        return cast(type[Model], getattr(importlib.import_module(module), attribute))

    def takes(self, setting: str) -> bool:
        """Whether a column's role, such as ``target``, can be set, and the name does not settle it."""
        return setting in self.model.settings_type.constraints() and setting not in self.settings


BUILT_IN: Mapping[str, GeneratorEntry] = MappingProxyType(
    {
        "tree": GeneratorEntry(
            "locum.models.tree.model:TreeModel",
            "Columns are drawn one after the other, each by a decision tree on those before it, in many "
            "different orders; a boosted judge then corrects what the trees got wrong together.",
        ),
        "tree-fast": GeneratorEntry(
            "locum.models.tree.model:TreeModel",
            "Like tree, with two column orders and no correction: about a tenth of the time, less faithful.",
            MappingProxyType(
                {
                    "members": 2,
                    "share": 0.75,
                    "correction": False,
                    "smoothing": 0.1,
                    "penalty": 1.2,
                    "target": "",
                    "protected": (),
                }
            ),
        ),
        "bayes-net": GeneratorEntry(
            "locum.models.bayesnet.model:BayesNetModel",
            "Each column depends directly on a few others, found by search; conditions are answered exactly. "
            "For tables of categories of which rare cases are asked.",
        ),
        "few-shot": GeneratorEntry(
            "locum.models.fewshot:FewShotModel",
            "Each column depends on the target and at most one other column, smoothed strongly: for tables "
            "of fewer than about 200 rows.",
        ),
        "independent": GeneratorEntry(
            "locum.models.independent:IndependentModel",
            "Each column is drawn on its own; nothing between columns is kept. A baseline, not a stand-in.",
        ),
        "bootstrap": GeneratorEntry(
            "locum.models.bootstrap:BootstrapModel",
            "Training rows drawn again with replacement: a copy, for testing that copying is noticed.",
        ),
        "mwem": GeneratorEntry(
            "locum.models.baselines.mwem:MWEM",
            "One histogram over all combinations of codes, bent towards a few noisy marginals. "
            "A private baseline for small tables.",
        ),
        "privbayes": GeneratorEntry(
            "locum.models.baselines.privbayes:PrivBayes",
            "Columns are drawn one after the other, each given one or two before it, from noisy tables. "
            "A private baseline.",
        ),
        "jam": GeneratorEntry(
            "locum.models.public.jam:JamModel",
            "Like aim, but relations that a public table tells well enough are taken from there.",
        ),
        "tab-pe": GeneratorEntry(
            "locum.models.evolution.rows:TabPE",
            "Made-up rows get noisy votes from the private rows; the best are varied and voted on again.",
        ),
        "pmw-pub": GeneratorEntry(
            "locum.models.public.pmw:PublicWeights",
            "Rows of a public table, weighted so that they answer noisy questions as the private rows do.",
        ),
        "aim": GeneratorEntry(
            "locum.models.marginal.aim:AimModel",
            "Noisy tables of a few columns are bought round by round where the model is most wrong, and a "
            "graphical model is fitted to them: differential privacy for tables of up to about 30 columns.",
        ),
        "mst": GeneratorEntry(
            "locum.models.marginal.mst:MstModel",
            "Noisy tables of single columns and of the strongest pairs, as a tree: differential privacy in a "
            "second or two.",
        ),
        "swift": GeneratorEntry(
            "locum.models.marginal.oneshot:OneShotModel",
            "All tables of a few columns are scored once with noise, the best are bought once and a "
            "graphical model is fitted once: differential privacy for wide tables.",
        ),
    }
)

# The one table that can grow while the program runs, as Python's own codec registry does; only `register`
# writes to it, and a name once taken is never given away.
_added: dict[str, GeneratorEntry] = {}


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
    entry = GeneratorEntry(path, sentence, MappingProxyType(dict(settings or {})))
    module, _, attribute = path.partition(":")
    if not name or not module or not attribute:
        raise UsageError(f"{path!r} does not name a class", where=name, expected="package.module:Class")
    if name in names() and entry_of(name) != entry:
        raise UsageError(f"the name {name!r} is taken", where="synthesizer", do="choose another name")
    if name not in BUILT_IN:
        _added[name] = entry


def entry_of(name: str) -> GeneratorEntry:
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
    return entry_of(name).model


def create(name: str, **settings: Any) -> Model:
    """A new, unfitted model.

    Raises
    ------
    UsageError
        For an unknown name, an unknown setting (with the nearest known one), or a value that cannot be.
    """
    entry = entry_of(name)
    chosen = {**entry.settings, **settings}
    entry.model.settings_type.of(chosen, f"synthesizer {name}")
    return entry.model(**chosen)
