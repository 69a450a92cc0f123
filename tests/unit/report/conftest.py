"""Evidence that looks like a run on a census table: made up, but with the shapes and lengths of real ones."""

# ruff: noqa: E501 (sentences as long as real ones)

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from locum.codes.codebook import Treatment
from locum.evaluation.evidence import (
    Alert,
    Answer,
    ColumnView,
    Control,
    Evidence,
    PairView,
    RunContext,
)
from locum.evaluation.result import Result

LEVELS = {
    "workclass": ["Private", "Self-emp-not-inc", "Local-gov", "State-gov", "Self-emp-inc", "Federal-gov",
                  "Without-pay", "Never-worked", "missing"],
    "education": ["HS-grad", "Some-college", "Bachelors", "Masters", "Assoc-voc", "11th", "Assoc-acdm", "10th",
                  "7th-8th", "Prof-school", "9th", "12th", "Doctorate", "5th-6th", "1st-4th", "Preschool"],
    "marital-status": ["Married-civ-spouse", "Never-married", "Divorced", "Separated", "Widowed",
                       "Married-spouse-absent", "Married-AF-spouse"],
    "occupation": ["Prof-specialty", "Craft-repair", "Exec-managerial", "Adm-clerical", "Sales", "Other-service",
                   "Machine-op-inspct", "Transport-moving", "Handlers-cleaners", "Farming-fishing",
                   "Tech-support", "Protective-serv", "Priv-house-serv", "Armed-Forces", "missing"],
    "relationship": ["Husband", "Not-in-family", "Own-child", "Unmarried", "Wife", "Other-relative"],
    "race": ["White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"],
    "sex": ["Male", "Female"],
    "native-country": ["United-States", "Mexico", "Philippines", "Germany", "Canada", "Puerto-Rico",
                       *[f"Holand-Netherlands-and-{i}-other-islands" for i in range(35)], "missing"],
    "income": ["<=50K", ">50K"],
}  # fmt: skip
EDGES = {
    "age": [17, 20, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 48, 51, 54, 58, 64, 91],
    "fnlwgt": [12285, 39000, 65000, 90000, 107000, 117600, 130000, 145000, 158000, 169000, 178000, 186000,
               196000, 207000, 222000, 237000, 260000, 300000, 330000, 380000, 1490400],
    "education-num": [1, 6, 8, 9, 10, 11, 12, 13, 14, 15, 17],
    "capital-gain": [0, 1, 5013, 100000],
    "capital-loss": [0, 1, 1740, 4357],
    "hours-per-week": [1, 15, 20, 25, 30, 35, 38, 40, 41, 45, 48, 50, 55, 60, 100],
}  # fmt: skip
ORDER = ["age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
         "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country",
         "income"]  # fmt: skip


def tv(a: np.ndarray, b: np.ndarray) -> float:
    return float(0.5 * np.abs(a - b).sum())


def column_view(
    name: str, rng: np.random.Generator, labels=None, edges=None, wobble: float = 0.04
) -> ColumnView:
    if edges is None:
        weights = 1.0 / np.arange(1, len(labels) + 1) ** 1.3
        kind = "category"
    else:
        labels = [f"{a:,}\u2013{b:,}" for a, b in itertools.pairwise(edges)]
        weights = np.full(len(labels), 1.0)
        if name.startswith("capital"):
            weights = np.array([92.0, 4.0, 4.0])
        if name.startswith("hours"):
            weights[np.asarray(edges[:-1]) == 40] = 8.0
        kind = "integer"
    weights = weights / weights.sum()
    synthetic = weights * np.exp(rng.normal(0, wobble, len(weights)))
    holdout = weights * np.exp(rng.normal(0, 0.02, len(weights)))
    synthetic, holdout = synthetic / synthetic.sum(), holdout / holdout.sum()
    return ColumnView(
        name=name, kind=kind, labels=tuple(labels), real=tuple(weights.tolist()),
        synthetic=tuple(synthetic.tolist()), holdout=tuple(holdout.tolist()),
        edges=tuple(float(e) for e in edges) if edges is not None else (),
        tv=tv(weights, synthetic), tv_reference=tv(weights, holdout),
    )  # fmt: skip


