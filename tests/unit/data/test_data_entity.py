"""Whose rows they are: ids of persons that repeat, not products, stores or labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from locum.data.detect import detect
from locum.data.entity import find_entity
from locum.data.read import read
from locum.schema.column import Column
from locum.schema.table import Schema

RNG = np.random.default_rng(5)
WHO = np.repeat(np.arange(100), RNG.integers(1, 9, 100))


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({**columns, "value": RNG.normal(size=len(WHO)).round(3)})


@pytest.mark.parametrize(
    "ids",
    [
        {"patient_id": [f"P{i:05d}" for i in WHO]},
        {"subject": WHO},
        {"customerId": WHO * 37 + 1001},
        {"MRN": [f"{i * 7919 % 10**7:07d}" for i in WHO]},
        {"mail": [f"anna{i}@mail.example" for i in WHO]},
    ],
)
def test_persons_with_several_rows_are_noticed(ids: dict[str, object]) -> None:
    schema = detect(read(frame(**ids)))
    assert schema.entity == next(iter(ids))


@pytest.mark.parametrize(
    "column",
    [
        {"product_code": [f"A{i:05d}" for i in WHO]},
        {"store_id": WHO},
        {"age": WHO},
        {"patient_id": [f"P{i:05d}" for i in range(len(WHO))]},
        {"ward": [f"W{i % 12}" for i in WHO]},
        {"doctor_id": [f"D{i:05d}" for i in WHO]},
    ],
)
def test_things_labels_and_single_rows_are_not(column: dict[str, object]) -> None:
    assert detect(read(frame(**column))).entity is None


def test_patients_go_before_doctors_and_orders() -> None:
    columns = {name: Column(name, "id") for name in ("order_id", "employee_id", "patient_id")}
    codes = {"order_id": WHO, "employee_id": WHO % 80, "patient_id": WHO % 40}
    schema = Schema(tuple(columns.values()))
    assert find_entity(schema, lambda name: codes[name]) == "patient_id"


def test_what_repeats_is_a_label() -> None:
    """566 product codes in 1,000 rows, the top one in 66 of them, are no ids."""
    rows = np.concatenate([np.zeros(66, int), np.arange(1, 566), RNG.integers(1, 566, 369)])
    codes = np.array([f"X{i * 7919 % 100000:05d}" for i in range(566)])[rows]
    assert detect(read(pd.DataFrame({"code": codes, "n": range(1000)})))["code"].kind == "category"


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("zip", [10115, 80331, 20095], "category"),
        ("PostalCode", ["01067", "10115", "80331"], "category"),
        ("sic", [1311, 2834, 7372], "category"),
        ("area_code", [212, 415, 646], "category"),
        ("store_id", [3, 14, 15], "category"),
        ("salary", [10115, 80331, 20095], "integer"),
    ],
)
def test_digits_of_a_code_are_labels(name: str, values: list[object], kind: str) -> None:
    column = [values[i % 3] for i in range(300)]
    assert detect(read(pd.DataFrame({name: column})))[name].kind == kind
