"""Rules are found where a table was made by them, hold in rows not seen, and are not found elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from locum.control.rules.clause import rule_clauses
from locum.control.rules.discover import KINDS, MOST_COLUMNS, _Search, discover
from locum.control.rules.proposal import Discovery
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.rules.whole_table import rows_against
from locum.control.where.names import Names
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.read import read
from locum.schema.column import Column
from locum.schema.table import Schema

DAY0 = np.datetime64("2021-01-01T00:00:00")


def look(columns: dict[str, object]) -> tuple[pa.Table, Schema, Discovery]:
    """What is found in a table as a user has it."""
    raw = read(pa.table({name: pa.array(values) for name, values in columns.items()}))
    schema = detect(raw)
    table = canonical(raw, schema)
    return table, schema, discover(table, schema)


def moments(rng: np.random.Generator, n: int) -> np.ndarray:
    return DAY0 + rng.integers(0, 900 * 86_400, n).astype("m8[s]")


def money(rng: np.random.Generator, n: int, mean: float = 40) -> np.ndarray:
    return np.round(rng.gamma(2, mean / 2, n) + 0.01, 2)


def bill(rng: np.random.Generator, n: int) -> dict[str, object]:
    quantity, price, shipping = rng.integers(1, 12, n), money(rng, n), money(rng, n, 6)
    net = np.round(quantity * price, 2)
    tax = np.round(net * 0.2, 2)
    return {
        "quantity": quantity,
        "price": price,
        "net": net,
        "tax": tax,
        "shipping": shipping,
        "total": np.round(net + tax + shipping, 2),
        "cents": np.rint(price * 100).astype(int),
    }


def shop(rng: np.random.Generator, n: int) -> dict[str, object]:
    quantity, price, rate = rng.integers(1, 12, n), money(rng, n), rng.choice([0, 0.05, 0.1, 0.25], n)
    discount = np.where(rng.random(n) < 0.5, money(rng, n, 3), 0)
    return {
        "quantity": quantity,
        "price": price,
        "rate": rate,
        "paid": np.round(quantity * price * (1 - rate), 2),
        "discount": discount,
        "due": np.round(quantity * price - discount, 2),
    }


def calendar(rng: np.random.Generator, n: int) -> dict[str, object]:
    seen = moments(rng, n)
    days = seen.astype("M8[D]")
    weekday = (days.astype(int) + 3) % 7
    birth = np.datetime64("1940-01-01") + rng.integers(0, 25_000, n)
    age = [
        a.year - b.year - ((a.month, a.day) < (b.month, b.day))
        for a, b in zip(days.astype(dt.date), birth.astype(dt.date), strict=True)
    ]
    left = seen + rng.integers(60, 9 * 86_400, n).astype("m8[s]")
    return {
        "seen": seen,
        "left": left,
        "day": days,
        "year": days.astype("M8[Y]").astype(int) + 1970,
        "name": np.array(["lun", "mar", "mer", "jeu", "ven", "sam", "dim"])[weekday],
        "birth": birth,
        "age": age,
        "hours": np.round((left - seen).astype(float) / 3600, 2),
        "stay": np.where(left - seen > np.timedelta64(48, "h"), "inpatient", "day"),
    }


def clinic(rng: np.random.Generator, n: int) -> dict[str, object]:
    status = rng.choice(["open", "closed", "waiting"], n, p=[0.3, 0.5, 0.2])
    male, smoker, gap = rng.random(n) < 0.5, rng.random(n) < 0.3, rng.random(n) < 0.1
    height, weight = rng.normal(170, 9, n).round().astype(int), rng.normal(75, 13, n).round(1).clip(40)
    bmi = np.round(weight / (height / 100) ** 2, 1)
    group = np.select([bmi < 18.5, bmi < 25, bmi < 30], ["under", "normal", "over"], "obese")
    return {
        "status": status,
        "ends": pa.array(moments(rng, n), mask=status != "closed"),
        "sex": np.where(male, "M", "F"),
        "pregnant": ~male & (rng.random(n) < 0.2),
        "smoker": smoker,
        "packs": np.where(smoker, np.round(rng.gamma(2, 1, n) + 0.1, 1), 0.0),
        "low": pa.array(rng.normal(80, 9, n).round(1), mask=gap),
        "high": pa.array(rng.normal(120, 12, n).round(1), mask=gap),
        "height": height,
        "weight": weight,
        "bmi": bmi,
        "group": group,
    }


def places(rng: np.random.Generator, n: int) -> dict[str, object]:
    origin, dest, number = rng.integers(0, 8, n), rng.integers(0, 25, n), rng.integers(1, 9999, n)
    miles = rng.permutation(5000)[:200].reshape(8, 25)
    first = rng.choice(["José", "Ann", "Bob", "Marie", "Zoë", "Lars", "Paul", "Eve"], n)
    last = rng.choice(["Núñez", "Lee", "Smith", "Dupont", "Berg", "Brown", "Gray"], n)
    plain = str.maketrans("éúñë", "eune")
    return {
        "origin": np.char.add("O", origin.astype(str)),
        "dest": np.char.add("D", dest.astype(str)),
        "distance": miles[origin, dest],
        "code": [f"O{o}-{k:04d}" for o, k in zip(origin, number, strict=True)],
        "number": number,
        "first": first,
        "last": last,
        "mail": [
            f"{a}.{b}@{c}".lower().translate(plain)
            for a, b, c in zip(first, last, rng.choice(["x.org", "y.net"], n), strict=True)
        ],
        "home": (home := rng.poisson(1.4, n)),
        "away": (away := rng.poisson(1.1, n)),
        "won": np.select([home > away, home < away], ["home", "away"], "nobody"),
    }


def orders(rng: np.random.Generator, n: int) -> dict[str, object]:
    middle = rng.normal(20, 8, n).round(1)
    low, high = middle - rng.gamma(2, 2, n).round(1), middle + rng.gamma(2, 2, n).round(1)
    parts = rng.poisson(30, (n, 5))
    return {
        "low": low.round(1),
        "middle": middle,
        "high": high.round(1),
        "fahrenheit": np.round(middle * 1.8 + 32, 1),
        **{f"part{i}": parts[:, i] for i in range(5)},
        "whole": parts.sum(axis=1),
        "copied": middle,
    }


def till(rng: np.random.Generator, n: int) -> dict[str, object]:
    """A total that is a product and a sum at once, a product beside a fee of three values, and a mean."""
    price, count = rng.choice([2.5, 3, 4.25, 7, 12], n), rng.integers(1, 8, n)
    total = np.round(price * count, 2)
    discount = np.round(total * rng.choice([0, 0.05, 0.1], n), 2)
    parts = rng.integers(0, 9_000, (3, n))
    worked, wage, bonus = rng.integers(1, 12, n), money(rng, n), rng.choice([0, 50, 100], n)
    return {
        "price": price,
        "count": count,
        "total": total,
        "discount": discount,
        "net": np.round(total - discount, 2),
        "first": parts[0],
        "middling": parts[1],
        "third": parts[2],
        "points": parts.sum(axis=0),
        "mean": np.round(parts.mean(axis=0), 2),
        "worked": worked,
        "wage": wage,
        "bonus": bonus,
        "pay": np.round(worked * wage + bonus, 2),
    }


Maker = Callable[[np.random.Generator, int], dict[str, object]]
WANTED: list[tuple[Maker, list[str]]] = [
    (
        bill,
        [
            "net = quantity * price",
            "tax = net * 0.2",
            "total = net + tax + shipping",
            "cents = price * 100",
        ],
    ),
    (
        till,
        [
            "total = price * count",
            "discount = total - net",
            "points = first + middling + third",
            "mean = points / 3",
            "pay = worked * wage + bonus",
        ],
    ),
    (shop, ["paid = quantity * price * (1 - rate)", "due = quantity * price - discount"]),
    (
        calendar,
        [
            '"day" = date(seen)',
            "year = year(seen)",
            "name follows from (weekday(seen))",
            "age = age(birth, seen)",
            '"hours" = (left - seen) / 1 hour',
            "stay = 'day' exactly if \"hours\" < 48",
            "seen <= left",
        ],
    ),
    (
        clinic,
        [
            "ends is null exactly if status in ('open', 'waiting')",
            "if sex = 'M' then pregnant = false",
            "smoker = true exactly if packs > 0",
            "missing together (low, high)",
            "bmi = weight / (height * height) * 10000",
            "\"group\" = 'normal' exactly if bmi >= 18.5 and bmi < 25",
        ],
    ),
    (
        places,
        [
            "distance follows from (origin, dest)",
            "code = concat(origin, '-', pad(number, 4))",
            "before(mail, '@') = concat(lower(ascii(first)), '.', lower(ascii(last)))",
            "won = 'nobody' exactly if home - away = 0",
        ],
    ),
    (
        orders,
        [
            "low <= middle",
            "middle <= high",
            "fahrenheit = middle * 1.8 + 32",
            "whole = part0 + part1 + part2 + part3 + part4",
            "copied = middle",
        ],
    ),
]


@pytest.mark.parametrize(("make", "wanted"), WANTED, ids=lambda x: getattr(x, "__name__", ""))
def test_rules_that_made_the_table_are_found_and_hold_in_rows_not_seen(
    make: Maker, wanted: list[str]
) -> None:
    rng = np.random.default_rng(11)
    columns = make(rng, 4000)
    some = {name: pa.array(values)[:2500] for name, values in columns.items()}
    _, schema, found = look(some)
    exact = {p.rule for p in found.exact}
    wanted = [rule.replace('"group"', "group") for rule in wanted]
    assert set(wanted) <= exact, f"{set(wanted) - exact} of {exact}"
    assert set(found.tried) == set(KINDS)
    raw = read(pa.table({name: pa.array(values) for name, values in columns.items()}))
    every = canonical(raw, schema)
    later, known = every.slice(2500), every.slice(0, 2500)
    for clause in rule_clauses(sorted(exact), Names(schema)):
        if clause.about_table:
            assert not rows_against(clause, later, known).any(), clause.text
        else:
            assert clause.holds(later).mean() >= 0.999, clause.text


def test_no_column_is_calculated_twice_or_in_a_circle() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(10, 3, 1500).round(2), rng.normal(5, 2, 1500).round(2)
    c = (a + b).round(2)
    columns = {"a": a, "b": b, "c": c, "a2": a, "a3": a, "c100": (c * 100).round(), "d": (c - a).round(2)}
    _, schema, found = look(columns)
    parents: dict[str, tuple[str, ...]] = {}
    for clause in rule_clauses([p.rule for p in found.exact if " = " in p.rule], Names(schema)):
        to, *sources = clause.columns
        assert to not in parents
        parents[to] = tuple(sources)
    # Two columns are free, the other five follow from them.
    assert len(parents) == 5

    def reach(name: str, above: tuple[str, ...]) -> None:
        assert name not in above
        for source in parents.get(name, ()):
            reach(source, (*above, name))

    for name in parents:
        reach(name, ())


def test_what_follows_from_other_orders_is_left_out() -> None:
    rng = np.random.default_rng(0)
    steps = rng.exponential(5, (1200, 5)).round(1).cumsum(axis=1).round(1)
    columns = {f"q{i}": steps[:, i] for i in range(5)}
    _, _, found = look(columns)
    assert {p.rule for p in found.exact} == {f"q{i} <= q{i + 1}" for i in range(4)}


def test_a_rule_with_few_exceptions_is_told_with_their_number() -> None:
    rng = np.random.default_rng(1)
    low = rng.integers(0, 60, 3000)
    high = low + rng.integers(0, 40, 3000)
    high[:9] = low[:9] - 5
    _, _, found = look({"low": low, "high": high})
    [rule] = found
    assert (rule.rule, rule.support, rule.violations) == ("low <= high", 2991, 9)
    assert rule.rate == pytest.approx(0.003)


def independent(rng: np.random.Generator, n: int) -> dict[str, object]:
    """Columns of all sorts that have nothing to do with each other."""
    return {
        **{f"i{k}": rng.integers(0, 10 ** (k + 1), n) for k in range(3)},
        **{f"n{k}": rng.gamma(1 + k, 10, n).round(k) for k in range(3)},
        **{f"l{k}": rng.choice([f"v{j}" for j in range(2 + 3 * k)], n) for k in range(3)},
        "spike": np.where(rng.random(n) < 0.7, 0, rng.gamma(2, 2, n).round(2)),
        "day": np.datetime64("2020-01-01") + rng.integers(0, 900, n),
        "moment": moments(rng, n),
        "flag": rng.random(n) < 0.2,
        "gap": pa.array(rng.normal(size=n).round(2), mask=rng.random(n) < 0.1),
        "holes": pa.array(rng.choice(["x", "y"], n), mask=rng.random(n) < 0.3),
    }


@pytest.mark.parametrize("seed", range(20))
def test_independent_columns_have_no_rules(seed: int) -> None:
    """False alarms: each kind of rule has one in a million tables, so all twenty have about 2e-4."""
    rng = np.random.default_rng(seed)
    assert list(look(independent(rng, (200, 600, 2000)[seed % 3]))[2]) == []


def test_shuffling_a_column_takes_its_rules_away() -> None:
    rng = np.random.default_rng(5)
    columns = clinic(rng, 1500)
    shuffled = {
        name: pa.array(values).take(pa.array(rng.permutation(1500))) for name, values in columns.items()
    }
    assert list(look(shuffled)[2]) == []


def test_nothing_is_listed_of_ids_texts_and_personal_data() -> None:
    rng = np.random.default_rng(7)
    kind = rng.choice(["a", "b"], 800)
    secret = np.where(kind == "a", "Zaphod Beeblebrox", "Trillian Astra")
    schema = Schema((Column("kind", "category"), Column("who", "pii.name"), Column("key", "id")))
    table = pa.table(
        {"kind": kind.astype(object), "who": secret.astype(object), "key": secret.astype(object)}
    )
    text = " ".join(p.rule for p in discover(table, schema))
    assert "Zaphod" not in text
    assert "Trillian" not in text


def test_columns_beyond_the_limit_are_named() -> None:
    names = [f"c{i}" for i in range(MOST_COLUMNS + 2)]
    table = pa.table({name: [1] * 60 for name in names})
    found = discover(table, Schema(tuple(Column(name, "integer") for name in names)))
    late = [name for name, why in found.left_out.items() if why == "more columns than are looked at"]
    assert late == names[MOST_COLUMNS:]


def test_a_table_of_few_rows_is_not_searched() -> None:
    found = discover(pa.table({"a": [1, 2, 3]}), Schema((Column("a", "integer"),)))
    assert list(found) == []
    assert "fewer than 16 rows" in found.left_out["a"]


def test_a_number_that_begins_a_code_is_told_as_a_rule_that_can_be_bound() -> None:
    rng = np.random.default_rng(5)
    number, end = rng.integers(100, 999, 400), rng.integers(10, 99, 400)
    codes = [f"{a}-{b}" for a, b in zip(number, end, strict=True)]
    table, schema, found = look({"a": number, "code": codes, "w": rng.normal(size=400).round(2)})
    [rule] = [p.rule for p in found.proposals if "code" in p.rule]
    [clause] = rule_clauses(rule, Names(schema))
    assert clause.holds(table).all() and set(clause.columns) == {"a", "code"}


def test_a_candidate_that_cannot_be_bound_is_dropped() -> None:
    table = pa.table({"a": pa.array(range(40)), "b": pa.array(["x", "y"] * 20)})
    schema = Schema((Column("a", "integer"), Column("b", "category", levels=("x", "y"))))
    search = _Search(Sheet.of(table, schema), Names(schema))
    search.take("text", [RuleCandidate("text", "upper(b) = a", "", ("a",))], 1)
    assert search.found == [] and search.judged(RuleCandidate("order", "b < a"), 1) is None


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_numbers_too_large_or_small_to_calculate_with_take_no_part(tmp_path: Path) -> None:
    """Extreme numbers neither stop the search nor warn; a sum beside them is still found."""
    rng = np.random.default_rng(6)
    values = rng.choice([1e300, 1e308, -1e300, 5e-324, 0.0, 1.5], 400)
    tiny, wide = rng.uniform(0, 1, 400) * 1e-310, rng.uniform(-1, 1, 400) * 1.7e308
    part, other = rng.integers(0, 500, 400), rng.integers(0, 500, 400)
    columns = {"a": values, "b": values, "tiny": tiny, "small": 2 * tiny, "wide": wide}
    path = tmp_path / "t.csv"
    lines = zip(*(map(repr, c.tolist()) for c in (*columns.values(), part, other, part + other)), strict=True)
    path.write_text("\n".join([",".join([*columns, "m", "n", "s"]), *map(",".join, lines)]))
    raw = read(path)
    schema = detect(raw)
    rules = [p.rule for p in discover(canonical(raw, schema), schema)]
    assert "s = m + n" in rules
    assert not any(sign in rule for rule in rules for sign in ("tiny *", "a *", "wide *"))
