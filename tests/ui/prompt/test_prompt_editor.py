"""The prompt's field under real keys."""

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSplitter

from app.ui.prompt.prompt_editor import LEAST_LINES, MOST_LINES, PromptEditor
from tests.ui.sidebar.sidebar import ALT, COMMAND, SHIFT, press, show

UP, DOWN = Qt.Key.Key_Up, Qt.Key.Key_Down
RETURN = Qt.Key.Key_Return


@pytest.fixture
def editor(qtbot) -> PromptEditor:
    made = PromptEditor()
    made.resize(300, 100)
    show(qtbot, made)
    made.setFocus()
    return made


def write(editor: PromptEditor, text: str) -> None:
    QTest.keyClicks(editor, text)


def test_grows_with_its_text_within_limits(editor: PromptEditor) -> None:
    line = editor.fontMetrics().lineSpacing()
    least = editor.height()
    assert LEAST_LINES * line <= least < (LEAST_LINES + 1) * line
    for _ in range(4):
        press(editor, RETURN)
    assert editor.height() == least + 2 * line
    editor.set_text("word " * 500)
    assert editor.height() == least + (MOST_LINES - LEAST_LINES) * line
    editor.set_text("")
    assert editor.height() == least


def test_grows_where_words_wrap(editor: PromptEditor) -> None:
    least = editor.height()
    write(editor, "word " * 40)
    assert editor.height() > least


@pytest.mark.parametrize(
    ("key", "modifiers", "signal"),
    [
        (RETURN, COMMAND, "generate_requested"),
        (Qt.Key.Key_Enter, COMMAND | Qt.KeyboardModifier.KeypadModifier, "generate_requested"),
        (RETURN, COMMAND | SHIFT, "generate_first_requested"),
        (Qt.Key.Key_Period, COMMAND, "cancel_requested"),
        (Qt.Key.Key_Escape, None, "cancel_requested"),
    ],
)
def test_keys_that_ask(qtbot, editor: PromptEditor, key, modifiers, signal: str) -> None:
    write(editor, "a fox")
    with qtbot.waitSignal(getattr(editor, signal), timeout=500):
        press(editor, key, modifiers)
    assert editor.toPlainText() == "a fox"


def test_return_is_a_line(editor: PromptEditor) -> None:
    write(editor, "a")
    press(editor, RETURN)
    write(editor, "b")
    assert editor.toPlainText() == "a\nb"


def test_its_keys_come_before_a_menus(editor: PromptEditor) -> None:
    event = QKeyEvent(QKeyEvent.Type.ShortcutOverride, UP, COMMAND)
    event.ignore()
    QApplication.sendEvent(editor, event)
    assert event.isAccepted()


def test_weight_of_the_word_and_undo(editor: PromptEditor) -> None:
    write(editor, "a red fox")
    press(editor, UP, COMMAND)
    press(editor, UP, COMMAND)
    assert editor.toPlainText() == "a red (fox:1.1)"
    press(editor, DOWN, COMMAND)
    assert editor.toPlainText() == "a red (fox:1.05)"
    press(editor, Qt.Key.Key_Z, COMMAND)
    assert editor.toPlainText() == "a red (fox:1.1)"
    press(editor, Qt.Key.Key_Z, COMMAND)
    press(editor, Qt.Key.Key_Z, COMMAND)
    assert editor.toPlainText() == "a red fox"
    press(editor, Qt.Key.Key_Z, COMMAND | SHIFT)
    assert editor.toPlainText() == "a red (fox:1.05)"


def test_weight_of_the_selection(editor: PromptEditor) -> None:
    write(editor, "a red fox")
    for _ in range(7):
        press(editor, Qt.Key.Key_Left, SHIFT)
    press(editor, UP, COMMAND)
    assert editor.toPlainText() == "a (red fox:1.05)"
    assert editor.textCursor().selectedText() == "red fox"
    press(editor, DOWN, COMMAND)
    assert editor.toPlainText() == "a red fox"


def test_weight_after_an_emoji(editor: PromptEditor) -> None:
    editor.set_text("\U0001f98a fox")
    editor.moveCursor(QTextCursor.MoveOperation.End)
    press(editor, UP, COMMAND)
    assert editor.toPlainText() == "\U0001f98a (fox:1.05)"


def test_history(editor: PromptEditor) -> None:
    editor.set_history(["latest", "older"])
    write(editor, "mine")
    press(editor, UP, ALT)
    assert editor.toPlainText() == "latest"
    press(editor, UP, ALT)
    press(editor, UP, ALT)
    assert editor.toPlainText() == "older"
    press(editor, DOWN, ALT)
    press(editor, DOWN, ALT)
    press(editor, DOWN, ALT)
    assert editor.toPlainText() == "mine"


