"""Weights of words as plain text: what is there, where the cursor is, what becomes of it."""

import pytest

from app.ui.prompt.prompt_weight import weight_edit


def after(marked: str, step: float) -> str | None:
    """The text after an edit; | is the cursor, two of them the ends of the selection."""
    text = marked.replace("|", "")
    start = marked.index("|")
    end = marked.rindex("|") - (marked.count("|") - 1)
    edit = weight_edit(text, start, end, step)
    if edit is None:
        return None
    changed = text[: edit.start] + edit.text + text[edit.end :]
    places = sorted({edit.selection_start, edit.selection_end}, reverse=True)
    for place in places:
        changed = changed[:place] + "|" + changed[place:]
    return changed


@pytest.mark.parametrize(
    ("before", "step", "expected"),
    [
        ("a red| fox", 0.05, "a (red|:1.05) fox"),
        ("a |red fox", 0.05, "a (|red:1.05) fox"),
        ("a re|d fox", -0.05, "a (re|d:0.95) fox"),
        ("a (re|d:1.05) fox", 0.05, "a (re|d:1.1) fox"),
        ("a (re|d:1.05) fox", -0.05, "a re|d fox"),
        ("a (red:1.0|5) fox", -0.05, "a red| fox"),
        ("a |red fox| b", 0.05, "a (|red fox|:1.05) b"),
        ("a| red fox |b", 0.05, "a (|red fox|:1.05) b"),
        ("a (|red fox|:1.05) b", 0.05, "a (|red fox|:1.1) b"),
        ("a |(red fox:1.05)| b", 0.05, "a (|red fox|:1.1) b"),
        ("(a|b)", 0.05, "(a|b:1.15)"),
        ("((a|b))", 0.05, "(a|b:1.26)"),
        ("((|ab|))", -0.05, "(|ab|:1.16)"),
        ("(ab (c|d:1.2):1.3)", 0.05, "(ab (c|d:1.25):1.3)"),
        ("(a|:0.02)", -0.05, "(a|:0)"),
        ("(a|:9.99)", 0.05, "(a|:10)"),
        ("<lora:in|k:0.8>", 0.05, "<lora:in|k:0.85>"),
        ("<lora:in|k>", 0.05, "<lora:in|k:1.05>"),
        ("<lora:in|k:1:te=0.5>", -0.05, "<lora:in|k:0.95:te=0.5>"),
        (r"a\(b|", 0.05, r"a\((b|:1.05)"),
        ("a  |  b", 0.05, None),
        ("|  | b", 0.05, None),
        ("(a |b) c| d", 0.05, None),
        ("BRE|AK", 0.05, None),
        ("", 0.05, None),
    ],
)
def test_weights(before: str, step: float, expected: str | None) -> None:
    assert after(before or "|", step) == expected


def test_up_and_down_ends_where_it_began() -> None:
    text = "a red| fox"
    for step in (0.05, 0.05, 0.05, -0.05, -0.05, -0.05):
        text = after(text, step) or ""
    assert text == "a red| fox"
