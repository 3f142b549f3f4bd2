"""What lies over the window while files are dragged across it: what they are, what can be done.

Knows no kind of file: what is dragged is described by the function that it is given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWindow,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.parts import theme
from app.ui.parts.dropped_files import local_files
from app.ui.parts.icons import icon

CARD_WIDTH = 520
DIM = 0.82  # of the window's colour over the window
EDGE = 10


@dataclass(frozen=True, kw_only=True)
class DropAction:
    """One thing that letting go can do; `word` is what `dropped` says of it."""

    word: str
    label: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class DropDescription:
    """What is dragged: `title`, one sentence of `detail`, the icon's name and what can be done.

    The first action is done where no other is chosen. Without actions the drop is refused.
    """

    title: str
    detail: str
    icon_name: str
    actions: tuple[DropAction, ...]


class _Target(QFrame):
    """One action, as a field to let go on."""

    def __init__(self, action: DropAction) -> None:
        super().__init__()
        self.action = action
        self.is_lit = False
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 12, 12, 12)
        box.setSpacing(2)
        label = QLabel(action.label, alignment=Qt.AlignmentFlag.AlignCenter)
        label.setWordWrap(True)
        box.addStretch(1)
        box.addWidget(label)
        if action.detail:
            detail = QLabel(action.detail, alignment=Qt.AlignmentFlag.AlignCenter)
            detail.setWordWrap(True)
            theme.set_role(detail, "caption")
            box.addWidget(detail)
        box.addStretch(1)
        self.setMinimumHeight(84)

    def set_lit(self, is_lit: bool) -> None:
        """Whether letting go now does this."""
        if is_lit != self.is_lit:
            self.is_lit = is_lit
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """A dashed field; the one that counts is filled."""
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(colors.accent if self.is_lit else colors.field_line), 1.5)
        if not self.is_lit:
            pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.setBrush(QColor(colors.selection if self.is_lit else colors.card))
        place = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(place, theme.RADIUS, theme.RADIUS)


class DropOverlay(QWidget):
    """Covers `window` while files are dragged over it from another program."""

    dropped = Signal(object, str)
    """The files (list of Path) were let go on the action with this word."""

    def __init__(self, window: QWidget, describe: Callable[[list[Path]], DropDescription]) -> None:
        super().__init__(window)
        self._window = window
        self._describe = describe
        self._files: list[Path] = []
        self._targets: list[_Target] = []
        self._card: QFrame | None = None
        self.setAcceptDrops(True)
        self.setAccessibleName(self.tr("What a drop would do"))
        self.hide()
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        self._watch(window.windowHandle())

    def _watch(self, handle: QWindow | None) -> None:
        """The window's own surface sees a drag before any field of text can take it."""
        if handle is not None:
            handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Appears with a drag and keeps the window's size."""
        kind = event.type()
        if isinstance(watched, QWindow):
            if kind is QEvent.Type.DragEnter and isinstance(event, QDragEnterEvent):
                self._appear(event)
            elif kind is QEvent.Type.DragLeave:
                self.hide()
        elif kind is QEvent.Type.Show:
            self._watch(self._window.windowHandle())
        elif kind is QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._window.rect())
        return False

    def _appear(self, event: QDragEnterEvent) -> None:
        files = local_files(event.mimeData())
        if event.source() is not None or not files:
            return
        self._files = files
        self._show_description(self._describe(files))
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()

    def _show_description(self, description: DropDescription) -> None:
        if self._card is not None:
            self._card.deleteLater()
        self._card = card = QFrame(self)
        theme.set_role(card, "card")
        symbol = QLabel()
        symbol.setPixmap(icon(description.icon_name).pixmap(QSize(32, 32)))
        title, detail = QLabel(description.title), QLabel(description.detail)
        theme.set_role(title, "title")
        theme.set_role(detail, "caption" if description.actions else "danger")
        title.setWordWrap(True)
        detail.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(detail)
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE * 3 // 2)
        head.addWidget(symbol, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self._targets = [_Target(action) for action in description.actions]
        fields = QHBoxLayout()
        fields.setSpacing(theme.SPACE)
        for target in self._targets:
            fields.addWidget(target, 1)
        box = QVBoxLayout(card)
        box.setContentsMargins(*[theme.SPACE * 2] * 4)
        box.setSpacing(theme.SPACE * 2)
        box.addLayout(head)
        if self._targets:
            box.addLayout(fields)
        card.show()
        self._light(None)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The card stands in the middle."""
        if self._card is not None:
            width = min(CARD_WIDTH, self.width() - 4 * theme.SPACE)
            height = max(self._card.heightForWidth(width), self._card.sizeHint().height())
            left, top = (self.width() - width) // 2, (self.height() - height) // 2
            self._card.setGeometry(left, max(0, top), width, height)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Dims the window, with a line of the accent around."""
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(colors.window)
        ground.setAlphaF(DIM)
        painter.fillRect(self.rect(), ground)
        color = colors.accent if self._targets else colors.danger
        painter.setPen(QPen(QColor(color), 2))
        edge = QRectF(self.rect()).adjusted(EDGE, EDGE, -EDGE, -EDGE)
        painter.drawRoundedRect(edge, 12, 12)

    # ------------------------------------------------------------ the drag

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Taken if something can be done."""
        self._answer(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802
        """Lights the field under the pointer, or the first."""
        self._answer(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Goes."""
        self.hide()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Tells what is to be done."""
        target = self._light(event.position())
        self.hide()
        if target is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.dropped.emit(self._files, target.action.word)

    def _answer(self, event: QDragMoveEvent) -> None:
        if self._light(event.position()) is None:
            event.ignore()
        else:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def _light(self, position: QPointF | None) -> _Target | None:
        """The field that counts: under the pointer, else the first."""
        chosen = self._targets[0] if self._targets else None
        for target in self._targets:
            if position is not None:
                inside = target.mapFrom(self, position.toPoint())
                chosen = target if target.rect().contains(inside) else chosen
        for target in self._targets:
            target.set_lit(target is chosen)
        return chosen
