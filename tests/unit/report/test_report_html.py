"""The page: well formed, closed to the network, escaped, complete, small, and in the agreed order."""

# ruff: noqa: E501 (tables of cases)

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from html.parser import HTMLParser

import pytest

from locum.codes.codebook import Treatment
from locum.evaluation.evidence import Alert, Answer, Evidence, RunContext
from locum.report.html import render
from locum.report.words import lead
from locum.wording import NARROW, number, share

VOID = {"meta", "link", "br", "hr", "img", "input"}
ALLOWED_TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "p", "strong", "b", "span", "header", "main", "footer",
    "section", "article", "nav", "h1", "h2", "h3", "dl", "dt", "dd", "div", "ol", "ul", "li", "table", "caption",
    "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption", "pre", "code", "bdi", "svg",
    "defs", "symbol", "use", "path", "circle", "rect", "line", "text",
}  # fmt: skip
HEADINGS = [
    "Five questions", "Look at this first", "Results in brief", "Columns, worst first",
    "Pairs of columns, worst first", "Usefulness", "Copying smoke tests", "Negative controls",
    "What was done to each column", "Settings and versions", "How to read this page",
]  # fmt: skip
QUESTIONS = [
    "Is it faithful?", "Is it useful?", "Is it private?", "Is it fair?", "What will go wrong if I train on it?",
]  # fmt: skip


