"""A line of text with one button that floats over the foot of a widget for some seconds.

Knows nothing of what it says.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.ui.parts import theme

STAY_MS = 8000
MARGIN = theme.SPACE


class Notice(QFrame):
    """Hidden until `say`."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._act: Callable[[], object] = lambda: None
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.button = QPushButton()
        self.button.clicked.connect(self._acted)
        self._timer = QTimer(self, singleShot=True, interval=STAY_MS)
        self._timer.timeout.connect(self.hide)
        theme.set_role(self, "card")
        theme.set_role(self.button, "quiet")
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 6, 4)
        row.addWidget(self.label, 1)
        row.addWidget(self.button)
        over.installEventFilter(self)
        self.hide()

    def say(self, text: str, label: str = "", act: Callable[[], object] = lambda: None) -> None:
        """Shows `text`, and a button with `label` that calls `act` and ends the notice."""
        self.label.setText(text)
        self.button.setText(label)
        self.button.setVisible(bool(label))
        self._act = act
        self._timer.start()
        self.show()
        self.raise_()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stays at the foot."""
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _acted(self) -> None:
        self.hide()
        self._act()

    def _place(self) -> None:
        room = self._over.width() - 2 * MARGIN
        button = self.button.sizeHint().width() + theme.SPACE if self.button.isVisible() else 0
        text = self.label.fontMetrics().horizontalAdvance(self.label.text())
        width = min(room, text + button + 32)
        height = max(40, self._row.heightForWidth(width))
        left = (self._over.width() - width) // 2
        self.setGeometry(left, self._over.height() - height - MARGIN, width, height)
