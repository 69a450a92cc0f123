"""A fit that was paid for is never paid for again: too few rows, other rows, a kill, and who may read it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import locum
from locum.control.drawn_rows import Infeasible
from locum.errors import BudgetError, FileFormatError, FolderError
from locum.privacy.ledger import Ledger
from locum.runs.release import release
from locum.runs.verify import verify
from locum.schema.column import Column
from locum.schema.table import Schema


def test_a_private_run_that_finds_too_few_rows_says_how_to_use_its_model(tmp_path: Path) -> None:
    schema = Schema(
        (Column("ward", "category", levels=("a", "b")), Column("bed", "category", levels=("x", "y"))),
        rules=("unique(ward, bed)",),
    )
    rows = pd.DataFrame({"ward": ["a", "b"] * 100, "bed": ["x", "x", "y", "y"] * 50})
    with pytest.raises(
        Infeasible, match=r"sk for at most \d+ rows; the model is paid for.*locum sample"
    ) as seen:
        locum.run(rows, tmp_path / "run", schema=schema, epsilon=2, delta=1e-6)
    assert "paid for again" in str(seen.value.to_json()["do"])
    assert len(locum.sample(tmp_path / "run" / "model.locum", 2)) == 2
    paid = (tmp_path / "run" / "ledger.jsonl").read_bytes()
    # fewer rows can be had: the same folder goes on, costs nothing, and can be released
    made = locum.run(rows, tmp_path / "run", schema=schema, epsilon=2, delta=1e-6, rows=2)
    assert made.resumed == ("fit",)
    assert (tmp_path / "run" / "ledger.jsonl").read_bytes() == paid
    assert any(
        "fit that was paid for is kept" in note and "rows: 0 there, 2 now" in note for note in made.notes
    )
    release(tmp_path / "run", tmp_path / "bundle")
    assert verify(tmp_path / "bundle").passed


WARDS = Schema((Column("ward", "category", levels=("a", "b")), Column("bed", "category", levels=("x", "y"))))


def beds(n: int = 200) -> pd.DataFrame:
    return pd.DataFrame({"ward": ["a", "b"] * (n // 2), "bed": ["x", "x", "y", "y"] * (n // 4)})


def private_run(out: Path, **options: object) -> object:
    options = {"schema": WARDS, "epsilon": 2, "synthesizer": "independent", **options}
    return locum.run(beds(), out, **options)


def digest(folder: Path, *names: str) -> list[bytes]:
    return [(folder / name).read_bytes() for name in names]


def test_other_rows_seed_and_format_keep_the_fit(tmp_path: Path) -> None:
    out = tmp_path / "run"
    private_run(out, rows=50)
    kept = ("ledger.jsonl", "ledger.jsonl.head", "model.locum", "privacy.json", "measurements.json")
    before = digest(out, *kept)
    private_run(out, rows=70)
    assert len(pd.read_parquet(out / "synthetic.parquet")) == 70
    assert json.loads((out / "plan.json").read_text())["rows"] == 70
    first = (out / "synthetic.parquet").read_bytes()
    private_run(out, rows=70, seed=5)
    assert (out / "synthetic.parquet").read_bytes() != first
    assert json.loads((out / "report.json").read_text())["evidence"]["n_synthetic"] == 70
    private_run(out, rows=70)
    assert (out / "synthetic.parquet").read_bytes() == first, "the same plan gives the same rows"
    assert digest(out, *kept) == before
    said = release(out, tmp_path / "bundle").statement
    assert said == json.loads(before[3])["statement"]
    assert len(pd.read_parquet(tmp_path / "bundle" / "synthetic.parquet")) == 70


def test_another_format_leaves_no_rows_of_the_first(tmp_path: Path) -> None:
    beds().to_csv(tmp_path / "beds.csv", index=False)
    from locum.runs.execute import execute
    from locum.runs.prepare import prepare
    from locum.runs.request import run_request

    def go(form: str) -> None:
        asked = run_request(
            tmp_path / "beds.csv",
            out=tmp_path / "run",
            schema=WARDS,
            epsilon=2,
            synthesizer="independent",
            rows=20,
            format=form,
        )
        execute(prepare(asked))

    go("csv")
    go("jsonl")
    assert {p.name for p in (tmp_path / "run").glob("synthetic*")} == {"synthetic.jsonl"}


def test_what_decides_the_fit_still_binds(tmp_path: Path) -> None:
    out = tmp_path / "run"
    private_run(out, rows=20)
    for other in ({"epsilon": 3}, {"synthesizer": "mst"}, {"holdout": 0.3}, {"delta": 1e-7}):
        with pytest.raises(FolderError, match="another plan"):
            private_run(out, rows=30, **other)
    assert json.loads((out / "plan.json").read_text())["rows"] == 20
    # without a guarantee the seed and the rows are part of the plan
    locum.run(beds(), tmp_path / "open", schema=WARDS, synthesizer="independent", rows=20)
    with pytest.raises(FolderError, match="rows: 20 there, 30 now"):
        locum.run(beds(), tmp_path / "open", schema=WARDS, synthesizer="independent", rows=30)


DYING = """
    import os, signal, sys
    from pathlib import Path
    import pandas as pd
    import locum
    from locum.schema.column import Column
    from locum.schema.table import Schema
    from locum.sources.memory import MemorySource

    calls, real = [], MemorySource.marginals

    def dying(self, cliques):
        calls.append(cliques)
        if len(calls) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, cliques)

    MemorySource.marginals = dying
    rows = pd.DataFrame({"ward": ["a", "b"] * 100, "bed": ["x", "x", "y", "y"] * 50})
    ward, bed = Column("ward", "category", levels=("a", "b")), Column("bed", "category", levels=("x", "y"))
    wards = Schema((ward, bed))
    locum.run(rows, sys.argv[1], schema=wards, epsilon=2, synthesizer="mst", ledger=sys.argv[3] or None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("shared", [False, True])
def test_a_kill_between_entry_and_answer_counts_as_spent_and_the_run_goes_on(
    tmp_path: Path, shared: bool
) -> None:
    ledger = tmp_path / "all.jsonl" if shared else None
    place = ledger or tmp_path / "run" / "ledger.jsonl"
    command = [sys.executable, "-c", textwrap.dedent(DYING), str(tmp_path / "run")]
    for call in (1, 2):
        done = subprocess.run([*command, str(call), str(ledger or "")], capture_output=True, check=False)
        assert done.returncode == -9, done.stderr.decode()
    found = Ledger.found(place)
    assert found is not None and len(found.entries) == 3, "one entry of the first start, two of the second"
    assert found.head is not None and found.head.lines == 4
    early = found.entries
    runs = {e.run for e in early}
    made = private_run(tmp_path / "run", synthesizer="mst", ledger=ledger)
    after = Ledger.found(place)
    assert after is not None and after.entries[:3] == early
    assert {e.run for e in after.entries} == runs, "the run that goes on is the same to the ledger"
    assert after.total.epsilon(1e-6) <= 2
    assert release(tmp_path / "run", tmp_path / "bundle").statement == made.guarantee  # type: ignore[attr-defined]


def test_a_spent_run_does_not_get_its_budget_back_by_cutting_its_ledger(tmp_path: Path) -> None:
    out = tmp_path / "run"
    private_run(out)
    lines = (out / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (out / "ledger.jsonl").write_bytes(b"".join(lines[:2]))
    with pytest.raises(Exception, match="end of the ledger is missing"):
        private_run(out)


def test_a_shared_ledger_that_was_cut_is_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    ledger = tmp_path / "all.jsonl"
    private_run(tmp_path / "one", ledger=ledger, total_epsilon=6)
    (tmp_path / "cut.jsonl").write_bytes(ledger.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(FileFormatError, match="end of the ledger is missing"):
        private_run(tmp_path / "two", ledger=tmp_path / "cut.jsonl", total_epsilon=6)
    assert not (tmp_path / "two").exists()


def test_every_file_of_a_private_run_is_for_its_owner_only(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        private_run(tmp_path / "run", ledger=tmp_path / "all.jsonl")
        beds().to_csv(tmp_path / "beds.csv", index=False)
        release(tmp_path / "run", tmp_path / "bundle")
        from locum.runs.fit import fit_file

        fit_file(tmp_path / "beds.csv", tmp_path / "m.locum", schema=WARDS, epsilon=2)
        locum.run(beds(), tmp_path / "open", schema=WARDS, synthesizer="independent")
    finally:
        os.umask(old)

    def modes(folder: Path) -> dict[str, int]:
        return {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir() if p.is_file()}

    inside = modes(tmp_path / "run")
    assert {"ledger.jsonl", "ledger.path", "holdout.bits", "run.jsonl", "plan.json", ".lock"} <= set(inside)
    assert set(inside.values()) == {0o600}, inside
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    beside = modes(tmp_path)
    for name in ("all.jsonl", "all.jsonl.head", "m.privacy.json"):
        assert beside[name] == 0o600, name
    # what may leave is ordinary, and so is a run without a guarantee
    assert set(modes(tmp_path / "bundle").values()) == {0o644}
    assert stat.S_IMODE((tmp_path / "bundle").stat().st_mode) == 0o755
    assert modes(tmp_path / "open")["report.html"] == 0o644


def test_a_folder_of_an_earlier_version_is_closed_to_others_when_it_is_taken_up(tmp_path: Path) -> None:
    out = tmp_path / "run"
    private_run(out)
    out.chmod(0o755)
    (out / "report.html").chmod(0o644)
    private_run(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert stat.S_IMODE((out / "report.html").stat().st_mode) == 0o600


def test_a_ledger_that_is_spent_stops_the_next_run(tmp_path: Path) -> None:
    ledger = tmp_path / "all.jsonl"
    private_run(tmp_path / "one", ledger=ledger)
    with pytest.raises(BudgetError, match="asks for epsilon 2, and about"):
        private_run(tmp_path / "two", ledger=ledger)
