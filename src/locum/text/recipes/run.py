"""Run a recipe by its file: into a run folder with every answer kept, so that it can be taken up again.

A recipe is run again from its beginning each time; what was answered before comes out of the folder's cache,
so nothing is asked twice and the rows are the same.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.data.lineage_stamp import write_stamp
from locum.errors import FeasibilityError, LineageWarning
from locum.files.folder import RunFolder
from locum.progress import Listener, silent
from locum.text.engine.cache import Cache
from locum.text.engine.caps import Caps
from locum.text.engine.client import Engine
from locum.text.engine.model import ModelSpec
from locum.text.engine.weights import DEFAULT
from locum.text.failures import PlanError, Stop
from locum.text.plan.fields import build
from locum.text.recipes.kit import Kit, Row
from locum.text.runs.lineage import file_warnings, lineage_of_files
from locum.text.runs.locality import refuse_remote
from locum.text.runs.records import DATA, FUNNEL, REJECTS
from locum.text.runs.result import TextOutcome, outcome_of
from locum.text.runs.run import CACHE
from locum.text.runs.sources import SeedFile
from locum.text.verify.phrases import word_set

if TYPE_CHECKING:
    import pyarrow as pa

_FOLDER = Path(__file__).parent / "bundled"
#: Recipes whose number of rows follows from what goes in.
_BY_INPUT = word_set(
    "evol-instruct backtranslation rejection-sampling star metamath preference refusals tabular"
)
_MOST_SHOTS = 12
_KEYS = ("recipe", "name", "seed", "rows", "model", "private", "settings")


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A recipe with its settings, as it stands in a TOML file.

    Attributes
    ----------
    recipe
        One of `RECIPES`.
    name
        Of the data set.
    seed, rows
        Seed; rows wanted, for recipes that are told how many.
    model
        Who is asked.
    settings
        The recipe's own. A setting that ends with ``_file`` is a path of a file with records.
    private
        Whether files that the settings name must not leave this machine.
    folder
        Where relative paths begin.
    """

    recipe: str
    name: str = "text"
    seed: int = 0
    rows: int = 20
    model: ModelSpec = field(default_factory=lambda: ModelSpec(DEFAULT, context=1024))
    settings: dict[str, Any] = field(default_factory=dict)
    private: bool = True
    folder: str = ""

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise PlanError(f"no recipe {self.recipe!r}", where="recipe", expected=", ".join(RECIPES))
        if self.rows < 1 or self.seed < 0:
            raise PlanError("rows must be at least 1 and seed not negative", where="recipe")

    @property
    def files(self) -> list[Path]:
        """Files that the settings name."""
        return [Path(self.folder) / str(v) for k, v in self.settings.items() if k.endswith("_file")]

    def records(self, name: str, fallback: str = "") -> list[Mapping[str, Any]]:
        """Records of the file that a setting names; without it the setting `fallback` as it stands."""
        if name in self.settings:
            return SeedFile(Path(self.folder) / str(self.settings[name])).records
        found = self.settings.get(fallback, [])
        return [one if isinstance(one, Mapping) else {"text": one} for one in found]

    def texts(self, what: str) -> list[str]:
        """Texts of ``<what>_file`` (its column ``<what>_field``), or of the list ``<what>``."""
        column = str(self.settings.get(f"{what}_field", "text"))
        records = self.records(f"{what}_file", what)
        texts = [str(r[column] if column in r else r.get("text", "")) for r in records]
        return [text for text in texts if text.strip()][: int(self.settings.get(f"{what}_most", 10**9))]


def locate(name: Path) -> Path:
    """The file itself, or the bundled one of that name when there is no such file."""
    inside = _FOLDER / f"{name.name}.toml"
    return inside if not name.exists() and name.suffix == "" and inside.is_file() else name