def pair_view(a: ColumnView, b: ColumnView, rng: np.random.Generator) -> PairView:
    pa, pb = np.array(a.real[:12]), np.array(b.real[:12])
    joint = np.outer(pa, pb) * np.exp(rng.normal(0, 0.9, (len(pa), len(pb))))
    other = joint * np.exp(rng.normal(0, 0.15, joint.shape))
    joint, other = joint / joint.sum(), other / other.sum()
    return PairView(
        a=a.name, b=b.name, labels_a=a.labels[:12], labels_b=b.labels[:12],
        real=tuple(tuple(r) for r in joint.tolist()), synthetic=tuple(tuple(r) for r in other.tolist()),
        tv=tv(joint, other), tv_reference=0.03, association_real=0.311, association_synthetic=0.294,
    )  # fmt: skip


def results() -> tuple[Result, ...]:
    return (
        Result("c2st", "Telling real from synthetic", "faithful", 0.5123, "target",
               "A model that tries to tell real from synthetic rows is right about as often as by guessing (AUC 0.512).",
               0.5041, 0.5205, 0.5, 0.4978, 0.9713, "good", True, True,
               {"columns": {"fnlwgt": 0.31, "capital-gain": 0.22, "age": 0.11}, "rows": 12211}),
        Result("tv.3way", "Three columns at a time", "faithful", 0.0391, "lower",
               "Taken three at a time, the columns differ in 3.9 % of the rows; fresh real rows would differ in 3.8 %.",
               0.0380, 0.0402, None, 0.0378, 0.2214, "good", True, True,
               {"worst": [{"columns": "age, education, income", "tv": 0.061}]}),
        Result("tv.1way", "Single columns", "faithful", 0.0071, "lower",
               "Single columns differ in 0.7 % of the rows.", 0.0064, 0.0079, None, 0.0064, 0.0066, "good"),
        Result("association", "Association between columns", "faithful", 0.0069, "lower",
               "Associations between two columns are off by 0.007 on average.", None, None, None, 0.0044, 0.118,
               "good"),
        Result("missing", "Missing values", "faithful", 0.0012, "lower",
               "The share of missing values is right within 0.1 %.", None, None, None, 0.0009, 0.0011, "good"),
        Result("utility.tstr", "Predicting income", "useful", 0.9262, "higher",
               "A model trained on synthetic rows predicts income with AUC 0.926; trained on real rows it gets 0.931.",
               0.9218, 0.9304, None, 0.9312, 0.5021, "good", True, True, {"metric": "AUC", "loss": 0.005}),
        Result("copying.exact", "Exact matches", "private", 0.0009, "lower",
               "0.09 % of the synthetic rows exist in the real table; of hold-out rows it is 0.16 %.",
               0.0006, 0.0013, None, 0.0016, None, "good"),
        Result("copying.distance", "Nearer to learned rows than to unseen ones", "private", 0.509, "target",
               "50.9 % of the synthetic rows are nearer to a row learned from than to an unseen one.",
               0.497, 0.521, 0.5, 0.5, None, "good"),
        Result("copying.membership", "Guessing who was in the data", "private", 0.5141, "target",
               "Somebody who guesses from the nearest synthetic row is right with AUC 0.514.",
               0.498, 0.530, 0.5, 0.5, None, "good", True, True, {"tpr_at_1_percent_fpr": 0.012}),
    )  # fmt: skip


def controls(passed: bool = True) -> tuple[Control, ...]:
    return (
        Control("copy", {"faithful": "good", "private": "poor"}, {"faithful": "good", "private": "poor"}, True,
                "Every test of copying found it.",
                {"c2st": 0.498, "copying.exact": 1.0, "copying.distance": 1.0, "copying.membership": 0.93}),
        Control("independent", {"faithful": "poor", "useful": "poor"}, {"faithful": "poor", "useful": "poor"},
                True, "Told apart at once.", {"c2st": 0.968, "utility.tstr": 0.51}),
        Control("uniform", {"faithful": "poor"}, {"faithful": "poor"}, True, "Told apart at once.",
                {"c2st": 1.0}),
        Control("half-leaked", {"private": "poor"}, {"private": "poor" if passed else "good"}, passed,
                "Found by its exact matches." if passed else "It passed for a stand-in without copies.",
                {"c2st": 0.5, "copying.exact": 0.5, "copying.distance": 0.74, "copying.membership": 0.71}),
    )  # fmt: skip


