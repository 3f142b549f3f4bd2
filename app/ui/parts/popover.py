"""A card that stands over the window beside the button that opened it, until one looks elsewhere.

Owns its place, its shadow and how it goes away. It is a child of the window, not a window of its
own, so that it looks and behaves the same on every system. Knows nothing of what is in it.
"""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGraphicsDropShadowEffect,
    QVBoxLayout,
    QWidget,
)

from app.ui.parts.theme import SPACE, set_role

SHADOW_RADIUS, SHADOW_OPACITY = 28, 70


class Popover(QFrame):
    """Shows `content` above or below a widget; a click elsewhere or Esc closes it."""

    opened = Signal()
    closed = Signal()

    def __init__(self, window: QWidget, content: QWidget) -> None:
        super().__init__(window)
        set_role(self, "card")
        self.content = content
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(content)
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(SHADOW_RADIUS)
        shadow.setOffset(0, 6)
        shadow.setColor(QColor(0, 0, 0, SHADOW_OPACITY))
        self.setGraphicsEffect(shadow)
        self._anchor: QWidget | None = None
        self._holder: QWidget | None = None
        self.hide()

    def toggle(self, anchor: QWidget) -> None:
        """Opens beside `anchor`, a widget of the same window, or closes."""
        if self.isVisible():
            self.close_up()
        else:
            self.open_at(anchor)

    def open_at(self, anchor: QWidget) -> None:
        """Shows it where it fits: below the anchor if that is in the upper half, else above."""
        self._anchor, self._holder = anchor, QApplication.focusWidget()
        self._place()
        self.show()
        self.raise_()
        self.setFocus()
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
        self.opened.emit()

    def close_up(self) -> None:
        """Hides it and gives the focus back to who had it, such as the prompt."""
        if not self.isVisible():
            return
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        holder = QApplication.focusWidget()
        had_focus = holder is None or holder is self or self.isAncestorOf(holder)
        self.hide()
        if self._holder and had_focus and self._holder in self.window().findChildren(QWidget):
            self._holder.setFocus()
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_up()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Takes another size when its content does."""
        if event.type() is QEvent.Type.LayoutRequest and self.isVisible():
            self._place()
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """A press outside closes, and is still what it was; the window's new size moves it."""
        if event.type() is QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            self._close_if_outside(watched, event)
        elif event.type() is QEvent.Type.Resize and watched is self.window():
            self._place()
        return False

    def _close_if_outside(self, watched: QObject, event: QMouseEvent) -> None:
        if not isinstance(watched, QWidget) or watched.window() is not self.window():
            return  # a menu or a list of its own opened over it
        place = event.globalPosition().toPoint()
        on_anchor = self._anchor and self._anchor.rect().contains(self._anchor.mapFromGlobal(place))
        if not on_anchor and not self.rect().contains(self.mapFromGlobal(place)):
            self.close_up()

    def _place(self) -> None:
        if self._anchor is None:
            return
        window = self.window().rect()
        self.adjustSize()
        needed = self._layout.totalHeightForWidth(self.width())  # of words that wrap at this width
        self.resize(self.width(), max(self.height(), needed))
        self.resize(self.size().boundedTo(window.size()))
        top = self._anchor.mapTo(self.window(), QPoint(0, 0))
        center = top.x() + self._anchor.width() // 2
        left = min(max(SPACE, center - self.width() // 2), window.width() - self.width() - SPACE)
        below = top.y() + self._anchor.height() + SPACE
        above = top.y() - self.height() - SPACE
        self.move(left, below if top.y() < window.height() // 2 else max(SPACE, above))
