"""Judge what recipes wrote with checks that share no code with the checks the recipes use.

    python -m benchmarks.text_recipes reviews FOLDER YELP.csv
    python -m benchmarks.text_recipes arithmetic FOLDER
    python -m benchmarks.text_recipes exercises FOLDER

- reviews: rows of the plan's schema, labels beside those of a classifier trained on real reviews (TF-IDF and
  logistic regression of scikit-learn; 1-2 stars are bad, 4-5 good), nearest pairs of texts.
- arithmetic: every problem is solved again from its words alone by `solve_story`, written apart from the
  recipe's reader: it walks through the words one by one with a table of verbs of its own.
- exercises: every solution runs against its tests again, then with one fault of our own at a time, in the
  sandbox: nothing a model wrote runs outside it.

FOLDER is a run folder of `locum text run`. Results are kept in ``results/text_recipes.json`` for
`benchmarks.text_page`.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.text_engine import keep

RESULTS = Path(__file__).parent / "results" / "text_recipes.json"


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run folder."""
    return [json.loads(line) for line in (folder / "data.jsonl").read_text("utf-8").splitlines()]


def reviews(folder: Path, real: Path) -> dict[str, Any]:
    """Schema, labels and nearness of reviews."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rows = read(folder)
    valid = [
        set(row) == {"rating", "place", "review"}
        and row["rating"] in ("good", "bad")
        and isinstance(row["review"], str)
        and 6 <= len(row["review"].split()) <= 60
        for row in rows
    ]
    texts, labels = [], []
    with real.open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            stars = float(record["label2"].rpartition(":")[2])
            if stars != 3:
                texts.append(record["text"])
                labels.append("good" if stars > 3 else "bad")
    cut = len(texts) * 4 // 5
    learned = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=10, max_iter=300, class_weight="balanced"),
    ).fit(texts[:cut], labels[:cut])
    agreed = learned.predict([row["review"] for row in rows]) == [row["rating"] for row in rows]
    grams = [{row["review"].lower()[i : i + 5] for i in range(len(row["review"]) - 4)} for row in rows]
    near = [len(a & b) / len(a | b) for a, b in combinations(grams, 2)]
    return {
        "rows": len(rows),
        "schema_valid": sum(valid) / len(rows),
        "agreement": round(float(agreed.mean()), 3),
        "classifier_on_real": round(learned.score(texts[cut:], labels[cut:]), 3),
        "classifier_rows": cut,
        "nearest_pair_jaccard": round(max(near), 3),
        "exact_copies": len(rows) - len({row["review"] for row in rows}),
        "cells": len({(row["rating"], row["place"]) for row in rows}),
    }


#: What a verb does to what the person has: more, less, or 0 for what stands at the start.
_VERBS = {
    verb: effect
    for effect, verbs in (
        (0, "has had have owns owned starts started begins began"),
        (
            1,
            "buys bought finds found gets got collects collected receives received earns earned picks picked",
        ),
        (1, "adds added wins won gains gained takes took brings brought makes made"),
        (-1, "gives gave loses lost sells sold eats ate breaks broke drops dropped throws threw donates"),
        (-1, "donated uses used spends spent sends sent leaves left returns returned trades traded"),
    )
    for verb in verbs.split()
}
_ASKED = re.compile(r"^(?P<story>.*) How many (?P<thing>\w+) does (?P<who>\w+) have at the end\?$", re.DOTALL)


def solve_story(question: str) -> int | None:
    """What the person has at the end, from the words alone; None where a number cannot be placed.

    Walks over the words. A verb of the table sets what the next number does; a number is used up by the
    thing that follows it (or by nothing, when no thing is named before the next verb or number). Things that
    are not asked for, and what another person does, leave the count alone.
    """
    found = _ASKED.match(question)
    if found is None:
        return None
    who, thing = found["who"].lower(), found["thing"].lower()
    words = re.findall(r"[a-z']+|\d+|[.,;!]", found["story"].lower())
    names = {w.lower() for w in re.findall(r"(?<=\s)[A-Z][a-z]+|^[A-Z][a-z]+", found["story"])}
    people = names & {
        "mia",
        "omar",
        "lena",
        "raj",
        "nora",
        "tom",
        "aiko",
        "paul",
        "ines",
        "sam",
        "zoe",
        "karl",
    }
    count: int | None = None
    subject, effect = who, None
    for i, word in enumerate(words):
        if word in people and words[i - 1 : i] not in (["to"], ["from"], ["for"], ["by"]):
            subject = word
        elif word in ("he", "she"):
            subject = subject if subject in people else who
        elif word in _VERBS:
            effect = _VERBS[word]
        elif word.isdigit():
            if effect is None:
                return None
            rest = words[i + 1 : i + 5]
            stop = next(
                (k for k, w in enumerate(rest) if w in ".,;!" or w.isdigit() or w in _VERBS), len(rest)
            )
            named = next((w for w in rest[:stop] if w.rstrip("s") == thing.rstrip("s")), None)
            other = rest[0] if stop and named is None and rest[0] not in _LINKS else None
            if subject != who or other is not None:
                continue
            amount = int(word)
            if effect == 0:
                if count is not None:
                    return None
                count = amount
            elif count is None:
                return None
            else:
                count += effect * amount
    return count


#: Words after a number that do not say what was counted.
_LINKS = frozenset(
    word
    for words in ("more of to from in at on away for them", "and then later back by with under after over")
    for word in words.split()
)


def arithmetic(folder: Path) -> dict[str, Any]:
    """Share of kept problems whose answer the other solver finds."""
    rows = read(folder)
    wrong = []
    for row in rows:
        told = solve_story(row["question"])
        if told is None or str(told) != row["answer"]:
            wrong.append({"question": row["question"], "answer": row["answer"], "solver": told})
    return {
        "rows": len(rows), "right": len(rows) - len(wrong),
        "share": round(1 - len(wrong) / max(1, len(rows)), 4), "not_agreed": wrong,
    }  # fmt: skip


#: One fault of our own each, as a change of the source's text.
_FAULTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("returns nothing", lambda s: re.sub(r"return .*", "return None", s)),
    ("off by one", lambda s: re.sub(r"return (.*)", r"return (\1) + 1", s)),
    ("negated", lambda s: re.sub(r"return (.*)", r"return not (\1)", s)),
)


def exercises(folder: Path) -> dict[str, Any]:
    """Share of kept items that pass, and the faults that their tests notice."""
    from locum.text.verify.sandbox import MontySandbox

    rows = read(folder)
    with MontySandbox() as box:

        def passes(solution: str, tests: str) -> bool:
            return box.run(f"{solution}\n\n{tests}\n").ok

        passed = [passes(row["solution"], row["tests"]) for row in rows]
        noticed = [sum(not passes(fault(r["solution"]), r["tests"]) for _, fault in _FAULTS) for r in rows]
    return {
        "rows": len(rows),
        "pass": sum(passed),
        "recipe_mutants": sum(row["mutants"] for row in rows),
        "recipe_killed": sum(row["killed"] for row in rows),
        "least_killed_by_recipe": min((row["killed"] for row in rows), default=0),
        "ours": len(_FAULTS) * len(rows),
        "ours_noticed": sum(noticed),
        "least_noticed_of_ours": min(noticed, default=0),
    }


def main() -> None:
    """Judge one run folder."""
    what, folder, *more = sys.argv[1:]
    if what == "reviews":
        found = reviews(Path(folder), Path(more[0]))
    else:
        found = {"arithmetic": arithmetic, "exercises": exercises}[what](Path(folder))
    funnel = json.loads((Path(folder) / "funnel.json").read_text())
    found |= {"attempts": funnel["attempts"], "kept": funnel["kept"]}
    print(json.dumps(found, indent=1))
    keep(RESULTS, {what: found})


if __name__ == "__main__":
    main()
