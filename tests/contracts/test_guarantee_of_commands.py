"""What each command does to a guarantee of privacy: said here of all, and held against those that write rows.

A new command must be added to the table, with a look at which rows it reads.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import locum
from locum.cli.helppage import commands
from locum.cli.main import main
from locum.data.lineage_stamp import restamp, stamp_of
from locum.errors import GuaranteeWarning
from locum.runs.guarantee import guarantee_of
from locum.runs.sample import load
from locum.schema.lineage import GIVEN, JUDGED, REAL, REPAIRED, Guarantee
from locum.text.runs.lineage import lineage_of_files

#: Rows, models or bundles that it writes carry the guarantee that they have, or none; nothing real is read.
KEEPS = "keeps"
#: Reads real rows and fits anew: the guarantee is the new fit's own, or there is none.
MAKES = "makes"
#: With an option that names real rows, the guarantee of what it writes is voided, aloud and in the stamp.
VOIDS = "voids"
#: Writes figures computed on real rows, no rows of a model; they say that no guarantee covers them.
FIGURES = "figures"
#: Fits generators of its own on real rows and judges them there; no model under a guarantee is read.
ANEW = "anew"
#: Reads real rows and writes them, changed or not; no guaranteed model takes part.
REAL_ROWS = "real rows"
#: Touches no rows at all.
NO_ROWS = "no rows"

EFFECTS = {
    "demo": MAKES,
    "init": NO_ROWS,
    "check": NO_ROWS,
    "run": MAKES,
    "fit": MAKES,
    "sample": VOIDS,
    "impute": VOIDS,
    "fair": VOIDS,
    "evaluate": FIGURES,
    "plant": REAL_ROWS,
    "subgroups": FIGURES,
    "mix": FIGURES,
    "scarce": ANEW,
    "collapse": ANEW,
    "compare": FIGURES,
    "tournament": ANEW,
    "release": KEEPS,
    "verify": KEEPS,
    "inspect": KEEPS,
    "keys new": NO_ROWS,
    "keys list": NO_ROWS,
    "keys show": NO_ROWS,
    "keys trust": NO_ROWS,
    "keys revoke": NO_ROWS,
    "keys rotate": NO_ROWS,
    "text init": NO_ROWS,
    "text plan": KEEPS,
    "text preview": KEEPS,
    "text run": VOIDS,
    "text resume": VOIDS,
    "text inspect": KEEPS,
    "text evaluate": FIGURES,
    "text plant": REAL_ROWS,
    "text private evolve": MAKES,
    "text private resample": MAKES,
    "text private attributes": MAKES,
    "text private predict": MAKES,
    "models list": NO_ROWS,
    "models add": NO_ROWS,
    "models verify": NO_ROWS,
    "doctor": NO_ROWS,
}


def test_every_command_says_what_it_does_to_a_guarantee() -> None:
    assert {name for name, spec in commands().items() if "options" in spec} == set(EFFECTS)


def table(n: int = 400) -> str:
    rows = "".join(f"{'abc'[i % 3]},{i % 40},{'no' if i % 4 else 'yes'}\n" for i in range(n))
    return "kind,size,late\n" + rows


CONFIG = """\
version = 1
[schema.real.kind]
kind = "category"
levels = ["a", "b", "c"]
[schema.real.size]
kind = "integer"
bounds = { low = 0, high = 40, source = "declared" }
[schema.real.late]
kind = "category"
levels = ["no", "yes"]
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real rows, and a run with a guarantee."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "real.csv").write_text(table())
    (folder / "locum.toml").write_text(CONFIG)
    locum.run(folder / "real.csv", folder / "run", epsilon=4, synthesizer="mst")
    return folder


def call(*words: str | Path) -> int:
    return main([str(w) for w in words])


def test_model_and_rows_of_a_private_run_carry_statement_and_account(house: Path) -> None:
    document = json.loads((house / "run" / "privacy.json").read_text())
    promised = guarantee_of(document)
    assert promised is not None and promised.statement == document["statement"] and not promised.voided
    assert load(house / "run").lineage.guarantee == promised
    assert stamp_of(house / "run" / "synthetic.csv").guarantee == promised  # type: ignore[union-attr]
    other = guarantee_of({**document, "entries": document["entries"][:-1]})
    assert other is not None and other.account != promised.account


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "jsonl"])
def test_samples_carry_it_on(house: Path, tmp_path: Path, ending: str, capsys: Any) -> None:
    out = tmp_path / f"rows.{ending}"
    assert call("sample", house / "run", "--rows", "30", "--where", "size > 3", "--out", out) == 0
    assert "does not hold" not in capsys.readouterr().err
    found = stamp_of(out)
    assert found is not None and found.guarantee == load(house / "run").lineage.guarantee
    assert call("inspect", out) == 0
    told = capsys.readouterr().out
    assert found.guarantee is not None and found.guarantee.account in told.replace("\n", "")
    assert "differential privacy" in told


