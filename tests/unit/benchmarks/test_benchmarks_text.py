"""The solver that judges arithmetic stories, on stories with answers by hand."""

from __future__ import annotations

import pytest
from benchmarks.text_recipes import solve_story


@pytest.mark.parametrize(
    ("story", "answer"),
    [
        ("Mia has 31 shells. In the garden she finds 30 shells.", 61),
        ("Tom has 33 cookies. He eats 18 cookies.", 15),
        ("Raj has 13 apples. He collects 2 apples and gets 25 apples.", 40),
        ("Sam has 5 eggs. Mia gives 3 eggs to Sam.", 5),  # what others do is not followed: no agreement
        ("Sam has 5 eggs. He buys 3 cards.", 5),
        ("Sam buys 3 eggs.", None),
        ("Sam has 5 eggs. Sam has 7 eggs.", None),
    ],
)
def test_stories_are_solved_from_their_words(story: str, answer: int | None) -> None:
    thing, who = story.split(".")[0].split()[-1], story.split()[0]
    assert solve_story(f"{story} How many {thing} does {who} have at the end?") == answer
