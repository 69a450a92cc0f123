"""Ids, text and personal data: shape kept, nothing copied, unique where it was, valid in form."""

from __future__ import annotations

import ipaddress
import re
import uuid

import numpy as np
import pyarrow as pa
import pytest

from locum.codes.encoder import Encoder
from locum.schema.column import Column
from locum.schema.table import Schema


def made(values: list[str | None], kind: str, n: int = 500, **column: object) -> list[str]:
    """`n` present values of an encoder fitted to `values`."""
    schema = Schema((Column("c", kind, **column),))
    encoder = Encoder.fit(pa.table({"c": pa.array(values, pa.string())}), schema)
    assert encoder.domain.sizes == (2 if None in values else 1,)
    out = encoder.decode(np.zeros((n, 1), dtype=np.int32), seed=4)["c"].to_pylist()
    assert len(out) == n
    assert None not in out
    return out


def random_texts(chars: str, length: int, n: int) -> list[str]:
    rng = np.random.default_rng(0)
    return ["".join(row) for row in np.array(list(chars))[rng.integers(len(chars), size=(n, length))]]


def test_consecutive_numbers() -> None:
    real = [str(i) for i in range(1, 3001)]
    fake = made(real, "id")
    assert all(re.fullmatch(r"[1-9]\d{3}", v) for v in fake)
    assert not set(fake) & set(real)
    assert len(set(fake)) == 500


def test_prefix_and_padded_digits() -> None:
    real = [f"C-{i:06d}" for i in range(1, 400)]
    fake = made(real, "id")
    assert all(re.fullmatch(r"C-\d{6}", v) for v in fake)
    assert not set(fake) & set(real)
    assert len(set(fake)) == 500


def test_random_numbers_are_above_the_real_ones() -> None:
    real = [str(i) for i in np.random.default_rng(1).integers(10_000_000, 99_999_999, 2000)]
    fake = made(real, "id")
    assert min(map(int, fake)) > max(map(int, real))
    assert len(set(fake)) == 500


def test_numbers_fit_the_storage() -> None:
    real = [str(i) for i in range(100, 128)]
    assert all(0 <= int(v) < 128 for v in made(real, "id", n=20, storage="int8"))


def test_uuids() -> None:
    real = [str(uuid.UUID(int=i * 7919**8 % 2**128, version=4)) for i in range(1, 200)]
    fake = made(real, "id")
    assert all(uuid.UUID(v).version == 4 for v in fake)
    assert len(set(fake)) == 500
    assert all(v == v.upper() for v in made([v.upper() for v in real], "id", n=20))


@pytest.mark.parametrize(
    ("chars", "length", "pattern"),
    [
        ("0123456789abcdef", 24, r"[0-9a-f]{24}"),
        ("ABCDEFGHJKLMNPQRSTUVWXYZ", 8, r"[A-Z]{8}"),
        ("abcXYZ0123456789", 12, r"[0-9a-zA-Z]{12}"),
    ],
)
def test_patterns_of_characters(chars: str, length: int, pattern: str) -> None:
    real = random_texts(chars, length, 500)
    fake = made(real, "id")
    assert all(re.fullmatch(pattern, v) for v in fake)
    assert not set(fake) & set(real)
    assert len(set(fake)) == 500


def test_ids_that_repeat_repeat_about_as_often() -> None:
    real = [f"K{i // 4:05d}" for i in range(4000)]
    fake = made(real, "id", n=4000)
    assert 800 <= len(set(fake)) <= 1100


def test_an_unusual_id_leaves_nothing_behind() -> None:
    real = ["Jane.Doe#1972", *[f"user-{i}" for i in range(1000, 1400)]]
    schema = Schema((Column("c", "id"),))
    encoder = Encoder.fit(pa.table({"c": real}), schema)
    assert "Jane" not in str(encoder.to_json())
    single = Encoder.fit(pa.table({"c": ["Jane.Doe#1972"]}), schema)
    assert "Jane" not in str(single.to_json())


def test_more_ids_than_the_pattern_holds() -> None:
    fake = made(["A1", "B2", "C3", "D4"], "id", n=1000)
    assert len(set(fake)) == 1000


