"""What `locum check --epsilon` says, and that no row has a part in it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from locum.cli.main import main
from locum.data.read import read
from locum.errors import BudgetError, FeasibilityError, LeakError, UsageError
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.runs.forecast import forecast
from locum.runs.private_rows import HELD, choose_engine
from locum.runs.request import PrivacyRequest, RunRequest
from locum.schema.column import Bounds, Column
from locum.schema.table import Schema
from locum.synthesizer.private import fit_private

COLUMNS = ("visit_id", "age", "ward")


def visits(folder: Path, *, secret: str = "surgery", suffix: str = "csv") -> Path:
    path = folder / f"visits.{suffix}"
    table = pa.table(
        {"visit_id": [f"V{i:04d}" for i in range(300)], "age": [str(20 + i % 60) for i in range(300)],
         "ward": ["surgery", "medical"] * 149 + ["medical", secret]}
    )  # fmt: skip
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        lines = ["visit_id,age,ward", *(",".join(r.values()) for r in table.to_pylist())]
        path.write_text("\n".join(lines) + "\n")
    return path


def asked(path: Path, **options: object) -> RunRequest:
    given = {k: options.pop(k) for k in ("schema", "synthesizer", "target") if k in options}
    whose = {"columns": COLUMNS, "one_row_per_person": "unit" not in options, **options}
    privacy = PrivacyRequest(whose.pop("epsilon", "1"), "1e-6", **whose)
    return RunRequest(data=path, privacy=privacy, **given)


DECLARED = Schema(
    (
        Column("visit_id", "id"),
        Column("age", "integer", bounds=Bounds(20, 79, "declared")),
        Column("ward", "category", levels=("medicine", "surgery")),
    ),
    name="visits",
)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_have_no_part_in_the_forecast(tmp_path, suffix):
    """Other values of the same length, so that not even the size of the file differs."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    found = [
        forecast(asked(visits(tmp_path / name, secret=secret, suffix=suffix))).to_json()
        for name, secret in (("a", "surgery"), ("b", "zoster7"))
    ]
    for one in found:
        del one["cpu_s"], one["free_bytes"], one["memory_bytes"]
    assert found[0] == found[1]
    assert "zoster" not in json.dumps(found)


def test_what_is_declared_costs_nothing_and_is_counted(tmp_path):
    path = visits(tmp_path)
    bought, known = forecast(asked(path)), forecast(asked(path, schema=DECLARED))
    assert bought.discovery > 0 == known.discovery
    assert {c.name: c.origin for c in bought.columns} == {
        "visit_id": "made afresh", "age": "bought", "ward": "bought",
    }  # fmt: skip
    assert [c.declare for c in known.columns] == ["", "", ""]
    assert {c.name: c.codes for c in known.columns}["ward"] == 4
    assert known.noise[0][2] < bought.noise[0][2]


def test_of_a_wide_range_the_dense_parts_are_bought_as_the_fit_does(tmp_path):
    wide = Schema(
        (
            DECLARED["visit_id"],
            Column("age", "integer", bounds=Bounds(0, 10**6, "declared")),
            DECLARED["ward"],
        ),
        name="visits",
    )
    path = visits(tmp_path)
    found = forecast(asked(path, schema=wide))
    fit = fit_private(read(path), Ledger.test(Budget.approx(1, 1e-6), seed=1, reserve=0.1), schema=wide)
    assert {c.name: c.origin for c in found.columns} == dict(fit.domain.origins)
    assert found.columns[1].declare.startswith("nothing more")
    assert found.discovery == pytest.approx(fit.domain.spent, abs=1e-3)


