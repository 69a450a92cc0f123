"""Adapters for other people's generators. Run by *their* Python, so: standard library and their package only.

    PYTHON -I peer.py PACKAGE.VARIANT TRAIN.csv OUT.csv ROWS SEED HINTS.json

HINTS says which columns are labels, what the target is, and the settings. Nothing here is imported by locum.
"""

import importlib
import importlib.abc
import importlib.machinery
import json
import random
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any


class Job:
    """What is to be made of what."""

    def __init__(self, argv: list[str]) -> None:
        self.package, _, self.variant = argv[0].partition(".")
        self.train, self.out, self.rows, self.seed = argv[1], argv[2], int(argv[3]), int(argv[4])
        hints = json.loads(Path(argv[5]).read_text(encoding="utf-8"))
        self.labels, self.target, self.settings = hints["labels"], hints["target"], hints["settings"]

    def frame(self, filled: bool = False) -> Any:
        """The training table as pandas, labels as text; `filled` for peers that refuse missing values."""
        pandas = importlib.import_module("pandas")
        frame = pandas.read_csv(self.train, dtype=dict.fromkeys(self.labels, str))
        if filled:
            for name in frame.columns:
                gap = "" if name in self.labels else frame[name].median()
                frame[name] = frame[name].fillna(gap)
        return frame

    def done(self, made: Any) -> None:
        """Write the rows; whole numbers where training had whole numbers, as any user would see to."""
        for name, column in self.frame().items():
            if column.dtype.kind == "i" and made[name].dtype.kind == "f":
                made[name] = made[name].round()
        made.to_csv(self.out, index=False)


def seed_all(seed: int) -> None:
    """Seed the global generators, where a peer takes no seed."""
    random.seed(seed)
    importlib.import_module("numpy").random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def sdv(job: Job) -> Any:
    """SDV; kinds are told, for detection would turn some column names into made-up values."""
    single = importlib.import_module("sdv.single_table")
    metadata = importlib.import_module("sdv.metadata").Metadata
    frame = job.frame()
    kinds = {n: {"sdtype": "categorical" if n in job.labels else "numerical"} for n in frame}
    names = {
        "gaussian_copula": "GaussianCopula",
        "ctgan": "CTGAN",
        "tvae": "TVAE",
        "copulagan": "CopulaGAN",
    }
    known = metadata.load_from_dict({"tables": {"t": {"columns": kinds}}})
    seed_all(job.seed)
    made = getattr(single, names[job.variant] + "Synthesizer")(known, **job.settings)
    try:
        made.fit({"t": frame})
    except (TypeError, ValueError, AttributeError):
        made.fit(frame)  # Before SDV 2 a table was given alone.
    rows = made.sample(num_rows=job.rows)
    return rows["t"] if isinstance(rows, dict) else rows


def mostlyai(job: Job) -> Any:
    """MOSTLY AI's TabularARGN; it stops by itself. ``max_training_time`` is in minutes."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(max(torch.get_num_threads(), 1))
    made = importlib.import_module("mostlyai.engine").TabularARGN(random_state=job.seed, **job.settings)
    made.fit(job.frame())
    return made.sample(n_samples=job.rows)


class Unused(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Empty modules for heavy packages that synthcity imports for plug-ins which are not used here."""

    names = frozenset({"torchvision", "tsai", "fastai", "be_great", "decaf"})

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """Claim the names above."""
        if fullname.partition(".")[0] in self.names:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> None:
        """As usual."""

    def exec_module(self, module: Any) -> None:
        """Give any attribute that does not look internal."""

        def attribute(name: str) -> type:
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

        module.__getattr__ = attribute


def synthcity(job: Job) -> Any:
    """A plug-in of synthcity; gaps are filled first, for it refuses them."""
    sys.meta_path.append(Unused())
    plugins = importlib.import_module("synthcity.plugins").Plugins(categories=["generic"])
    loader = importlib.import_module("synthcity.plugins.core.dataloader").GenericDataLoader
    seed_all(job.seed)
    with tempfile.TemporaryDirectory() as workspace:
        made = plugins.get(job.variant, random_state=job.seed, workspace=Path(workspace), **job.settings)
        made.fit(loader(job.frame(filled=True), target_column=job.target, random_state=job.seed))
        return made.generate(count=job.rows, random_state=job.seed).dataframe()


def smartnoise(job: Job) -> Any:
    """SmartNoise, differentially private: ``epsilon`` in the settings, 3 by default; a third finds ranges."""
    create = importlib.import_module("snsynth").Synthesizer.create
    settings = {"epsilon": 3.0, **job.settings}
    frame = job.frame(filled=True)
    numbers = [n for n in frame if n not in job.labels]
    share = settings.pop("preprocessor_eps", float(settings["epsilon"]) / 3 if numbers else 0.0)
    seed_all(job.seed)
    made = create(job.variant, verbose=False, **settings)
    made.fit(frame, preprocessor_eps=share, categorical_columns=list(job.labels), continuous_columns=numbers)
    return made.sample(job.rows)


def main() -> None:
    """Do the job on the command line."""
    warnings.filterwarnings("ignore")
    job = Job(sys.argv[1:7])
    makers = {"sdv": sdv, "mostlyai": mostlyai, "synthcity": synthcity, "smartnoise": smartnoise}
    job.done(makers[job.package](job))


if __name__ == "__main__":
    main()
