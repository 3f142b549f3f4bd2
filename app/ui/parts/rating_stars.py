"""Stars: their shape, and a row of five that asks for a least rating.

Colours come from the theme. Knows nothing of pictures.
"""

import math

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.library.gallery_entry import MOST_STARS
from app.ui.parts import theme

STAR, STEP = 14, 18
INNER = 0.46  # of the outer radius: a soft star


def star_path(center: QPointF, radius: float) -> QPainterPath:
    """A star with five points, one of them up."""
    path = QPainterPath()
    for point in range(10):
        length = radius if point % 2 == 0 else radius * INNER
        angle = math.pi * (point / 5 - 0.5)
        corner = center + QPointF(math.cos(angle), math.sin(angle)) * length
        path.lineTo(corner) if point else path.moveTo(corner)
    path.closeSubpath()
    return path


class RatingStars(QWidget):
    """Five stars; a click on the last chosen one, or 0, takes the choice back."""

    rating_chosen = Signal(int)
    """0 to 5."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rating = 0
        self._hovered = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._name_rating()

    @property
    def rating(self) -> int:
        """What is chosen."""
        return self._rating

    def set_rating(self, rating: int) -> None:
        """Shows a choice without a word."""
        self._rating = rating
        self._name_rating()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Five steps, and as high as a control."""
        return QSize(MOST_STARS * STEP + 8, theme.CONTROL_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Chosen stars are filled, the others an outline."""
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = self._hovered or self._rating
        for star in range(1, MOST_STARS + 1):
            path = star_path(self._center(star), STAR / 2)
            is_on = star <= shown
            color = QColor(colors.accent if is_on else colors.faint)
            if self._hovered and is_on:
                color.setAlphaF(0.75)
            painter.setPen(QPen(color, 1.2, j=Qt.PenJoinStyle.RoundJoin))
            painter.setBrush(color if is_on else Qt.BrushStyle.NoBrush)
            painter.drawPath(path)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Shows what a click would choose."""
        self._hovered = self._star_at(event.position())
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Shows the choice again."""
        self._hovered = 0
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Chooses."""
        if event.button() is Qt.MouseButton.LeftButton:
            star = self._star_at(event.position())
            self._hovered = 0
            self._choose(0 if star == self._rating else star)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Digits choose; arrows take one more or one less."""
        key = event.key()
        if Qt.Key.Key_0 <= key <= Qt.Key.Key_5:
            self._choose(key - Qt.Key.Key_0)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = 1 if key == Qt.Key.Key_Right else -1
            self._choose(max(0, min(MOST_STARS, self._rating + step)))
        else:
            super().keyPressEvent(event)

    def _choose(self, rating: int) -> None:
        if rating != self._rating:
            self.set_rating(rating)
            self.rating_chosen.emit(rating)

    def _center(self, star: int) -> QPointF:
        return QPointF(4 + (star - 0.5) * STEP, self.height() / 2 + 0.5)

    def _star_at(self, position: QPointF) -> int:
        return max(1, min(MOST_STARS, 1 + int((position.x() - 4) // STEP)))

    def _name_rating(self) -> None:
        if self._rating:
            name = self.tr("At least %n stars", "", self._rating)
        else:
            name = self.tr("Any rating")
        self.setAccessibleName(name)
        self.setToolTip(self.tr("Show only pictures with at least so many stars"))
