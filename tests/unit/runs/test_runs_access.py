"""One run over two kinds of access: the same stages and files, and nothing told of private rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.errors import UsageError
from locum.files.folder import RunFolder
from locum.runs.access import LedgerAccess, OpenAccess
from locum.runs.execute import execute
from locum.runs.files import COUNTS, HOLDOUT, MEASURED, PRIVACY, describe_files
from locum.runs.fit import fit_prepared
from locum.runs.holdout import split
from locum.runs.prepare import Prepared, prepare
from locum.runs.request import PrivacyRequest, RunRequest, privacy_request
from locum.runs.sample import preview

OPTIONS = {"synthesizer": "independent", "rows": 150}
ASKED = PrivacyRequest("8", "1e-6", test_seed=1, columns=("age", "ward"), discover=True)


def rows(n: int = 400) -> pa.Table:
    return pa.table(
        {"age": [20 + i % 50 for i in range(n)], "ward": [("A", "B", "C")[i % 3] for i in range(n)]}
    )


def prepared(out: Path, *, private: bool, n: int = 400) -> Prepared:
    privacy = ASKED if private else None
    return prepare(RunRequest(data=rows(n), out=out, privacy=privacy, **OPTIONS))  # type: ignore[arg-type]


def test_both_runs_leave_the_same_files_and_the_private_one_its_account(tmp_path: Path) -> None:
    outcomes = {p: execute(prepared(tmp_path / str(p), private=p)) for p in (False, True)}
    left = {p: {f.name for f in (tmp_path / str(p)).iterdir()} for p in outcomes}
    assert left[True] - left[False] == {PRIVACY, MEASURED, COUNTS, HOLDOUT}
    assert left[False] <= left[True]
    assert set(describe_files("x.csv")) < set(describe_files("x.csv", guarantee=True))
    assert outcomes[False].n_holdout == 80 and outcomes[False].guarantee == ""
    assert outcomes[True].n_holdout == 0 and "NOT PRIVATE" in outcomes[True].guarantee
    for private in outcomes:
        again = execute(prepared(tmp_path / str(private), private=private))
        assert again.resumed == ("fit", "sample", "evaluate")
        assert (again.n_train, again.notes) == (outcomes[private].n_train, outcomes[private].notes)


def test_nothing_before_the_ledger_depends_on_the_number_of_private_rows(tmp_path: Path) -> None:
    one, other = (prepared(tmp_path / "run", private=True, n=n) for n in (400, 397))
    plans = [{k: v for k, v in p.plan.to_json().items() if k != "source"} for p in (one, other)]
    assert plans[0] == plans[1]
    assert one.notes == other.notes and one.decision is None
    assert one.access.about.n_rows == 0 and not len(one.access.about.schema)


def test_which_rows_are_held_out_is_decided_once(tmp_path: Path) -> None:
    for private in (False, True):
        ready = prepared(tmp_path / str(private), private=private)
        with RunFolder.start(ready.out, ready.plan.to_json()) as folder:
            first, second = (ready.access.hold_out(folder, ready.plan) for _ in range(2))
        assert np.array_equal(first, second)
        assert 0 < (~first).sum() < 200
        assert (ready.out / HOLDOUT).exists() is private
        if not private:
            assert np.array_equal(np.flatnonzero(first), split(400, 0.2, 0)[0])


def test_a_fit_without_a_folder_keeps_nothing_back_and_writes_nothing(tmp_path: Path) -> None:
    ready = prepared(tmp_path / "run", private=True)
    fit = fit_prepared(ready)
    assert fit.privacy is not None and fit.privacy["holdout_share"] == 0.0
    assert isinstance(ready.access, LedgerAccess) and not ready.out.exists()
    plain = prepared(tmp_path / "run", private=False)
    assert fit_prepared(plain).n_rows == 400 and isinstance(plain.access, OpenAccess)


def test_settings_of_a_request_win(tmp_path: Path) -> None:
    request = RunRequest(data=rows(), out=tmp_path / "run", settings={"smoothing": 0.25}, **OPTIONS)  # type: ignore[arg-type]
    assert prepare(request).plan.settings == {"smoothing": 0.25}


def test_a_preview_spends_no_budget() -> None:
    with pytest.raises(UsageError, match="spend privacy budget"):
        preview(RunRequest(data=rows(), privacy=PrivacyRequest("1")), 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delta", "1"), ("per_unit", "1"), ("total", "1"), ("engine", "1"), ("columns", ("a", "b")),
        ("discover", True), ("one_row_per_person", True),
    ],
)  # fmt: skip
def test_privacy_options_need_an_epsilon(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match="means nothing without an epsilon"):
        privacy_request(None, **{name: value})
    assert privacy_request("1", **{name: value}) == replace(PrivacyRequest("1"), **{name: value})


def test_python_holds_results_against_limits(tmp_path: Path) -> None:
    done = locum.run(rows(), tmp_path / "run", require={"c2st.max": 0.0}, **OPTIONS)  # type: ignore[arg-type]
    assert not done.passed and done.requirements[0].name == "c2st"
