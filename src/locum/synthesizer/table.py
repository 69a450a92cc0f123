"""The stand-in for one table: fit it, draw rows that keep its rules, save it and load it."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self, Unpack

from locum.arrays import FloatArray
from locum.data.lineage_stamp import after_given
from locum.errors import (
    DataError,
    GuaranteeWarning,
    LineageWarning,
    NotFittedError,
    ReadingWarning,
    UsageError,
)
from locum.models import registry
from locum.models.fitted import Fitted
from locum.progress import Listener, silent
from locum.randomness import check_seed, child_seed
from locum.schema.lineage import REAL, void_warning, warning_of
from locum.schema.table import check_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.codes.codebook import Treatment
    from locum.codes.encoder import Encoder
    from locum.codes.entity import EntityForm
    from locum.codes.settings import EncoderSettings
    from locum.control.drawn_rows import DrawnRows
    from locum.control.request import Wishes
    from locum.data.origin import Origin
    from locum.models.base import Model
    from locum.schema.domain import Coded
    from locum.schema.lineage import Guarantee, Lineage
    from locum.schema.table import Schema


@dataclass(frozen=True, slots=True)
class _Code:
    """A table as codes, and the model that is to learn them."""

    model: Model
    encoder: Encoder
    codes: Coded
    entity: EntityForm | None


class Synthesizer:
    """Learns one table and draws new rows of the same form, none of which breaks a rule of its schema.

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
        registry.create(name, **settings)  # an unknown name or setting is told now, not by fit
        self._name = name
        self._seed = check_seed(seed)
        self._settings = settings
        self._coding = coding
        self._fitted: Fitted | None = None
        self._given_up: tuple[str, ...] = ()
        self._origin: Origin | None = None
        self._lineage: Lineage = REAL.child()
        self._calls = itertools.count()

    @classmethod
    def of(
        cls, fitted: Fitted, *, seed: int, origin: Origin | None = None, lineage: Lineage | None = None
    ) -> Self:
        """A synthesizer of parts that were fitted elsewhere, as a private fit or a model file does."""
        new = cls.__new__(cls)  # the constructor would build a model that is thrown away
        new._name, new._seed, new._settings, new._coding = fitted.name, seed, {}, None
        new._fitted, new._origin, new._lineage = fitted, origin, lineage or REAL.child()
        new._given_up = ()
        new._calls = itertools.count()
        return new

    def __repr__(self) -> str:
        if self._fitted is None:
            return f"<Synthesizer {self._name}, not fitted>"
        rows = f"{self.n_rows:,} rows x " if self.n_rows else ""
        return f"<Synthesizer {self._name}, fitted to {rows}{len(self.schema.names)} columns>"

    @property
    def name(self) -> str:
        """Name of the generator."""
        return self._name

    @property
    def seed(self) -> int:
        """The seed in use, also when none was given."""
        return self._seed

    def get_params(self) -> dict[str, Any]:
        """All settings of the generator by name, defaults included."""
        entry = registry.entry_of(self._name)
        settings = entry.model.settings_type.of({**entry.settings, **self._settings}, self._name)
        return {key: getattr(settings, key) for key in settings.constraints()}

    def set_params(self, **settings: Any) -> Self:
        """Change settings of the generator; what was fitted with others is forgotten.

        Raises
        ------
        UsageError
            For an unknown setting or a value that it may not have; nothing is changed then.
        """
        wanted = {**self._settings, **settings}
        registry.create(self._name, **wanted)
        self._settings, self._fitted = wanted, None
        return self

    @property
    def fitted(self) -> Fitted:
        """Generator and coding, as `locum.control` takes them; raises NotFittedError before fit."""
        if self._fitted is None:
            raise NotFittedError(
                "the synthesizer has not been fitted", where=self._name, do="call fit first, or load a model"
            )
        return self._fitted

    @property
    def schema(self) -> Schema:
        """What the columns are; raises NotFittedError before fit."""
        return self.fitted.schema

    @property
    def encoder(self) -> Encoder:
        """How values become codes; raises NotFittedError before fit."""
        return self.fitted.encoder

    @property
    def has_density(self) -> bool:
        """Whether `log_prob` is defined; raises NotFittedError before fit."""
        return self.fitted.model.has_density

    @property
    def origin(self) -> Origin | None:
        """The form of the user's data, None when a canonical table was fitted."""
        return self._origin

    @property
    def n_rows(self) -> int:
        """Number of rows it was fitted on; 0 before fit."""
        return 0 if self._fitted is None else self._fitted.n_rows

    @property
    def lineage(self) -> Lineage:
        """Where the rows that it makes come from; real rows at depth 1 unless the data said otherwise."""
        return self._lineage

    def descend(self, lineage: Lineage | None) -> Self:
        """Note the lineage of the rows that were learned from; None means real ones."""
        self._lineage = (lineage or REAL).child()
        return self

    def promise(self, guarantee: Guarantee | None) -> Self:
        """Note the guarantee of privacy under which it was fitted; its rows carry it with them."""
        self._lineage = self._lineage.under(guarantee)
        return self

    def remember(self, origin: Origin) -> Self:
        """Let `sample` give rows in the form that the user's data had."""
        self._origin = origin
        return self

    @property
    def given_up(self) -> tuple[str, ...]:
        """Rules found in the rows that this generator breaks too often to keep them; known after fit only."""
        return self._given_up

    def treatments(self) -> tuple[Treatment, ...]:
        """What was done to each column on its way into the model, one sentence each."""
        return self.encoder.treatments()

    def fit(
        self,
        data: Any,
        *,
        schema: Schema | None = None,
        find_rules: bool = True,
        progress: Listener = silent,
    ) -> Self:
        """Learn a table.

        Parameters
        ----------
        data
            A path (CSV, Parquet, Arrow, JSONL) or a frame (pandas, polars, pyarrow). It is not changed.
        schema
            What the columns are and which rules they keep; None lets `locum.data.detect` say so.
        find_rules
            Whether, without a schema, the rules are added that no row breaks and that chance cannot explain.
        progress
            Hears about the model's work.

        Warns
        -----
        LineageWarning
            When the data is stamped as made by a generator and was not verified since.
        ReadingWarning
            For what should be known of how the data was read, or will not come back as it was.

        Raises
        ------
        UsageError
            For a schema that is none.
        DataError
            When the data cannot be read, has no rows or columns, or does not fit the schema.
        """
        from locum.data.canonical import canonical
        from locum.data.read import read

        check_schema(schema)
        raw = read(data)
        given = schema
        if schema is None:
            from locum.data.detect import detect

            schema = detect(raw)
        table = canonical(raw, schema)
        origin, lineage, name, notes = raw.origin, raw.lineage, raw.name, raw.notes
        del raw  # As large as the table itself.
        if given is None and find_rules:
            from locum.control.rules.found import with_found_rules

            schema = with_found_rules(table, schema)
        risk = warning_of(lineage, name)
        if risk:
            warnings.warn(risk, LineageWarning, stacklevel=2)
        for note in notes:
            warnings.warn(note, ReadingWarning, stacklevel=2)
        code = self._code(table, schema)
        del table  # The codes are all that the model needs, and the smallest part.
        return self._learn(code, schema, progress).descend(lineage).remember(origin)

    def fit_table(self, table: pa.Table, schema: Schema, *, progress: Listener = silent) -> Self:
        """Learn a table that is canonical already (see docs/architecture.md); for pipelines and tests.

        `sample` then gives a canonical table too, unless :meth:`remember` says otherwise. Refitting starts
        anew; a loaded synthesizer is refitted with the default settings of its generator.

        Raises
        ------
        DataError
            When there are no rows or no columns, or the columns are not those of the schema.
        """
        return self._learn(self._code(table, schema), schema, progress)

    def _code(self, table: pa.Table, schema: Schema) -> _Code:
        """A canonical table as codes."""
        from locum.codes.encoder import Encoder
        from locum.codes.entity import EntityForm
        from locum.codes.settings import EncoderSettings
        from locum.control.layout.plan import lay_out

        table = _conform(table, schema)
        model = registry.create(self._name, **self._settings_for(schema))
        encoder = Encoder.fit(
            table,
            schema,
            seed=child_seed(self._seed, "encoder"),
            settings=self._coding or EncoderSettings(),
            recodings=lay_out(table, schema),
        )
        entity = None if schema.entity is None else EntityForm.fit(table, schema)
        return _Code(model, encoder, encoder.encode(table), entity)

    def _learn(self, code: _Code, schema: Schema, progress: Listener) -> Self:
        """Learn the codes of a table."""
        import pyarrow as pa

        from locum.control.rules.hopeless import rows_kept, without_hopeless_rules
        from locum.models.base import Selective

        pa.default_memory_pool().release_unused()  # What tables have left behind would be kept for the next.
        model = code.model
        if isinstance(model, Selective):
            model = model.expect(rows_kept(code.encoder, child_seed(self._seed, "kept")))
        model = model.fit(code.codes, seed=child_seed(self._seed, "model"), progress=progress)
        n_rows = code.codes.n_rows
        fitted = Fitted(self._name, code.encoder, model, n_rows, code.entity, self._found_keys(schema))
        self._fitted, self._given_up = without_hopeless_rules(fitted, self._seed)
        self._origin, self._lineage = None, REAL.child()
        self._calls = itertools.count()
        return self

    @staticmethod
    def _found_keys(schema: Schema) -> tuple[str, ...]:
        """Rules on uniqueness that were read off the rows and that nobody has declared."""
        from locum.control.rules.clause import rule_clauses
        from locum.control.where.names import Names

        found = [rule for rule in schema.rules if rule in schema.rules_read_off]
        clauses = rule_clauses(found, Names(schema))
        return tuple(clause.text for clause in clauses if clause.term.op == "unique")

    def _settings_for(self, schema: Schema) -> dict[str, Any]:
        """The caller's settings, with the schema's target and protected columns where they can be used."""
        asked = self._settings.get("target")
        if isinstance(asked, str) and asked and asked not in schema.names:
            near = get_close_matches(asked, schema.names, n=1)
            raise UsageError(
                f"there is no column {asked!r}",
                where="target",
                expected=f"one of {', '.join(schema.names[:12])}{', ...' if len(schema) > 12 else ''}",
                do=f"did you mean {near[0]!r}?" if near else "",
            )
        entry = registry.entry_of(self._name)
        roles: dict[str, Any] = {}
        if schema.target is not None and entry.takes("target"):
            roles["target"] = schema.target
        if schema.protected and entry.takes("protected"):
            roles["protected"] = list(schema.protected)
        return {**roles, **self._settings}

    def sample(
        self,
        n: int | None = None,
        *,
        where: str | Sequence[str] | None = None,
        given: Any = None,
        targets: Mapping[Any, Any] | None = None,
        rules: str | Sequence[str] = (),
        temperature: float = 1.0,
        seed: int | None = None,
    ) -> Any:
        """Draw rows in the form of the data that was given to `fit`; no row breaks a rule of the schema.

        Parameters
        ----------
        n
            Number of rows, 1 or more; None with `given`, which says how many.
        where
            Condition that every row fulfils, such as ``age >= 80 and diagnosis = 'I10'``; several all hold.
        given
            Frame or file with some of the columns; what it holds is kept, the rest of each row is drawn.
        targets
            Asked proportions, such as ``{"sex": "balanced", "age >= 65": 0.3}``.
        rules
            What no row breaks besides the schema's own rules, such as ``start <= end``, ``if sex = 'M' then
            pregnant = false``, ``total = net + tax`` (calculated) or ``unique(patient, day)``.
        temperature
            Below 1 more of what is frequent, above 1 more of what is rare.
        seed
            The same seed gives the same rows. None takes the next of a series that the synthesizer's own
            seed fixes, so that two calls give different rows and the whole script can still be repeated.

        Returns
        -------
        table
            A frame of the same library with the same dtypes; for a file a `pyarrow.Table` with typed
            columns, whatever the file was. Stamped with its lineage where its library has a place for that.

        Warns
        -----
        GuaranteeWarning
            When a guarantee of privacy does not hold for the rows, because cells of `given` are in them.

        Raises
        ------
        UsageError
            When the number of rows, the seed or the request is unusable, with the nearest usable one.
        Infeasible
            When no row can be as asked; it names the clashing conditions and the nearest request.
        NotFittedError
            Before fit.
        """
        from locum.data.restore import restore

        drawn = self.draw(
            n, seed=seed, where=where, given=given, targets=targets, rules=rules, temperature=temperature
        )
        lineage = self._lineage if given is None else after_given(self._lineage, given)
        risk = void_warning(self._lineage, lineage)
        if risk:
            warnings.warn(risk, GuaranteeWarning, stacklevel=2)
        return restore(drawn.table, self.schema, self._origin, lineage)

    def draw(self, n: int | None = None, *, seed: int | None = None, **wishes: Unpack[Wishes]) -> DrawnRows:
        """Draw rows as a canonical table, with facts about how they were found.

        Parameters and errors are those of `sample`, whose rows these are before they take the form of the
        user's data.
        """
        from locum.control.sample import sample

        return sample(self.fitted, n, seed=self._seed_of(seed), **wishes)

    def blocks(
        self, n: int | None = None, *, seed: int | None = None, **wishes: Unpack[Wishes]
    ) -> Iterator[pa.Table]:
        """Draw the rows of `draw` block by block, so that memory does not grow with their number.

        Laid end to end the blocks are the table of `draw` for the same arguments, which are checked by the
        call, not by the first step of the iterator. With `given` or `targets` all rows are drawn first,
        because each hangs on the others. Of columns that a rule calls unique the values so far are kept.
        """
        from locum.control.sample import blocks

        return blocks(self.fitted, n, seed=self._seed_of(seed), **wishes)

    def most_rows(self, n: int) -> int:
        """`n`, or the number of rows learned from where that is less and a rule says what may not repeat.

        More rows than that may not exist.
        """
        from locum.control.request import read_request

        repeats = all(clause.term.op != "unique" for clause in read_request(self.fitted).clauses)
        return n if repeats else min(n, max(1, self.n_rows))

    def _seed_of(self, seed: int | None) -> int:
        return child_seed(self._seed, "sample", next(self._calls)) if seed is None else check_seed(seed)

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
        if not self.has_density:
            raise UsageError(
                f"{self._name} has no probability per row", where="log_prob", do="use another synthesizer"
            )
        return self.fitted.model.log_prob(self.encoder.encode(_conform(table, self.schema)).codes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file (``*.locum``), all or nothing; the same fit gives the same bytes.

        Raises
        ------
        NotFittedError
            Before fit.
        FolderError
            When the place cannot be written to.
        """
        from locum.synthesizer.store import Stored, write_model

        write_model(path, Stored(self.fitted, self._seed, self._origin, self._lineage))

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
        from locum.synthesizer.store import read_model

        stored = read_model(path)
        return cls.of(stored.fitted, seed=stored.seed, origin=stored.origin, lineage=stored.lineage)


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
