"""Conditions as text: what parses, what it means row by row, and what the errors say."""

from __future__ import annotations

import datetime as dt
import operator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.control.rules.clause import clauses_of
from locum.control.where.bind import bind, constants
from locum.control.where.evaluate import evaluate
from locum.control.where.names import Names
from locum.errors import UsageError
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema(
    (
        Column("age", "integer"),
        Column("hours-per-week", "integer"),
        Column("dx", "category"),
        Column("begin", "date"),
        Column("finish", "date"),
        Column("net", "number", decimals=2),
        Column("tax", "number", decimals=2),
        Column("total", "number", decimals=2),
        Column("smoker", "boolean", format="no|yes"),
        Column("mail", "pii.email"),
    ),
    name="visits",
)
NAMES = Names(SCHEMA, {"dx": ["I10", "E11", "J45"]})
TABLE = pa.table(
    {
        "age": pa.array([10, 80, None], pa.int64()),
        "hours-per-week": pa.array([40, 50, 60], pa.int64()),
        "dx": ["I10", "E11", None],
        "begin": pa.array([dt.date(2020, 1, 1)] * 3),
        "finish": pa.array([dt.date(2020, 2, 1), dt.date(2020, 1, 3), None]),
        "net": [1.1, 2.2, 3.3],
        "tax": [0.1, 0.2, 0.3],
        "total": [1.2, 2.4, 3.5],
        "smoker": [True, False, None],
        "mail": ["a@x.org", "b@x.org", None],
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age >= 80 and dx = 'I10'", "nn?"[:2] + "?"),
        ("hours-per-week/2 > 20", "nyy"),
        ("age between 5 and 20", "yn?"),
        ("10 <= age < 80", "yn?"),
        ("80 > age", "yn?"),
        ("dx in ('I10', 'E11')", "yy?"),
        ("dx not in ('I10')", "ny?"),
        ("age is null", "nny"),
        ("mail is not null", "yyn"),
        ("finish - begin <= 30 days", "ny?"),
        ("begin + 2 weeks < finish", "yn?"),
        ("finish > '2020-01-15'", "yn?"),
        ("total = net + tax", "yyn"),
        ("if age > 50 then smoker = 'no'", "yy?"),
        ("age > 50 implies smoker", "yn?"),
        ("smoker or age > 70", "yy?"),
        ("not smoker", "ny?"),
        ("(dx, age) in (('I10', 10), ('E11', 3))", "yn?"),
        ("age = 7 + 3", "yn?"),
        ("age / 0 > 1", "???"),
        ("dx = 'I10' or age is null", "yny"),
        ("AGE is null", None),
    ],
)
def test_what_a_condition_means(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(UsageError, match="Did you mean age"):
            bind(text, NAMES)
        return
    truth = evaluate(bind(text, NAMES), TABLE)
    got = "".join("y" if y else "n" if n else "?" for y, n in zip(truth.yes, truth.no, strict=True))
    assert got == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("agee > 3", "Did you mean age"),
        ("dx = 'I11'", "no level 'I11'. Use 'I10'"),
        ("age > '3'", "without quotes"),
        ("mail = 'x'", "made afresh"),
        ("age >", "ends too early"),
        ("age ! 3", "cannot stand here"),
        ("dx > 'I10'", "labels have none"),
        ("finish - begin < 30", "30 days"),
        ("finish > 2020", "in quotes"),
        ("age", "not a condition"),
        ("unique(age, dxx)", "Did you mean dx"),
        ("age > 3 adn dx = 'I10'", "Did you mean and"),
        ("'abc", "does not end"),
        ("age in 3", "Expected"),
        ("finish > 'hello'", "'2024-01-31'"),
        ("dx = I10", "single quotes"),
        ("dx + 1 > 3", "does not work on"),
        ("", "empty"),
        ("(" * 100 + "age", "nested"),
        ("(age, dx) in ((1))", "values"),
    ],
)
def test_errors_say_where_and_what_would_do(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=None) as caught:
        bind(text, NAMES)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_clauses_are_cut_at_the_top_and_keep_their_text() -> None:
    parts = clauses_of("age >= 80 and (dx = 'I10' or smoker) and net < 3", "where", NAMES)
    assert [p.text for p in parts] == ["age >= 80", "(dx = 'I10' or smoker)", "net < 3"]


