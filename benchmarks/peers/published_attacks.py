"""Published no-box membership attacks on the same rows; run by their own Python.

    PYTHON published_attacks.py FOLDER [SYNTH_MIA_CHECKOUT]

FOLDER holds members.csv, others.csv, synthetic.csv and reference.csv. Prints one JSON line: by attack, its
scores for members and then others, CPU seconds, and the encoding; or why it did not run. Every attack gets
both encodings (labels as numbers, and one column a label); which is better is decided by who reads this.
"""

import importlib
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

#: Of Synth-MIA; CPU on 2 x 1,000 targets each under a minute. Its flow-based density estimators take longer.
SYNTH_MIA = (
    "DCR", "DCRDiff", "DOMIAS", "DPI", "DensityEstimate", "LOGAN", "LocalNeighborhood", "MC", "Classifier",
    "GenLRA",
)  # fmt: skip


def encoded(folder: Path, how: str) -> dict[str, np.ndarray]:
    """All four tables as matrices; scales and labels are learned from what the attacker holds."""
    tables = {n: pd.read_csv(folder / f"{n}.csv") for n in ("members", "others", "synthetic", "reference")}
    known = pd.concat([tables["synthetic"], tables["reference"]])
    numbers = [c for c in known if pd.api.types.is_numeric_dtype(known[c])]
    labels = [c for c in known if c not in numbers]
    scale = StandardScaler().fit(known[numbers].fillna(known[numbers].median()))
    if how == "one-hot":
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    else:
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encoder.fit(known[labels].astype(str))
    out = {}
    for name, table in tables.items():
        parts = [scale.transform(table[numbers].fillna(known[numbers].median()))]
        parts.append(encoder.transform(table[labels].astype(str)))
        out[name] = np.concatenate(parts, axis=1)
    return out


def attacks(checkout: str) -> dict[str, object]:
    """Every attack that can be imported: name to a function of the four matrices; or the reason."""
    found: dict[str, object] = {}
    try:
        baselines = importlib.import_module("domias.baselines")
        for k, name in enumerate(("eq1", "eq2")):
            found[f"domias package, {name}"] = lambda m, k=k: baselines.kde_baseline(
                np.concatenate([m["members"], m["others"]]), m["synthetic"], m["reference"]
            )[k]
    except ImportError as error:
        found["domias package"] = f"not installed: {error}"
    if not checkout:
        found["Synth-MIA"] = "no checkout was given"
        return found
    sys.path.insert(0, checkout)
    try:
        module = importlib.import_module("synth_mia.attackers")
    except ImportError as error:
        found["Synth-MIA"] = f"cannot be imported: {error}"
        return found
    for name in SYNTH_MIA:
        found[f"Synth-MIA {name}"] = lambda m, name=name: getattr(module, name)().attack(
            m["members"], m["others"], m["synthetic"], m["reference"]
        )[1]
    return found


def main() -> None:
    """Run all of them."""
    warnings.filterwarnings("ignore")
    folder, checkout = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    out = {}
    for how in ("ordinal", "one-hot"):
        matrices = encoded(folder, how)
        for name, attack in attacks(checkout).items():
            if isinstance(attack, str):
                out[name] = {"failed": attack}
                continue
            np.random.seed(0)  # noqa: NPY002 - some of them draw from the global generator
            if "torch" in sys.modules:
                sys.modules["torch"].manual_seed(0)
            start = time.process_time()
            try:
                scores = np.nan_to_num(np.asarray(attack(matrices), dtype=float).ravel())
                entry = {"scores": scores.tolist(), "cpu_s": time.process_time() - start}
            except (ValueError, ArithmeticError, np.linalg.LinAlgError, RuntimeError, MemoryError) as error:
                entry = {"failed": f"{type(error).__name__}: {str(error)[:80]}"}
            out.setdefault(name, {})[how] = entry
    print(json.dumps(out))


if __name__ == "__main__":
    main()