def test_noise_is_what_the_ledger_would_let_through(tmp_path):
    """Asked of a real ledger: tables with that noise cost what is left, within the price of the row count."""
    found = forecast(asked(visits(tmp_path), schema=DECLARED, epsilon="2"))
    ledger = Ledger.test(Budget.approx(2, 1e-6), seed=1, reserve=0.1)
    for _, n, sigma in found.noise:
        cost = n / (2 * sigma**2)
        assert 0.99 * ledger.remaining_rho < cost < ledger.remaining_rho
    several = forecast(asked(visits(tmp_path), schema=DECLARED, epsilon="2", unit="visit_id", per_unit=3))
    assert several.noise[0][2] == pytest.approx(3 * found.noise[0][2])


def test_a_domain_too_large_is_refused_with_the_columns_to_coarsen(tmp_path):
    wards = tuple(f"ward {i}" for i in range(3000))
    columns = (
        Column("visit_id", "category", levels=wards),
        DECLARED["age"],
        Column("ward", "category", levels=wards),
    )
    with pytest.raises(FeasibilityError, match="Coarsen visit_id, ward") as caught:
        forecast(asked(visits(tmp_path), schema=Schema(columns, name="visits")))
    assert "9,012,004 cells" in caught.value.what


def test_what_cannot_be_is_refused_before_anything_is_read(tmp_path):
    path = visits(tmp_path)
    with pytest.raises(UsageError, match="no column 'patient'"):
        forecast(asked(path, unit="patient"))
    from_data = Schema(
        (DECLARED["visit_id"], Column("age", "integer", bounds=Bounds(20, 79, "data")), DECLARED["ward"])
    )
    with pytest.raises(LeakError, match=r"1 fact of the schema was read off the rows.*age: bounds 20 to 79"):
        forecast(asked(path, schema=from_data))
    with pytest.raises(UsageError, match="looks at single rows"):
        forecast(asked(path, synthesizer="tree"))
    for engine in ("spark", "Duckdb"):
        with pytest.raises(UsageError, match="no engine"):
            forecast(asked(path, engine=engine))


def test_a_ledger_with_too_little_left_is_refused_and_not_written(tmp_path):
    path, place = visits(tmp_path), tmp_path / "visits.ledger"
    budget = Budget.approx(1, 1e-6)
    ledger = Ledger.open(place, data="visits", unit=Unit(), budget=budget, reserve=0.1, run="first")
    ledger.spend(
        "gaussian", [("age",)], sensitivity=1.0, scale=1.05 / math.sqrt(2 * ledger.remaining_rho), purpose="x"
    )
    before = place.read_bytes()
    with pytest.raises(BudgetError, match="is left"):
        forecast(asked(path, ledger=place))
    assert place.read_bytes() == before


def test_the_engine_follows_from_sizes(tmp_path):
    path = visits(tmp_path)
    need = choose_engine(path, "memory").memory_bytes
    assert choose_engine(path, free=3 * need).engine == "memory"
    small = choose_engine(path, free=need)
    assert small.engine == "duckdb" and "behind DuckDB" in small.why
    assert need == int(2.5e8 + path.stat().st_size * HELD["csv"])
    packed = tmp_path / "visits.jsonl"
    packed.write_text('{"a": 1}\n')
    assert choose_engine(packed, free=6 * 10**8).engine == "memory"
    assert choose_engine(packed, free=10**8).engine == "duckdb"
    with pytest.raises(UsageError, match="reads files"):
        choose_engine(pa.table({"a": [1]}), "duckdb")


def test_on_the_command_line_nothing_is_left_behind(tmp_path, monkeypatch, capsys):
    visits(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["check", "visits.csv", "--epsilon", "1", "--unit", "visit_id"]) == 0
    told = capsys.readouterr().out
    assert "would stop before it spends anything" in told
    assert "Nothing was learnt of the rows" in told and "declare to save budget" in told
    assert "The first line of the file names the columns: visit_id, age, ward. They are published." in told
    assert "A run stops before it spends anything" in told and "--discover" in told
    assert [p.name for p in tmp_path.iterdir()] == ["visits.csv"]
    assert main(["check", "visits.csv", "--engine", "duckdb"]) == 2
    assert "means nothing without an epsilon" in capsys.readouterr().err
