"""The surface on which a picture lies: zoom, pan, and a second picture to compare with.

Owns what is drawn and how one moves about in it. Knows no job, no gallery and no file.
"""

from collections.abc import Callable
from enum import StrEnum

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.canvas import canvas_painting
from app.ui.canvas.split_handle import SplitHandle
from app.ui.parts import theme
from app.ui.parts.background_calls import BackgroundCalls
from app.ui.pictures.picture_levels import PictureLevels
from app.ui.pictures.picture_viewport import PictureViewport, View

MARGIN = theme.SPACE * 3
GAP = theme.SPACE
"""Between two pictures side by side."""
ZOOM_STEP = 1.25
_PIXELATED_FROM = 2.0
_ANGLE_OF_NOTCH = 120.0
_ARROWS = {
    Qt.Key.Key_Left: QPointF(1, 0),
    Qt.Key.Key_Right: QPointF(-1, 0),
    Qt.Key.Key_Up: QPointF(0, 1),
    Qt.Key.Key_Down: QPointF(0, -1),
}


class CompareMode(StrEnum):
    """How a second picture is shown."""

    NONE = "none"
    SPLIT = "split"
    SIDE_BY_SIDE = "side_by_side"


class Canvas(QWidget):
    """One picture, or two.

    The wheel of a mouse zooms where the pointer is, two fingers move the picture, with cmd or ctrl
    they zoom, so does a pinch; a double click goes between all of it and 1:1. Keys: + - 0 1 and
    the arrows.
    """

    zoom_changed = Signal()
    drag_started = Signal()
    """A picture that is all in sight is being dragged: out of the window, perhaps."""
    step_requested = Signal(int)
    """To the next picture (1) or the one before (-1)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewport = PictureViewport()
        self._calls = BackgroundCalls(1, self)
        self._picture: PictureLevels | None = None
        self._other: PictureLevels | None = None
        self._titles = ("", "")
        self._mode = CompareMode.NONE
        self._progress: float | None = None
        self._pressed: QPointF | None = None
        self._dragged_from: QPointF | None = None
        self._handle = SplitHandle(self)
        self._handle.moved.connect(self.update)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(self.tr("Picture"))

    # ------------------------------------------------------------ what is shown

    def show_image(self, image: QImage, size: QSize | None = None) -> None:
        """Shows an image as a picture of `size` pixels, None: its own."""
        self._picture = self._levels_of(image, size, self._picture)
        self._viewport.set_picture(self._picture.size)
        self._relayout()

    def clear(self) -> None:
        """Shows nothing."""
        self._picture = None
        self._progress = None
        self._relayout()

    def set_other(self, image: QImage | None, titles: tuple[str, str] = ("", "")) -> None:
        """The picture to compare with. `titles` are its own, and that of the shown one."""
        self._other = self._levels_of(image, None, self._other) if image is not None else None
        self._titles = titles
        self._relayout()

    def set_mode(self, mode: CompareMode) -> None:
        """How the other picture is shown, if there is one."""
        self._mode = mode
        self._relayout()

    @property
    def mode(self) -> CompareMode:
        """How the other picture is shown now: not at all while there is none."""
        return self._mode if self._picture and self._other else CompareMode.NONE

    def set_progress(self, share: float | None) -> None:
        """How much of the picture is made, 0 to 1; None: all of it."""
        self._progress = share
        self.update()

    def end_work(self) -> None:
        """Ends what is done in the background."""
        self._calls.close()

    def _levels_of(
        self, image: QImage, size: QSize | None, shown: PictureLevels | None
    ) -> PictureLevels:
        """The levels of an image: those that are shown if they are of this one."""
        is_shown = shown is not None and shown.image is image and size in (None, shown.size)
        return shown if shown and is_shown else PictureLevels(image, size, self._make_later)

    def _make_later(
        self, make: Callable[[], list[QImage]], take: Callable[[list[QImage]], None]
    ) -> None:
        def show(levels: list[QImage]) -> None:
            take(levels)
            self.update()

        self._calls.call(make, show, _fail)

    # ------------------------------------------------------------ zoom and pan

    @property
    def zoom(self) -> float:
        """Device pixels for each pixel of the picture."""
        return self._viewport.zoom

    @property
    def is_fit(self) -> bool:
        """Whether the picture follows the size of the canvas."""
        return self._viewport.is_fit

    @property
    def picture_rect(self) -> QRectF:
        """Where the picture lies, in points."""
        rect, ratio = self._viewport.rect(), self.devicePixelRatioF()
        return QRectF(rect.topLeft() / ratio, rect.size() / ratio)

    def fit(self) -> None:
        """Shows all of the picture, from now on."""
        self._viewport.fit()
        self._relayout()

    def actual_size(self) -> None:
        """Shows each pixel of the picture on one of the device."""
        self._zoom_to(1.0)

    def zoom_in(self) -> None:
        """One step nearer."""
        self._zoom_to(self.zoom * ZOOM_STEP)

    def zoom_out(self) -> None:
        """One step back."""
        self._zoom_to(self.zoom / ZOOM_STEP)

    def _zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        if self._picture:
            self._viewport.zoom_to(zoom, self._in_pane(at) if at is not None else None)
            self._relayout()

    def _toggle_fit(self, at: QPointF) -> None:
        if self.is_fit:
            self._zoom_to(1.0, at)
        else:
            self.fit()

    def _in_pane(self, at: QPointF) -> QPointF:
        """A point of the widget, in device pixels of the pane that it lies in."""
        panes = self._panes()
        pane = panes[-1] if at.x() * self.devicePixelRatioF() >= panes[-1].left() else panes[0]
        return at * self.devicePixelRatioF() - pane.topLeft()

    def _panes(self) -> list[QRectF]:
        """The places of the pictures, in device pixels."""
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        if self.mode is not CompareMode.SIDE_BY_SIDE:
            return [QRectF(0, 0, width, height)]
        gap = round(GAP * ratio)
        half = (width - gap) // 2
        return [QRectF(0, 0, half, height), QRectF(width - half, 0, half, height)]

    def _relayout(self) -> None:
        ratio = self.devicePixelRatioF()
        size = QSizeF(self._panes()[0].size())
        self._viewport.set_view(
            View(size=size, margin=round(MARGIN * ratio), device_pixel_ratio=ratio)
        )
        self._handle.setVisible(self.mode is CompareMode.SPLIT)
        self._handle.place(self.picture_rect & QRectF(self.rect()))
        can_pan = self._picture is not None and self._viewport.can_pan
        shape = Qt.CursorShape.OpenHandCursor if can_pan else Qt.CursorShape.ArrowCursor
        self.setCursor(shape if self._dragged_from is None else Qt.CursorShape.ClosedHandCursor)
        self.zoom_changed.emit()
        self.update()

    # ------------------------------------------------------------ events

    def event(self, event: QEvent) -> bool:
        """Takes the gestures of a trackpad as well."""
        if isinstance(event, QNativeGestureEvent) and self._picture:
            if event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
                self._zoom_to(self.zoom * (1 + event.value()), event.position())
                return True
            if event.gestureType() is Qt.NativeGestureType.SmartZoomNativeGesture:
                self._toggle_fit(event.position())
                return True
        if event.type() is QEvent.Type.DevicePixelRatioChange:
            self._relayout()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The picture keeps its place."""
        self._relayout()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Notches of a wheel zoom; fine scrolling moves the picture unless cmd or ctrl is held."""
        fine = event.pixelDelta()
        notches = event.angleDelta().y() / _ANGLE_OF_NOTCH
        if fine.isNull() or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom_to(self.zoom * ZOOM_STEP**notches, event.position())
        else:
            self._pan(QPointF(fine))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Takes hold of the picture."""
        can_pan = self._picture is not None and self._viewport.can_pan
        if can_pan and event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._dragged_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() is Qt.MouseButton.LeftButton and self._hits(event.position()):
            self._pressed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Moves what does not fit, and carries away what does."""
        if self._dragged_from is not None:
            moved, self._dragged_from = event.position() - self._dragged_from, event.position()
            self._pan(moved)
        elif self._pressed is not None:
            moved = event.position() - self._pressed
            if moved.manhattanLength() >= QApplication.startDragDistance():
                self._pressed = None
                self.drag_started.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Lets go."""
        self._pressed = self._dragged_from = None
        self._relayout()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Between all of the picture and 1:1 where the pointer is."""
        self._toggle_fit(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """+ - 0 1; arrows move the picture, or go to the next one where all of it shows."""
        key = Qt.Key(event.key())
        plain = not event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        )
        verbs = {
            Qt.Key.Key_Plus: self.zoom_in,
            Qt.Key.Key_Equal: self.zoom_in,
            Qt.Key.Key_Minus: self.zoom_out,
            Qt.Key.Key_0: self.fit,
            Qt.Key.Key_1: self.actual_size,
        }
        if plain and key in verbs:
            verbs[key]()
        elif plain and key in _ARROWS and self._picture:
            self._take_arrow(_ARROWS[key])
        else:
            super().keyPressEvent(event)

    def _take_arrow(self, direction: QPointF) -> None:
        if self._viewport.can_pan:
            step = min(self.width(), self.height()) / 10
            self._pan(direction * step)
        elif direction.x():
            self.step_requested.emit(-round(direction.x()))

    def _pan(self, moved: QPointF) -> None:
        self._viewport.pan(moved * self.devicePixelRatioF())
        self._relayout()

    def _hits(self, at: QPointF) -> bool:
        rect = self._viewport.rect()
        return self._picture is not None and rect.contains(self._in_pane(at))

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draws in pixels of the device, so that 1:1 is exact at any scale of the screen."""
        worn = theme.colors()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(worn.canvas))
        if not self._picture:
            return
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        panes, rect = self._panes(), self._viewport.rect()
        if self.mode is CompareMode.SIDE_BY_SIDE and self._other:
            self._paint_pane(painter, panes[0], self._other, self._titles[0])
            self._paint_pane(painter, panes[1], self._picture, self._titles[1])
        else:
            self._paint_pane(painter, panes[0], self._picture, "")
        if self.mode is CompareMode.SPLIT and self._other:
            self._paint_split(painter, self._other)
        if self._progress is not None:
            canvas_painting.draw_hairline(painter, rect, panes[0], self._progress, ratio)

    def _paint_pane(
        self, painter: QPainter, pane: QRectF, picture: PictureLevels, title: str
    ) -> None:
        rect = self._viewport.rect().translated(pane.topLeft())
        ratio = self.devicePixelRatioF()
        painter.save()
        painter.setClipRect(pane)
        inside = canvas_painting.contained(picture.size, rect)
        canvas_painting.draw_shadow(painter, inside, ratio)
        source = QRectF(0, 0, picture.size.width(), picture.size.height())
        picture.draw(painter, inside, source, exact=self._is_pixelated())
        canvas_painting.draw_title(painter, inside & pane, title, ratio)
        painter.restore()

    def _paint_split(self, painter: QPainter, other: PictureLevels) -> None:
        """The other picture over the left part, cropped about its centre as the engine would."""
        ratio = self.devicePixelRatioF()
        rect = self._viewport.rect()
        seen = rect & self._panes()[0]
        left = QRectF(seen)
        left.setWidth(round(seen.width() * self._handle.share))
        right = seen.adjusted(left.width(), 0, 0, 0)
        painter.save()
        painter.setClipRect(left)
        source = canvas_painting.cropped(other.size, rect.size())
        other.draw(painter, rect, source, exact=self._is_pixelated())
        canvas_painting.draw_title(painter, left, self._titles[0], ratio)
        painter.setClipRect(right)
        canvas_painting.draw_title(painter, right, self._titles[1], ratio, on_right=True)
        painter.restore()

    def _is_pixelated(self) -> bool:
        """Squares only for who looks closely: beyond twice 1:1, and twice the size that fits."""
        near = max(1.0, self._viewport.fit_zoom)
        return self._progress is None and self.zoom > _PIXELATED_FROM * near


def _fail(error: Exception) -> None:
    """Scaling fails for want of memory alone, and then the picture stays coarse."""
    if not isinstance(error, MemoryError):
        raise error