VOIDING = {
    "sample --verify": (("sample", "MODEL", "--rows", "40", "--verify", "REAL"), JUDGED),
    "sample --given": (("sample", "MODEL", "--given", "PART"), GIVEN),
    "impute --model": (("impute", "HOLES", "--model", "MODEL"), GIVEN),
    "fair --test": (
        ("fair", "MODEL", "--target", "late", "--protected", "kind", "--rows", "200", "--test", "REAL"),
        REPAIRED,
    ),
    "fair --data": (
        ("fair", "MODEL", "--target", "late", "--protected", "kind", "--rows", "200", "--data", "REAL",
         "--method", "reweigh"),
        REPAIRED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VOIDING)
def test_real_rows_void_it_aloud_and_in_the_stamp(
    house: Path, tmp_path: Path, name: str, capsys: Any
) -> None:
    words, why = VOIDING[name]
    (tmp_path / "part.csv").write_text("kind\na\nb\nc\n")
    (tmp_path / "holes.csv").write_text("kind,size,late\n" + "a,,no\nb,3,\n" * 20)
    places = {"MODEL": house / "run", "REAL": house / "real.csv", "PART": tmp_path / "part.csv",
              "HOLES": tmp_path / "holes.csv"}  # fmt: skip
    out = tmp_path / "out.parquet"
    assert call(*(places.get(w, w) for w in words), "--out", out) == 0
    assert "the guarantee of privacy does not hold for what is written" in " ".join(
        capsys.readouterr().err.split()
    )
    found = stamp_of(out)
    assert found is not None and found.guarantee is not None and found.guarantee.voided == why
    assert call("inspect", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["lineage"]["guarantee"]["voided"] == why


@pytest.mark.parametrize(
    "words", [("sample", "MODEL", "--given", "PART"), ("impute", "PART", "--model", "MODEL")]
)
def test_rows_under_the_same_guarantee_do_not_void_it(
    house: Path, tmp_path: Path, words: Any, capsys: Any
) -> None:
    """Cells that were drawn from the model itself are covered already."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    drawn = load(house / "run").sample(30, seed=5).select(["kind"])
    drawn = drawn.append_column("size", pa.nulls(30, pa.int64())) if words[0] == "impute" else drawn
    pq.write_table(drawn, tmp_path / "part.parquet")
    assert stamp_of(tmp_path / "part.parquet").guaranteed  # type: ignore[union-attr]
    places = {"MODEL": house / "run", "PART": tmp_path / "part.parquet"}
    assert call(*(places.get(w, w) for w in words), "--out", tmp_path / "out.parquet") == 0
    assert "does not hold" not in capsys.readouterr().err
    assert stamp_of(tmp_path / "out.parquet").guaranteed  # type: ignore[union-attr]


def test_python_warns_as_the_commands_do(house: Path) -> None:
    import pyarrow as pa

    synth = load(house / "run")
    part = pa.table({"kind": ["a", "b"]})
    with pytest.warns(GuaranteeWarning, match="does not hold"):
        drawn = synth.sample(given=part)
    assert not stamp_of(drawn).guaranteed  # type: ignore[union-attr]
    with pytest.warns(GuaranteeWarning, match="does not hold"):
        locum.impute(pa.table({"kind": ["a", None], "size": [1, 2], "late": ["no", "yes"]}), model=synth)


FIGURING = {
    "evaluate": ("evaluate", "--real", "REAL", "--synthetic", "ROWS"),
    "scarce": ("scarce", "REAL", "--target", "late", "--generated", "ROWS", "--repeats", "1"),
    "mix": ("mix", "REAL", "--target", "late", "--synthetic", "ROWS", "--splits", "2"),
    "compare": ("compare", "REAL", "--target", "late", "--with", "MADE", "--seeds", "1", "--out", "OUT"),
    "subgroups": ("subgroups", "MODEL", "--test", "REAL", "--target", "late", "--by", "kind"),
}


@pytest.mark.parametrize("name", FIGURING)
def test_figures_on_real_rows_say_that_nothing_covers_them(
    house: Path, tmp_path: Path, name: str, capsys: Any
) -> None:
    places: dict[str, Any] = {
        "REAL": house / "real.csv",
        "ROWS": house / "run" / "synthetic.csv",
        "MODEL": house / "run" / "model.locum",
    }
    if name == "compare":
        made = tmp_path / "real-0.parquet"
        assert call("sample", house / "run", "--rows", "300", "--out", made) == 0
        places |= {"MADE": f"ours={tmp_path}/{{table}}-{{seed}}.parquet", "OUT": tmp_path / "out"}
    assert call(*(places.get(w, w) for w in FIGURING[name])) == 0
    told = capsys.readouterr()
    if name == "compare":
        page = " ".join((tmp_path / "out" / "compare.html").read_text().split())
        assert "is under a guarantee of privacy, and these figures are not" in page
        return
    assert "is under a guarantee of privacy, and these figures are not" in " ".join(
        (told.out + told.err).split()
    )


def test_the_report_of_the_run_says_that_it_is_not_covered(house: Path) -> None:
    assert "It is not covered by the guarantee" in (house / "run" / "report.html").read_text()


def test_what_learns_from_guaranteed_rows_alone_keeps_it_and_a_blend_does_not(
    house: Path, tmp_path: Path
) -> None:
    shutil.copy(house / "run" / "synthetic.csv", tmp_path / "synthetic.csv")
    shutil.copy(house / "run" / "card.md", tmp_path / "card.md")
    with pytest.warns(locum.errors.LineageWarning):
        again = locum.fit(tmp_path / "synthetic.csv", synthesizer="independent")
    assert again.lineage.guaranteed and again.lineage.depth == 2
    fresh = locum.fit(house / "real.csv", synthesizer="independent")
    assert fresh.lineage.guarantee is None


def test_texts_written_from_a_guaranteed_model_and_from_a_file_of_seeds_have_none(tmp_path: Path) -> None:
    made = REAL.child().under(Guarantee("(1, 1e-06)-differential privacy", "a" * 64))
    (tmp_path / "seeds.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    assert lineage_of_files([], [(5, made)]).guaranteed
    assert not lineage_of_files([tmp_path / "seeds.jsonl"], [(5, made)]).guaranteed


def test_a_plan_that_mixes_in_seeds_says_aloud_that_the_guarantee_is_lost(
    house: Path, tmp_path: Path, capfd: Any
) -> None:
    (tmp_path / "seeds.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    shutil.copy(house / "run" / "model.locum", tmp_path / "m.locum")
    table = '[columns.k]\nkind = "table"\nmodel = "m.locum"\nfield = "kind"\nprivate = false\n'
    seeds = '[columns.s]\nkind = "seed"\npath = "seeds.jsonl"\nprivate = false\n'
    for name, columns, lost in (("alone", table, 0), ("mixed", table + seeds, 1)):
        (tmp_path / f"{name}.toml").write_text("rows = 4\n" + columns)
        assert call("text", "run", tmp_path / f"{name}.toml", "--out", tmp_path / name) == 0
        told = " ".join("".join(capfd.readouterr()).split())
        assert told.count("the guarantee of privacy does not hold for what is written") == lost
        found = stamp_of(tmp_path / name / "data.jsonl")
        assert found is not None and found.guaranteed == (not lost)


def test_a_stamp_inside_a_file_can_be_replaced(house: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    for ending in ("parquet", "arrow"):
        out = tmp_path / f"rows.{ending}"
        assert call("sample", house / "run", "--rows", "30", "--out", out) == 0
        restamp(out, REAL.child())
        assert stamp_of(out) == REAL.child()
    assert pq.read_table(tmp_path / "rows.parquet").num_rows == 30


def test_inspect_tells_guarantee_account_and_void_of_a_model(
    house: Path, tmp_path: Path, capsys: Any
) -> None:
    synth = load(house / "run")
    held = synth.lineage.guarantee
    assert held is not None
    assert call("inspect", house / "run" / "model.locum") == 0
    told = capsys.readouterr().out
    assert held.account in told and "voided" in told
    assert call("inspect", house / "run") == 0
    assert held.account in capsys.readouterr().out
