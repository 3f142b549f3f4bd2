"""A picture at several sizes, so that it is sharp and quick at any zoom.

Owns how a picture is scaled on the way to the screen. Knows no widget.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

_SMOOTH = Qt.TransformationMode.SmoothTransformation
_EXACT = Qt.AspectRatioMode.IgnoreAspectRatio
_LARGEST_DOUBLED = 512
"""Up to this width or height in pixels a preview is enlarged beforehand."""
_LARGE_PIXELS = 1_200_000
"""From so many on, scaling takes a good part of a frame or more."""
_SMALL_SIDE = 512
"""What is left to halve from here on takes no time."""

MakeLater = Callable[[Callable[[], list[QImage]], Callable[[list[QImage]], None]], None]
"""Calls the first function in another thread and the second, here, with what it gave."""


class PictureLevels:
    """An image that stands for a picture of `size` pixels, which a preview may have fewer of.

    All is made when it is first drawn, as a picture to compare with may never be, and of a large
    image elsewhere: meanwhile it is drawn coarse, pixels being skipped. Halves, because reading a
    large picture at a small zoom skips pixels, which flickers and costs as much as the whole
    picture.
    """

    def __init__(self, image: QImage, size: QSize | None, make_later: MakeLater) -> None:
        self.image = image
        self.size = size or image.size()
        self._make_later = make_later
        self._is_being_made = False
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
        is_coarse = exact or not self._levels
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not is_coarse)
        painter.drawImage(target, level, part)

    def _level(self, zoom: float) -> QImage:
        """The smallest level that still has a pixel for each of the device's."""
        number = 0
        if not self._levels:
            if self.image.width() * self.image.height() >= _LARGE_PIXELS:
                self._ask()
                return self.image
            self._levels = [_whole(self.image, self.size)]
        while zoom * 2 ** (number + 1) <= 1 and min(self._levels[number].size().toTuple()) > 1:
            number += 1
            if number == len(self._levels):
                half = self._levels[-1].size() / 2
                self._levels.append(self._levels[-1].scaled(half, _EXACT, _SMOOTH))
        return self._levels[number]

    def _ask(self) -> None:
        if not self._is_being_made:
            self._is_being_made = True
            self._make_later(partial(_halves, self.image, self.size), self._take)

    def _take(self, levels: list[QImage]) -> None:
        self._levels = levels


def _halves(image: QImage, size: QSize) -> list[QImage]:
    """The levels down to a small one; may be called from any thread."""
    levels = [_whole(image, size)]
    while min(levels[-1].size().toTuple()) > _SMALL_SIDE:
        levels.append(levels[-1].scaled(levels[-1].size() / 2, _EXACT, _SMOOTH))
    return levels


def _whole(image: QImage, size: QSize) -> QImage:
    """The largest level, in the format that is drawn fastest."""
    return _enlarged(image, size).convertToFormat(QImage.Format.Format_RGB32)


def _enlarged(image: QImage, size: QSize) -> QImage:
    """A preview with too few pixels, doubled until it has enough.

    Doubling in steps rounds the edges that one large step of linear scaling would leave.
    """
    while image.width() * 2 <= size.width() and max(image.size().toTuple()) <= _LARGEST_DOUBLED:
        image = image.scaled(image.size() * 2, _EXACT, _SMOOTH)
    return image
