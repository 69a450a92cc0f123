"""Ids keep what is the same in every row, and none is a real one."""

from __future__ import annotations

import json
import re
import uuid

import numpy as np
import pyarrow as pa
import pytest

from locum.codes.fresh_values import GeneratedCodebook
from locum.codes.json_fields import Wire
from locum.codes.settings import EncoderSettings
from locum.data.checksums import ean_digit, isbn10_digit, luhn_digit, luhn_valid, mod97_digits
from locum.schema.column import Column

HEX, B32 = "0123456789abcdef", "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
N = 300


def some(chars: str, length: int, seed: int = 0) -> list[str]:
    rows = np.array(list(chars))[np.random.default_rng(seed).integers(len(chars), size=(N, length))]
    return list(dict.fromkeys("".join(row) for row in rows))


def made(real: list[str], n: int = N) -> list[str]:
    column = Column("c", "id")
    book = GeneratedCodebook.fit(pa.array(real), column, EncoderSettings())
    again = GeneratedCodebook.from_json(Wire.of(json.loads(json.dumps(book.to_json())), "c"), column)
    assert again == book
    return list(again.decode([np.zeros(n, np.int32)], np.random.default_rng(1)).to_pylist())


CASES = {
    "hex": (some(HEX, 32), r"[0-9a-f]{32}"),
    "upper hex": (some(HEX.upper(), 8), r"[0-9A-F]{8}"),
    "address": (["0x" + v for v in some(HEX, 40)], r"0x[0-9a-f]{40}"),
    "ulid": (["01H" + v for v in some(B32, 23)], rf"01H[{B32}]{{23}}"),
    "file": ([f"scan-{v}.dcm" for v in some(HEX, 8)], r"scan-[0-9a-f]{8}\.dcm"),
    "longer": ([f"sha256:{v}" for v in some(HEX, 64)], r"sha256:[0-9a-f]{64}"),
    "order": ([f"ORD-2023-{v}-DE" for v in some("0123456789", 6)], r"ORD-2023-\d{6}-DE"),
    "year": ([f"2023{i:05d}" for i in range(N)], r"2023\d{5}"),
    "padded": ([f"P{100 + i * 67:05d}" for i in range(148)], r"P\d{5}"),
    "mail": ([f"user{i}@corp.example" for i in range(100, 100 + N)], r"user\d+@corp\.example"),
    "aircraft": ([f"N{v}" for v in some("0123456789", 5)], r"N\d{5}"),
}


@pytest.mark.parametrize("what", CASES)
def test_what_all_share_stays_and_no_real_one_comes_back(what: str) -> None:
    real, pattern = CASES[what]
    assert all(re.fullmatch(pattern, v) for v in real)
    fake = made(real)
    assert len(set(fake)) == N
    assert not set(fake) & set(real)
    assert all(re.fullmatch(pattern, v) for v in fake), fake[:3]


def ean(body: str) -> str:
    return body + ean_digit(body)


CHECKED = {
    "luhn": ([v + luhn_digit(v) for v in some("0123456789", 9)], luhn_valid),
    "ean": ([ean("400" + v) for v in some("0123456789", 9)], lambda v: v[:3] == "400" and ean(v[:-1]) == v),
    "isbn": (
        [f"978-3-{v[:2]}-{v[2:]}-{ean('9783' + v)[-1]}" for v in some("0123456789", 8)],
        lambda v: (
            re.fullmatch(r"978-3-\d\d-\d{6}-\d", v) and ean(v.replace("-", "")[:-1]) == v.replace("-", "")
        ),
    ),
    "isbn10": ([v + isbn10_digit(v) for v in some("0123456789", 9)], lambda v: isbn10_digit(v[:-1]) == v[-1]),
    "mod97": ([v + mod97_digits(v) for v in some("0123456789", 10)], lambda v: int(v) % 97 == 1),
}


@pytest.mark.parametrize("scheme", CHECKED)
def test_check_digits_stay_valid(scheme: str) -> None:
    real, valid = CHECKED[scheme]
    assert all(valid(v) for v in real)
    fake = made(real)
    assert all(valid(v) for v in fake), fake[:3]
    assert not set(fake) & set(real)


def test_numbers_without_check_digits_get_none() -> None:
    """Of random numbers a tenth passes Luhn's test; more than 60 of 300 has a chance below 1e-6."""
    assert sum(luhn_valid(v) for v in made(some("0123456789", 10, seed=4))) <= 60


@pytest.mark.parametrize("version", [1, 4, 5])
def test_uuids_keep_their_version(version: int) -> None:
    real = [str(uuid.UUID(int=i * 7919**9 % 2**128, version=version)) for i in range(1, 200)]
    assert all(uuid.UUID(v).version == version for v in made(real))


@pytest.mark.parametrize(
    "form", ["POINT({:.5f} {:.5f})", "{:.4f}, {:.4f}", "SRID=4326;POINT (-{:.3f} {:.3f})"]
)
def test_coordinates_stay_in_their_box(form: str) -> None:
    rng = np.random.default_rng(2)
    real = [form.format(x, y) for x, y in zip(rng.uniform(6, 15, N), rng.uniform(47, 55, N), strict=True)]
    numbers = r"-?\d+\.\d+"
    fake = made(real)
    assert {re.sub(numbers, "#", v) for v in fake} == {re.sub(numbers, "#", real[0])}
    assert not set(fake) & set(real)
    spots = np.abs([[float(x) for x in re.findall(numbers, v)] for v in fake])
    assert ((spots >= [6, 47]) & (spots <= [15, 55])).all()


def test_where_nothing_is_free_ids_get_longer() -> None:
    real = some("abc", 6)
    assert len(real) > 150  # of 729
    assert not set(made(real)) & set(real)
