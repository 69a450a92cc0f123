"""What our generators share: settings, checks of arguments, and the way to and from a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from locum.arrays import FloatArray
from locum.errors import NotFittedError, UsageError
from locum.models.base import ModelState
from locum.models.checks import check_guide, check_rows, check_training, check_width, within
from locum.models.guide import Guide
from locum.models.settings import ModelSettings
from locum.progress import Listener, silent
from locum.randomness import check_seed
from locum.schema.domain import CodedRows, Codes, Domain


class FittedModel(ABC):
    """A generator of code rows; see `locum.models.base.Model` for what its methods promise.

    Subclasses learn in `_learn`, draw in `_draw`, and leave to this class what is checked everywhere.

    Parameters
    ----------
    **settings
        Fields of ``settings_type``.
    """

    name: ClassVar[str]
    has_density: ClassVar[bool] = True
    settings_type: ClassVar[type[ModelSettings]] = ModelSettings

    settings: ModelSettings
    _domain: Domain | None

    def __init__(self, **settings: Any) -> None:
        self.settings = self.settings_type.of(settings, self.name)
        self._domain = None

    def __repr__(self) -> str:
        changed = ", ".join(f"{name}={value!r}" for name, value in self.settings.non_defaults().items())
        return f"{type(self).__name__}({changed})"

    def get_params(self) -> dict[str, Any]:
        """All settings by name."""
        return {name: getattr(self.settings, name) for name in self.settings.constraints()}

    def set_params(self, **settings: Any) -> Self:
        """Change settings; what was fitted with others is forgotten. Returns self."""
        self.settings = self.settings_type.of({**self.get_params(), **settings}, self.name)
        self._domain = None
        return self

    def fit(self, data: CodedRows, *, seed: int, progress: Listener = silent) -> Self:
        """Learn from coded rows; returns self.

        Raises
        ------
        DataError
            If there are no rows or no columns.
        """
        seed = check_seed(seed)
        check_training(data)
        self._learn(data, seed, progress)
        self._domain = data.domain
        return self

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows; int32, shape (n, n_attributes), Fortran order. Same seed, same rows.

        Raises
        ------
        UsageError
            If `n` is below 1 or the seed is negative.
        NotFittedError
            Before `fit`.
        """
        self._fitted()
        return self._draw(check_rows(n), check_seed(seed))

    def log_prob(self, codes: Codes) -> FloatArray:
        """Natural log of the probability of each row; shape (n_rows,). -inf for impossible rows."""
        domain = self._fitted()
        if not self.has_density:
            raise UsageError(f"{self.name} has no density", where="log_prob", do="use aim or tree for one")
        check_width(codes, domain)
        inside = within(codes, domain)
        out = np.full(len(codes), -np.inf)
        if inside.any():
            # Rounding of stored weights may lift a certain row a hair above probability one.
            out[inside] = np.minimum(self._log_prob(np.asfortranarray(codes[inside])), 0.0)
        return out

    def state(self) -> ModelState:
        """The fitted model as settings and arrays; raises NotFittedError before `fit`."""
        self._fitted()
        return self._store()

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild a fitted model; raises FileFormatError on anything `state` cannot have written."""
        model = cls()
        model._restore(state, domain)
        model._domain = domain
        return model

    def _learn(self, data: CodedRows, seed: int, progress: Listener) -> None:
        """What `fit` does once its arguments are checked."""
        raise NotImplementedError

    @abstractmethod
    def _store(self) -> ModelState:
        """The fitted parts as a state."""

    @abstractmethod
    def _restore(self, state: ModelState, domain: Domain) -> None:
        """Take the parts out of a state, with every claim of it checked."""

    @abstractmethod
    def _draw(self, n: int, seed: int) -> Codes:
        """What `sample` does once its arguments are checked."""

    def _log_prob(self, codes: Codes) -> FloatArray:
        """Log-probability of rows that lie in the domain."""
        raise NotImplementedError

    def _fitted(self) -> Domain:
        if self._domain is None:
            raise NotFittedError("the model has not been fitted", where=self.name, do="call fit first")
        return self._domain


class GuidedModel(FittedModel):
    """A generator that can draw under a condition."""

    def sample_guided(self, n: int, guide: Guide, *, seed: int) -> tuple[Codes, FloatArray]:
        """Draw rows under a condition, with log weights; see `locum.models.base.Guided`."""
        domain = self._fitted()
        n, seed = check_rows(n), check_seed(seed)
        check_guide(guide, n, domain)
        return self._draw_guided(n, guide, seed)

    @abstractmethod
    def _draw_guided(self, n: int, guide: Guide, seed: int) -> tuple[Codes, FloatArray]:
        """What `sample_guided` does once its arguments are checked."""
