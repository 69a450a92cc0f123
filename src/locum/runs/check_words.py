"""Whether what a bundle says in words is what its certificate says, and no more."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from locum.data.lineage_stamp import stamp_of
from locum.errors import FileFormatError
from locum.files.json import load
from locum.privacy.accountant import THEOREMS
from locum.privacy.unit import Unit
from locum.report.words import harmless
from locum.runs.certificate import NAME, is_old
from locum.runs.certificate_form import TABLE, TEXT
from locum.runs.check_files import SYNTHETIC
from locum.runs.deployment import deployment_text
from locum.runs.files import CARD, CROISSANT, DEPLOYMENT, QUALITY, QUALITY_JSON, SP800_226, TEXTS
from locum.runs.guarantee import EXACTNESS, TRUST_MODEL, assumed, entries_of, guarantee_of, mechanisms
from locum.runs.sp800_226 import sp800_226_text
from locum.schema.lineage import lineage_from_json
from locum.sources.domain import assumptions_of

#: No bundle is older, and clocks differ by no more.
FIRST_RELEASE, CLOCKS = "2026-11-22T00:00:00Z", timedelta(hours=1)
_CLAIM = re.compile(r"\([^()]{1,60}\)-differential\s+privacy")
#: A page must do nothing and fetch nothing when it is opened: what ours are made of, and no more.
_TAGS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "p",
        "strong",
        "b",
        "header",
        "h1",
        "h2",
        "bdi",
        "main",
        "section",
        "ul",
        "li",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
    ]
)
_ATTRIBUTES = frozenset(
    ["lang", "charset", "name", "content", "http-equiv", "class", "role", "scope", "data-label"]
)
_META = frozenset({"viewport", "color-scheme", "referrer"})
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_FETCHING = re.compile(r"url\s*\(|@import|image-set|src\s*\(|\\|://", re.I)
#: Most bytes of a page that is read.
_MOST = 64 * 2**20


def check_words(certificate: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    """What is wrong with assumptions, trust model and mechanisms; `columns` in the order of the table."""
    found = []
    held = set(certificate["assumptions"])
    wanted = list(assumed(Unit.from_json(certificate["unit"])))
    wanted += [certificate["unit_said"]] if certificate.get("unit_said") else []
    if certificate.get("what", TABLE) == TABLE:
        origins = certificate["discovery"]["columns"]
        if not is_old(certificate):
            wanted += assumptions_of({name: origins[name] for name in columns if name in origins})
        if certificate["noise"]["exactness"] != EXACTNESS:
            found.append(f"{NAME}: what is said about the noise is not what locum says.")
    for sentence in wanted:
        if sentence not in held:
            found.append(f"{NAME}: an assumption is missing: {sentence}")
    if certificate.get("what") == TEXT:
        carried = lineage_from_json(certificate["lineage"], NAME).guarantee
        if carried != guarantee_of(certificate):
            found.append(f"{NAME}: the guarantee in the lineage is not the one of the certificate.")
    if list(certificate["trust_model"]) != list(TRUST_MODEL):
        found.append(f"{NAME}: the trust model is not the one that locum states.")
    if not is_old(certificate) and certificate["theorem"] != THEOREMS[certificate["accounting"]]:
        found.append(f"{NAME}: the theorem is not the one that the steps are added up by.")
    if certificate["mechanisms"] != mechanisms(entries_of(certificate)):
        found.append(f"{NAME}: what is said about the mechanisms is not what locum says of those used.")
    return found


def check_times(certificate: Mapping[str, Any]) -> list[str]:
    """A release was made after locum, and before now; an audit, and earlier bundles, before it."""
    made, first = moment(certificate["created"]), moment(FIRST_RELEASE)
    found = []
    if made > datetime.now(UTC) + CLOCKS:
        found.append(f"{NAME}: it was made in the future ({certificate['created']}).")
    if made < first:
        found.append(f"{NAME}: it says that it was made before there was locum ({certificate['created']}).")
    for earlier in certificate.get("before", ()):
        if moment(earlier["created"]) > made:
            found.append(f"{NAME}: a bundle that was released before is younger ({earlier['created']}).")
    if any(moment(f"{a['date']}T00:00:00Z") > made for a in certificate["audits"]):
        found.append(f"{NAME}: an audit is younger than the release.")
    return found


def check_audit_records(certificate: Mapping[str, Any]) -> list[str]:
    """An audit passes when it could not show more than was claimed."""
    found = []
    for audit in certificate["audits"]:
        if audit["passed"] != (audit["lower_bound"] <= audit["claimed_epsilon"]):
            found.append(f"{NAME}: the audit {audit['name']!a} does not say what its numbers say.")
    return found


def check_pages(bundle: Path, certificate: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    """What is wrong with the card and the descriptions beside it."""
    found = []
    said, files = str(certificate["statement"]), certificate["files"]
    for name in (CARD, QUALITY, CROISSANT, SP800_226):
        if name in files:
            found += _check_statement(name, _text(bundle / name), said)
    for name, make in ((DEPLOYMENT, deployment_text), (SP800_226, sp800_226_text)):
        if name in files and _text(bundle / name) != make(certificate):
            found.append(f"{name}: it does not say what the certificate says.")
    if not is_old(certificate):
        found += _check_stamp(bundle, certificate)
    if QUALITY in files and not _is_inert(_text(bundle / QUALITY)):
        found.append(f"{QUALITY}: the page would do or fetch something when it is opened.")
    if CROISSANT in files:
        found += _check_croissant(_json(bundle / CROISSANT), certificate, columns)
    if QUALITY_JSON in files:
        found += _check_quality(_json(bundle / QUALITY_JSON), certificate)
    return found


def _is_inert(page: str) -> bool:
    """Whether a page does nothing and fetches nothing when it is opened, in any browser."""
    seen = _Page()
    seen.feed(page)
    seen.close()
    # what browsers and this parser may take for different things is not in ours: comments, other declarations
    plain = page.count("<!") == 1 and page.startswith("<!DOCTYPE html>") and "<?" not in page
    return plain and seen.policy and not seen.strange


class _Page(HTMLParser):
    """Notes what does not belong on a page of ours."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.strange, self.policy, self._style = False, False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        held = {name: value or "" for name, value in attrs}
        fits = tag in _TAGS and set(names) <= _ATTRIBUTES and len(held) == len(names)
        if tag == "meta":
            told = held.get("http-equiv")
            self.policy |= told == "Content-Security-Policy" and held.get("content") == _POLICY
            fits &= told in (None, "Content-Security-Policy") and held.get("name", "viewport") in _META
        self.strange |= not fits or "://" in "".join(held.values())
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        self.strange |= _FETCHING.search(data) is not None if self._style else False


