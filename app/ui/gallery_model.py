"""The gallery as a list model: ids at once, entries and thumbnails as they come into sight.

Owns the order of what is shown and the work in the background: one thread asks and changes the
gallery in the order of the wishes, others make thumbnails. Knows no widget.
"""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Signal

from app.library.gallery import Gallery
from app.library.gallery_entry import Flag, GalleryEntry, GalleryQuery

Index = QModelIndex | QPersistentModelIndex


class GalleryModel(QAbstractListModel):
    """What a query finds, a row for each picture."""

    refreshed = Signal()
    """The rows are those of the query again."""
    edited = Signal(object)
    """Ratings or flags of these ids (tuple of int) have changed, or were deleted or restored."""
    failed = Signal(str)
    """Something could not be done: one sentence."""
    deleted = Signal(int)
    """So many pictures went to the trash; `undo_delete` brings them back."""
    imported = Signal(object)
    """The ImportReport of `import_paths`."""
    names_changed = Signal(object, object)
    """The NameCounts (tuples) of models and LoRAs in use."""

    def __init__(
        self, gallery: Gallery, thumbnail_cache: Path, parent: QObject | None = None
    ) -> None:
        """Asks nothing before the first `refresh`."""
        super().__init__(parent)
        raise NotImplementedError

    @property
    def query(self) -> GalleryQuery:
        """What is shown."""
        raise NotImplementedError

    def set_query(self, query: GalleryQuery) -> None:
        """Shows what another query finds."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Asks again, such as after a picture was saved; rows that stay keep their selection."""
        raise NotImplementedError

    def entry(self, index: Index) -> GalleryEntry | None:
        """The entry of a row; None while it has not come into sight."""
        raise NotImplementedError

    def row_of(self, entry_id: int) -> int | None:
        """Where a picture stands, if it is shown."""
        raise NotImplementedError

    def entries(self, rows: Sequence[int]) -> list[GalleryEntry]:
        """The entries of these rows; those that have not come into sight are fetched now."""
        raise NotImplementedError

    def rate(self, ids: Sequence[int], rating: int) -> None:
        """Gives 0 to 5 stars."""
        raise NotImplementedError

    def flag(self, ids: Sequence[int], flag: Flag) -> None:
        """Marks as pick or reject, or takes the mark away."""
        raise NotImplementedError

    def delete(self, ids: Sequence[int]) -> None:
        """Moves pictures to the trash."""
        raise NotImplementedError

    def undo_delete(self) -> None:
        """Brings back what the last `delete` took; nothing happens if there is none."""
        raise NotImplementedError

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Adds picture files and all pictures of folders, where they lie; then `imported`."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the work in the background; call it before the gallery is closed."""
        raise NotImplementedError
