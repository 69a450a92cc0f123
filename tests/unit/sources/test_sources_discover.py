"""Kinds, ranges and levels out of the budget: what is found, and what one person cannot change."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.codes.encoder import Encoder
from locum.data.origin import Origin, Raw
from locum.errors import DataError, LocumError
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.sealed import seal_errors
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.sources.domain import NOTHING_FOUND, private_domain
from locum.sources.kinds import FORMS, form_codes, settle
from locum.sources.private import PrivateSource
from locum.sources.rows import MemoryRows
from locum.synthesizer.private import fit_private


def raw_of(**columns: object) -> Raw:
    return Raw(pa.table(columns), Origin("csv"), "people")


def domain_of(raw: Raw, *, epsilon: float = 8.0, seed: int | None = 1, **options: object):
    budget = Budget.approx(epsilon, 1e-6)
    if seed is None:
        ledger = Ledger.memory(budget, reserve=0.1)
    else:
        ledger = Ledger.test(budget, seed=seed, reserve=0.1)
    found, _ = private_domain(
        MemoryRows.of_raw(raw), ledger, lambda source: PrivateSource(source, ledger), **options
    )
    return found, ledger


def every_code(encoder: Encoder) -> pa.Table:
    """Rows made of all codes that there are, so that what a column can hold is seen."""
    sizes = encoder.domain.sizes
    codes = np.array(list(np.ndindex(*sizes)), dtype=np.int32).reshape(-1, len(sizes))
    return encoder.decode(np.asfortranarray(codes), seed=7)


def people(n: int = 4000) -> dict[str, list[str]]:
    rng = np.random.default_rng(5)
    return {
        "person_id": [f"P{i}" for i in range(n)],
        "age": [str(v) for v in rng.integers(18, 90, n)],
        "income": [f"{v:.2f}" for v in np.exp(rng.normal(10, 1, n))],
        "town": [str(v) for v in rng.choice(["Ulm", "Bonn", "?"], n, p=[0.6, 0.3, 0.1])],
        "since": [
            f"20{y:02d}-{m:02d}-11"
            for y, m in zip(rng.integers(10, 25, n), rng.integers(1, 13, n), strict=True)
        ],
        "mail": [f"p{i}@example.org" for i in range(n)],
        "note": [f"this is a longer remark about the case number {i} in words" for i in range(n)],
    }


def test_kinds_levels_and_ranges_are_found_for_all_that_many_rows_share():
    found, ledger = domain_of(raw_of(**people()))
    kinds = {c.name: c.kind for c in found.schema}
    assert kinds == {
        "person_id": "id", "age": "integer", "income": "number", "town": "category", "since": "date",
        "mail": "pii.email", "note": "text",
    }  # fmt: skip
    assert found.schema["town"].levels == ("Bonn", "Ulm")
    # "?" is read as missing, and as the usual spelling it was bought; a rare one is not written back
    assert found.schema["town"].missing == ("?",) and found.schema["age"].missing == ()
    assert found.schema["income"].decimals == 2
    age = found.schema["age"].bounds
    assert age is not None and age.source == "dp" and 8 <= age.low <= 25 and 80 <= age.high <= 127
    since = found.schema["since"].bounds
    assert since is not None and since.low >= "2009" and since.high <= "2026"
    assert found.spent == pytest.approx(0.12, abs=1e-6)
    assert {e.purpose for e in ledger.entries} >= {
        "kinds of columns",
        "ranges of columns",
        "levels of columns",
    }
    assert all(e.rho > 0 for e in ledger.entries)


def test_values_that_many_rows_share_get_a_code_of_their_own():
    rng = np.random.default_rng(0)
    hours = np.where(rng.random(5000) < 0.5, 40, rng.integers(1, 99, 5000))
    found, _ = domain_of(raw_of(hours=[str(h) for h in hours]))
    grid = found.encoder.books[0].grid
    at = grid.encode(np.array([40]))[0]
    assert grid.atom[at] and grid.low[at] == 40


@pytest.mark.parametrize("held_by", [1, 3])
def test_a_level_held_by_few_is_never_published(held_by):
    """Adversarial fixture: a category that one person holds. Real noise; false alarm under 1e-6 each."""
    towns = ["Ulm"] * 1500 + ["Bonn"] * 1500 + ["Hiddensee"] * held_by
    for _ in range(3):
        found, _ = domain_of(raw_of(town=towns), seed=None)
        assert "Hiddensee" not in (found.schema["town"].levels or ())
        assert "Hiddensee" not in str(found.encoder.to_json())


def test_one_outlier_does_not_move_a_bound():
    """Adversarial fixture: an outlier bound. Real noise; false alarm about 1e-4."""
    ages = [str(20 + i % 60) for i in range(3000)]
    found, _ = domain_of(raw_of(age=[*ages, "9999999999"]), seed=None)
    bounds = found.schema["age"].bounds
    assert bounds is not None and bounds.high < 4096


def test_one_missing_value_changes_no_code():
    """Adversarial fixture: a NaN that appears once. Same seeded noise with and without it."""
    rows = people(2000)
    with_nan = {**rows, "age": ["", *rows["age"][1:]]}
    a, _ = domain_of(raw_of(**rows))
    b, _ = domain_of(raw_of(**with_nan))
    assert [x.null for x in a.encoder.domain] == [x.null for x in b.encoder.domain]
    assert all(x.null is not None for x in a.encoder.domain)


def test_a_constant_column_keeps_its_special_codes():
    """Adversarial fixture: a constant column must not show that it is constant by the form of its codes."""
    found, _ = domain_of(raw_of(ward=["ICU"] * 2000, n=["7"] * 2000))
    ward = found.encoder.domain.attributes[found.encoder.domain.index("ward")]
    n = found.encoder.domain.attributes[found.encoder.domain.index("n")]
    assert ward.size == 3 and ward.null == 2
    assert n.size >= 2 and n.null is not None


def test_a_value_that_is_none_of_its_kind_becomes_missing_and_raises_nothing():
    rows = people(2000)
    rows["age"][17] = "secret-word-41"
    found, _ = domain_of(raw_of(**rows))
    assert found.schema["age"].kind == "integer"


def test_what_noise_hides_is_left_empty_and_said():
    """Two rows at epsilon 0.1: nothing can be found, and nothing is made up in its place."""
    found, ledger = domain_of(raw_of(a=["x", "y"], b=["1", "2"], c_id=["u", "v"]), epsilon=0.1)
    assert found.origins == {"a": NOTHING_FOUND, "b": NOTHING_FOUND, "c_id": "made afresh"}
    assert {c.name: c.levels or None for c in found.schema} == {"a": None, "b": None, "c_id": None}
    assert all(c.bounds is None for c in found.schema)
    made = every_code(found.encoder)
    assert made["a"].null_count == made["b"].null_count == made.num_rows
    assert any(e.purpose == "levels of columns" for e in ledger.entries)


@pytest.mark.parametrize("kind", ["integer", "number", "date", "datetime", "duration"])
def test_a_range_that_is_not_found_leaves_the_column_empty(kind):
    """No range is invented: not -4028 to -2048 years of age."""
    schema = Schema((Column("v", kind), Column("w", "category", levels=("A",))), name="t")
    found, ledger = domain_of(raw_of(v=["3", "4"], w=["A", "A"]), epsilon=0.1, schema=schema)
    assert found.origins == {"v": NOTHING_FOUND, "w": "declared"}
    assert found.schema["v"].bounds is None and found.schema["v"].nullable
    made = every_code(found.encoder)
    assert made["v"].null_count == made.num_rows > made["w"].null_count
    assert [e.purpose for e in ledger.entries] == ["ranges of columns"]


def test_forms_of_texts():
    texts = ["12", "1.50", "", None, "?", "2020-01-31", "13/02/2020", "a@b.de", "x", "1e5", "007"]
    codes = form_codes(pa.table({"v": pa.array(texts)}), ["v"])
    assert [FORMS[c] for c in codes[:, 0]] == [
        "integer", "number:2", "missing:", "missing:", "missing:?", "date:%Y-%m-%d", "date:%d/%m/%Y",
        "email", "label", "number:9", "label",
    ]  # fmt: skip


def test_a_number_has_the_form_of_its_text():
    """The type of a column is a fact about all of its rows, and has no part in the form of a value."""
    numbers = [1.0, 0.25, 1 / 3, float("nan"), float("inf"), None]
    typed = form_codes(pa.table({"v": pa.array(numbers, from_pandas=False)}), ["v"])
    assert [FORMS[c] for c in typed[:, 0]] == [
        "integer", "number:2", "number:9", "missing:", "label", "missing:",
    ]  # fmt: skip
    texts = form_codes(pa.table({"v": ["1", "0.25", "0.3333333333333333", "", "inf", None]}), ["v"])
    assert np.array_equal(typed, texts)


def test_what_a_column_is_follows_from_the_noisy_counts_alone():
    counts = np.zeros(len(FORMS), dtype=np.int64)
    counts[FORMS.index("integer")] = 900
    counts[FORMS.index("number:1")] = 100
    assert settle("v", counts, 10.0).column.decimals == 1
    counts[FORMS.index("label")] = 400
    assert settle("v", counts, 10.0).column.kind == "category"
    assert settle("v", -counts, 10.0).column.kind == "category"


def test_a_seal_lets_no_word_of_a_value_out():
    with pytest.raises(DataError) as caught, seal_errors("reading the values"):
        int("Mr Smith, 12 Elm Street")
    assert "Smith" not in caught.value.message
    assert caught.value.__suppress_context__
    with pytest.raises(LocumError) as again, seal_errors("reading the values"):
        raise DataError("3 of 9 values are no dates", examples=['"Smxxx"'])
    assert "Smxxx" not in again.value.message


def test_noise_alone_makes_no_column_one_of_decimals():
    """Few rows and much noise: with forty forms some noisy counts are large by chance."""
    ages = [str(20 + i % 60) for i in range(800)]
    for seed in range(20):
        found, _ = domain_of(raw_of(age=ages, ward=["A", "B"] * 400), epsilon=2.0, seed=seed)
        assert found.schema["age"].kind == "integer"
        assert found.schema["ward"].levels == ("A", "B")


@pytest.mark.parametrize(("rare", "own"), [(1500, True), (40, False)])
def test_many_rows_with_levels_that_are_not_found_are_not_turned_into_others(rare, own):
    """Half of the rows hold levels that few share: they are written as other, and not as the level found."""
    towns = ["Ulm"] * 1500 + [f"village {i}" for i in range(rare)]
    raw = raw_of(town=towns)
    ledger = Ledger.test(Budget.approx(8.0, 1e-6), seed=2, reserve=0.1)
    fit = fit_private(raw, ledger, synthesizer="independent")
    drawn = fit.synthesizer.draw(1000, seed=1).table.column("town").to_pylist()
    assert ("other" in (fit.domain.schema["town"].levels or ())) is own
    assert (drawn.count("Ulm") < 650) is own
    assert not any("village" in (text or "") for text in drawn)
