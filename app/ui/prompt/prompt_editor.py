"""Where a prompt is typed.

Owns the keys and the shape of one prompt's field: it grows with its text, weighs words, walks the
prompts of before and completes names. Knows no request: it says when its text has changed.
"""

import re
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QMimeData, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QShowEvent, QTextCursor, QTextOption
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

from app.ui.parts.completion_popup import CompletionPopup, matching_names
from app.ui.prompt.prompt_highlighter import PromptHighlighter
from app.ui.prompt.prompt_weight import WEIGHT_STEP, weight_edit

LEAST_LINES, MOST_LINES = 3, 12
_LETTERS_BEFORE_NAMES = 2
_LAST_WORD = re.compile(r"<[^<>\s]*$|[\w-]+$")
_COMMAND = Qt.KeyboardModifier.ControlModifier  # the command key on a Mac
_SHIFT, _ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
_Keys = dict[tuple[int, Qt.KeyboardModifier], Callable[[], None]]


class PromptEditor(QPlainTextEdit):
    """A prompt's text, as high as it needs to be within `LEAST_LINES` and `MOST_LINES`.

    Command with the arrows changes a weight, option with them walks the history; command with
    return asks for a picture, with shift as well for one at the front of the queue; escape and
    command with the full stop cancel. Tab leaves the field.
    """

    generate_requested = Signal()
    generate_first_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: list[str] = []
        self._walked = -1  # place in the history; -1 is what was being written
        self._written = ""
        self._is_walking = False
        self._names: list[str] = []
        self._names_start = 0
        self._highlighter = PromptHighlighter(self.document())
        self._popup = CompletionPopup(self)
        self._popup.taken.connect(self._insert_name)
        self._keys = self._own_keys()
        self._popup_keys = self._own_popup_keys()
        self._set_up_text()
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        self.textChanged.connect(self._leave_history)
        self._fit_height()

    def _set_up_text(self) -> None:
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        # What is typed is what is meant: no capitals, no curly quotes put in its place.
        self.setInputMethodHints(
            Qt.InputMethodHint.ImhMultiLine
            | Qt.InputMethodHint.ImhNoAutoUppercase
            | Qt.InputMethodHint.ImhNoPredictiveText
        )

    def set_text(self, text: str) -> None:
        """Put another text in place of this one; undo brings this one back."""
        if text == self.toPlainText():
            return
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.setTextCursor(cursor)
        self._end_undo_step()

    def begin_with(self, text: str) -> None:
        """The text that there is no way back from, as when the window opens."""
        self.setPlainText(text)
        self.moveCursor(QTextCursor.MoveOperation.End)

    def set_history(self, prompts: list[str]) -> None:
        """The prompts of before, the latest first."""
        self._history = list(prompts)
        self._walked = -1

    def set_completions(self, names: list[str]) -> None:
        """What words may be completed to, as it is to stand: "<lora:ink:1>", "bad-hands"."""
        self._names = list(names)

    def change_weight(self, step: float) -> None:
        """Add to the weight of the selection, or of the word at the cursor; undone as one."""
        cursor = self.textCursor()
        text = self.toPlainText()
        ends = [_characters(text, p) for p in (cursor.selectionStart(), cursor.selectionEnd())]
        edit = weight_edit(text, ends[0], ends[1], step)
        if edit is None:
            return
        cursor.setPosition(_units(text, edit.start))
        cursor.setPosition(_units(text, edit.end), QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(edit.text)
        text = self.toPlainText()
        cursor.setPosition(_units(text, edit.selection_start))
        cursor.setPosition(_units(text, edit.selection_end), QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)

    def walk_history(self, back: int) -> None:
        """Go to an earlier prompt (1) or a later one (-1); what was being written comes last."""
        place = self._walked + back
        if not -1 <= place < len(self._history):
            return
        if self._walked == -1:
            self._written = self.toPlainText()
        self._walked = place
        self._is_walking = True
        self.set_text(self._written if place == -1 else self._history[place])
        self._is_walking = False

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room for, as high as the text."""
        return QSize(super().sizeHint().width(), self.height())

    def event(self, event: QEvent) -> bool:
        """Keys of the editor are its own before they are a menu's."""
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._action(event) is not None
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """The editor's own keys, else typing."""
        action = self._action(event)
        if action is not None:
            action()
            return
        super().keyPressEvent(event)
        is_typing = event.text() != "" and event.text().isprintable()
        if is_typing or event.key() == Qt.Key.Key_Backspace:
            self._offer_names()
        else:
            self._popup.hide()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """The style's font and margins are known from here on."""
        super().showEvent(event)
        self._fit_height()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Suggestions go when the keyboard does."""
        self._popup.hide()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Other colours, other fonts."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self._highlighter.wear_colors()
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_height()

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 - Qt's name
        """Tab takes a suggestion while there are any, also where there is a next field."""
        return not self._popup.isVisible() and super().focusNextPrevChild(forward)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 - Qt's name
        """Files are for the window."""
        return not source.hasUrls() and super().canInsertFromMimeData(source)

    def _action(self, event: QKeyEvent) -> Callable[[], None] | None:
        """What a key press means here, if it is no typing."""
        key = Qt.Key.Key_Return if event.key() == Qt.Key.Key_Enter else event.key()
        pressed = event.modifiers() & (_COMMAND | _SHIFT | _ALT | Qt.KeyboardModifier.MetaModifier)
        if self._popup.isVisible() and pressed == Qt.KeyboardModifier.NoModifier:
            offered = self._popup_keys.get(key)
            if offered is not None:
                return offered
        if event.matches(QKeySequence.StandardKey.Cancel):
            return self.cancel_requested.emit
        return self._keys.get((key, pressed))

    def _own_keys(self) -> _Keys:
        return {
            (Qt.Key.Key_Return, _COMMAND): self.generate_requested.emit,
            (Qt.Key.Key_Return, _COMMAND | _SHIFT): self.generate_first_requested.emit,
            (Qt.Key.Key_Period, _COMMAND): self.cancel_requested.emit,
            (Qt.Key.Key_Up, _COMMAND): partial(self.change_weight, WEIGHT_STEP),
            (Qt.Key.Key_Down, _COMMAND): partial(self.change_weight, -WEIGHT_STEP),
            (Qt.Key.Key_Up, _ALT): partial(self.walk_history, 1),
            (Qt.Key.Key_Down, _ALT): partial(self.walk_history, -1),
        }

    def _own_popup_keys(self) -> dict[int, Callable[[], None]]:
        return {
            Qt.Key.Key_Up: partial(self._popup.step, -1),
            Qt.Key.Key_Down: partial(self._popup.step, 1),
            Qt.Key.Key_Return: self._popup.take_current,
            Qt.Key.Key_Tab: self._popup.take_current,
            Qt.Key.Key_Escape: self._popup.hide,
        }

    def _leave_history(self) -> None:
        if not self._is_walking:
            self._walked = -1

    def _fit_height(self) -> None:
        """A plain document is measured in lines, wrapped ones included."""
        rows = round(self.document().documentLayout().documentSize().height())
        lines = min(max(rows, LEAST_LINES), MOST_LINES)
        margins = self.contentsMargins()
        around = margins.top() + margins.bottom() + 2 * round(self.document().documentMargin())
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + around)
        shown = Qt.ScrollBarPolicy.ScrollBarAsNeeded
        hidden = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(shown if rows > MOST_LINES else hidden)

    def _offer_names(self) -> None:
        cursor = self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        word = _LAST_WORD.search(before)
        letters = word.group() if word else ""
        is_asked = letters.startswith("<") or len(letters) >= _LETTERS_BEFORE_NAMES
        names = matching_names(self._names, letters) if is_asked else []
        self._names_start = cursor.position() - len(letters)
        self._popup.offer([name for name in names if name != letters], self._caret())

    def _caret(self) -> QRect:
        caret = self.cursorRect()
        return caret.translated(self.viewport().pos())

    def _insert_name(self, name: str) -> None:
        cursor = self.textCursor()
        cursor.setPosition(self._names_start, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(name)
        self.setTextCursor(cursor)
        self._end_undo_step()

    def _end_undo_step(self) -> None:
        """What is typed next is undone by itself: Qt joins steps in modified documents only."""
        self.document().setModified(False)


def _units(text: str, place: int) -> int:
    """The UTF-16 place, which is Qt's, of a character."""
    return len(text[:place].encode("utf-16-le", "surrogatepass")) // 2


def _characters(text: str, unit: int) -> int:
    """The character at a UTF-16 place."""
    data = text.encode("utf-16-le", "surrogatepass")[: 2 * unit]
    return len(data.decode("utf-16-le", "ignore"))
