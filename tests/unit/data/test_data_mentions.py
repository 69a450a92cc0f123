"""Personal data inside running text: what is found, in which form, and what is left alone."""

from __future__ import annotations

import pytest

from locum.data.pii_in_text import mentions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to Jane.Doe@mail.example.org.", [("pii.email", "jane.doe@mail.example.org")]),
        ("see https://a.example/x?y=1, or so", [("pii.url", "https://a.example/x?y=1")]),
        ("see www.b.example", [("pii.url", "www.b.example")]),
        ("call (030) 123-4567 today", [("pii.phone", "0301234567")]),
        ("call +49 30 1234567", [("pii.phone", "49301234567")]),
        ("card 4111 1111 1111 1111.", [("pii.card", "4111111111111111")]),
        ("to DE89 3704 0044 0532 0130 00 please", [("pii.iban", "de89370400440532013000")]),
        ("my ssn is 123-45-6789", [("pii.national_id", "123456789")]),
        ("from 192.168.0.17 again", [("pii.ip", "192.168.0.17")]),
        ("lives at 12 Long Hill Road now", [("pii.address", "12 long hill road")]),
        ("we met Mary Ann Smith there", [("pii.name", "mary ann smith")]),
        ("ask @jane_d about it", [("pii.url", "@jane_d")]),
    ],
)  # fmt: skip
def test_what_is_found(text: str, found: list[tuple[str, str]]) -> None:
    assert sorted(mentions(text)) == sorted(found)


@pytest.mark.parametrize(
    "text",
    [
        "we paid 12.50 for 2 in 2019, on 12/24/2019 at 10:30",
        "card 4111 1111 1111 1112 has no valid digit"[5:9],
        "version 1.2.3 of the app",
        "The Food was Good. Jane laughed.",
        "open 9-5, rated 4.5/5",
        "",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert list(mentions(text)) == []


def test_a_place_counts_once_and_a_broken_card_is_no_card() -> None:
    kinds = [kind for kind, _ in mentions("pay 4111 1111 1111 1112")]
    assert "pii.card" not in kinds
    assert len(list(mentions("mail jane@mail.example, @jane"))) == 2
