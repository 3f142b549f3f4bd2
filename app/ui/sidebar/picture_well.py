"""A place for one picture file: dropped, pasted or chosen, and shown as a small square.

Knows not what the picture is for.
"""

from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QImage,
    QImageReader,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from app.ui.canvas.mask_drawing import tinted
from app.ui.parts import theme

_THUMBNAIL = 72
_OVERLAY_ALPHA = 160


class PictureWell(QWidget):
    """Takes a dropped or pasted picture file; shows it, or a sentence while there is none."""

    choose_requested = Signal()
    remove_requested = Signal()
    dropped = Signal(object)
    """The Path of a file, which may be no picture."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self.mask_path: Path | None = None
        self.picture_size = QSize()
        self._image = QImage()
        self._overlay = QImage()
        self._is_over = False
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Picture to begin from"))
        self.setToolTip(self.tr("Drop a picture here, or click to choose one."))
        self.show_picture(None)

    def show_picture(self, path: Path | None, mask: Path | None = None) -> None:
        """Shows the picture of this file, and what of it a mask's file lets be painted."""
        self.path, self.mask_path = path, mask
        self._image = self._overlay = QImage()
        self.picture_size = QSize()
        if path:
            self._image, self.picture_size = _square(path)
            self._overlay = _square(mask)[0] if mask else QImage()
            self.setFixedSize(_THUMBNAIL, _THUMBNAIL)
        else:
            self.setMinimumSize(0, 0)
            self.setMaximumSize(16777215, _THUMBNAIL)
            self.setMinimumHeight(_THUMBNAIL)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A click chooses."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.choose_requested.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Space and Return choose, delete removes, cmd-v pastes a file."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose_requested.emit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.path:
            self.remove_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Paste):
            self._take(QApplication.clipboard().mimeData())
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Lights up for a file."""
        if _file_of(event.mimeData()):
            event.acceptProposedAction()
            self._set_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """Back to normal."""
        self._set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Takes the file."""
        self._set_over(False)
        self._take(event.mimeData())
        event.acceptProposedAction()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The picture, cropped to a square; or a dashed frame with a sentence."""
        worn = theme.colors()
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        frame = QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75)
        is_lit = self._is_over or self.hasFocus()
        outline = QPainterPath()
        outline.addRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        if not self._image.isNull():
            painter.setClipPath(outline)
            painter.drawImage(frame, self._image)
            if not self._overlay.isNull():
                color = QColor(worn.accent)
                color.setAlpha(_OVERLAY_ALPHA)
                painter.drawImage(frame, tinted(self._overlay, color))
            painter.setClipping(False)
            painter.setPen(QPen(QColor(worn.accent if is_lit else worn.line), 2 if is_lit else 1))
            painter.drawPath(outline)
            return
        painter.fillPath(outline, QColor(worn.selection if self._is_over else worn.field))
        pen = QPen(QColor(worn.accent if is_lit else worn.field_line), 1.5)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawPath(outline)
        if self.path is None:
            painter.setPen(QColor(worn.muted))
            text = self.tr("Drop a picture to begin from,\nor click to choose one")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)

    def _set_over(self, is_over: bool) -> None:
        self._is_over = is_over
        self.update()

    def _take(self, data: QMimeData) -> None:
        path = _file_of(data)
        if path:
            self.dropped.emit(path)


def _file_of(data: QMimeData) -> Path | None:
    return next((Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()), None)


def _square(path: Path) -> tuple[QImage, QSize]:
    """The middle of an image file, read small, for it may be far larger; and its size, upright."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid():
        side = _THUMBNAIL * 3
        expanding = Qt.AspectRatioMode.KeepAspectRatioByExpanding
        reader.setScaledSize(size.scaled(side, side, expanding))
    image = reader.read()
    if image.isNull():
        return image, QSize()
    is_turned = (image.width() > image.height()) != (size.width() > size.height())
    side = min(image.width(), image.height())
    left, top = (image.width() - side) // 2, (image.height() - side) // 2
    return image.copy(left, top, side, side), size.transposed() if is_turned else size
