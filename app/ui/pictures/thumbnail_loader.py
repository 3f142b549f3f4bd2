"""Thumbnails in memory: loaded in other threads for what is in sight, and only for that.

Owns the bounded store of loaded thumbnails. Knows no widget and no row: pictures go by their ids.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QImageReader, QPainter, QPen

from app.library.gallery_entry import GalleryEntry
from app.library.picture_file import PictureError
from app.ui.parts.background_calls import BackgroundCalls

LEAST_BOUND_BYTES = 16_000_000
"""Loaded thumbnails may take so much, and more only where more is wanted at once."""
MOST_THREADS = 4
HAIRLINE = QColor(128, 128, 128, 46)  # holds a picture together that is as light as the ground
HAIRLINE_PART = 140  # of a picture's side


class ThumbnailLoader(QObject):
    """Square thumbnails with round corners; `make` writes a picture's small file or finds it."""

    loaded = Signal(int)
    """The thumbnail of this id can be had, or is known to be missing."""

    def __init__(self, make: Callable[[Path], Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self.threads = max(1, min(MOST_THREADS, (os.cpu_count() or 1) // 2))
        self._calls = BackgroundCalls(self.threads, self)
        self._side, self._radius = 256, 12
        self._images: OrderedDict[int, QImage] = OrderedDict()
        self._bytes, self._bound = 0, LEAST_BOUND_BYTES
        self._missing: set[int] = set()
        self._waiting: dict[int, Future[QImage]] = {}

    @property
    def held_bytes(self) -> int:
        """How much memory the loaded thumbnails take."""
        return self._bytes

    @property
    def waiting(self) -> int:
        """How many thumbnails are on their way."""
        return len(self._waiting)

    def set_side(self, side: int, radius: int) -> None:
        """What is loaded from now on is `side` pixels of the screen wide; corners are `radius`."""
        self._side, self._radius = side, radius

    def image(self, entry_id: int) -> QImage | None:
        """The thumbnail, perhaps of an earlier size; None where it is not loaded."""
        return self._images.get(entry_id)

    def is_missing(self, entry_id: int) -> bool:
        """Whether the picture's file cannot be read."""
        return entry_id in self._missing

    def want(self, entries: Sequence[GalleryEntry]) -> None:
        """Loads these, in this order, and gives up all others that have not begun."""
        wanted = {entry.id for entry in entries}
        self._bound = max(LEAST_BOUND_BYTES, len(entries) * 4 * self._side**2)
        for entry_id, future in list(self._waiting.items()):
            if entry_id not in wanted and future.cancel():
                del self._waiting[entry_id]
        for entry in entries:
            image = self._images.get(entry.id)
            if image is not None:
                self._images.move_to_end(entry.id)
            is_due = image is None or image.width() != self._side
            if is_due and entry.id not in self._waiting and entry.id not in self._missing:
                self._load(entry)

    def forget(self, entry_id: int) -> None:
        """Loads this one again when it is wanted next, such as after its file has changed."""
        self._missing.discard(entry_id)
        image = self._images.pop(entry_id, None)
        self._bytes -= image.sizeInBytes() if image is not None else 0

    def close(self) -> None:
        """Ends the work."""
        self._calls.close()

    def _load(self, entry: GalleryEntry) -> None:
        make, path, side, radius = self._make, entry.path, self._side, self._radius
        self._waiting[entry.id] = self._calls.call(
            lambda: rounded_square(make(path), side, radius),
            partial(self._keep, entry.id),
            partial(self._miss, entry.id),
        )

    def _keep(self, entry_id: int, image: QImage) -> None:
        self._waiting.pop(entry_id, None)
        self.forget(entry_id)
        self._images[entry_id] = image
        self._bytes += image.sizeInBytes()
        while self._bytes > self._bound:
            self._bytes -= self._images.popitem(last=False)[1].sizeInBytes()
        self.loaded.emit(entry_id)

    def _miss(self, entry_id: int, error: Exception) -> None:
        self._waiting.pop(entry_id, None)
        if not isinstance(error, PictureError | OSError):
            raise error
        self._missing.add(entry_id)
        self.loaded.emit(entry_id)


def rounded_square(path: Path, side: int, radius: int) -> QImage:
    """The middle square of a picture, `side` pixels wide, its corners transparent.

    May be called from any thread. Raises `PictureError`.
    """
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid():
        size.scale(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        reader.setScaledSize(size)
    image = reader.read()
    if image.isNull():
        raise PictureError(f"Could not read {path} as a picture: {reader.errorString()}.")
    square = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    square.fill(Qt.GlobalColor.transparent)
    painter = QPainter(square)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    left, top = (image.width() - side) // 2, (image.height() - side) // 2
    painter.setBrush(QBrush(image.copy(QRect(left, top, side, side))))
    painter.drawRoundedRect(square.rect(), radius, radius)
    line = max(1, side // HAIRLINE_PART)
    painter.setPen(QPen(HAIRLINE, line))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    edge = QRectF(square.rect()).adjusted(line / 2, line / 2, -line / 2, -line / 2)
    painter.drawRoundedRect(edge, radius, radius)
    painter.end()
    return square
