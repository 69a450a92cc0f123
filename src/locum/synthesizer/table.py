"""A stand-in for one table: schema, encoder and model as one thing to fit, sample, save and load."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self

from locum.arrays import FloatArray
from locum.errors import DataError, FileFormatError, LineageWarning, LocumError, NotFittedError, UsageError
from locum.models import registry
from locum.models.base import Model, ModelState
from locum.models.blocks import draw
from locum.models.checks import broken, check_rows
from locum.progress import Listener, silent
from locum.randomness import check_seed, child_seed
from locum.schema.lineage import REAL, lineage_from_json, warning_of

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.codes.codebook import Treatment
    from locum.codes.encoder import Encoder
    from locum.codes.settings import EncoderSettings
    from locum.data.origin import Origin
    from locum.schema.lineage import Lineage
    from locum.schema.table import Schema

#: What the container says that it holds.
KIND = "table"


@dataclass(frozen=True, slots=True)
class _Head:
    """What model.json says."""

    name: str
    seed: int
    rows: int
    settings: dict[str, Any]


class Synthesizer:
    """Learns one table and draws new rows of the same form.

    Parameters
    ----------
    name
        A generator of `locum.models.registry.names`.
    seed
        Fixes every random step of fit and of unseeded calls of `sample`; None draws a fresh one.
    coding
        How finely values become codes; None for the defaults.
    **settings
        Settings of the generator.

    Raises
    ------
    UsageError
        For an unknown name, an unknown setting or an unusable seed.

    Examples
    --------
    >>> from locum.data import demo_path                                            # doctest: +SKIP
    >>> rows = Synthesizer("tree", seed=7).fit(demo_path()).sample(1000)            # doctest: +SKIP
    """

    def __init__(
        self,
        name: str = "tree",
        *,
        seed: int | None = None,
        coding: EncoderSettings | None = None,
        **settings: Any,
    ) -> None:
        self._name = name
        self._seed = check_seed(seed)
        self._settings = settings
        self._coding = coding
        self._model: Model = registry.create(name, **settings)
        self._calls = itertools.count()
        self._schema: Schema | None = None
        self._encoder: Encoder | None = None
        self._origin: Origin | None = None
        self._n_rows = 0
        self._lineage: Lineage = REAL.child()

    @classmethod
    def of(
        cls, name: str, model: Model, encoder: Encoder, *, seed: int, rows: int, origin: Origin | None = None
    ) -> Self:
        """A synthesizer of parts that were fitted elsewhere, as a private fit does.

        `rows` is the number of rows that may be known, which under a guarantee is not the exact one.
        """
        new = cls._unchecked(_Head(name, seed, max(1, rows), {}))
        new._schema, new._encoder, new._model, new._origin = encoder.schema, encoder, model, origin
        return new

    def __repr__(self) -> str:
        if self._schema is None:
            return f"<Synthesizer {self._name}, not fitted>"
        rows = f"{self._n_rows:,} rows x " if self._n_rows else ""
        return f"<Synthesizer {self._name}, fitted to {rows}{len(self._schema.names)} columns>"

    @property
    def name(self) -> str:
        """Name of the generator."""
        return self._name

    @property
    def seed(self) -> int:
        """The seed in use, also when none was given."""
        return self._seed

    @property
    def schema(self) -> Schema:
        """What the columns are; raises NotFittedError before fit."""
        if self._schema is None:
            raise self._unfitted()
        return self._schema

    @property
    def encoder(self) -> Encoder:
        """How values become codes; raises NotFittedError before fit."""
        if self._encoder is None:
            raise self._unfitted()
        return self._encoder

    @property
    def model(self) -> Model:
        """The fitted generator of codes; raises NotFittedError before fit."""
        if self._encoder is None:
            raise self._unfitted()
        return self._model

    @property
    def origin(self) -> Origin | None:
        """The form of the user's data, None when a canonical table was fitted."""
        return self._origin

    @property
    def n_rows(self) -> int:
        """Number of rows it was fitted on; 0 before fit."""
        return self._n_rows

    @property
    def lineage(self) -> Lineage:
        """Where the rows that it makes come from; real rows at depth 1 unless the data said otherwise."""
        return self._lineage

    def descend(self, lineage: Lineage | None) -> Self:
        """Note the lineage of the rows that were learned from; None means real ones."""
        self._lineage = (lineage or REAL).child()
        return self

    def treatments(self) -> tuple[Treatment, ...]:
        """What was done to each column on its way into the model, one sentence each."""
        return self.encoder.treatments()

    def fit(self, data: Any, *, schema: Schema | None = None, progress: Listener = silent) -> Self:
        """Learn a table.

        Parameters
        ----------
        data
            A path (CSV, Parquet, Arrow, JSONL) or a frame (pandas, polars, pyarrow). It is not changed.
        schema
            What the columns are; None lets `locum.data.detect` say so.
        progress
            Hears about the model's work.

        Warns
        -----
        LineageWarning
            When the data is stamped as made by a generator and was not verified since.

        Raises
        ------
        DataError
            When the data cannot be read, has no rows or columns, or does not fit the schema.
        """
        from locum.data.canonical import canonical
        from locum.data.read import read

        raw = read(data)
        if schema is None:
            from locum.data.detect import detect

            schema = detect(raw)
        risk = warning_of(raw.lineage, raw.name)
        if risk:
            warnings.warn(risk, LineageWarning, stacklevel=2)
        self.fit_table(canonical(raw, schema), schema, progress=progress).descend(raw.lineage)
        self._origin = raw.origin
        return self

    def fit_table(self, table: pa.Table, schema: Schema, *, progress: Listener = silent) -> Self:
        """Learn a table that is canonical already (see docs/architecture.md); for pipelines and tests.

        `sample` then gives a canonical table too, unless :meth:`remember` says otherwise. Refitting starts
        anew; a loaded synthesizer is refitted with the default settings of its generator.

        Raises
        ------
        DataError
            When there are no rows or no columns, or the columns are not those of the schema.
        """
        from locum.codes.encoder import Encoder
        from locum.codes.settings import EncoderSettings

        table = _conform(table, schema)
        model = registry.create(self._name, **self._known(schema))
        coding = self._coding or EncoderSettings()
        encoder = Encoder.fit(table, schema, seed=child_seed(self._seed, "encoder"), settings=coding)
        coded = encoder.encode(table)
        n_rows = table.num_rows
        del table  # The codes are all that the model needs; a caller may have let go of the table too.
        self._model = model.fit(coded, seed=child_seed(self._seed, "model"), progress=progress)
        self._schema, self._encoder, self._n_rows, self._origin = schema, encoder, n_rows, None
        self._lineage = REAL.child()
        self._calls = itertools.count()
        return self

    def _known(self, schema: Schema) -> dict[str, Any]:
        """The caller's settings, with the schema's target where the generator can use it."""
        asked = self._settings.get("target")
        if isinstance(asked, str) and asked and asked not in schema.names:
            near = get_close_matches(asked, schema.names, n=1)
            raise UsageError(
                f"there is no column {asked!r}",
                where="target",
                expected=f"one of {', '.join(schema.names[:12])}{', ...' if len(schema) > 12 else ''}",
                do=f"did you mean {near[0]!r}?" if near else "",
            )
        if schema.target is None or not registry.entry_of(self._name).takes_target:
            return self._settings
        return {"target": schema.target, **self._settings}

    def remember(self, origin: Origin) -> Self:
        """Let `sample` give rows in the form that the user's data had."""
        self._origin = origin
        return self

    def sample(self, n: int, *, seed: int | None = None) -> Any:
        """Draw `n` rows in the form that the data had when it was given to `fit`.

        Parameters
        ----------
        n
            Number of rows, 1 or more.
        seed
            The same seed gives the same rows. None takes the next of a series that the synthesizer's own
            seed fixes, so that two calls give different rows and the whole script can still be repeated.

        Raises
        ------
        UsageError
            When `n` or `seed` is unusable.
        NotFittedError
            Before fit.
        """
        table = self.sample_table(n, seed=seed)
        from locum.data.lineage_stamp import with_stamp

        if self._origin is None:
            return with_stamp(table, self._lineage)
        from locum.data.restore import restore

        return with_stamp(restore(table, self.schema, self._origin), self._lineage)

    def sample_table(self, n: int, seed: int | None = None) -> pa.Table:
        """Draw `n` rows as a canonical table; arguments and errors as in `sample`."""
        import pyarrow as pa

        return pa.concat_tables(list(self.sample_blocks(n, seed=seed))).combine_chunks()

    def sample_blocks(self, n: int, seed: int | None = None) -> Iterator[pa.Table]:
        """Draw `n` rows block by block, so that memory does not grow with `n`.

        The blocks laid end to end are what `sample_table` gives for the same seed. Arguments are checked
        by the call, not by the first step of the iterator.
        """
        n, encoder = check_rows(n), self.encoder
        seed = child_seed(self._seed, "sample", next(self._calls)) if seed is None else check_seed(seed)
        return draw(self._model, encoder, n, seed)

    def log_prob(self, data: Any) -> FloatArray:
        """Natural log of the probability that the model gives each row's codes; shape (n_rows,).

        The probability is of codes (levels, cells), not a density over values; of ids, texts and PII only
        whether they are missing counts. -inf for rows that the model cannot make.

        Raises
        ------
        UsageError
            When this generator has no density.
        DataError
            When the data does not fit the schema.
        """
        from locum.data.canonical import canonical
        from locum.data.read import read

        return self.log_prob_table(canonical(read(data), self.schema))

    def log_prob_table(self, table: pa.Table) -> FloatArray:
        """Log probability of the rows of a canonical table; see `log_prob`."""
        if not self.model.has_density:
            raise UsageError(
                f"{self._name} has no probability per row", where="log_prob", do="use another synthesizer"
            )
        return self.model.log_prob(self.encoder.encode(_conform(table, self.schema)).codes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file (``*.locum``), all or nothing; the same fit gives the same bytes.

        Raises
        ------
        NotFittedError
            Before fit.
        FolderError
            When the place cannot be written to.
        """
        from locum.files.container import Container, write_container
        from locum.schema.json import schema_to_json

        encoder, state = self.encoder, self.model.state()
        documents = {
            "schema": {
                "schema": schema_to_json(self.schema),
                "origin": None if self._origin is None else self._origin.to_json(),
            },
            "encoder": encoder.to_json(),
            "model": {
                "name": self._name,
                "seed": self._seed,
                "rows": self._n_rows,
                "settings": dict(state.settings),
            },
        }
        about = {
            "synthesizer": self._name,
            "table": self.schema.name[:200],
            "rows": self._n_rows,
            "columns": len(self.schema),
            "codes": sum(encoder.domain.sizes),
            "lineage": self._lineage.to_json(),
        }
        write_container(path, Container(KIND, documents, state.tensors, about))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model file, which may come from anyone: it holds data, never code.

        Raises
        ------
        UsageError
            When there is no such file.
        FileFormatError
            When the file is damaged, hostile, from a newer version, or names a generator that is not here.
        """
        from locum.files.container import read_container

        container = read_container(path)
        if container.kind != KIND:
            what = f"the file holds a {ascii(container.kind[:40])[1:-1]}, not a table's synthesizer"
            raise FileFormatError(what, where=str(path), do="open it with the command that made it")
        try:
            new = cls._from_documents(container.documents, container.tensors)
            # Files of versions before the stamp have none: their rows are taken to be one generator away.
            if "lineage" in container.about:
                new._lineage = lineage_from_json(container.about["lineage"], f"{path}:manifest.json")
            return new
        except FileFormatError:
            raise
        except (LocumError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
            # Readers of the parts check what they read; this is the net below them, so that whatever a
            # hostile file gets past them still ends as a clear refusal.
            what = f"the parts of the file do not fit together ({type(error).__name__})"
            raise FileFormatError(what, where=str(path), do="use an intact file") from error

    @classmethod
    def _from_documents(cls, documents: Any, tensors: Any) -> Self:
        from locum.codes.encoder import Encoder
        from locum.data.origin import origin_from_json
        from locum.schema.json import schema_from_json

        head, outer = _head(documents["model"]), documents["schema"]
        if not isinstance(outer, dict) or set(outer) != {"schema", "origin"}:
            raise broken("schema.json has other parts than schema and origin")
        schema = schema_from_json(outer["schema"])
        encoder = Encoder.from_json(documents["encoder"], schema)
        synthesizer = cls._unchecked(head)
        synthesizer._schema, synthesizer._encoder = schema, encoder
        synthesizer._origin = None if outer["origin"] is None else origin_from_json(outer["origin"])
        state = ModelState(head.settings, tensors)
        synthesizer._model = registry.get(head.name).from_state(state, encoder.domain)
        return synthesizer

    @classmethod
    def _unchecked(cls, head: _Head) -> Self:
        """A synthesizer without a model yet; the constructor would build one that is thrown away."""
        new = cls.__new__(cls)
        new._name, new._seed, new._n_rows = head.name, head.seed, head.rows
        new._settings, new._coding, new._calls = {}, None, itertools.count()
        new._lineage = REAL.child()
        return new

    def _unfitted(self) -> NotFittedError:
        return NotFittedError(
            "the synthesizer has not been fitted", where=self._name, do="call fit first, or load a model"
        )


def _conform(table: pa.Table, schema: Schema) -> pa.Table:
    """The columns of the schema, in its order; raises DataError when one is missing or there is nothing."""
    if table.num_rows == 0 or len(schema) == 0:
        what = "the table has no rows" if table.num_rows == 0 else "the table has no columns"
        raise DataError(what, where=schema.name, do="give at least one row and one column")
    for name in schema.names:
        if table.column_names.count(name) != 1:
            raise DataError(
                f"there is no column {name!r}"
                if name not in table.column_names
                else "column name appears twice",
                where=f"{schema.name}.{name}",
                expected="the columns that the schema names",
            )
    return table.select(list(schema.names))


def _head(value: Any) -> _Head:
    kinds = {"name": str, "seed": int, "rows": int, "settings": dict}
    if not isinstance(value, dict) or set(value) != set(kinds):
        raise broken("model.json has missing or surplus parts")
    if any(type(value[key]) is not kind for key, kind in kinds.items()):
        raise broken("model.json has parts of the wrong type")
    head = _Head(**value)
    if not 0 <= head.seed < 2**63 or not 0 < head.rows < 2**62:
        raise broken("model.json has numbers out of range")
    if head.name not in registry.names():
        what = f"the file needs the synthesizer {head.name[:40]!a}, which is not here"
        raise FileFormatError(what, where="model file", do="update locum, or register that synthesizer first")
    return head
