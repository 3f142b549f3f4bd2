"""Puts finished pictures into the gallery without holding up the window.

Owns the work that is under way: it ends before the app does, so that no finished picture is lost.
Knows no widget.
"""

from concurrent.futures import Future, ThreadPoolExecutor

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.generation.messages import Finished
from app.library.gallery import Gallery
from app.library.gallery_entry import GalleryError
from app.library.picture_file import PictureError
from app.ui.pictures.shown_picture import ShownPicture


class PictureKeeper(QObject):
    """Saves the pictures of one job after the other, in the order in which they were finished."""

    kept = Signal(object, object)
    """Finished, and the ShownPictures (list) as they lie in the gallery."""
    failed = Signal(object, str)
    """Finished, and why its pictures could not be kept: a sentence."""

    _saved = Signal(object, object)  # Finished, Future; emitted in the other thread

    def __init__(self, gallery: Gallery, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gallery = gallery
        self._executor = ThreadPoolExecutor(1, "picture keeper")
        self._saved.connect(self._answer)

    def keep(self, finished: Finished) -> None:
        """Saves all pictures of a job; `kept` or `failed` says how it went."""
        future = self._executor.submit(self._save, finished)
        future.add_done_callback(lambda ended: self._saved.emit(finished, ended))

    def close(self) -> None:
        """Waits until all that was asked for is saved."""
        self._executor.shutdown(wait=True)

    def _save(self, finished: Finished) -> list[ShownPicture]:
        """Images are read from the files: to copy the pixels would hold the interpreter's lock."""
        count = len(finished.pictures.pictures)
        entries = [self._gallery.save(finished, picture) for picture in range(count)]
        return [ShownPicture(image=QImage(str(entry.path)), entry=entry) for entry in entries]

    def _answer(self, finished: Finished, future: "Future[list[ShownPicture]]") -> None:
        try:
            self.kept.emit(finished, future.result())
        except (GalleryError, PictureError, OSError) as error:
            self.failed.emit(finished, str(error))