def make_evidence(n_columns: int = 15, seed: int = 7) -> Evidence:
    rng = np.random.default_rng(seed)
    columns = []
    for i in range(n_columns):
        name = ORDER[i % len(ORDER)]
        title = name if i < len(ORDER) else f"{name}_{i}"
        columns.append(column_view(title, rng, LEVELS.get(name), EDGES.get(name)))
    pairs = [pair_view(columns[i % 15], columns[(i * 4 + 1) % 15], rng) for i in range(2, 14)]
    return Evidence(
        n_train=36631, n_holdout=12211, n_synthetic=36631, seed=7, target="income", protected=("sex",),
        answers=(
            Answer("faithful", "good",
                   "A model can hardly tell synthetic rows from real ones: it is right with AUC 0.512, where 0.5 is guessing and independent columns score 0.971."),
            Answer("useful", "good",
                   "A model trained on the synthetic rows predicts income almost as well as one trained on real rows: AUC 0.926 against 0.931."),
            Answer("private", "none found",
                   "No guarantee was made. The smoke tests saw no copied rows (0.09 % exact matches, real hold-out rows 0.16 %), which proves nothing about persons."),
            Answer("fair", "not measured", "Not measured: this run computes no fairness."),
            Answer("risk", "not measured", "Not measured: this run trains no chain of models."),
        ),
        results=results(), columns=tuple(columns), pairs=tuple(pairs), controls=controls(),
        alerts=(
            Alert("warning", "native-country", "3 of 42 levels never appear in the synthetic table; together they are 0.02 % of the real rows."),
            Alert("note", "fnlwgt", "Nearly every value is distinct; values were drawn within bins, so that none is a copy."),
            Alert("note", "education-num", "Follows from education exactly and was looked up, not modelled."),
        ),
        cpu_s={"fidelity": 8.21, "c2st": 9.4, "utility": 6.02, "copying": 7.7, "controls": 14.9},
    )  # fmt: skip


def make_context() -> RunContext:
    treatments = tuple(
        Treatment(name, "integer" if name in EDGES else "category", 64 if name in EDGES else len(LEVELS[name]),
                  "64 bins of about equal size, with a cell of its own for 0 (91.7 % of the rows); values are drawn within the bin."
                  if name in EDGES else "Each level is a code; levels with fewer than 5 rows are pooled.")
        for name in ORDER
    )  # fmt: skip
    return RunContext(
        title="adult_train", created="2026-11-22T09:30:00+00:00",
        command="locum run adult_train.csv --target income --seed 7",
        synthesizer="tree, a chain of boosted trees: each column is predicted from those before it.",
        settings={"seed": 7, "learning_rate": 0.08, "early_stopping": True, "order": ["sex", "age"], "budget": None},
        versions={"locum": "0.1.0", "Python": "3.11.7", "numpy": "2.5.1", "lightgbm": "4.7.0", "pyarrow": "26.0.0"},
        treatments=treatments,
    )  # fmt: skip


@pytest.fixture(scope="session")
def evidence() -> Evidence:
    return make_evidence()


@pytest.fixture(scope="session")
def wide_evidence() -> Evidence:
    return make_evidence(60)


@pytest.fixture(scope="session")
def context() -> RunContext:
    return make_context()


@pytest.fixture(scope="session")
def powerless(evidence: Evidence) -> Evidence:
    """The same evidence with a control that was not told apart."""
    return dataclasses.replace(evidence, controls=controls(passed=False))


@pytest.fixture(scope="session")
def bare() -> Evidence:
    """An evaluation in which nothing could be measured."""
    return Evidence(1, 0, 1, 0, (), (), (), (), ())
