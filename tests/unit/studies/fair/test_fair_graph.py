"""Causal graphs: cycles are named, notions cut what they say, learnt edges are found."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from locum.errors import UsageError
from locum.studies.fair.graph import Graph, learn_graph

#: a -> r -> y, a -> p -> y, a -> y, z -> y
EDGES = ["a -> r", "r -> y", "a -> p", "p -> y", "a -> y", "z -> y"]
NAMES = ("a", "r", "p", "z", "y")


@pytest.mark.parametrize(("notion", "cut"), [("ftu", {"a"}), ("cf", {"a", "p"}), ("dp", {"a", "p", "r"})])
def test_what_each_notion_cuts(notion, cut):
    graph = Graph.given(EDGES, NAMES)
    assert set(graph.cut("y", ["a"], notion, ["r"])) == cut


def test_a_cycle_is_named_in_its_direction():
    with pytest.raises(UsageError, match=r"cycle: .*") as caught:
        Graph.given(["a -> r", "r -> p", "p -> a", "z -> y"], NAMES)
    path = caught.value.what.split(": ")[1].split(" -> ")
    assert path[0] == path[-1]
    assert set(itertools.pairwise(path)) == {("a", "r"), ("r", "p"), ("p", "a")}


@pytest.mark.parametrize("edge", ["a", "a -> nobody", ("a", "r", "p")])
def test_edges_that_cannot_be_are_refused(edge):
    with pytest.raises(UsageError):
        Graph.given([edge], NAMES)


def test_an_edge_to_itself_is_a_cycle():
    with pytest.raises(UsageError, match="a -> a"):
        Graph.given(["a -> a"], NAMES)


def test_learnt_edges_are_those_that_made_the_rows():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 4000)
    b = np.where(rng.random(4000) < 0.8, a, 1 - a)
    c = rng.integers(0, 3, 4000)
    y = np.where(rng.random(4000) < 0.9, b, 1 - b)
    codes = np.column_stack([a, b, c, y]).astype(np.int32)
    graph = learn_graph(codes, (2, 2, 3, 2), ("a", "b", "c", "y"), "y", ("a",))
    assert graph.parents("b") == ("a",)
    assert graph.parents("c") == ()
    assert set(graph.cut("y", ["a"], "dp")) == {"a", "b"}
