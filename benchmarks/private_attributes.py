"""The attribute route on reviews: attribute shares of written texts against private ones, and a control.

    python -m benchmarks.private_attributes --private YELP.csv [--epsilon 4] [--rows 300] [--model NAME]

300 reviews are declared public (examples, n-gram writer, classifier of stars), 1,000 are kept out, the rest
is private. Arms: the budget, and noise alone (mu 1e-4). Distance: total variation of each attribute's shares
between the written texts and the kept-out reviews, mean over attributes. With ``--model`` the texts are
written by the plan on it, else by n-grams. Noise is seeded: figures only, nothing is private.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from locum.evaluation.text.attributes import distance
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.randomness import stream
from locum.text.engine.model import ModelSpec
from locum.text.private.attributed import AttributeModel, fit_attributes, labelled_filler, plan_for, write
from locum.text.private.attributes import (
    Learned,
    LengthAttribute,
    SentimentAttribute,
    Style,
    TextAttribute,
    Topic,
)
from locum.text.private.read_attributes import read_attributes
from locum.text.runs.run import run

TOPICS: dict[str, tuple[str, ...]] = {
    "food": ("food", "pizza", "burger", "chicken", "sauce", "menu", "dish", "meal", "taste", "salad"),
    "drinks": ("beer", "bar", "drinks", "cocktails", "wine", "bartender", "coffee"),
    "looks": ("hair", "nails", "salon", "massage", "spa", "cut", "color", "manicure", "pedicure"),
    "stay": ("room", "hotel", "bed", "lobby", "stay", "casino", "pool", "night"),
}


def main() -> None:
    """Run both arms and print one JSON line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--private", type=Path, required=True)
    parser.add_argument("--epsilon", type=float, default=4.0)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--model")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with args.private.open(newline="", encoding="utf-8") as file:
        reviews = [(" ".join(r["text"].split()), r["label2"][-3:-2]) for r in csv.DictReader(file)]
    order = stream(args.seed, "benchmark").permutation(len(reviews))
    public = [reviews[i] for i in order[:300]]
    held = [reviews[i][0] for i in order[300:1300]]
    private = [reviews[i][0] for i in order[1300:]]
    with tempfile.TemporaryDirectory() as folder:
        examples = Path(folder) / "public.jsonl"
        lines = [json.dumps({"text": t, "label": "good" if s in "45" else "bad"}) for t, s in public]
        examples.write_text("\n".join(lines))
        attributes: tuple[TextAttribute, ...] = (
            Learned("rating", str(examples)), SentimentAttribute("mood"), Topic("topic", TOPICS),
            LengthAttribute("length", (25, 50, 100)), Style("exclaims", "exclaims"),
        )  # fmt: skip
        real = read_attributes(held, attributes).to_pydict()
        arms = {f"epsilon {args.epsilon:g}": Budget.approx(args.epsilon, 1e-5),
                "noise alone": Budget.gaussian(1e-4, 1e-9)}  # fmt: skip
        for name, budget in arms.items():
            start = time.process_time()
            model = fit_attributes(private, attributes, Ledger.test(budget, seed=args.seed), seed=args.seed)
            drawn = model.rows(2000)
            texts, funnel = _written(
                model, [t for t, _ in public], Path(folder) / name.replace(" ", "-"), args
            )
            got = read_attributes(texts, attributes).to_pydict()
            apart = {a: round(distance(real[a], got[a]), 3) for a in real}
            rows = {a: round(distance(real[a], [r[a] for r in drawn]), 3) for a in real}
            line = {"arm": name, "private": len(private), "texts": len(texts), "drawn rows": rows,
                    "written texts": apart, "mean": round(sum(apart.values()) / len(apart), 3),
                    "mean of rows": round(sum(rows.values()) / len(rows), 3), "funnel": funnel,
                    "cpu_s": round(time.process_time() - start, 1), "ledger": model.sentence}  # fmt: skip
            sys.stdout.write(json.dumps(line) + "\n")
            for text in texts[: args.show]:
                sys.stdout.write(f"  {text}\n")


def _written(
    model: AttributeModel, public: Sequence[str], folder: Path, args: argparse.Namespace
) -> tuple[list[str], object]:
    """The texts, and how many attempts or how much agreement it took."""
    ratings = read_attributes(public, model.attributes[:1]).column("rating").to_pylist()
    if not args.model:
        made = write(
            model.rows(args.rows), model.attributes, labelled_filler(public, ratings), by="rating",
            seed=args.seed,
        )  # fmt: skip
        return list(made.texts), {k: round(v, 2) for k, v in made.agree.items()}
    folder.mkdir()
    model.fit.synthesizer.save(folder / "model.locum")
    plan = plan_for(
        model, str(folder / "model.locum"), rows=args.rows, what="review", examples=public,
        example_values=ratings, by="rating", spec=ModelSpec(args.model, context=1024), least=0.6,
    )  # fmt: skip
    outcome = run(plan, folder / "run")
    lines = (folder / "run" / "data.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["review"] for line in lines], {
        "attempts": outcome.attempts, "kept": outcome.kept, "given up": outcome.funnel["unmet"],
    }  # fmt: skip


if __name__ == "__main__":
    main()