def moment(text: str) -> datetime:
    """A time as locum writes it; raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _check_statement(name: str, text: str, said: str) -> list[str]:
    """Whether a page has the statement, and no other."""
    if name == CROISSANT:
        text = "\n".join(_texts(json.loads(text)))
    plain = html.unescape(text.replace("\\", ""))
    wanted = harmless(said).replace("\\", "")
    if wanted[:900] not in plain:
        return [f"{name}: it does not have the statement of the certificate."]
    if any(claim not in said for claim in _CLAIM.findall(plain)):
        return [f"{name}: it claims another guarantee than the certificate."]
    return []


def _check_stamp(bundle: Path, certificate: Mapping[str, Any]) -> list[str]:
    """The rows carry the guarantee of the certificate: in themselves, or in the head of the card."""
    rows = next((name for name in (*SYNTHETIC, TEXTS) if name in certificate["files"]), None)
    stamp = None if rows is None else stamp_of(bundle / rows)
    if rows is not None and (stamp is None or stamp.guarantee != guarantee_of(certificate)):
        return [f"{rows}: its stamp does not carry the guarantee of the certificate."]
    return []


def _check_croissant(found: Any, certificate: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    listed = {f["name"]: f["sha256"] for f in found["distribution"]}
    files = {n: f["sha256"] for n, f in certificate["files"].items()}
    fields = [f["name"] for f in found["recordSet"][0]["field"]]
    wrong = []
    if any(files.get(name) != digest for name, digest in listed.items()):
        wrong.append(f"{CROISSANT}: it describes other files than those of the certificate.")
    if fields != list(columns):
        wrong.append(f"{CROISSANT}: it describes other columns than those of the model.")
    return wrong


def _check_quality(found: Any, certificate: Mapping[str, Any]) -> list[str]:
    """The quality rests on tables that were paid for, with their noise, and on the noisy number of rows."""
    paid = {
        (frozenset(clique), e.scale)
        for e in entries_of(certificate)
        if e.run == certificate["run"]
        for clique in e.columns
    }
    wrong = []
    if float(found["rows"]["noisy"]) != max(1.0, float(certificate["rows"]["noisy"])):
        wrong.append(f"{QUALITY_JSON}: its number of rows is not the one that was bought.")
    for table in found["tables"]:
        if (frozenset(table["names"]), float(table["sigma"])) not in paid:
            wrong.append(f"{QUALITY_JSON}: nobody paid for counts of {', '.join(table['names'][:4])}.")
            break
    return wrong


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _text(path: Path) -> str:
    if path.stat().st_size > _MOST:
        raise FileFormatError("the file is absurdly large", where=path.name)
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise FileFormatError("the file is no text", where=path.name) from None


def _json(path: Path) -> Any:
    if path.stat().st_size > _MOST:
        raise FileFormatError("the file is absurdly large", where=path.name)
    return load(path.read_bytes(), path.name)
