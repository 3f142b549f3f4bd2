"""The picture with its mask over it, under a brush.

Owns what the pointer does and how the mask is shown. The mask is a MaskDrawing; zoom and pan are
the canvas's. Knows no file.
"""

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from app.generation.mask_edge import GreyPixels, reach_of, softened_pixels
from app.ui.canvas.canvas import Canvas
from app.ui.canvas.mask_drawing import GREY, Brush, MaskDrawing, tinted
from app.ui.parts import theme

SMALLEST_BRUSH, LARGEST_BRUSH = 2, 400
BRUSH_STEP = 1.2
_OVERLAY_ALPHA = 130
_STRIPES = 400  # over the whole picture, about
_FRAME_DASHES = [5.0, 4.0]


class MaskPainter(Canvas):
    """A Canvas on which the left button paints, and with alt erases; the middle one moves it.

    Keys: [ and ] make the brush smaller and larger, besides the canvas's own.
    """

    diameter_changed = Signal(int)

    def __init__(self, drawing: MaskDrawing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawing = drawing
        self._overlay = QImage()
        self._blur = 0.0
        self._area: QRectF | None = None
        self._diameter = 48
        self._erases = False
        self._last: QPointF | None = None
        self._pointer: QPointF | None = None
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Mask"))
        drawing.changed.connect(self._take_change)

    @property
    def diameter(self) -> int:
        """Of the brush, in pixels of the picture."""
        return self._diameter

    def set_diameter(self, diameter: int) -> None:
        """Another size of the brush."""
        diameter = min(max(diameter, SMALLEST_BRUSH), LARGEST_BRUSH)
        if diameter != self._diameter:
            self._diameter = diameter
            self.diameter_changed.emit(diameter)
            self.update()

    def set_blur(self, blur: float) -> None:
        """How soft the mask's edge is, in pixels of the mask: it is shown as it will be used."""
        if blur != self._blur:
            self._blur = blur
            self._take_change(self._drawing.image.rect())

    def set_area(self, area: QRectF | None) -> None:
        """The part that is made, in pixels of the mask, as a frame; None: the whole picture."""
        if area != self._area:
            self._area = area
            self.update()

    def set_erasing(self, erases: bool) -> None:
        """Whether the brush takes away; alt does so for as long as it is held."""
        self._erases = erases

    # ------------------------------------------------------------ painting

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A stroke begins."""
        if event.button() is Qt.MouseButton.LeftButton and self._picture:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self._last = self._in_picture(event.position())
            self._drawing.begin()
            self._drawing.draw(self._last, self._last, self._brush(event))
        elif event.button() is Qt.MouseButton.MiddleButton:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The stroke follows the pointer, and so does the ring that shows the brush."""
        self._pointer = event.position()
        if self._last is not None:
            here = self._in_picture(event.position())
            self._drawing.draw(self._last, here, self._brush(event))
            self._last = here
        else:
            super().mouseMoveEvent(event)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The stroke ends."""
        if self._last is not None:
            self._last = None
            self._drawing.end()
        else:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Two quick dabs are two dabs."""
        self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """[ and ] change the brush."""
        if event.text() == "[":
            self.set_diameter(min(round(self._diameter / BRUSH_STEP), self._diameter - 1))
        elif event.text() == "]":
            self.set_diameter(max(round(self._diameter * BRUSH_STEP), self._diameter + 1))
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        """The ring appears."""
        self._pointer = event.position()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """The ring goes."""
        self._pointer = None
        self.update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Another appearance has another colour."""
        if event.type() is QEvent.Type.PaletteChange:
            self._take_change(self._drawing.image.rect())
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The picture, the mask over it, the ring of the brush."""
        super().paintEvent(event)
        if not self._picture:
            return
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.drawImage(self.picture_rect, self._overlay)
        self._paint_area(painter)
        if self._pointer is not None:
            radius = self._diameter * self._points_per_pixel() / 2
            for color, width in (("#000000", 2.5), ("#ffffff", 1.0)):
                painter.setPen(QPen(QColor(color), width))
                painter.drawEllipse(self._pointer, radius, radius)

    # ------------------------------------------------------------ inside

    def _brush(self, event: QMouseEvent) -> Brush:
        held = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        return Brush(diameter=self._diameter, erases=self._erases != held)

    def _points_per_pixel(self) -> float:
        return self.zoom / self.devicePixelRatioF()

    def _in_picture(self, at: QPointF) -> QPointF:
        return (at - self.picture_rect.topLeft()) / self._points_per_pixel()

    def _paint_area(self, painter: QPainter) -> None:
        """A dashed frame that shows on light and dark alike."""
        if self._area is None:
            return
        scale, corner = self._points_per_pixel(), self.picture_rect.topLeft()
        frame = QRectF(self._area.topLeft() * scale + corner, self._area.size() * scale)
        frame &= self.picture_rect
        for color, dashes in (("#000000", None), ("#ffffff", _FRAME_DASHES)):
            pen = QPen(QColor(color), 1.5)
            if dashes:
                pen.setDashPattern(dashes)
            painter.setPen(pen)
            painter.drawRect(frame)

    def _softened(self, place: QRect) -> QImage:
        """A part of the mask as it will be used; what lies around it counts, too."""
        mask, reach = self._drawing.image, reach_of(self._blur)
        around = place.adjusted(-reach, -reach, reach, reach) & mask.rect()
        part = mask.copy(around)
        pixels = softened_pixels(grey_pixels(part), self._blur)
        width, height = around.width(), around.height()
        return QImage(pixels, width, height, width, GREY).copy(place.translated(-around.topLeft()))

    def _take_change(self, place: QRect) -> None:
        """Tints what looks different now that this part of the mask has changed."""
        mask, reach = self._drawing.image, reach_of(self._blur)
        place = place.adjusted(-reach, -reach, reach, reach) & mask.rect()
        if self._overlay.size() != mask.size():
            self._overlay = QImage(mask.size(), QImage.Format.Format_ARGB32_Premultiplied)
            place = mask.rect()
        color = QColor(theme.colors().accent)
        color.setAlpha(_OVERLAY_ALPHA)
        painter = QPainter(self._overlay)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        stripe = max(mask.width(), mask.height()) / _STRIPES
        part = tinted(self._softened(place), color, place.topLeft(), stripe)
        painter.drawImage(place.topLeft(), part)
        painter.end()
        self.update()


def grey_pixels(mask: QImage) -> GreyPixels:
    """A mask for who knows no Qt."""
    return GreyPixels(
        data=bytes(mask.constBits()),
        width=mask.width(),
        height=mask.height(),
        stride=mask.bytesPerLine(),
    )
