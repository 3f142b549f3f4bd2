"""A mask that is being drawn: strokes, and the way back from each. White is painted anew.

Owns the mask's pixels and their history. Knows no widget and no file.
"""

from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QTransform

GREY = QImage.Format.Format_Grayscale8
MOST_STEPS_BACK = 100
_STRIPE = QColor(255, 255, 255, 110)
_ORIGIN = QPoint(0, 0)


@dataclass(frozen=True, kw_only=True)
class Brush:
    """`diameter` in pixels of the mask; one that erases paints what is kept."""

    diameter: float
    erases: bool


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What stood in a part of the mask before."""

    place: QRect
    before: QImage


class MaskDrawing(QObject):
    """Begin a stroke, draw its lines, end it; each stroke is one step back."""

    changed = Signal(QRect)
    """The part of the mask that looks different now."""
    edited = Signal()
    """A whole step was made: a stroke has ended, or one was taken back."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._image = _kept_all(QSize(1, 1))
        self._before: QImage | None = None
        self._touched = QRect()
        self._back: list[_Change] = []
        self._forth: list[_Change] = []

    @property
    def image(self) -> QImage:
        """The mask, one byte a pixel: 255 is painted anew, 0 is kept."""
        return self._image

    @property
    def is_empty(self) -> bool:
        """Whether all is kept."""
        return self._image == _kept_all(self._image.size())

    @property
    def can_undo(self) -> bool:
        """Whether there is a step back."""
        return bool(self._back)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step forth again."""
        return bool(self._forth)

    def open(self, size: QSize, mask: QImage | None = None) -> None:
        """Begins with this mask, fitted to the size, or with nothing painted; forgets all steps."""
        self._image = _kept_all(size)
        if mask is not None and not mask.isNull():
            self._image = mask.convertToFormat(GREY).scaled(
                size,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        self._back, self._forth, self._before = [], [], None
        self.changed.emit(self._image.rect())

    def begin(self) -> None:
        """A stroke begins."""
        self._before, self._touched = QImage(self._image), QRect()

    def draw(self, start: QPointF, end: QPointF, brush: Brush) -> None:
        """A line of the stroke, as wide as the brush and round at its ends."""
        if self._before is None:
            return
        painter = QPainter(self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor("black" if brush.erases else "white"), brush.diameter)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(start, end) if start != end else painter.drawPoint(start)
        painter.end()
        reach = brush.diameter / 2 + 1
        line = QRectF(start, end).normalized().adjusted(-reach, -reach, reach, reach)
        place = line.toAlignedRect() & self._image.rect()
        self._touched |= place
        self.changed.emit(place)

    def end(self) -> None:
        """The stroke ends."""
        before, self._before = self._before, None
        if before is not None and not self._touched.isEmpty():
            self._note(self._touched, before)

    def invert(self) -> None:
        """What was painted is kept, and the other way round."""
        before = QImage(self._image)
        self._image.invertPixels()
        self._note(self._image.rect(), before)

    def clear(self) -> None:
        """Nothing is painted."""
        if not self.is_empty:
            before, self._image = self._image, _kept_all(self._image.size())
            self._note(self._image.rect(), before)

    def undo(self) -> None:
        """One step back."""
        self._swap(self._back, self._forth)

    def redo(self) -> None:
        """One step forth again."""
        self._swap(self._forth, self._back)

    def _note(self, place: QRect, before: QImage) -> None:
        self._back = [*self._back, _Change(place=place, before=before.copy(place))]
        self._back = self._back[-MOST_STEPS_BACK:]
        self._forth = []
        self.changed.emit(place)
        self.edited.emit()

    def _swap(self, source: list[_Change], target: list[_Change]) -> None:
        if not source or self._before is not None:
            return
        change = source.pop()
        target.append(_Change(place=change.place, before=self._image.copy(change.place)))
        painter = QPainter(self._image)
        painter.drawImage(change.place.topLeft(), change.before)
        painter.end()
        self.changed.emit(change.place)
        self.edited.emit()


def tinted(mask: QImage, color: QColor, at: QPoint = _ORIGIN, stripe: float = 1.0) -> QImage:
    """The colour, striped, where the mask is white, and nothing where it is black.

    Stripes show on a picture of that very colour, too; `stripe` is how large they are, and `at`
    where this part lies in the whole, so that they run on from part to part.
    """
    alpha = mask.convertToFormat(GREY)
    alpha.reinterpretAsFormat(QImage.Format.Format_Alpha8)
    image = QImage(mask.size(), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(color)
    stripes = QBrush(_STRIPE, Qt.BrushStyle.BDiagPattern)
    stripes.setTransform(QTransform.fromScale(stripe, stripe))
    painter = QPainter(image)
    painter.setBrushOrigin(-at)
    painter.fillRect(image.rect(), stripes)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    painter.drawImage(0, 0, alpha)
    painter.end()
    return image


def _kept_all(size: QSize) -> QImage:
    image = QImage(size, GREY)
    image.fill(0)
    return image
