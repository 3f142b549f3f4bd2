"""A few choices side by side, of which one holds: a view, an appearance.

Owns the look and the keyboard of the row. Knows nothing of what is chosen.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QWidget

from app.ui.parts.theme import SPACE, set_role


class SegmentedControl(QFrame):
    """Choices are (word, label, tooltip); the word is what signals and properties speak of."""

    chosen = Signal(str)
    """The user chose another word."""

    def __init__(
        self, choices: Sequence[tuple[str, str, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_role(self, "segments")
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        for word, label, tooltip in choices:
            button = QPushButton(label, self)
            set_role(button, "segment")
            button.setCheckable(True)
            button.setToolTip(tooltip)
            button.clicked.connect(lambda _checked=False, word=word: self._choose(word))
            self._group.addButton(button)
            self._make_room(button)
            self._buttons[word] = button
            row.addWidget(button)

    @property
    def current(self) -> str:
        """The word that holds; empty before the first `set_current`."""
        return next((word for word, b in self._buttons.items() if b.isChecked()), "")

    def set_current(self, word: str) -> None:
        """Shows another word as chosen; emits nothing."""
        self._buttons[word].setChecked(True)
        self._let_tab_reach_chosen()

    def set_label(self, word: str, label: str) -> None:
        """Another text for one choice."""
        self._buttons[word].setText(label)
        self._make_room(self._buttons[word])

    def _choose(self, word: str) -> None:
        self._let_tab_reach_chosen()
        self.chosen.emit(word)

    def _let_tab_reach_chosen(self) -> None:
        """Tab goes to the row as one; the arrows go along it."""
        for button in self._buttons.values():
            chosen = button.isChecked()
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus if chosen else Qt.FocusPolicy.NoFocus)

    @staticmethod
    def _make_room(button: QPushButton) -> None:
        """The chosen one is set in bolder letters; its neighbours do not move for that."""
        bold = QFont(button.font())
        bold.setWeight(QFont.Weight.DemiBold)
        width = QFontMetrics(bold).horizontalAdvance(button.text())
        button.setMinimumWidth(width + 4 * SPACE)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Left and right go to the neighbour."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        words = list(self._buttons)
        if step is None or not self.current:
            super().keyPressEvent(event)
            return
        place = words.index(self.current) + step
        if 0 <= place < len(words):
            self._buttons[words[place]].click()
            self._buttons[words[place]].setFocus()
