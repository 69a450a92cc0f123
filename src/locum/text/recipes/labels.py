"""Labelled texts: AttrPrompt; Prompt2Model, from a task in words to a small classifier that was tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from locum.evaluation.intervals import wilson
from locum.evaluation.learn.embedding import available
from locum.text.failures import Lost, Reason
from locum.text.recipes.kit import Kit, Row, lose_if, need, unlike
from locum.text.runs.dedup import normal
from locum.text.verify.base import fault, majority
from locum.text.verify.classifier import TextClassifier
from locum.text.verify.repetition import NoLoop


async def attrprompt(
    kit: Kit,
    what: str,
    labels: Sequence[str],
    attributes: Mapping[str, Sequence[str]],
    rows: int,
    *,
    shots: Mapping[str, Sequence[str]] | None = None,
    max_tokens: int = 60,
    minhash: float = 0.6,
    tries: int = 4,
) -> list[Row]:
    """Labelled texts, each with its own combination of attributes.

    Parameters
    ----------
    kit
        Model, seed and counts.
    what
        What is written, e.g. ``text message``.
    labels
        Taken in turn, so that their numbers are even.
    attributes
        Values by attribute, drawn evenly and independently.
    rows
        Texts wanted.
    shots
        Examples by label, two or more each, for small models; three are drawn for each text.
    max_tokens
        Longest text.
    minhash
        Likeness to a kept text from which on one is dropped.
    tries
        Attempts at most, in multiples of `rows`.

    Returns
    -------
    list of dict
        ``label``, ``text``, and a column for each attribute.

    Notes
    -----
    Source: Yu et al. 2023, AttrPrompt (arXiv 2306.15895). The filter of similar classes is the label check
    you put behind it.
    """
    need(labels, "labels", 2)
    unlike_kept = unlike(minhash)
    counts = dict.fromkeys(labels, 0)

    async def one(attempt: int) -> Row:
        label = labels[attempt % len(labels)]
        draw = kit.draw("attr", attempt)
        drawn = {name: str(values[int(draw.integers(len(values)))]) for name, values in attributes.items()}
        wished = ", ".join(f"{name}: {value}" for name, value in drawn.items())
        extra = f" ({wished})" if wished else ""
        if shots and shots.get(label):
            shown = kit.some(list(shots[label]), 3, "attr", "shots", attempt)
            listed = "".join(f"- {' '.join(shot.split())}\n" for shot in shown)
            prompt = f"Examples of a {label} {what}{extra}:\n{listed}-"
            text = await kit.go_on(prompt, "attr", attempt, max_tokens=max_tokens, stop=["\n"])
        else:
            text = await kit.chat(
                f"Write a {label} {what}{extra}. Write only that.", "attr", attempt, max_tokens=max_tokens
            )
        lose_if(fault(text, NoLoop()) or ("too short" if len(text.split()) < 3 else ""))
        if normal(text) in [normal(shot) for shot in (shots or {}).get(label, ())]:
            raise Lost(Reason.DUPLICATE, "an example", stage="filter")
        return {"label": label, "text": text, **drawn}

    def new(row: Row) -> bool:
        if counts[row["label"]] * len(labels) >= rows + len(labels) - 1:
            raise Lost(Reason.QUOTA_FULL, stage="quota")
        found = unlike_kept(row["text"])
        counts[row["label"]] += found
        return found

    return await kit.gather(rows * tries, one, rows, new=new)


@dataclass(frozen=True, slots=True)
class Trained:
    """A classifier learned from made texts, and how it does on real ones.

    Attributes
    ----------
    classifier
        The classifier.
    rows
        The made texts it learned from.
    accuracy, low, high
        Share of real test rows it labels right, with a 95 % interval (Wilson).
    majority
        The same for always naming the commonest real label: what must be beaten.
    shuffled
        The same for a classifier that learned from the made texts with their labels mixed up: a control.
    tested
        Real rows it was tested on.
    """

    classifier: TextClassifier
    rows: list[Row]
    accuracy: float
    low: float
    high: float
    majority: float
    shuffled: float
    tested: int


async def prompt2model(
    kit: Kit,
    task: str,
    labels: Sequence[str],
    test: Sequence[tuple[str, str]],
    rows: int,
    *,
    shots: Mapping[str, Sequence[str]] | None = None,
    attributes: Mapping[str, Sequence[str]] | None = None,
) -> Trained:
    """From a task in words to a small classifier, tested on real rows.

    Parameters
    ----------
    kit, labels, rows, shots, attributes
        As for `attrprompt`.
    task
        What is classified, e.g. ``text message``.
    test
        Real texts with their labels; never shown to the model.

    Notes
    -----
    Source: Viswanathan et al. 2023, Prompt2Model (arXiv 2308.12261): texts that came up with several labels
    get the commonest. Different: the student is hashed logistic regression instead of a tuned language
    model, and no data set is retrieved.
    """
    need(test, "test rows")
    made = await attrprompt(kit, task, labels, attributes or {}, rows, shots=shots)
    by_text: dict[str, list[str]] = {}
    for row in made:
        by_text.setdefault(normal(row["text"]), []).append(row["label"])
    for row in made:
        row["label"] = majority(by_text[normal(row["text"])])[0]
    texts, said = [row["text"] for row in made], [row["label"] for row in made]
    real, truth = [text for text, _ in test], [label for _, label in test]
    vectors = available()
    learned = TextClassifier(vectors=vectors).fit(texts, said)
    mixed = [said[k] for k in kit.draw("shuffled").permutation(len(said))]
    control = TextClassifier(vectors=vectors).fit(texts, mixed).accuracy(real, truth)
    accuracy = learned.accuracy(real, truth)
    low, high = wilson(accuracy * len(test), len(test))
    commonest = max(truth.count(label) for label in set(truth)) / len(truth)
    return Trained(learned, made, accuracy, low, high, commonest, control, len(test))
