"""Personal data is found by pattern, checksum and name, and not where it is not."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faker import Faker
from hypothesis import given
from hypothesis import strategies as st

from locum.data.canonical import canonical
from locum.data.checksums import CHECKED_IDS, iban_valid, luhn_valid
from locum.data.detect import detect
from locum.data.pii import find_pii
from locum.data.read import read
from locum.data.restore import restore

SHARED = Path(os.environ.get("LOCUM_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="module")
def fake():
    maker = Faker(["en_US", "de_DE", "fr_FR"])
    maker.seed_instance(7)
    return maker


def kind_of(name, values):
    found = find_pii(name, values, len(set(values)), len(values))
    return None if found is None else found.kind


def test_made_up_people_are_found(fake):
    def many(make):
        return [make() for _ in range(60)]

    assert kind_of("x", many(fake.email)) == "pii.email"
    assert kind_of("x", many(fake.url)) == "pii.url"
    assert kind_of("x", many(fake.ipv4)) == "pii.ip"
    assert kind_of("x", many(fake.ipv6)) == "pii.ip"
    assert kind_of("x", many(fake.iban)) == "pii.iban"
    assert kind_of("x", many(lambda: fake.credit_card_number("visa"))) == "pii.card"
    assert kind_of("x", many(fake["en_US"].ssn)) == "pii.national_id"
    assert kind_of("contact_phone", many(fake.phone_number)) == "pii.phone"
    assert kind_of("mobile", many(lambda: fake.numerify("+49 1## #######"))) == "pii.phone"
    assert kind_of("first_name", many(fake.first_name)) == "pii.name"
    assert kind_of("patientName", many(fake.name)) == "pii.name"
    assert kind_of("home address", many(lambda: fake.address().replace("\n", ", "))) == "pii.address"
    assert kind_of("x", many(fake["en_US"].street_address)) in ("pii.address", None)
    assert kind_of("x", [f"{i} Oak Street" for i in range(1, 40)]) == "pii.address"


def test_a_table_of_people_round_trips(fake):
    n = 50
    frame = pd.DataFrame(
        {
            "name": [fake.name() for _ in range(n)],
            "email": [fake.email() for _ in range(n)],
            "card": [int(fake.credit_card_number("visa16")) for _ in range(n)],
            "phone": [int(fake.numerify("1##########")) for _ in range(n)],
            "age": np.arange(n) % 40,
        }
    )
    raw = read(frame)
    schema = detect(raw)
    assert [c.kind for c in schema] == ["pii.name", "pii.email", "pii.card", "pii.phone", "integer"]
    table = canonical(raw, schema)
    assert str(table.schema.field("card").type) == "string"
    pd.testing.assert_frame_equal(restore(table, schema, raw.origin), frame)
    assert not any(str(value) in column.reason for column in schema for value in frame[column.name])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("telephone", ["yes", "none"]),
        ("version", ["1.2.3", "2.0.1", "1.0.0"]),
        ("time", ["10:30:00", "11:45:10"]),
        ("x", [str(i) for i in range(4_000_000_000_000, 4_000_000_000_050)]),
        ("amount", [str(i * 7919 % 10**9) for i in range(1, 60)]),
        ("credit_score", [str(300 + i) for i in range(60)]),
        ("email_sent", ["yes", "no"]),
        ("product_name", [f"Widget {i}" for i in range(30)]),
        ("name", ["ward", "clinic"] * 30),
        ("username_length", ["5", "7", "12"]),
        ("address_count", ["1", "2", "3"]),
        ("date", ["2020-01-01", "2021-05-06"]),
        ("range", ["100-200", "200-300", "300-400"]),
        ("nineteen", ["9" * 19, "1" * 19]),
    ],
)
def test_ordinary_columns_raise_no_alarm(name, values):
    assert kind_of(name, values) is None


@pytest.mark.parametrize("name", ["adult_train", "adult_holdout", "compas", "german_credit", "shoppers"])
def test_no_false_alarm_on_real_tables(name):
    path = SHARED / "tabular" / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here; it is real data that the project does not carry")
    assert not [c.name for c in detect(read(path)) if c.kind.startswith("pii")]


@given(st.integers(10**11, 10**18))
def test_luhn_has_exactly_one_check_digit(number):
    """Of the ten numbers that share all digits but the last exactly one passes (brute force)."""
    passing = [d for d in range(10) if luhn_valid(f"{number}{d}")]
    assert len(passing) == 1 or len(set(str(number))) == 1


@given(st.text(st.sampled_from("0123456789"), min_size=18, max_size=18))
def test_iban_check_digits(account):
    """The check digits of ISO 13616 pass; every other pair but those 97 apart fails."""
    right = 98 - int(account + "131400") % 97
    for check in range(2, 99):
        assert iban_valid(f"DE{check:02d}{account}") == (check % 97 == right % 97)


#: One number of each sort that its issuer or a textbook gives as an example, and one with a digit changed.
EXAMPLES = {
    "US social security numbers": ("078-05-1120", "666-05-1120"),
    "Brazilian CPF numbers": ("529.982.247-25", "529.982.247-26"),
    "Spanish DNI or NIE numbers": ("12345678Z", "12345678A"),
    "Polish PESEL numbers": ("44051401359", "44051401358"),
    "Dutch BSN numbers": ("111222333", "111222334"),
    "Finnish personal identity codes": ("131052-308T", "131052-308U"),
    "French social security numbers": ("1 84 12 76 451 089 46", "1 84 12 76 451 089 47"),
    "Italian fiscal codes": ("RSSMRA85T10A562S", "RSSMRA85T10A562T"),
    "Indian Aadhaar numbers": ("2341 2341 2346", "2341 2341 2347"),
}


@pytest.mark.parametrize("label", EXAMPLES)
def test_identity_numbers(label):
    shape, test = next((shape, test) for name, shape, test, _ in CHECKED_IDS if name == label)
    good, bad = EXAMPLES[label]
    assert shape.fullmatch(good)
    assert test(good)
    assert not test(bad)


@pytest.mark.parametrize(
    ("locale", "make", "kind"),
    [
        ("en_US", lambda f, i: f.email() if i % 2 else f.phone_number(), "pii.email"),
        ("en_US", lambda f, i: f.phone_number(), "pii.phone"),
        ("de_DE", lambda f, i: f.street_address(), "pii.address"),
        ("en_US", lambda f, i: f"@{f.user_name()}", "id"),
        ("en_US", lambda f, i: f.iban() if i % 9 else "unknown", "pii.iban"),
    ],
)
def test_personal_values_under_odd_names(locale, make, kind):
    fake = Faker(locale)
    fake.seed_instance(5)
    values = list(dict.fromkeys(make(fake, i) for i in range(150)))
    assert kind_of("x7", values) == kind


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("contact_method", ["Phone call", "E-mail", "Post"]),
        ("patient_status", ["April", "Dawn", "Faith", "Grace", "Hope", "Joy"]),
        ("dose", [f"{i} mg" for i in range(5, 90, 5)]),
        ("lot", [f"Lot {i}" for i in range(40)]),
        ("size", ["12-14", "16-18", "20-22", "24-26"] * 5),
    ],
)
def test_what_only_sounds_personal_is_not(name, values):
    assert kind_of(name, values) is None
