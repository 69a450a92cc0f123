"""card.md: readable by the hub, and silent about the real rows."""

from __future__ import annotations

import dataclasses
import json

import pytest

from locum.evaluation.evidence import RunContext
from locum.report.card import render_card, size_category
from locum.schema.column import Bounds, Column
from locum.schema.table import Dependency, Schema

SCHEMA = Schema(
    (
        Column("age", "integer", nullable=False, bounds=Bounds(17, 90, "data")),
        Column("score", "number", bounds=Bounds(0, 1, "declared")),
        Column("education", "category"),
        Column("education-num", "integer"),
        Column("mail", "pii.email"),
        Column("income", "category"),
    ),
    dependencies=(Dependency("education", "education-num"),),
    target="income",
    protected=("education",),
)


def head(card: str) -> dict[str, object]:
    """The YAML head, read with the few rules that it uses (quoted strings and lists)."""
    lines = card.split("---\n")[1].splitlines()
    out: dict[str, object] = {}
    key = ""
    for line in lines:
        if line.startswith("- ") or line.startswith("  "):
            out[key].append(line.strip())
        else:
            key, _, rest = line.partition(":")
            out[key] = json.loads(rest) if rest.strip() else []
    return out


def test_head_is_what_the_hub_reads(context):
    found = head(render_card(SCHEMA, context, rows=36631, files=("synthetic.csv",)))
    assert found["pretty_name"] == "adult_train (synthetic)"
    assert found["license"] == "unknown"
    assert found["size_categories"] == ['- "10K<n<100K"']
    assert found["task_categories"] == ["- tabular-classification"]
    assert "- synthetic" in found["tags"]
    assert found["configs"][-1] == '- "synthetic.csv"'


def test_regression_target_and_none(context):
    ordered = dataclasses.replace(SCHEMA, target="age")
    assert head(render_card(ordered, context, rows=5))["task_categories"] == ["- tabular-regression"]
    assert "task_categories" not in head(
        render_card(dataclasses.replace(SCHEMA, target=None), context, rows=5)
    )


def test_sections_in_order(context):
    card = render_card(SCHEMA, context, rows=100)
    heads = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert heads == ["Purpose", "Columns", "Limits", "Use", "Not for", "Known failures", "Scores", "Contact"]


def test_says_nothing_of_the_real_rows(context, evidence):
    card = render_card(SCHEMA, context, rows=100)
    assert "17" not in card.split("## Columns")[1].split("## Limits")[0]
    assert "36,631" not in card and "12,211" not in card
    assert context.command not in card
    assert "None are given" in card
    for said in (*evidence.results, *evidence.answers, *evidence.alerts):
        assert said.sentence not in card


def test_columns_table(context):
    card = render_card(SCHEMA, context, rows=100)
    assert "| age | whole number | no |  |" in card
    assert "| score | number | yes | declared range 0 to 1 |" in card
    assert "| education-num | whole number | yes | follows from education |" in card
    assert "| mail | e-mail address | yes | made afresh, not learned |" in card
    assert "| income | category | yes | target |" in card


def test_no_guarantee_is_said_and_none_is_claimed(context):
    card = render_card(SCHEMA, context, rows=100)
    assert "**No guarantee of privacy was made.**" in card
    assert "anonym" not in card.lower()


@pytest.mark.parametrize(
    "bad", ["a|b", "<script>x</script>", "x\n---\n# y", "`code`", "[a](b)", "\u202ex", "\ud800", ""]
)
def test_names_are_taken_literally(context, bad):
    schema = Schema((Column(bad, "integer"), Column("plain", "integer")))
    card = render_card(schema, dataclasses.replace(context, title=bad), rows=3)
    card.encode("utf-8")
    rows = [line for line in card.splitlines() if line.startswith("| ") and "whole number" in line]
    assert len(rows) == 2
    body = card.split("---\n", 2)[2]
    assert "<script" not in body
    assert [line for line in card.splitlines() if line == "---"] == ["---", "---"]
    assert "\n# y" not in body and "](b)" not in body.replace("\\](b)", "")
    assert head(card)["pretty_name"].endswith("(synthetic)")


def test_works_without_columns_and_context():
    card = render_card(Schema(()), RunContext("", ""), rows=0)
    assert "0 synthetic rows with 0 columns" in card


def test_size_ends():
    assert size_category(1000) == "1K<n<10K"
    assert size_category(10**12) == "n>1B"
