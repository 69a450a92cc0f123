"""Values that no model writes: drawn from named streams of the plan's seed, the same each time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from locum.randomness import stream
from locum.text.failures import Lost, PlanError, Reason
from locum.text.plan.columns import Category, Date, Number, Person, Subcategory
from locum.text.plan.fields import plain
from locum.text.plan.template import Template
from locum.text.plan.toml import column_of

Sampled = Category | Subcategory | Number | Date | Person
#: Ages are seen from this day, so that a run tomorrow gives the same birth dates.
TODAY = dt.date(2026, 1, 1)
_MAX_REDRAWS = 1000


class Sampler:
    """One sampled column, its conditions compiled.

    Parameters
    ----------
    column
        The column.
    seed
        Seed of the plan.

    Raises
    ------
    PlanError
        When the parameters of a condition do not make a column.
    """

    def __init__(self, column: Sampled, seed: int) -> None:
        self._column, self._seed = column, seed
        self._cases: list[tuple[Template, Sampled]] = []
        for case in getattr(column, "when", ()):
            where = f"columns.{column.name}.when"
            told = {"kind": column.kind, **plain(column), **case.params, "when": []}
            changed = column_of(str(told.get("name", "")), told, where)
            self._cases.append((Template(case.condition, where, expression=True), changed))

    def draw(self, values: Mapping[str, Any], attempt: int) -> Any:
        """The value of one attempt; `values` are the columns made before. Raises Lost when there is none."""
        column = next((case for holds, case in self._cases if holds(values)), self._column)
        rng = stream(self._seed, "text", "sample", column.name, attempt)
        match column:
            case Category():
                return _choose(column.values, column.weights, rng)
            case Subcategory():
                below = column.values.get(str(values[column.parent]), ())
                if not below:
                    what = f"no values below this value of {column.parent}"
                    raise Lost(Reason.SAMPLER, what, stage="sample")
                return _choose(below, (), rng)
            case Number():
                return _number(column, rng)
            case Date():
                return _date(column, values, rng)
            case Person():
                return _person(column, rng)


def _choose(values: tuple[Any, ...], weights: tuple[float, ...], rng: np.random.Generator) -> Any:
    if not weights:
        return values[int(rng.integers(len(values)))]
    edges = np.cumsum(weights)
    place = int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
    return values[min(place, len(values) - 1)]


def _number(column: Number, rng: np.random.Generator) -> float | int | bool:
    for _ in range(_MAX_REDRAWS):
        value = _once(column, rng)
        low = -np.inf if column.low is None else column.low
        high = np.inf if column.high is None else column.high
        if column.distribution == "bernoulli":
            return bool(value)
        if column.decimals is not None:
            value = round(value, column.decimals)
        if low <= value <= high:
            whole = column.decimals == 0 or column.distribution in ("poisson", "binomial")
            return int(value) if whole else float(value)
    raise Lost(Reason.SAMPLER, f"nothing between low and high in {_MAX_REDRAWS} draws", stage="sample")


def _once(column: Number, rng: np.random.Generator) -> float:
    match column.distribution:
        case "uniform" if column.decimals == 0:
            return int(rng.integers(int(np.ceil(column.low or 0)), int(column.high or 0) + 1))
        case "uniform":
            return float(rng.uniform(column.low or 0.0, column.high or 0.0))
        case "normal" | "lognormal":
            return float(getattr(rng, column.distribution)(column.mean, column.sd))
        case "poisson" | "exponential":
            return float(getattr(rng, column.distribution)(column.mean))
        case "binomial":
            return int(rng.binomial(column.n, column.p))
        case "bernoulli":
            return int(rng.random() < column.p)


def _date(column: Date, values: Mapping[str, Any], rng: np.random.Generator) -> str:
    try:
        if column.after:
            start, (least, most) = dt.date.fromisoformat(str(values[column.after])), column.days
        else:
            start, least = dt.date.fromisoformat(column.start), 0
            most = (dt.date.fromisoformat(column.end) - start).days
        return (start + dt.timedelta(days=int(rng.integers(least, most + 1)))).isoformat()
    except (ValueError, OverflowError) as error:
        raise Lost(Reason.SAMPLER, f"no such date ({type(error).__name__})", stage="sample") from error


def _person(column: Person, rng: np.random.Generator) -> dict[str, Any]:
    fake = _faker(column.locale)
    fake.seed_instance(int(rng.integers(2**31)))
    sex = column.sex or ("female" if rng.random() < 0.5 else "male")
    first = fake.first_name_female() if sex == "female" else fake.first_name_male()
    last = fake.last_name()
    age = int(rng.integers(column.age[0], column.age[1] + 1))
    born = TODAY.replace(year=TODAY.year - age) - dt.timedelta(days=int(rng.integers(0, 365)))
    street = fake.street_address()
    return {
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}",
        "sex": sex,
        "age": age,
        "birth_date": born.isoformat(),
        "email": fake.safe_email(),
        "phone": fake.phone_number(),
        "street": street.replace("\n", ", "),
        "city": fake.city(),
        "postcode": fake.postcode(),
        "job": fake.job(),
    }


@lru_cache(maxsize=16)
def _faker(locale: str) -> Any:
    from faker import Faker

    try:
        return Faker(locale)
    except (AttributeError, ValueError) as error:
        raise PlanError(f"there is no locale {locale!r}", where="person", expected="e.g. en_US") from error
