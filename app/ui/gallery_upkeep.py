"""What the gallery needs beside being looked at: scans, thumbnails trimmed, a look back.

Owns that work in the background. Knows no widget.
"""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.library.gallery import Gallery
from app.library.thumbnails import trim_thumbnails
from app.ui.background_calls import BackgroundCalls
from app.ui.recollection import recollect


class GalleryUpkeep(QObject):
    """One piece of work after the other."""

    scanned = Signal()
    recollected = Signal(object)
    """The Recollection of the last pictures."""
    failed = Signal(str)
    """Something could not be done: one sentence."""

    def __init__(self, gallery: Gallery, cache: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gallery, self._cache = gallery, cache
        self._is_closed = False
        self._calls = BackgroundCalls(1, self)

    def scan(self, folders: Sequence[Path]) -> None:
        """Makes the gallery agree with its own folder and with these."""

        def work() -> None:
            for folder in (None, *folders):
                self._gallery.scan(folder, lambda: self._is_closed)

        self._calls.call(work, lambda _: self.scanned.emit(), self._fail)

    def recollect(self) -> None:
        """Looks back at the last pictures."""
        gallery, cache = self._gallery, self._cache
        self._calls.call(lambda: recollect(gallery, cache), self.recollected.emit, self._fail)

    def tidy(self) -> None:
        """Keeps the thumbnails within their bound."""
        self._calls.call(lambda: trim_thumbnails(self._cache), lambda _: None, self._fail)

    def close(self) -> None:
        """Stops a scan and ends the work; call it before the gallery is closed."""
        self._is_closed = True
        self._calls.close()

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))
