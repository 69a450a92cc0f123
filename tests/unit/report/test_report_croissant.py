"""``croissant.json`` under the rules of MLCommons' own validator, which also reads the rows through it."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from locum.report.croissant import croissant, field_ids
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema(
    (
        Column("visit id", "id"),
        Column("age", "integer"),
        Column("score/100", "number"),
        Column("ward", "category"),
        Column("admitted", "date"),
        Column("seen", "datetime"),
        Column("ill", "boolean"),
        Column("stay", "duration"),
    ),
    name="visits",
)
ROW = {
    "visit id": "V1",
    "age": 40,
    "score/100": 1.5,
    "ward": "intensive",
    "admitted": "2024-05-05",
    "seen": "2024-05-05T10:00:00",
    "ill": True,
    "stay": "3 days",
}


def described(folder: Path, suffix: str, **options: str) -> dict[str, Any]:
    name = f"synthetic.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table({k: [v] * 3 for k, v in ROW.items()}), folder / name)
    else:
        lines = [",".join(ROW), *[",".join(str(v) for v in ROW.values())] * 3]
        (folder / name).write_text("\n".join(lines) + "\n")
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return croissant(
        SCHEMA,
        title="visits (synthetic)",
        description="3 synthetic rows.",
        created="2026-11-28T00:00:00Z",
        data=name,
        files={name: digest},
        privacy="(1, 1e-06)-differential privacy at unit a row.",
        **options,
    )


def opened(folder: Path, document: dict[str, Any]) -> Any:
    with warnings.catch_warnings():  # of the validator's own dependencies
        warnings.simplefilter("ignore")
        import mlcroissant

        path = folder / "croissant.json"
        path.write_text(json.dumps(document))
        return mlcroissant.Dataset(jsonld=str(path))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_validator_finds_no_error_and_reads_the_rows(tmp_path, suffix):
    found = opened(tmp_path, described(tmp_path, suffix))
    assert not list(found.metadata.ctx.issues.errors)
    assert "1.1" in str(found.metadata.ctx.conforms_to.value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = list(found.records(record_set="rows"))
    assert len(rows) == 3
    assert set(rows[0]) == {f"rows/{name}" for name in field_ids(SCHEMA.names)}
    assert rows[0]["rows/age"] == 40 and rows[0]["rows/ward"] in (b"intensive", "intensive")


def test_what_is_only_recommended_is_missing_only_where_nobody_said_it(tmp_path):
    document = described(tmp_path, "csv") | {"license": "https://spdx.org/licenses/CC-BY-4.0.html"}
    found = opened(tmp_path, document)
    told = " ".join(found.metadata.ctx.issues.warnings)
    assert "license" not in told and "datePublished" not in told and "version" not in told


def test_the_validator_has_power(tmp_path):
    document = described(tmp_path, "csv")
    document["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "nowhere.csv"
    with pytest.raises(Exception, match="nowhere"):
        opened(tmp_path, document)


def test_identifiers_have_no_blanks_and_differ():
    assert field_ids(["a b", "a_b", "a/b", "c", "ü"]) == ["a_b_0", "a_b", "a_b_2", "c", "ü"]
