"""Prompts reach the draft and come back from it; counts and chips."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app.ui.draft.request_draft import RequestDraft
from app.ui.prompt.prompt_panel import PromptPanel
from tests.ui.sidebar.sidebar import ALT, COMMAND, count_words, new_draft, press, show

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def draft(qapp) -> RequestDraft:
    return new_draft("a fox")


@pytest.fixture
def panel(qtbot, draft: RequestDraft) -> PromptPanel:
    made = PromptPanel(draft, count_words)
    made.resize(308, 400)
    show(qtbot, made)
    return made


def test_words_reach_the_draft(panel: PromptPanel, draft: RequestDraft) -> None:
    assert panel.prompt.editor.toPlainText() == "a fox"
    press(panel.prompt.editor, Qt.Key.Key_Home)
    QTest.keyClicks(panel.prompt.editor, "my ")
    QTest.keyClicks(panel.negative_prompt.editor, "blur")
    assert (draft.request.prompt, draft.request.negative_prompt) == ("my a fox", "blur")


def test_typing_keeps_the_cursor_and_undo(panel, draft) -> None:
    editor = panel.prompt.editor
    press(editor, Qt.Key.Key_End)
    QTest.keyClicks(editor, " runs")
    assert editor.textCursor().position() == len("a fox runs")
    draft.set(steps=30)
    press(editor, Qt.Key.Key_Z, COMMAND)
    assert draft.request.prompt == "a fox"


def test_a_prompt_from_elsewhere_can_be_undone(panel, draft) -> None:
    draft.set(prompt="a hare")
    assert panel.prompt.editor.toPlainText() == "a hare"
    press(panel.prompt.editor, Qt.Key.Key_Z, COMMAND)
    assert draft.request.prompt == "a fox"


def test_count(qtbot, panel, draft) -> None:
    qtbot.waitUntil(lambda: panel.prompt.count.text() == "2 of 75", timeout=2000)
    assert panel.negative_prompt.count.text() == ""
    draft.set(prompt="word " * 81)
    qtbot.waitUntil(lambda: panel.prompt.count.text() == "2 chunks, 81 of 150", timeout=2000)
    draft.set(prompt="")
    qtbot.waitUntil(lambda: panel.prompt.count.text() == "", timeout=2000)


def chips(panel: PromptPanel) -> list[QPushButton]:
    return [chip for chip in panel.findChildren(QPushButton) if chip.isVisible()]


def test_an_example_becomes_the_prompt(panel, draft) -> None:
    panel.set_examples(["a lighthouse", "salt & pepper"])
    assert [chip.text() for chip in chips(panel)] == ["a lighthouse", "salt && pepper"]
    QTest.mouseClick(chips(panel)[1], LEFT)
    assert draft.request.prompt == "salt & pepper"
    assert panel.prompt.editor.hasFocus()
    press(panel.prompt.editor, Qt.Key.Key_Z, COMMAND)
    assert draft.request.prompt == "a fox"


def test_a_long_example_is_cut_and_told_whole(qtbot, panel, draft) -> None:
    words = "a very long example " * 8
    panel.set_examples([words])
    chip = chips(panel)[0]
    qtbot.waitUntil(lambda: chip.text().endswith("…"), timeout=2000)
    assert chip.width() <= panel.width()
    assert chip.accessibleName() == words
    QTest.mouseClick(chip, LEFT)
    assert draft.request.prompt == words


def test_other_examples_take_the_place_of_the_first(qtbot, panel) -> None:
    panel.set_examples(["one", "two"])
    panel.set_examples(["three"])
    qtbot.waitUntil(lambda: [chip.text() for chip in chips(panel)] == ["three"], timeout=2000)
    panel.set_examples([])
    assert chips(panel) == []


def test_each_prompt_has_its_history(panel, draft) -> None:
    panel.set_history(["an owl"], ["text"])
    press(panel.prompt.editor, Qt.Key.Key_Up, ALT)
    press(panel.negative_prompt.editor, Qt.Key.Key_Up, ALT)
    assert (draft.request.prompt, draft.request.negative_prompt) == ("an owl", "text")


def test_characters_that_no_request_may_hold(panel, draft) -> None:
    editor = panel.prompt.editor
    editor.set_text("a\0b \U0001f98a")
    editor.insertPlainText("\ud83e")
    assert draft.request.prompt == "ab \U0001f98a"
    QTest.keyClicks(editor, "c")
    assert draft.request.prompt == "ab \U0001f98ac"
