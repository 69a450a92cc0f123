"""Where the texts of a plan come from: the lineage of its seed files and model files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from locum.data.lineage_stamp import stamp_of
from locum.files.container import read_manifest
from locum.schema.lineage import REAL, Lineage, blend, lineage_from_json, void_warning, warning_of
from locum.text.plan.columns import Seed, Table
from locum.text.plan.plan import Plan
from locum.text.runs.sources import SeedFile


def lineage_of(plan: Plan) -> Lineage:
    """Lineage of the rows that a plan makes: one generator further than its deepest source.

    Shares count the records of each seed file, and the rows wanted for each model file. What the weights of
    a language model learned from bears no stamp and is not counted; a plan without sources is one generator
    away from real rows.

    Raises
    ------
    PlanError, UsageError, FileFormatError
        When a source cannot be read.
    """
    return lineage_of_files([plan.path(path) for path in _seeds(plan)], _models(plan))


def lineage_of_files(seeds: Sequence[Path], made: Sequence[tuple[int, Lineage]] = ()) -> Lineage:
    """Lineage of texts written from seed files, and from `made` rows of known lineage.

    Raises
    ------
    PlanError
        When records must be counted and a file cannot be read.
    """
    stamps = [stamp_of(path) or REAL for path in seeds]
    # Records are counted only where the answer depends on it: files of the same lineage blend to that.
    alike = len({*stamps, *(lineage for _, lineage in made)}) < 2
    sizes = [1 if alike else len(SeedFile(path).records) for path in seeds]
    return blend([*zip(sizes, stamps, strict=True), *made]).child()


def warnings_of(plan: Plan) -> tuple[str, ...]:
    """What to tell someone whose plan takes seeds from unverified texts, or loses a guarantee."""
    told = file_warnings(plan.path(path) for path in _seeds(plan))
    promised = [lineage for _, lineage in _models(plan) if lineage.guaranteed]
    lost = void_warning(promised[0], lineage_of(plan)) if promised else ""
    return (*told, *([lost] if lost else []))


def file_warnings(paths: Iterable[Path]) -> tuple[str, ...]:
    """The same for files, by their names."""
    told = (warning_of(stamp_of(path), path.name) for path in paths)
    return tuple(text for text in told if text)


def _seeds(plan: Plan) -> Sequence[str]:
    return sorted({column.path for column in plan.columns if isinstance(column, Seed)})


def _models(plan: Plan) -> list[tuple[int, Lineage]]:
    """Rows wanted of each model file of a plan, and their lineage."""
    models = sorted({column.model for column in plan.columns if isinstance(column, Table)})
    return [(plan.rows, _of_model(plan.path(path))) for path in models]


def _of_model(path: Path) -> Lineage:
    told = read_manifest(path).about.get("lineage")
    return REAL.child() if told is None else lineage_from_json(told, f"{path}:manifest.json")
