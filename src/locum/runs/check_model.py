"""Whether the model of a bundle can be what its account paid for; the file may come from anyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import LocumError
from locum.privacy.entry import Entry
from locum.runs.certificate import NAME, is_old
from locum.runs.check_account import least_slack
from locum.runs.files import MODEL
from locum.runs.guarantee import entries_of, guarantee_of
from locum.sources.base import n_cells
from locum.sources.discover import ROUNDS
from locum.sources.domain import NOTHING_FOUND, ranges_assumed, relations_assumed
from locum.sources.purposes import CROWDED, KINDS, LEVELS, LOOKUPS, RANGES, ROWS, VOTES, round_of_cells

if TYPE_CHECKING:
    from locum.data.origin import Origin
    from locum.schema.column import Column
    from locum.schema.domain import Domain
    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer

_COUNTS = frozenset({"gaussian", "discrete-gaussian"})
_CELLS = tuple(round_of_cells(turn, ROUNDS) for turn in range(1, ROUNDS + 1))
_DISCOVERY = frozenset({KINDS, RANGES, LEVELS, *_CELLS})
#: Asked of columns as they are, not of the attributes that they are coded as.
_OF_COLUMNS = _DISCOVERY | {LOOKUPS}
#: Generator whose relations may come from a public table as well.
_PUBLIC = frozenset({"jam", "pmw-pub"})


def open_model(bundle: Path) -> tuple[Synthesizer | None, list[str]]:
    """The model of a bundle, or why it cannot be opened."""
    from locum.synthesizer.table import Synthesizer

    try:
        return Synthesizer.load(bundle / MODEL), []
    except LocumError as error:
        return None, [f"{MODEL}: cannot be opened: {error.what}."]
    except MemoryError:
        return None, [f"{MODEL}: cannot be opened: it is absurdly large."]


def check_model(certificate: Mapping[str, Any], synth: Synthesizer) -> list[str]:
    """What is wrong with the model of a table, and with what was asked of the data for it."""
    columns, names = certificate["discovery"]["columns"], synth.schema.names
    found = _check_name(certificate, synth)
    if set(columns) != set(names):
        odd = ", ".join(sorted(set(columns) ^ set(names))[:3])
        found.append(f"{MODEL}: its columns are not those of the certificate ({odd}).")
    if synth.n_rows != max(1, int(certificate["rows"]["noisy"])):
        found.append(f"{MODEL}: it says that it learned from another number of rows than was bought.")
    if is_old(certificate):
        # models of that time were in the form of the data, and carried no guarantee
        if synth.lineage.guarantee is not None:
            found.append(f"{MODEL}: it carries a guarantee, as no model of so old a release does.")
    else:
        found += check_origin(synth.origin, synth.schema)
        if synth.lineage.guarantee != guarantee_of(certificate):
            found.append(f"{MODEL}: the guarantee that it carries is not the one of the certificate.")
        held = set(certificate["assumptions"])
        found += [
            f"{NAME}: an assumption is missing: {sentence}"
            for sentence in (*ranges_assumed(synth.schema, columns), *relations_assumed(synth.schema))
            if sentence not in held
        ]
    for column in synth.schema:
        if column.bounds is not None and column.bounds.source == "data":
            found.append(f"{MODEL}: the bounds of {column.name} were read from the data.")
    last = _last_fit(_own(certificate), certificate)
    if last is None:
        return found + check_size(certificate)
    found += _check_crowded(certificate, last)
    found += _check_names(last, columns, synth)
    for column in synth.schema:
        found += _check_origin_of(column, str(columns.get(column.name)), last)
    return found + _check_relations(last, synth)


def check_attribute_model(certificate: Mapping[str, Any], synth: Synthesizer) -> list[str]:
    """What is wrong with the model of the attributes of texts."""
    from locum.synthesizer.private import is_private

    facts, found = certificate["facts"], []
    if not is_private(synth.name):
        found.append(f"{MODEL}: {synth.name} looks at single rows, so it cannot be under a guarantee.")
    if (facts["generator"], list(facts["attributes"])) != (synth.name, list(synth.schema.names)):
        found.append(f"{MODEL}: generator or attributes are not those of the certificate.")
    if synth.lineage.guarantee != guarantee_of(certificate):
        found.append(f"{MODEL}: the guarantee that it carries is not the one of the certificate.")
    last = _last_fit(_own(certificate), certificate) or []
    return [*found, *_check_names(last, {}, synth), *_check_relations(last, synth)]


def check_size(certificate: Mapping[str, Any]) -> list[str]:
    """A noisy number of rows was paid for."""
    if "noisy" in certificate["rows"] and _last_fit(_own(certificate), certificate) is None:
        return [f"{NAME}: nobody paid for the number of rows, which is published."]
    return []


def _own(certificate: Mapping[str, Any]) -> list[Entry]:
    """The steps of the run itself, of all that are in its ledger."""
    return [e for e in entries_of(certificate) if e.run == certificate["run"]]


def check_origin(origin: Origin | None, schema: Schema) -> list[str]:
    """Nothing of the form of the data may be in a released model: it is written in one form for all."""
    from locum.data.plain_origin import plain_origin

    if origin is None or origin == plain_origin(origin.backend, schema):
        return []
    return [
        f"{MODEL}: it holds types, spellings or an encoding of the data, beyond what the schema declares."
    ]


def _check_name(certificate: Mapping[str, Any], synth: Synthesizer) -> list[str]:
    from locum.synthesizer.private import is_private

    made = certificate["synthesizer"]
    if not is_private(synth.name):
        return [f"{MODEL}: {synth.name} looks at single rows, so it cannot be under a guarantee."]
    # where the budget ends in the middle of the work, single columns are what was paid for
    allowed = {made["name"], "independent"} if made["stopped"] else {made["name"]}
    if synth.name not in allowed:
        return [f"{MODEL}: the generator is {synth.name}, and the certificate says {made['name']}."]
    return []


def _last_fit(own: Sequence[Entry], certificate: Mapping[str, Any]) -> list[Entry] | None:
    """The steps of the fit that was released: those since the number of rows was last bought.

    A run that was stopped begins anew with what is left, and its earlier steps stay paid for. None where the
    number of rows, with the noise that is claimed, was not bought.
    """
    bought = [i for i, e in enumerate(own) if e.purpose == ROWS]
    if not bought:
        return None
    count = own[bought[-1]]
    fits = (
        count.mechanism in _COUNTS and count.columns == ((),) and count.scale == certificate["rows"]["sigma"]
    )
    return list(own[bought[-1] :]) if fits else None


def _check_crowded(certificate: Mapping[str, Any], entries: Sequence[Entry]) -> list[str]:
    """How many units had more rows than are kept is published only where it was bought."""
    told = certificate.get("cut_units")
    bought = [e for e in entries if e.purpose == CROWDED and e.mechanism in _COUNTS]
    if told is not None and not any(e.scale == told["sigma"] for e in bought):
        return [f"{NAME}: nobody paid for the number of units that were cut, which is published."]
    return []


def _check_names(entries: Sequence[Entry], columns: Mapping[str, str], synth: Synthesizer) -> list[str]:
    """Every set of attributes exists, is counted in as many cells as it has, and all are covered.

    Our own generators count each attribute by itself before anything else.
    """
    from locum.models.registry import BUILT_IN

    domain = synth.encoder.domain
    found, known, covered = [], {a.name for a in domain}, set[str]()
    widest = 1 if synth.name in BUILT_IN else len(domain)
    for e in entries:
        allowed = set(columns) if e.purpose in _OF_COLUMNS else known
        strange = sorted({n for clique in e.columns for n in clique} - allowed)
        if strange:
            found.append(f"{NAME}: {e.purpose} was asked of {strange[0]!r}, which the model does not have.")
            continue
        if e.purpose in _OF_COLUMNS or e.mechanism not in _COUNTS:
            continue
        if any(len(set(clique)) != len(clique) for clique in e.columns):
            found.append(f"{NAME}: {e.purpose} names an attribute twice.")
        covered |= {n for clique in e.columns if len(clique) <= widest for n in clique}
        cells = 1 if _is_vote(e, domain) else sum(n_cells(domain, clique) for clique in e.columns)
        if e.slack < least_slack(e, cells) * (1 - 1e-9):
            found.append(
                f"{NAME}: {e.purpose} claims a sampler nearer to its law than ours on {cells:,} cells."
            )
    missing = [a.name for a in domain if a.size > 1 and a.name not in covered]
    if missing:
        found.append(f"{NAME}: nobody paid for the counts of {', '.join(missing[:5])}, which the model has.")
    return found


def _is_vote(entry: Entry, domain: Domain) -> bool:
    """Whether rows voted: about all attributes, in a number of cells that the entry does not say."""
    return entry.columns == (domain.names,) and entry.purpose == VOTES


def _check_origin_of(column: Column, origin: str, entries: Sequence[Entry]) -> list[str]:
    """What is called bought must be bought, and what is called declared or public must not."""
    asked: dict[str, set[str]] = {}
    for e in entries:
        if e.purpose in _DISCOVERY and any(column.name in clique for clique in e.columns):
            asked.setdefault(e.purpose, set()).add(e.mechanism)
    if origin in ("declared", "public"):
        return [
            f"{NAME}: {column.name} is said to be {origin}, but {purpose} was bought for it."
            for purpose in sorted(asked)
        ]
    if origin not in ("bought", NOTHING_FOUND):
        return []
    wanted: dict[str, frozenset[str]] = {}
    if column.kind == "category":
        wanted[LEVELS] = frozenset({"gaussian-threshold"})
    elif column.ordered and origin == NOTHING_FOUND:
        wanted[RANGES] = _COUNTS
    elif column.ordered:
        wanted |= dict.fromkeys(_CELLS, _COUNTS)
        if column.bounds is None or column.bounds.source == "dp":
            wanted[RANGES] = _COUNTS
    found = [
        f"{NAME}: {column.name} is said to be bought, but there is no entry for {purpose}."
        for purpose, mechanisms in wanted.items()
        if not asked.get(purpose, set()) & mechanisms
    ]
    if not wanted:
        found.append(f"{NAME}: {column.name} is said to be bought, but its kind ({column.kind}) never is.")
    return found


def _check_relations(entries: Sequence[Entry], synth: Synthesizer) -> list[str]:
    """What the model holds of several attributes together must have been counted together."""
    if synth.name in _PUBLIC:
        return []
    names = synth.encoder.domain.names
    counted = [frozenset(c) for e in entries if e.mechanism in _COUNTS for c in e.columns]
    for clique in _relations(synth):
        together = frozenset(names[a] for a in clique)
        if not any(together <= c for c in counted):
            return [
                f"{NAME}: nobody paid for what the model holds of {', '.join(sorted(together)[:4])} together."
            ]
    return []


def _relations(synth: Synthesizer) -> Iterator[tuple[int, ...]]:
    """Sets of attributes whose joint counts a model holds, as far as its file says them.

    What is impossible by declaration is no count.
    """
    import numpy as np

    from locum.models.baselines.privbayes import PrivBayes
    from locum.models.marginal.network_model import NetworkModel

    model = synth.fitted.model
    if isinstance(model, NetworkModel):
        network = model.network
        for factor, table in zip(network.factors, network.tables, strict=True):
            if len(factor) > 1 and not np.isneginf(table).any():
                yield tuple(factor)
    elif isinstance(model, PrivBayes):
        yield from (family for family in model.families if len(family) > 1)
