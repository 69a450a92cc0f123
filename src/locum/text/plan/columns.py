"""The kinds of columns a text plan may have. Values only: how each is made stands in `text/runs/`.

A column may use another one in any text marked *template*; the order of making follows from that alone.
Every class reads the same from TOML (``kind = "category"`` and its fields) and from Python
(``Category(...)``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from locum.text.plan.fields import Closed, by_kind


@dataclass(frozen=True, slots=True)
class When(Closed):
    """Other parameters of a sampler for rows that meet a condition; the first that holds is taken.

    Attributes
    ----------
    condition
        Jinja expression over other columns, e.g. ``stars <= 2``.
    params
        Fields of the sampler that are replaced.
    """

    condition: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Category(Closed):
    """One of several values, with equal or given weights."""

    name: str
    values: tuple[str | int | float | bool, ...]
    weights: tuple[float, ...] = ()
    when: tuple[When, ...] = ()
    keep: bool = True
    kind: Literal["category"] = "category"


@dataclass(frozen=True, slots=True)
class Subcategory(Closed):
    """One of the values that belong to the value of another column."""

    name: str
    parent: str
    values: dict[str, tuple[str | int | float | bool, ...]]
    keep: bool = True
    kind: Literal["subcategory"] = "subcategory"


@dataclass(frozen=True, slots=True)
class Number(Closed):
    """A number from a distribution.

    Attributes
    ----------
    distribution
        ``uniform`` (low, high), ``normal`` (mean, sd), ``lognormal`` (mean and sd of the logarithm),
        ``poisson`` (mean), ``exponential`` (mean), ``binomial`` (n, p), ``bernoulli`` (p).
    low, high
        Bounds: of a uniform, both in it; any other distribution is drawn anew until it falls between them.
    decimals
        Digits behind the point; 0 makes whole numbers, None leaves them.
    """

    name: str
    distribution: Literal[
        "uniform", "normal", "lognormal", "poisson", "exponential", "binomial", "bernoulli"
    ] = "uniform"
    low: float | None = None
    high: float | None = None
    mean: float = 0.0
    sd: float = 1.0
    n: int = 1
    p: float = 0.5
    decimals: int | None = None
    when: tuple[When, ...] = ()
    keep: bool = True
    kind: Literal["number"] = "number"


@dataclass(frozen=True, slots=True)
class Date(Closed):
    """A date, evenly between two, or so many days after another date column.

    Attributes
    ----------
    start, end
        Both in it, as ``2024-01-31``; for `after` not needed.
    after
        Name of another date column.
    days
        Least and most days after it.
    """

    name: str
    start: str = ""
    end: str = ""
    after: str = ""
    days: tuple[int, int] = (0, 30)
    when: tuple[When, ...] = ()
    keep: bool = True
    kind: Literal["date"] = "date"


@dataclass(frozen=True, slots=True)
class Person(Closed):
    """A made-up person; use as ``{{ who.city }}``.

    Has ``first_name``, ``last_name``, ``name``, ``sex``, ``age``, ``birth_date`` (seen from the start of
    2026), ``email``, ``phone``, ``street``, ``city``, ``postcode`` and ``job``.

    Attributes
    ----------
    locale
        As Faker names it, e.g. ``en_US``, ``de_DE``.
    age
        Youngest and oldest in years, both in it.
    sex
        Empty for either.
    """

    name: str
    locale: str = "en_US"
    age: tuple[int, int] = (18, 90)
    sex: Literal["", "female", "male"] = ""
    when: tuple[When, ...] = ()
    keep: bool = True
    kind: Literal["person"] = "person"


@dataclass(frozen=True, slots=True)
class Expression(Closed):
    """A value computed from others.

    Attributes
    ----------
    expression
        A Jinja expression (``stars * 2``, ``who.city``); keeps its type. Or a template when it holds ``{{``.
    type
        What it is turned into; ``any`` leaves it.
    """

    name: str
    expression: str
    type: Literal["any", "text", "integer", "number", "boolean"] = "any"
    keep: bool = True
    kind: Literal["expression"] = "expression"


@dataclass(frozen=True, slots=True)
class Seed(Closed):
    """A record of a file for each row: ``{{ doc.text }}``. Kept as data, never read as a template.

    Attributes
    ----------
    path
        JSON Lines, CSV, TSV or Parquet file, relative to the plan's own folder; or a text file, one record
        a line.
    field
        Only this field of the record; empty for all of them.
    order
        ``in_order`` takes record after record and begins again; ``shuffled`` in an order by the seed;
        ``drawn`` each at random.
    private
        Whether the file holds what must not leave this machine. True unless you say otherwise.
    """

    name: str
    path: str
    field: str = ""
    order: Literal["in_order", "shuffled", "drawn"] = "in_order"
    private: bool = True
    keep: bool = True
    kind: Literal["seed"] = "seed"


@dataclass(frozen=True, slots=True)
class Table(Closed):
    """A row drawn from a locum model file for each row: ``{{ patient.age }}``.

    Attributes
    ----------
    model
        File written by ``locum fit``, relative to the plan's own folder.
    field
        Only this column; empty for all of them.
    private
        Whether what the model learned from must not leave this machine. True unless you say otherwise (it was
        fitted with differential privacy, or on public data).
    fixed
        Whether a row that is made again keeps the row of the table. What is refused then does not bend the
        shares of the table; a quota over such columns would never be met.
    """

    name: str
    model: str
    field: str = ""
    private: bool = True
    fixed: bool = False
    keep: bool = True
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class Check(Closed):
    """A verifier by its registered name, see `locum.text.verify.registry`.

    Attributes
    ----------
    verifier
        One of `locum.text.verify.registry.names`, e.g. ``regex``, ``length``, ``equations``, ``tests``.
    params
        Its parameters; texts in them are templates.
    """

    verifier: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Text(Closed):
    """Text written by a model.

    Attributes
    ----------
    prompt
        Template.
    system
        Template of the system message; empty for none.
    model
        Short name of a model of the plan; may be left out when there is one.
    mode
        ``chat``, or ``completion`` for base models and few-shot prompts without a chat template.
    max_tokens, temperature, top_p, stop
        Sampling; None takes the model's own.
    params
        Further parameters of the protocol, e.g. ``repeat_penalty``.
    strip
        Take white space and one pair of quotation marks around it away.
    whole
        Refuse a text that was cut off at `max_tokens`.
    checks
        Verifiers it must pass.
    tries
        Candidates, each with a seed of its own; the first to pass the checks is kept.
    """

    name: str
    prompt: str
    system: str = ""
    model: str = ""
    mode: Literal["chat", "completion"] = "chat"
    max_tokens: int = 512
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    strip: bool = True
    whole: bool = False
    checks: tuple[Check, ...] = ()
    tries: int = 1
    keep: bool = True
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Structured(Closed):
    """JSON of a given schema, written by a model.

    The endpoint enforces the schema where it can; the answer is checked in any case and a broken one is
    asked for again with the fault named, `repairs` times.

    Attributes
    ----------
    schema
        JSON Schema (2020-12).
    repairs
        Further requests for a broken answer; mere slips (a missing bracket) are mended without one.
    """

    name: str
    prompt: str
    schema: dict[str, Any]
    system: str = ""
    model: str = ""
    max_tokens: int = 512
    temperature: float | None = None
    top_p: float | None = None
    params: dict[str, Any] = field(default_factory=dict)
    repairs: int = 2
    checks: tuple[Check, ...] = ()
    tries: int = 1
    keep: bool = True
    kind: Literal["structured"] = "structured"


@dataclass(frozen=True, slots=True)
class Code(Closed):
    """Code written by a model, taken out of its fence; it must parse. It is not run.

    Attributes
    ----------
    language
        ``python`` and ``json`` are parsed; any other name is only taken out of the fence.
    """

    name: str
    prompt: str
    language: str = "python"
    system: str = ""
    model: str = ""
    mode: Literal["chat", "completion"] = "chat"
    max_tokens: int = 1024
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    tries: int = 1
    keep: bool = True
    kind: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class Rubric(Closed):
    """One question for a judge: what is scored, and what each score means."""

    name: str
    description: str
    scores: dict[str, str]


@dataclass(frozen=True, slots=True)
class Judge(Closed):
    """Scores by a model, each with a reason: ``{"tone": {"score": 4, "reason": "..."}, ...}``.

    Attributes
    ----------
    prompt
        Template of what is judged.
    rubrics
        The questions; scores that are whole numbers come back as numbers.
    keep_if
        Jinja expression over the scores (``tone >= 3``) and other columns; rows that fail it are rejected.
    """

    name: str
    prompt: str
    rubrics: tuple[Rubric, ...]
    keep_if: str = ""
    model: str = ""
    max_tokens: int = 512
    temperature: float | None = 0.0
    params: dict[str, Any] = field(default_factory=dict)
    repairs: int = 1
    keep: bool = True
    kind: Literal["judge"] = "judge"


@dataclass(frozen=True, slots=True)
class Embedding(Closed):
    """Vector of a text column: by an endpoint, or by the static encoder here when no model is named."""

    name: str
    of: str
    model: str = ""
    keep: bool = True
    kind: Literal["embedding"] = "embedding"


@dataclass(frozen=True, slots=True)
class Validator(Closed):
    """A verdict on another column.

    Attributes
    ----------
    of
        Column looked at.
    check
        The verifier.
    on_failure
        ``reject`` drops the row; ``mark`` keeps it with False in this column.
    """

    name: str
    of: str
    check: Check
    on_failure: Literal["reject", "mark"] = "reject"
    keep: bool = False
    kind: Literal["validator"] = "validator"


Column = (
    Category
    | Subcategory
    | Number
    | Date
    | Person
    | Expression
    | Seed
    | Table
    | Text
    | Structured
    | Code
    | Judge
    | Embedding
    | Validator
)
#: Columns whose value a model writes.
Written = Text | Structured | Code | Judge
CLASSES = by_kind(Column)