def test_text_has_the_length_but_not_the_words() -> None:
    rng = np.random.default_rng(2)
    real = [" ".join(["confidential"] * k) for k in rng.integers(3, 40, 800)]
    fake = made(real, "text", n=800)
    assert not any("confidential" in v for v in fake)
    assert abs(np.mean([len(v.split()) for v in fake]) - np.mean([len(v.split()) for v in real])) < 2
    assert max(len(v.split()) for v in fake) <= 40


def luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()][::-1]
    return sum(digits[::2] + [sum(divmod(2 * d, 10)) for d in digits[1::2]]) % 10 == 0


def iban(text: str) -> bool:
    text = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


REAL = {
    "pii.email": [f"person{i}@corp.example" for i in range(50)],
    "pii.name": [f"Ann{chr(97 + i % 26)} Lee{chr(97 + i // 26)}" for i in range(50)],
    "pii.address": [f"{i} High Street, Springfield" for i in range(50)],
    "pii.phone": [f"(415) 623-{i:04d}" for i in range(50)],
    "pii.card": [f"4111 1111 1111 {i:04d}" for i in range(50)],
    "pii.iban": [f"GB29 NWBK 6016 1331 92{i:02d} 19" for i in range(50)],
    "pii.ip": [f"84.12.7.{i}" for i in range(50)],
    "pii.url": [f"https://corp.example/{i}" for i in range(50)],
    "pii.national_id": [f"512-44-{i:04d}" for i in range(50)],
}
FORM = {
    "pii.email": lambda v: re.fullmatch(r"[a-z.]+\d+@example\.(com|org|net)", v),
    "pii.name": lambda v: re.fullmatch(r"\S+ \S.*", v),
    "pii.address": lambda v: re.fullmatch(r"\d+ .+, .+", v),
    "pii.phone": lambda v: re.fullmatch(r"\(\d{3}\) 555-01\d\d", v),
    "pii.card": lambda v: re.fullmatch(r"9999 99\d\d \d{4} \d{4}", v) and luhn(v),
    "pii.iban": lambda v: iban(v) and v.startswith("DE") and v.replace(" ", "")[4:12] == "00000000",
    "pii.ip": lambda v: ipaddress.ip_address(v) in ipaddress.ip_network("198.18.0.0/15"),
    "pii.url": lambda v: re.fullmatch(r"https://example\.(com|org|net)/\w+/\w+-\d+", v),
    "pii.national_id": lambda v: re.fullmatch(r"9\d\d-\d\d-\d{4}", v),
}


@pytest.mark.parametrize("kind", REAL)
def test_personal_values_are_valid_new_and_different(kind: str) -> None:
    fake = made(REAL[kind], kind)
    assert all(FORM[kind](v) for v in fake)
    assert len(set(fake)) == 500
    assert not set(fake) & set(REAL[kind])


@pytest.mark.parametrize("kind", ["pii.email", "pii.phone", "pii.name", "pii.ip"])
def test_many_personal_values(kind: str) -> None:
    assert len(set(made(REAL[kind], kind, n=120_000))) == 120_000


def test_ipv6_and_name_forms() -> None:
    real = [f"2a02:8109::{i:x}" for i in range(50)]
    assert all(ipaddress.ip_address(v) in ipaddress.ip_network("2001:db8::/32") for v in made(real, "pii.ip"))
    assert all(", " in v for v in made([f"Lee{i}, Ann" for i in range(9)], "pii.name", n=20))
    assert all(" " not in v for v in made(list("abcdefgh"), "pii.name", n=20))


def test_missing_is_learned() -> None:
    schema = Schema((Column("c", "pii.email"),))
    table = pa.table({"c": pa.array(["a@b.co", None, "c@d.co"], pa.string())})
    encoder = Encoder.fit(table, schema)
    coded = encoder.encode(table)
    assert coded.column(0).tolist() == [0, 1, 0]
    decoded = encoder.decode(coded.codes, seed=1)["c"].to_pylist()
    assert [v is None for v in decoded] == [False, True, False]
