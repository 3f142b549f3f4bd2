"""The words that a LoRA's file tells."""

import json

import pytest

from app.checkpoint.trigger_words import MOST_WORDS, trigger_words


def tags(**folders: object) -> dict[str, str]:
    """kohya's metadata."""
    return {"ss_tag_frequency": json.dumps(folders)}


def test_the_most_frequent_tags_of_all_folders() -> None:
    """Counts of one tag add up; at most so many."""
    many = {f"tag {n}": n for n in range(1, 20)}
    found = trigger_words(tags(a={"ink": 30, " fox ": 2}, b={"fox": 40}, c=many))
    assert found[:2] == ("fox", "ink")
    assert len(found) == MOST_WORDS


def test_the_phrase_comes_before_tags() -> None:
    """Where ModelSpec's phrase is there and not empty."""
    both = tags(a={"fox": 1})
    assert trigger_words(both | {"modelspec.trigger_phrase": "ink style, , fox"}) == (
        "ink style",
        "fox",
    )
    assert trigger_words(both | {"modelspec.trigger_phrase": " , "}) == ("fox",)


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "[]", "7", '{"a": 7}', '{"a": {"x": "many"}}', '{"a": {"x": true}}']
)
def test_what_is_no_list_of_tags_says_nothing(text: str) -> None:
    """Damaged or hostile metadata."""
    assert trigger_words({"ss_tag_frequency": text}) == ()


def test_words_that_cannot_be_shown_are_left_out() -> None:
    """Control characters, and a novel."""
    assert trigger_words(tags(a={"a\x1b[2J": 9, "b" * 100: 8, "": 7, "fox": 1})) == ("fox",)
