"""What the gallery needs beside being looked at: watched folders, bounded thumbnails, a look back.

Owns that work in the background. Knows no widget.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.library.gallery import Gallery
from app.library.thumbnails import trim_thumbnails
from app.ui.gallery.recollection import recollect
from app.ui.parts.background_calls import BackgroundCalls
from app.ui.parts.folder_watch import FolderWatch


class GalleryUpkeep(QObject):
    """One piece of work after the other."""

    scanned = Signal()
    """The gallery is not what it was."""
    recollected = Signal(object)
    """The Recollection of the last pictures."""
    failed = Signal(str)
    """Something could not be done: one sentence."""

    def __init__(self, gallery: Gallery, cache: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gallery, self._cache = gallery, cache
        self._is_closed = False
        self._calls = BackgroundCalls(1, self)
        self._watch = FolderWatch(self)
        self._watch.changed.connect(self._scan)

    def scan(self, folders: Sequence[Path]) -> None:
        """Makes the gallery agree with its own folder and with these, now and from now on."""
        own = self._gallery.folder
        with suppress(OSError):  # else the first picture says so
            own.mkdir(parents=True, exist_ok=True)
        self._scan((None, *folders))
        self._watch.watch((own, *folders))

    def _scan(self, folders: Sequence[Path | None]) -> None:
        def work() -> bool:
            reports = [self._gallery.scan(folder, lambda: self._is_closed) for folder in folders]
            return any(report.added or report.changed or report.removed for report in reports)

        def tell(has_news: bool) -> None:
            if has_news:
                self.scanned.emit()

        self._calls.call(work, tell, self._fail)

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
        self._watch.close()
        self._calls.close()

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))
