"""The plan that ``locum text init`` writes."""

from __future__ import annotations

from locum.text.engine.model import ModelSpec
from locum.text.engine.weights import DEFAULT
from locum.text.plan.columns import Category, Check, Text
from locum.text.plan.plan import Dedup, Export, Plan

_FEW_SHOT = """\
Short customer reviews, each with its rating.

Rating: good
Place: book shop
Review: I came in for one novel and left with four. The staff knew every title and the coffee was free.

Rating: bad
Place: hotel
Review: Our room smelled of smoke and nobody answered the desk phone. We checked out a night early.

Rating: {{ rating }}
Place: {{ place }}
Review:"""
_CHAT = """\
Write a customer review of a {{ place }} that the writer found {{ rating }}. Two or three sentences, plain
words, \
no title, no rating in the text."""
_PLACES = ("cafe", "bicycle repair shop", "museum", "bakery", "dentist", "garden centre", "cinema", "barber")


def starter(base_url: str | None = None, model: str | None = None) -> Plan:
    """A plan for short labelled reviews.

    Parameters
    ----------
    base_url
        Endpoint; None takes the embedded model, with a few-shot prompt because a small model follows examples
        rather than instructions.
    model
        Its name.
    """
    if base_url is None:
        spec = ModelSpec(model or DEFAULT, temperature=0.8)
    else:
        spec = ModelSpec(
            model or "name-of-the-model", base_url, api_key_env="OPENAI_API_KEY", temperature=1.0
        )
    embedded = spec.embedded
    return Plan(
        (
            Category("rating", ("good", "bad")),
            Category("place", _PLACES),
            Text(
                "review",
                _FEW_SHOT if embedded else _CHAT,
                mode="completion" if embedded else "chat",
                max_tokens=60 if embedded else 200,
                stop=("\n",) if embedded else (),
                tries=2,
                checks=(Check("length", {"min_words": 8, "max_words": 120}),),
            ),
        ),
        rows=20,
        name="reviews",
        models={"writer": spec},
        dedup=Dedup(minhash=0.7),
        export=Export(("parquet",)),
    )