def load_recipe(path: Path, changes: Sequence[str] = ()) -> RecipeFile | None:
    """A recipe out of a TOML file; None when the file is a plan.

    Parameters
    ----------
    path
        The file.
    changes
        Settings as ``key=value``, in place of those of the file; paths in them begin where the user stands.

    Raises
    ------
    PlanError
        When the file is no TOML, or a key or value cannot be.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None  # whoever reads it as a plan says what is wrong
    if "recipe" not in told:
        return None
    unknown = [key for key in told if key not in _KEYS]
    if unknown:
        raise PlanError(f"unknown key {unknown[0]!r}", where=str(path), expected=", ".join(_KEYS))
    settings = dict(told.get("settings", {}))
    for change in changes:
        key, sign, value = change.partition("=")
        if not sign or not key:
            raise PlanError(f"{change!r} is no key=value", where="--set")
        settings[key] = str(Path(value).resolve()) if key.endswith("_file") else _value(value)
    spec = {"model": DEFAULT, "context": 1024, **told.get("model", {})}
    made = {
        **told,
        "model": build(ModelSpec, spec, str(path)),
        "settings": settings,
        "folder": str(path.parent),
    }
    recipe: RecipeFile = build(RecipeFile, made, str(path))
    return recipe


def run_recipe(
    recipe: RecipeFile,
    out: Path | str,
    *,
    caps: Caps | None = None,
    replay: bool = False,
    allow_endpoints: Sequence[str] = (),
    progress: Listener = silent,
) -> TextOutcome:
    """Run a recipe into a folder; the same call takes up a run that was stopped.

    Raises
    ------
    LeakError
        When records of private files would reach an endpoint that is not allowed; nothing was sent.
    PlanError, EndpointError, FolderError
        When a setting, the model or the folder cannot be used at all.
    """
    if recipe.private and recipe.files:
        refuse_remote(
            {"model": recipe.model}, allowed=set(allow_endpoints), why="what derives from its files"
        )
    for risk in file_warnings(recipe.files):
        warnings.warn(risk, LineageWarning, stacklevel=2)
    told = {k: v for k, v in asdict(recipe).items() if k not in ("folder",)}
    with RunFolder.start(out, {"what": "recipe", "recipe": told}) as folder:
        cache = Cache(folder.file(CACHE))
        try:
            return asyncio.run(_run(recipe, folder, cache, caps or Caps(), replay, progress))
        finally:
            cache.close()


async def _run(
    recipe: RecipeFile, folder: RunFolder, cache: Cache, caps: Caps, replay: bool, progress: Listener
) -> TextOutcome:
    async with Engine(recipe.model, cache=cache, caps=caps, replay=replay) as engine:
        wanted = 0 if recipe.recipe in _BY_INPUT else recipe.rows
        warmth = recipe.model.temperature or 0.8
        kit = Kit(engine, recipe.seed, temperature=warmth, progress=progress, wanted=wanted)
        stopped = await engine.purse.until_stop(RECIPES[recipe.recipe](kit, recipe))
        if not kit.made and kit.attempts and (stopped is None or stopped.cause == "max_time"):
            stopped = Stop("yield", _nothing(kit))
        _write(folder, DATA, kit.made)
        stamps = write_stamp(folder.file(DATA), lineage_of_files(recipe.files))
        _write(folder, REJECTS, kit.rejects)
        funnel = {**kit.funnel(), "wanted": wanted or kit.kept}
        folder.write_text(FUNNEL, json.dumps(funnel, indent=2) + "\n")
        return outcome_of(folder.path, engine, funnel, stopped, (DATA, REJECTS, FUNNEL, *stamps))


def _nothing(kit: Kit) -> FeasibilityError:
    """What to tell when attempts were made and none was kept: what most of them lacked."""
    seen = Counter((entry["stage"], entry["detail"] or entry["reason"]) for entry in kit.rejects)
    (stage, why), count = seen.most_common(1)[0]
    return FeasibilityError(
        f"none of {kit.attempts} attempts was kept; at stage {stage}, {count} of them: {why}",
        where="recipe",
        do="see rejects.jsonl; the embedded model cannot do every task: name an endpoint in [model]",
    )


def _write(folder: RunFolder, name: str, rows: Sequence[Row]) -> None:
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows]
    folder.write_bytes(name, "".join(lines).encode("utf-8", "replace"))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _home(name: str) -> Callable[..., Awaitable[Any]]:
    module, function = name.split(".")
    found: Callable[..., Awaitable[Any]] = getattr(import_module(f"locum.text.recipes.{module}"), function)
    return found


async def _personas(kit: Kit, recipe: RecipeFile) -> None:
    who = await _home("instructions.personas")(kit, recipe.texts("texts"))
    task = str(recipe.settings.get("task", "a question to a librarian"))
    await _home("instructions.persona_driven")(kit, who, task, recipe.rows)


def _shots(recipe: RecipeFile) -> dict[str, list[str]]:
    """Examples by label: from a file with a text and a label column, or as they stand."""
    settings = recipe.settings
    if "shots_file" not in settings:
        return {label: list(texts) for label, texts in settings.get("shots", {}).items()}
    found: dict[str, list[str]] = {}
    for record in recipe.records("shots_file"):
        label = str(record.get(settings.get("label_field", "label")))
        text = str(record.get(settings.get("text_field", "text"), ""))
        if text and len(found.setdefault(label, [])) < _MOST_SHOTS:
            found[label].append(text)
    return found


def _labelled(recipe: RecipeFile) -> tuple[str, Sequence[str], dict[str, list[str]]]:
    """What is written, its labels, and examples by label."""
    shots = _shots(recipe)
    return str(recipe.settings.get("what", "text")), recipe.settings.get("labels") or sorted(shots), shots


def _attrprompt(kit: Kit, recipe: RecipeFile) -> Awaitable[Any]:
    what, labels, shots = _labelled(recipe)
    attributes = recipe.settings.get("attributes", {})
    return _home("labels.attrprompt")(kit, what, labels, attributes, recipe.rows, shots=shots)


async def _prompt2model(kit: Kit, recipe: RecipeFile) -> None:
    (what, labels, shots), settings = _labelled(recipe), recipe.settings
    text, label = settings.get("text_field", "text"), settings.get("label_field", "label")
    test = [(str(r[text]), str(r[label])) for r in recipe.records("test_file", "test") if r.get(text)]
    shown = {one for texts in shots.values() for one in texts}
    test = [pair for pair in test if pair[0] not in shown][: int(settings.get("test_most", 2000))]
    found = await _home("labels.prompt2model")(kit, what, labels, test, recipe.rows, shots=shots)
    kit.facts.update(
        accuracy=round(found.accuracy, 4),
        interval=[round(found.low, 4), round(found.high, 4)],
        majority=round(found.majority, 4),
        shuffled=round(found.shuffled, 4),
        tested=found.tested,
    )


def _maths(name: str) -> Maker:
    def make(kit: Kit, recipe: RecipeFile) -> Awaitable[Any]:
        options = {key: recipe.settings[key] for key in ("k", "tries") if key in recipe.settings}
        records = recipe.records("problems_file", "problems")
        problems = records[: int(recipe.settings.get("problems_most", len(records)))]
        return _home(f"reasoning.{name}")(kit, problems, **options)

    return make


def _oss(kit: Kit, recipe: RecipeFile) -> Awaitable[Any]:
    from locum.text.curate.overlap import read_benchmarks

    files = {name: Path(recipe.folder) / path for name, path in recipe.settings.get("benchmarks", {}).items()}
    met = read_benchmarks(files) if files else None
    return _home("code.oss_instruct")(kit, recipe.texts("snippets"), recipe.rows, benchmarks=met)


async def _tabular(kit: Kit, recipe: RecipeFile) -> None:
    settings = recipe.settings
    options: dict[str, Any] = {
        "about": str(settings.get("about", "")),
        "shown": int(settings.get("shown", 8)),
    }
    if "uncertainty" in settings:
        # The paper's limit goes by the rows; a number is a limit by itself.
        asked = settings["uncertainty"]
        options["uncertainty"] = None if asked == "range" else float(asked)
    real = _real_rows(recipe)
    _, judged = await _home("rows.few_shot_rows")(kit, real, str(settings["target"]), recipe.rows, **options)
    if judged is not None:
        kit.facts.update(made=len(judged.kept), curated=int(judged.kept.sum()))


def _real_rows(recipe: RecipeFile) -> pa.Table:
    """The few real rows: those of a file by the kinds of its columns, or those that the settings list."""
    import pyarrow as pa

    if "table_file" not in recipe.settings:
        return pa.Table.from_pylist([dict(record) for record in recipe.records("table_file", "table")])
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read

    raw = read(Path(recipe.folder) / str(recipe.settings["table_file"]))
    table = canonical(raw, detect(raw, target=str(recipe.settings["target"])))
    plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string)
    for k, field_ in enumerate(table.schema):
        if not any(fits(field_.type) for fits in plain):
            table = table.set_column(k, field_.name, table.column(k).cast(pa.string()))
    return table


Maker = Callable[[Kit, RecipeFile], Awaitable[Any]]
#: Recipes by the names that files give them; the kit holds the rows.
RECIPES: Mapping[str, Maker] = {
    "self-instruct": lambda kit, r: _home("instructions.self_instruct")(kit, r.texts("seeds"), r.rows),
    "magpie": lambda kit, r: _home("instructions.magpie")(kit, r.rows, **r.settings),
    "evol-instruct": lambda kit, r: _home("instructions.evol_instruct")(
        kit, r.texts("seeds"), rounds=int(r.settings.get("rounds", 2))
    ),
    "backtranslation": lambda kit, r: _home("instructions.backtranslation")(
        kit,
        r.texts("documents"),
        least=int(r.settings.get("least", 4)),
        examples=str(r.settings.get("examples", "")),
    ),
    "personas": _personas,
    "attrprompt": _attrprompt,
    "prompt2model": _prompt2model,
    "oss-instruct": _oss,
    "rejection-sampling": _maths("rejection_sampling"),
    "star": _maths("star"),
    "metamath": _maths("metamath"),
    "arithmetic": lambda kit, r: _home("arithmetic.arithmetic")(kit, r.rows, **r.settings),
    "code": lambda kit, r: _home("code.code_with_tests")(kit, r.texts("topics"), r.rows),
    "exercises": lambda kit, r: _home("code.exercises")(kit, r.rows, **r.settings),
    "preference": lambda kit, r: _home("pairs.preference")(
        kit, r.texts("prompts"), k=int(r.settings.get("k", 4))
    ),
    "refusals": lambda kit, r: _home("pairs.refusals")(kit, r.texts("unsafe"), r.texts("safe")),
    "tabular": _tabular,
}


def with_rows_and_seed(recipe: RecipeFile, *, rows: int | None, seed: int | None) -> RecipeFile:
    """The same recipe for another number of rows or another seed."""
    if rows is not None:
        recipe = replace(recipe, rows=rows)
    return recipe if seed is None else replace(recipe, seed=seed)
