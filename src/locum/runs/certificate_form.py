"""What may stand in a certificate, field by field with its type: nothing else can be signed, or be in order.

The same forms are used when a certificate is written and when one is verified. They say what a field can be;
whether it is true is asked in `check_account`, `check_model` and `check_words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from locum.errors import FileFormatError
from locum.files.manifest import place_of
from locum.schema.lineage import lineage_from_json
from locum.schema.toml import StrictForm

#: The format of certificates that is written. One more when a field, or a sentence that `verify` asks for
#: word by word, changes.
FORMAT = 2
#: What a certificate can be about.
TABLE, TEXT = "private table", "private text"

Word = Annotated[str, Field(max_length=200)]
Name = Annotated[str, Field(max_length=1000)]
Sentence = Annotated[str, Field(max_length=20_000)]
#: What a controller says in his own words.
Stated = Annotated[str, Field(max_length=2000)]
Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Real = Annotated[float, Field(allow_inf_nan=False)]
Least0 = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Chance = Annotated[float, Field(gt=0, lt=1)]
Whole = Annotated[int, Field(ge=0, le=2**53)]
Origin = Literal["declared", "public", "bought", "made afresh", "nothing found"]


class UnitForm(StrictForm):
    """Whom the guarantee protects."""

    column: Name | None
    rows: Annotated[int, Field(ge=1, le=10**6)]
    adjacency: Literal["add-remove", "replace"]


class BudgetForm(StrictForm):
    """What could be spent."""

    kind: Literal["approx", "rho", "mu"]
    amount: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    delta: Chance


class EntryForm(StrictForm):
    """One touch of the data; see `locum.privacy.entry.Entry`."""

    mechanism: Word
    columns: Annotated[list[Annotated[list[Name], Field(max_length=10_000)]], Field(max_length=500_000)]
    sensitivity: Least0
    scale: Least0
    steps: Annotated[int, Field(ge=1, le=2**53)]
    delta: Least0
    slack: Least0
    purpose: Word
    run: Word
    rho: Least0


class TotalForm(StrictForm):
    """What the steps add up to."""

    rho: Least0
    mu: Least0 | None
    threshold_delta: Least0
    slack: Least0
    delta: Chance
    epsilon: Least0 | None
    curve: Annotated[list[Annotated[list[Least0], Field(min_length=2, max_length=2)]], Field(max_length=32)]


class LedgerForm(StrictForm):
    """Which ledger, and its last line: sealed by a hash that all lines before went into."""

    id: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")]
    head: Hex64
    lines: Annotated[int, Field(ge=1, le=2**53)]


class NoiseForm(StrictForm):
    """Where noise comes from."""

    source: Literal["operating system"]
    exactness: Sentence


class RowsForm(StrictForm):
    """The number of rows, bought."""

    noisy: Annotated[int, Field(ge=-(2**53), le=2**53)]
    sigma: Least0


class PublicSizeForm(StrictForm):
    """A number of texts that is public, and was not bought."""

    declared: Annotated[int, Field(ge=1, le=2**53)]


class GeneratorForm(StrictForm):
    """Which generator learned the counts."""

    name: Word
    why: Sentence
    stopped: Sentence


class DiscoveryForm(StrictForm):
    """Where what is known about each column comes from."""

    share_of_budget: Annotated[float, Field(ge=0, le=1)]
    columns: Annotated[dict[Name, Origin], Field(min_length=1, max_length=100_000)]


class PublicTableForm(StrictForm):
    """A public table by name and content."""

    name: Name
    n_bytes: Whole
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]


class FileForm(StrictForm):
    """A file of the bundle."""

    bytes: Whole
    sha256: Hex64


class AuditForm(StrictForm):
    """An attempt to refute the guarantee: how, how often, and the epsilon that it could show."""

    name: Word
    method: Word
    date: Day
    runs: Annotated[int, Field(ge=1, le=10**9)]
    claimed_epsilon: Least0
    delta: Annotated[float, Field(ge=0, lt=1)] = 0.0
    lower_bound: Least0
    confidence: Chance
    passed: bool


class BuildForm(StrictForm):
    """The code that made the release."""

    version: Word
    sha256: Hex64
    files: Whole


class StatedForm(StrictForm):
    """What the controller says about the release; nothing of it can be checked."""

    controller: Stated = ""
    contact: Stated = ""
    purpose: Stated = ""
    why_epsilon: Stated = ""
    why_unit: Stated = ""


class EarlierForm(StrictForm):
    """A bundle that was released before, by the SHA-256 of its certificate."""

    certificate: Hex64
    created: Moment
    statement: Sentence


class SignatureForm(StrictForm):
    """Who signed."""

    algorithm: Literal["Ed25519"]
    public_key: Hex64
    value: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class PrivacyForm(StrictForm):
    """What ``privacy.json`` says of tables and texts alike."""

    format: Literal[1]
    statement: Sentence
    private: Literal[True]
    unit: UnitForm
    budget: BudgetForm
    accounting: Literal["gdp", "zcdp"]
    run: Annotated[str, Field(min_length=1, max_length=200)]
    data: Name
    entries: Annotated[list[EntryForm], Field(max_length=200_000)]
    total: TotalForm
    mechanisms: dict[Word, Sentence]
    trust_model: Annotated[list[Sentence], Field(max_length=100)]
    assumptions: Annotated[list[Sentence], Field(max_length=1000)]
    versions: dict[Word, Word]
    ledger: LedgerForm
    theorem: Sentence


class TablePrivacyForm(PrivacyForm):
    """``privacy.json`` of a table."""

    what: Literal["private table"]
    unit_said: Sentence
    cut_units: RowsForm | None
    noise: NoiseForm
    rows: RowsForm
    holdout_share: Annotated[float, Field(ge=0, lt=1)]
    synthesizer: GeneratorForm
    discovery: DiscoveryForm
    public_table: PublicTableForm | None


class FactsForm(StrictForm):
    """What the routes of private texts tell about themselves; see `locum.text.private.commands`."""

    rounds: Whole | None = None
    sigma: Least0 | None = None
    clusters: Whole | None = None
    unmet: Whole | None = None
    experimental: bool | None = None
    clip: Least0 | None = None
    epsilon_token: Least0 | None = None
    attributes: Annotated[list[Name], Field(max_length=1000)] | None = None
    generator: Word | None = None
    agree: dict[Name, Real] | None = None


class TextPrivacyForm(PrivacyForm):
    """``privacy.json`` of texts."""

    what: Literal["private text"]
    route: Literal["evolve", "resample", "attributes", "predict"]
    account: Sentence
    facts: FactsForm
    lineage: dict[Word, Any]
    noise: NoiseForm
    rows: RowsForm | PublicSizeForm
    public_texts: Annotated[list[PublicTableForm], Field(max_length=1000)]


class _ReleaseForm(StrictForm):
    """What a certificate has besides the content of ``privacy.json``."""

    certificate: Literal[2]
    created: Moment
    files: Annotated[dict[Name, FileForm], Field(max_length=64)]
    audits: Annotated[list[AuditForm], Field(max_length=1000)]
    build: BuildForm
    stated: StatedForm
    before: Annotated[list[EarlierForm], Field(max_length=1000)]
    signature: SignatureForm


class TableCertificateForm(TablePrivacyForm, _ReleaseForm):
    """A certificate of a table."""


class TextCertificateForm(TextPrivacyForm, _ReleaseForm):
    """A certificate of texts."""


def check_form(certificate: Mapping[str, Any], where: str) -> None:
    """Refuse a certificate with a part that is not on the list, missing, or of another type.

    Raises
    ------
    FileFormatError
        Naming the first such part.
    """
    forms: Mapping[str, type[StrictForm]] = {TABLE: TableCertificateForm, TEXT: TextCertificateForm}
    what = certificate.get("what")
    form = forms.get(what) if isinstance(what, str) else None
    if form is None:
        raise FileFormatError("it does not say whether it is about a table or about texts", where=where)
    _validate(form, certificate, where)
    if what == TEXT:
        lineage_from_json(certificate["lineage"], where)


def check_privacy(document: Mapping[str, Any], where: str) -> None:
    """Refuse a ``privacy.json`` of which a part is not on the list, missing, or of another type.

    Raises
    ------
    FileFormatError
        Naming the first such part.
    """
    forms: Mapping[str, type[StrictForm]] = {TABLE: TablePrivacyForm, TEXT: TextPrivacyForm}
    _validate(forms.get(str(document.get("what")), TablePrivacyForm), document, where)


def check_audits(found: object, where: str) -> list[dict[str, Any]]:
    """Records of audits, which may be published; nothing else is let through.

    Raises
    ------
    FileFormatError
        Naming what is no part of such a record.
    """
    if not isinstance(found, list):
        raise FileFormatError("this is no list of audit records", where=where, do=_REMOVE)
    for i, record in enumerate(found):
        if not isinstance(record, dict):
            raise FileFormatError("this is no audit record", where=f"{where}: {i}", do=_REMOVE)
        _validate(AuditForm, record, f"{where}: {i}", _REMOVE)
    return found


_REMOVE = (
    "remove it: a record has name, method, date, runs, claimed_epsilon, delta, lower_bound, confidence "
    "and passed"
)


def _validate(form: type[StrictForm], found: Mapping[str, Any], where: str, do: str = "") -> None:
    try:
        form.model_validate(found)
    except ValidationError as error:
        place, kind = place_of(error), error.errors()[0]["type"]
        if kind == "extra_forbidden":
            what = f"{place} is not on the list of what may be published"
        elif kind == "missing":
            what = f"{place} is missing"
        else:
            what = f"{place} is not what it must be ({error.errors()[0]['msg'][:120]})"
        raise FileFormatError(what, where=where, do=do) from None
