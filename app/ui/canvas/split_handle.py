"""The line between before and after, which is dragged to and fro.

Owns its place, 0 to 1 from the left. Knows no picture.
"""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QWidget

from app.ui.parts import theme

WIDTH = 28
"""What can be grabbed, in points; the line itself is far thinner."""
_KNOB = 11
_PARTS = 1000


class SplitHandle(QAbstractSlider):
    """A slider that lies over the canvas; arrow keys, page up and down, home and end move it."""

    moved = Signal(float)
    """The new share of the picture that lies left of the line."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setRange(0, _PARTS)
        self.setValue(_PARTS // 2)
        self.setSingleStep(_PARTS // 50)
        self.setPageStep(_PARTS // 10)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Line between before and after"))
        self.setToolTip(self.tr("Drag to see more of one picture or of the other."))
        self._track = QRectF()
        self.valueChanged.connect(self._tell)
        self.hide()

    @property
    def share(self) -> float:
        """How much of the picture lies left of the line, 0 to 1."""
        return self.value() / _PARTS

    def place(self, track: QRectF) -> None:
        """Where the seen part of the picture lies in the parent, in points."""
        self._track = track
        middle = track.left() + self.share * track.width()
        self.setGeometry(
            round(middle - WIDTH / 2), round(track.top()), WIDTH, max(round(track.height()), 1)
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Takes hold of the line."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.setSliderDown(True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The line goes where the pointer is."""
        if self.isSliderDown() and self._track.width() > 0:
            x = self.mapToParent(event.position()).x() - self._track.left()
            self.setValue(round(x / self._track.width() * _PARTS))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Lets go of the line."""
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Back to the middle."""
        self.setValue(_PARTS // 2)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """A white line with a knob, seen on any picture; the accent shows the focus."""
        worn = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(self.width() / 2, self.height() / 2)
        painter.fillRect(QRectF(middle.x() - 1.5, 0, 3, self.height()), QColor(0, 0, 0, 50))
        painter.fillRect(QRectF(middle.x() - 0.75, 0, 1.5, self.height()), QColor("white"))
        painter.setPen(
            QPen(QColor(worn.accent), 2) if self.hasFocus() else QPen(QColor(0, 0, 0, 60))
        )
        painter.setBrush(QColor("white"))
        painter.drawEllipse(middle, _KNOB, _KNOB)
        painter.setPen(QPen(QColor(theme.LIGHT.muted), 1.6, c=Qt.PenCapStyle.RoundCap))
        for side in (-1, 1):
            tip = middle + QPointF(side * 6.5, 0)
            painter.drawLine(tip, tip + QPointF(-side * 3, -3))
            painter.drawLine(tip, tip + QPointF(-side * 3, 3))

    def _tell(self) -> None:
        self.place(self._track)
        self.moved.emit(self.share)
