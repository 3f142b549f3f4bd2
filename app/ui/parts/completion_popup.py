"""The list of names that a prompt's word may become.

Owns which names match and which one is chosen. Knows no prompt: it is asked for matches of a few
letters and says which name was taken.
"""

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from app.ui.parts import theme

MOST_ROWS = 8
_LEAST_WIDTH, _MOST_WIDTH = 160, 320
_PADDING = 3  # of the list about its rows, and its line


def matching_names(names: list[str], letters: str) -> list[str]:
    """The names that hold `letters`, those that begin with them first; case does not matter."""
    sought = letters.lower()
    holding = [name for name in names if sought in name.lower()]
    return sorted(holding, key=lambda name: not _bare(name).startswith(sought.lstrip("<")))


def _bare(name: str) -> str:
    """<lora:ink:1> is sought by its name as well as by its tag."""
    return name.lower().removeprefix("<lora:").removeprefix("<")


class CompletionPopup(QListWidget):
    """A small list below the cursor; the keyboard stays with the editor, which moves its row."""

    taken = Signal(str)
    """A name, by mouse or by `take_current`."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._owner = parent
        self.setWindowFlags(Qt.WindowType.ToolTip | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUniformItemSizes(True)
        self.setAccessibleName(self.tr("Suggestions"))
        theme.set_role(self, "popup")
        self.itemClicked.connect(self._take)

    def offer(self, names: list[str], caret: QRect) -> None:
        """Show these names by a caret in the editor's coordinates; none hides the list."""
        if not names:
            self.hide()
            return
        self.clear()
        self.addItems(names)
        self.setCurrentRow(0)
        row = self.sizeHintForRow(0)
        frame = 2 * (self.frameWidth() + _PADDING)
        width = min(max(self.sizeHintForColumn(0) + 24, _LEAST_WIDTH), _MOST_WIDTH)
        self.resize(width + frame, min(len(names), MOST_ROWS) * row + frame)
        self.move(self._place(caret))
        self.show()

    def step(self, rows: int) -> None:
        """Move the choice, round the ends."""
        self.setCurrentRow((self.currentRow() + rows) % self.count())

    def take_current(self) -> None:
        """Take the chosen name."""
        item = self.currentItem()
        if item is not None:
            self._take(item)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Focus is the editor's."""
        event.ignore()

    def _take(self, item: QListWidgetItem) -> None:
        self.hide()
        self.taken.emit(item.text())

    def _place(self, caret: QRect) -> QPoint:
        """Below the caret, or above it where the screen ends; never off the screen's side."""
        below = self._owner.mapToGlobal(caret.bottomLeft() + QPoint(0, theme.SPACE // 2))
        screen = QGuiApplication.screenAt(below) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        if below.y() + self.height() > room.bottom():
            below.setY(self._owner.mapToGlobal(caret.topLeft()).y() - self.height())
        below.setX(min(below.x(), room.right() - self.width()))
        return below