def test_an_edit_leaves_the_history(editor: PromptEditor) -> None:
    editor.set_history(["latest", "older"])
    press(editor, UP, ALT)
    write(editor, "!")
    press(editor, UP, ALT)
    assert editor.toPlainText() == "latest"
    press(editor, DOWN, ALT)
    assert editor.toPlainText() == "latest!"


def test_history_is_undone_like_typing(editor: PromptEditor) -> None:
    editor.set_history(["latest"])
    write(editor, "mine")
    press(editor, UP, ALT)
    press(editor, Qt.Key.Key_Z, COMMAND)
    assert editor.toPlainText() == "mine"


def test_typing_after_another_text_is_undone_by_itself(editor: PromptEditor) -> None:
    editor.begin_with("a fox")
    editor.set_text("a hare")
    write(editor, " runs")
    press(editor, Qt.Key.Key_Z, COMMAND)
    assert editor.toPlainText() == "a hare"
    press(editor, Qt.Key.Key_Z, COMMAND)
    assert editor.toPlainText() == "a fox"
    press(editor, Qt.Key.Key_Z, COMMAND)
    assert editor.toPlainText() == "a fox"


def popup(editor: PromptEditor):
    return editor._popup


def rows(editor: PromptEditor) -> list[str]:
    shown = popup(editor)
    if not shown.isVisible():
        return []
    return [shown.item(row).text() for row in range(shown.count())]


NAMES = ["<lora:ink:1>", "<lora:pencil:1>", "bad-hands", "hand-drawn"]


def test_names_are_offered_and_taken(editor: PromptEditor) -> None:
    editor.set_completions(NAMES)
    write(editor, "a fox, h")
    assert rows(editor) == []
    write(editor, "an")
    assert rows(editor) == ["hand-drawn", "bad-hands"]
    press(editor, DOWN)
    press(editor, RETURN)
    assert editor.toPlainText() == "a fox, bad-hands"
    assert rows(editor) == []


def test_a_tag_is_offered_by_its_sign_and_by_its_name(editor: PromptEditor) -> None:
    editor.set_completions(NAMES)
    write(editor, "<")
    assert rows(editor) == NAMES[:2]
    write(editor, "lora:p")
    assert rows(editor) == NAMES[1:2]
    press(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "<lora:pencil:1>"
    editor.set_text("")
    write(editor, "ink")
    assert rows(editor) == NAMES[:1]
    press(editor, RETURN)
    assert editor.toPlainText() == "<lora:ink:1>"


def test_escape_closes_the_names_and_cancels_nothing(qtbot, editor: PromptEditor) -> None:
    editor.set_completions(NAMES)
    write(editor, "han")
    with qtbot.assertNotEmitted(editor.cancel_requested):
        press(editor, Qt.Key.Key_Escape)
    assert rows(editor) == []
    assert editor.toPlainText() == "han"


def test_command_return_asks_while_names_are_offered(qtbot, editor: PromptEditor) -> None:
    editor.set_completions(NAMES)
    write(editor, "han")
    with qtbot.waitSignal(editor.generate_requested, timeout=500):
        press(editor, RETURN, COMMAND)
    assert editor.toPlainText() == "han"


def test_moving_on_closes_the_names(editor: PromptEditor) -> None:
    editor.set_completions(NAMES)
    write(editor, "han")
    press(editor, Qt.Key.Key_Left)
    assert rows(editor) == []


def test_files_are_for_the_window(editor: PromptEditor) -> None:
    files, words = QMimeData(), QMimeData()
    files.setUrls([QUrl.fromLocalFile("/a/b.png")])
    words.setText("a fox")
    assert not editor.canInsertFromMimeData(files)
    assert editor.canInsertFromMimeData(words)


def test_text_stays_as_typed(editor: PromptEditor) -> None:
    write(editor, "\"a\" 'b' -- ...")
    assert editor.toPlainText() == "\"a\" 'b' -- ..."
    assert editor.inputMethodHints() & Qt.InputMethodHint.ImhNoPredictiveText


def test_tab_goes_on_to_the_next_field(qtbot) -> None:
    both = QSplitter()
    first, second = PromptEditor(both), PromptEditor(both)
    show(qtbot, both)
    first.setFocus()
    press(first, Qt.Key.Key_Tab)
    assert second.hasFocus()
    assert first.toPlainText() == ""