def test_a_rule_is_broken_by_false_only_and_a_condition_needs_true() -> None:
    [rule], [where] = clauses_of("age > 50", "rule", NAMES), clauses_of("age > 50", "where", NAMES)
    assert rule.holds(TABLE).tolist() == [False, True, True]
    assert where.holds(TABLE).tolist() == [False, True, False]


def test_constants_name_the_values_where_truth_can_change() -> None:
    term = bind("10 <= age < 20 or (dx, age) in (('I10', 7), ('E11', 9))", NAMES)
    assert constants(term) == {"age": {10, 20, 7, 9}, "dx": {"I10", "E11"}}


_OPS = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip

Tree = Any


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Tree:
    kind = draw(st.sampled_from(["cmp", "null", "in"] if depth == 0 else ["cmp", "and", "or", "not", "in"]))
    if kind in ("and", "or"):
        return (kind, draw(trees(depth - 1)), draw(trees(depth - 1)))
    if kind == "not":
        return (kind, draw(trees(depth - 1)))
    column = draw(st.sampled_from("ab"))
    if kind == "null":
        return (kind, column)
    if kind == "in":
        return (kind, column, tuple(draw(st.lists(st.integers(-3, 3), min_size=1, max_size=3))))
    other = draw(st.one_of(st.integers(-3, 3), st.sampled_from("ab")))
    return ("cmp", draw(st.sampled_from(sorted(_OPS))), column, other)


def _text(tree: Tree) -> str:
    if tree[0] in ("and", "or"):
        return f"({_text(tree[1])} {tree[0]} {_text(tree[2])})"
    if tree[0] == "not":
        return f"not ({_text(tree[1])})"
    if tree[0] == "null":
        return f"{tree[1]} is null"
    if tree[0] == "in":
        return f"{tree[1]} in ({', '.join(map(str, tree[2]))})"
    return f"{tree[2]} {tree[1]} {tree[3]}"


def _oracle(tree: Tree, row: dict[str, int | None]) -> bool | None:
    if tree[0] in ("and", "or"):
        a, b = _oracle(tree[1], row), _oracle(tree[2], row)
        decides = tree[0] == "or"
        if decides in (a, b):
            return decides
        return None if None in (a, b) else not decides
    if tree[0] == "not":
        inner = _oracle(tree[1], row)
        return None if inner is None else not inner
    value = row[tree[2] if tree[0] == "cmp" else tree[1]]
    if tree[0] == "null":
        return value is None
    if tree[0] == "in":
        return None if value is None else value in tree[2]
    other = row[tree[3]] if isinstance(tree[3], str) else tree[3]
    return None if value is None or other is None else _OPS[tree[1]](value, other)


@given(trees())
@settings(max_examples=150)
def test_three_valued_logic_agrees_with_an_interpreter_in_plain_python(tree: Tree) -> None:
    values = [None, *range(-3, 4)]
    rows = [{"a": a, "b": b} for a in values for b in values]
    table = pa.table({c: pa.array([r[c] for r in rows], pa.int64()) for c in "ab"})
    names = Names(Schema((Column("a", "integer"), Column("b", "integer"))))
    truth = evaluate(bind(_text(tree), names), table)
    expected = [_oracle(tree, row) for row in rows]
    assert truth.yes.tolist() == [e is True for e in expected]
    assert truth.no.tolist() == [e is False for e in expected]
    assert not np.any(truth.yes & truth.no)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("age between 41 and 43 and (age + 2) * 3 > 9", ["age >= 41", "age <= 43", "(age + 2) * 3 > 9"]),
        ("1 < age <= 5 and not (age = 3 or age = 4)", ["1 < age", "age <= 5", "not (age = 3 or age = 4)"]),
    ],
)
def test_a_part_is_quoted_so_that_it_can_be_read_again(text: str, parts: list[str]) -> None:
    found = clauses_of(text, "where", NAMES)
    assert [c.text for c in found] == parts
    assert [len(clauses_of(c.text, "where", NAMES)) for c in found] == [1] * len(parts)