class Reader(HTMLParser):
    """Checks balance while reading; collects tags, attributes, text and headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.headings: list[tuple[str, str]] = []
        self.sections: dict[str, list[str]] = {}
        self._section: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "section":
            self._section.append(dict(attrs)["id"])
        if tag in ("h1", "h2", "h3"):
            self.headings.append((tag, ""))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing at {self.getpos()}"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}> at {self.getpos()}"
        self.open.pop()
        if tag == "section":
            self._section.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            return
        self.text.append(data)
        for name in self._section:
            self.sections.setdefault(name, []).append(data)
        if self.open and any(t in ("h1", "h2", "h3") for t in self.open):
            tag, words = self.headings[-1]
            self.headings[-1] = (tag, words + data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page(evidence: Evidence, context: RunContext) -> str:
    return render(evidence, context)


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return read(page)


def words(reader: Reader) -> str:
    return " ".join(" ".join(reader.text).split())


def test_is_balanced_and_uses_known_elements_only(reader):
    assert {tag for tag, _ in reader.tags} <= ALLOWED_TAGS | {"symbol"}


def test_first_thing_read_is_the_banner_then_the_title(reader):
    text = words(reader)
    assert text.index("Do not share it") < text.index("evidence report") < text.index("Five questions")


def test_nothing_is_loaded_and_nothing_runs(page, reader):
    assert "<script" not in page.lower()
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", page, re.I)
    for tag, attributes in reader.tags:
        assert "src" not in attributes and "srcset" not in attributes and "action" not in attributes, tag
        assert not any(name.startswith("on") for name in attributes), attributes
        for name in ("href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#")
    policy = [a["content"] for t, a in reader.tags if t == "meta" and a.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_policy_stands_before_the_style_sheet(page):
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_links_and_names_inside_the_page_meet(reader):
    ids = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a in reader.tags if a.get("href")}
    wanted |= {a["aria-labelledby"] for _, a in reader.tags if a.get("aria-labelledby")}
    assert wanted <= set(ids)


def test_one_h1_and_no_level_skipped(reader):
    levels = [int(tag[1]) for tag, _ in reader.headings]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_sections_in_the_agreed_order(reader):
    assert [text for tag, text in reader.headings if tag == "h2"] == HEADINGS


def test_five_questions_in_order_with_verdict_in_words(reader, evidence):
    asked = [text for tag, text in reader.headings if tag == "h3"][:5]
    assert asked == QUESTIONS
    text = " ".join(" ".join(reader.sections["answers"]).split())
    for answer in evidence.answers:
        assert all(part in text for part in lead(answer.sentence))
    verdicts = re.findall(r"\? (Good|No copying found|Not measured)", text)
    assert verdicts == ["Good", "Good", "No copying found", "Not measured", "Not measured"]


def test_answers_keep_their_order_whatever_order_they_come_in(evidence, context):
    shuffled = dataclasses.replace(evidence, answers=tuple(reversed(evidence.answers)))
    assert [t for tag, t in read(render(shuffled, context)).headings if tag == "h3"][:5] == QUESTIONS


def test_empty_evidence_says_not_measured_everywhere(bare):
    reader = read(render(bare, RunContext("nothing", "")))
    text = words(reader)
    assert [t for tag, t in reader.headings if tag == "h2"] == HEADINGS
    assert [t for tag, t in reader.headings if tag == "h3"][:5] == QUESTIONS
    assert text.count("Not measured in this run.") == 8  # five answers, results, usefulness, copying
    assert "No negative controls were run" in text and "Nothing stands out." in text
    assert "made elsewhere" in text


def test_every_result_stands_beside_its_reference_and_bad_end(reader, evidence):
    text = words(reader)
    copied = next(c for c in evidence.controls if c.name == "copy").values
    for r in evidence.results:
        bad = copied.get(r.name) if r.question == "private" else r.floor
        row = f"{number(r.value)}"
        row += f" {number(r.low)} to {number(r.high)}" if r.low is not None else ""
        row += f" {number(r.reference)}"
        row += f" best {number(r.target)}" if r.direction == "target" else ""
        row += f" {number(bad)}"
        assert row in text, (r.name, row)
        assert r.sentence in text


def test_columns_come_worst_first_with_real_reference(reader, evidence):
    names = [v.name for v in sorted(evidence.columns, key=lambda v: v.tv_reference - v.tv)]
    cards = [t for tag, t in reader.headings if tag == "h3"]
    shown = [t.rsplit(" ", 2)[0] if "whole number" in t else t.rsplit(" ", 1)[0] for t in cards]
    assert [n for n in shown if n in set(names)][: len(names)] == names
    text = " ".join(" ".join(reader.sections["columns"]).split())
    for view in evidence.columns:
        assert f"{share(view.tv)} of rows differ".replace(NARROW, " ") in text.replace(NARROW, " ")


def test_shares_of_the_largest_levels_are_readable_without_pictures(reader, evidence):
    text = " ".join(" ".join(reader.sections["columns"]).split())
    for view in evidence.columns:
        top = max(range(len(view.real)), key=lambda i: view.real[i])
        assert share(view.real[top]).replace(NARROW, " ") in text.replace(NARROW, " ")
        assert share(view.synthetic[top]).replace(NARROW, " ") in text.replace(NARROW, " ")


def test_copying_section_promises_nothing(evidence, context):
    reader = read(render(evidence, context))
    text = " ".join(reader.sections["copying"])
    assert "cannot rule one out" in text
    assert not re.search(r"\b(private|privacy|anonym\w*|safe\w*|secure\w*)\b", text, re.I)
    labels = [a["aria-label"] for _, a in reader.tags if a.get("aria-label", "").startswith("Exact matches")]
    assert labels == [
        "Exact matches: 0.0009, interval 0.0006 to 0.0013, real hold-out rows 0.0016, a copy 1.000"
    ]


@pytest.mark.parametrize("verdict", ["good", "middling", "poor", "unclear"])
def test_copying_is_never_marked_good(evidence, context, verdict):
    results = tuple(
        dataclasses.replace(r, verdict=verdict) for r in evidence.results if r.question == "private"
    )
    answer = Answer("private", verdict, "x")
    page = render(dataclasses.replace(evidence, results=results, answers=(answer,), controls=()), context)
    badges = re.findall(r'<span class="badge v-([a-z-]+)">', page.split('id="settings"')[0])
    assert "good" not in badges
    assert {"good": "none-seen"}.get(verdict, verdict) in badges


def test_controls_that_pass_for_something_else_are_said_first(powerless, context):
    reader = read(render(powerless, context))
    assert "were not told for what they are" in " ".join(reader.sections["answers"])
    assert "half-leaked" in " ".join(reader.sections["answers"])
    assert "Faithful: good" in " ".join(reader.sections["controls"])


def test_warnings_come_before_notes(evidence, context):
    alerts = (Alert("note", "a", "first note"), Alert("warning", "b", "a warning"))
    text = words(read(render(dataclasses.replace(evidence, alerts=alerts), context)))
    assert text.index("a warning") < text.index("first note")


def test_charts_have_names_for_screen_readers(reader):
    charts = [
        a for t, a in reader.tags if t == "svg" and (a.get("class") or "").split(" ")[0] in ("chart", "bar")
    ]
    assert len(charts) > 60
    assert all(a["role"] == "img" and a["aria-label"] for a in charts)


def test_sixty_columns_stay_small(wide_evidence, context):
    page = render(wide_evidence, context)
    assert len(page.encode()) < 500_000
    assert "54 more columns" in page
    read(page)


def test_same_input_same_bytes(evidence, context, page):
    assert render(evidence, context) == page


HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>1</script>", "'; x: url(//e.org)",
    "{{ 7*7 }}{% raw %}", "\u202egnirts\u202c", "\u05e9\u05dc\u05d5\u05dd", "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "a\x00b\x1b[31m", "\ud800", "", "   ", "x" * 5000, "]]>&amp;&lt;", "line\nbreak\u2028two",
]  # fmt: skip


@pytest.fixture(scope="module")
def hostile(evidence: Evidence, context: RunContext) -> str:
    columns = tuple(
        dataclasses.replace(
            v, name=bad, kind=bad, note=bad, labels=tuple(f"{bad}{i}" for i in range(len(v.labels)))
        )
        for v, bad in zip(evidence.columns, HOSTILE, strict=True)
    )
    pairs = tuple(
        dataclasses.replace(p, a=bad, b=bad, labels_a=tuple(bad for _ in p.labels_a), labels_b=tuple(bad for _ in p.labels_b))
        for p, bad in zip(evidence.pairs, HOSTILE, strict=False)
    )  # fmt: skip
    results = tuple(
        dataclasses.replace(r, title=bad, sentence=bad, detail={bad: 1.0, "t": {bad: bad}, "l": [{bad: bad}]})
        for r, bad in zip(evidence.results, HOSTILE, strict=False)
    )
    controls = tuple(
        dataclasses.replace(c, name=bad, sentence=bad, deserved={bad: bad}, values={bad: 0.5})
        for c, bad in zip(evidence.controls, HOSTILE, strict=False)
    )
    nasty = dataclasses.replace(
        evidence, columns=columns, pairs=pairs, results=results, controls=controls, target=HOSTILE[0],
        protected=tuple(HOSTILE), cpu_s=dict.fromkeys(HOSTILE, 1.0),
        alerts=tuple(Alert("warning", bad, bad) for bad in HOSTILE),
        answers=tuple(dataclasses.replace(a, sentence=HOSTILE[0]) for a in evidence.answers),
    )  # fmt: skip
    return render(
        nasty,
        RunContext(
            HOSTILE[0], HOSTILE[1], HOSTILE[0], HOSTILE[0], dict(zip(HOSTILE, HOSTILE, strict=True)),
            dict(zip(HOSTILE, HOSTILE, strict=True)), tuple(Treatment(b, b, 1, b) for b in HOSTILE),
        ),
    )  # fmt: skip


def test_hostile_names_are_shown_and_never_act(hostile):
    reader = read(hostile)
    assert {tag for tag, _ in reader.tags} <= ALLOWED_TAGS
    for _, attributes in reader.tags:
        assert not any(name.startswith("on") or name in ("src", "srcset") for name in attributes)
        assert "url(" not in (attributes.get("style") or "")
    text = words(reader)
    assert (
        "<script>alert(1)</script>" in text
        and "{{ 7*7 }}" in text
        and "49" not in text.split("{{ 7*7 }}")[1][:9]
    )
    assert hostile.count("</style>") == 1


def test_hostile_names_cannot_reach_outside_their_place(hostile):
    assert not set("\u202e\u202c\x00\x1b\ud800\u2028") & set(hostile)
    hostile.encode("utf-8")
    assert "\U0001f469\u200d\U0001f469\u200d\U0001f467" in hostile and "\u05e9\u05dc\u05d5\u05dd" in hostile
    assert "x" * 1000 not in hostile
    assert len(hostile.encode()) < 1_500_000


def test_numbers_that_are_not_finite_do_not_break_the_page(evidence, context):
    results = tuple(
        dataclasses.replace(r, value=v, low=v, high=v, reference=v, floor=v)
        for r, v in zip(evidence.results, [math.nan, math.inf, -math.inf] * 3, strict=True)
    )
    columns = tuple(
        dataclasses.replace(v, tv=math.nan, tv_reference=math.nan, edges=(-math.inf, *v.edges[1:-1], math.inf) if v.edges else ())
        for v in evidence.columns
    )  # fmt: skip
    page = render(dataclasses.replace(evidence, results=results, columns=columns), context)
    read(page)
    body = page.split("</style>")[1]
    assert not re.search(r"\b(nan|inf)\b", body.replace("-inf", " inf"), re.I)


def test_no_holdout_and_no_edges(evidence, context):
    columns = tuple(
        dataclasses.replace(v, holdout=None, tv_reference=None, edges=()) for v in evidence.columns
    )
    results = tuple(dataclasses.replace(r, reference=None, floor=None, low=None) for r in evidence.results)
    pairs = tuple(dataclasses.replace(p, tv_reference=None) for p in evidence.pairs)
    nothing = dataclasses.replace(
        evidence, n_holdout=0, columns=columns, results=results, pairs=pairs, controls=()
    )
    text = words(read(render(nothing, context)))
    assert "Real rows held out none" in text
    assert "between two sets of real rows" not in text


def test_empty_columns_and_pairs(evidence, context):
    empty = dataclasses.replace(
        evidence.columns[0],
        labels=(),
        real=(),
        synthetic=(),
        holdout=(),
        edges=(),
        tv=math.nan,
        tv_reference=None,
    )
    pair = dataclasses.replace(evidence.pairs[0], labels_a=(), labels_b=(), real=(), synthetic=())
    text = words(read(render(dataclasses.replace(evidence, columns=(empty,), pairs=(pair,)), context)))
    assert "Nothing to draw." in text
