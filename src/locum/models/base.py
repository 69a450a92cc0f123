"""What a generator of codes must offer. Everything above it (encoding, files, evidence) is shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

import numpy.typing as npt

from locum.arrays import BoolArray, FloatArray
from locum.models.guide import Guide
from locum.models.settings import ModelSettings
from locum.progress import Listener, silent
from locum.schema.domain import CodedRows, Codes, Domain

if TYPE_CHECKING:
    from locum.privacy.budget import Accounting
    from locum.sources.private import PrivateSource

Tensor = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ModelState:
    """All that a fitted model is: plain settings and named arrays, ready for JSON and safetensors.

    Attributes
    ----------
    settings
        JSON-ready values only.
    tensors
        Numeric arrays by name (float64, float32, int64, int32, uint8, bool).
    """

    settings: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)


@runtime_checkable
class Model(Protocol):
    """A generator of code rows.

    The contract suite in ``tests/contracts`` runs on every registered one. They must cope with one row, one
    column, attributes of size 1, and codes never seen in fit; what ours share is in `fitted_model`. The
    constructor takes the settings by name.
    """

    #: Name in the registry.
    name: ClassVar[str]
    #: Whether `log_prob` is defined.
    has_density: ClassVar[bool]
    #: What can be set. A setting ``target`` gets the column to be predicted, ``zeros`` what is impossible.
    settings_type: ClassVar[type[ModelSettings]]

    def __init__(self, **settings: Any) -> None: ...

    def fit(self, data: CodedRows, *, seed: int, progress: Listener = silent) -> Self:
        """Learn from coded rows; returns self. Never keeps a reference to `data`."""
        ...

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows; int32, shape (n, n_attributes), Fortran order. Same seed, same rows."""
        ...

    def log_prob(self, codes: Codes) -> FloatArray:
        """Natural log of the probability of each row; shape (n_rows,). -inf for impossible rows."""
        ...

    def state(self) -> ModelState:
        """The fitted model as settings and arrays."""
        ...

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild a fitted model; raises FileFormatError on any shape, range or NaN that cannot be."""
        ...


@runtime_checkable
class CountModel(Model, Protocol):
    """A generator that can learn from noisy counts alone, so that it may be private."""

    #: Whether `fit_source` needs public rows.
    needs_public: ClassVar[bool]

    @property
    def accounting(self) -> Accounting:
        """How a ledger of its own should add up: ``zcdp`` where steps are not Gaussian, else ``gdp``."""
        ...

    def fit_source(
        self,
        source: PrivateSource,
        *,
        seed: int,
        progress: Listener = silent,
        public: CodedRows | None = None,
    ) -> Self:
        """Spend what the source has left; `public` rows are coded in the source's domain.

        Raises
        ------
        BudgetError
            When nothing is left.
        UsageError
            When public rows are needed and there are none, or they are of another domain.
        """
        ...


#: Says of code rows which of them will be written, where others break a rule and are drawn again.
Kept = Callable[[Codes], BoolArray]


@runtime_checkable
class Selective(Protocol):
    """A model whose shares can be those of the rows that are left when others have been drawn again."""

    def expect(self, kept: Kept | None) -> Self:
        """Say before `fit` which rows will be written; only that fit takes account of it. Returns self."""
        ...


@runtime_checkable
class Guided(Protocol):
    """A model that can draw under a condition, knowing its own conditional probabilities."""

    def sample_guided(self, n: int, guide: Guide, *, seed: int) -> tuple[Codes, FloatArray]:
        """Draw `n` rows and their log weights.

        Weighted by ``exp(log weight)`` the rows follow the model's distribution times the guide's factors,
        and the mean weight estimates the model's mean of these factors (the probability of the condition).
        With ``guide.fixed`` of g rows, `n` is a multiple of g, consecutive blocks of n / g rows belong to one
        row of ``fixed``, and both statements hold block by block. Same seed, same rows.
        """
        ...
