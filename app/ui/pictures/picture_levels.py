"""A picture at several sizes, so that it is sharp and quick at any zoom.

Owns how a picture is scaled on the way to the screen. Knows no widget.
"""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

_SMOOTH = Qt.TransformationMode.SmoothTransformation
_EXACT = Qt.AspectRatioMode.IgnoreAspectRatio
_LARGEST_DOUBLED = 512
"""Up to this width or height in pixels a preview is enlarged beforehand."""


class PictureLevels:
    """An image that stands for a picture of `size` pixels, which a preview may have fewer of.

    All is made when it is first drawn, as a picture to compare with may never be. Halves, because
    reading a large picture at a small zoom skips pixels, which flickers and costs as much as the
    whole picture.
    """

    def __init__(self, image: QImage, size: QSize | None = None) -> None:
        self.image = image
        self.size = size or image.size()
        self._levels: list[QImage] = []

    def draw(self, painter: QPainter, target: QRectF, source: QRectF, *, exact: bool) -> None:
        """Draws the part `source` (in pixels of the picture) into `target` (of the device).

        `exact`: a pixel of the picture stays a sharp square.
        """
        level = self._level(target.width() / max(source.width(), 1))
        across = level.width() / self.size.width()
        down = level.height() / self.size.height()
        part = QRectF(
            source.x() * across,
            source.y() * down,
            source.width() * across,
            source.height() * down,
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not exact)
        painter.drawImage(target, level, part)

    def _level(self, zoom: float) -> QImage:
        """The smallest level that still has a pixel for each of the device's."""
        number = 0
        if not self._levels:
            whole = _enlarged(self.image, self.size)
            self._levels = [whole.convertToFormat(QImage.Format.Format_RGB32)]
        while zoom * 2 ** (number + 1) <= 1 and min(self._levels[number].size().toTuple()) > 1:
            number += 1
            if number == len(self._levels):
                half = self._levels[-1].size() / 2
                self._levels.append(self._levels[-1].scaled(half, _EXACT, _SMOOTH))
        return self._levels[number]


def _enlarged(image: QImage, size: QSize) -> QImage:
    """A preview with too few pixels, doubled until it has enough.

    Doubling in steps rounds the edges that one large step of linear scaling would leave.
    """
    while image.width() * 2 <= size.width() and max(image.size().toTuple()) <= _LARGEST_DOUBLED:
        image = image.scaled(image.size() * 2, _EXACT, _SMOOTH)
    return image
