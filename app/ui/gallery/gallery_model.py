"""The gallery as a list model: ids at once, entries and thumbnails as they come into sight.

Owns the order of what is shown and the work in the background: one thread asks and changes the
gallery in the order of the wishes, others make thumbnails. Knows no widget.
"""

import dataclasses
import html
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from app.library.gallery import Gallery
from app.library.gallery_entry import Flag, GalleryEntry, GalleryError, GalleryQuery, Order
from app.library.picture_file import PictureError
from app.library.thumbnails import thumbnail
from app.ui.gallery.day_sections import day_sections
from app.ui.gallery.picture_import import ImportReport, import_pictures
from app.ui.parts.background_calls import BackgroundCalls
from app.ui.parts.grid_layout import Section
from app.ui.parts.row_changes import runs
from app.ui.pictures.picture_drag import picture_data
from app.ui.pictures.thumbnail_loader import ThumbnailLoader

Index = QModelIndex | QPersistentModelIndex
Value = TypeVar("Value")

MOST_ENTRIES = 4000  # in memory; a few kilobytes each
TIP_LETTERS = 400
MOST_RUNS = 64  # changes beyond this are one reset: cheaper, and nobody could follow them
NO_INDEX = QModelIndex()


class GalleryModel(QAbstractListModel):
    """What a query finds, a row for each picture."""

    refreshed = Signal()
    """The rows are those of the query again."""
    edited = Signal(object)
    """Ratings or flags of these ids (tuple of int) have changed."""
    failed = Signal(str)
    """Something could not be done: one sentence."""
    deleted = Signal(object)
    """Pictures with these ids (tuple of int) went to the trash; `undo_delete` brings them back."""
    imported = Signal(object)
    """The ImportReport of `import_paths`."""
    names_changed = Signal(object, object)
    """The NameCounts (tuples) of models and LoRAs in use."""

    def __init__(
        self, gallery: Gallery, thumbnail_cache: Path, parent: QObject | None = None
    ) -> None:
        """Asks nothing before the first `refresh`."""
        super().__init__(parent)
        self._gallery = gallery
        self._query = GalleryQuery()
        self._ids: list[int] = []
        self._times: dict[int, float] = {}
        self._sections: list[Section] | None = None
        self._rows: dict[int, int] = {}
        self._entries: dict[int, GalleryEntry] = {}
        self._asked_for: set[int] = set()
        self._in_sight = self._near = range(0)
        self._trash: list[tuple[int, ...]] = []
        self._asked = 0
        self._total = 0
        self.is_known = False
        self._is_closed = False
        self._calls = BackgroundCalls(1, self)
        self.thumbnails = ThumbnailLoader(lambda picture: thumbnail(picture, thumbnail_cache), self)
        self.thumbnails.loaded.connect(self._show_thumbnail)

    @property
    def query(self) -> GalleryQuery:
        """What is shown."""
        return self._query

    @property
    def total(self) -> int:
        """How many pictures the gallery has, shown or not, at the last refresh."""
        return self._total

    @property
    def can_undo(self) -> bool:
        """Whether `undo_delete` would bring something back."""
        return bool(self._trash)

    def set_query(self, query: GalleryQuery) -> None:
        """Shows what another query finds."""
        if query != self._query:
            self._query = query
            self.refresh()

    def refresh(self) -> None:
        """Asks again, such as after a picture was saved; rows that stay keep their selection."""
        self._asked += 1
        asked, query, gallery = self._asked, self._query, self._gallery

        def ask() -> tuple[list[tuple[int, float]], int, tuple[Any, Any]]:
            names = tuple(gallery.models()), tuple(gallery.loras())
            return gallery.dated_ids(query), gallery.count(GalleryQuery()), names

        def take(found: tuple[list[tuple[int, float]], int, tuple[Any, Any]]) -> None:
            if asked == self._asked:  # else a newer question is on its way
                dated, self._total, names = found
                self.is_known = True
                self._times |= dated
                self._sections = None  # the order may be another one of the same ids
                self._take_ids([entry_id for entry_id, _ in dated])
                self.names_changed.emit(*names)
                self.refreshed.emit()

        self._call(ask, take)

    # ------------------------------------------------------------ what Qt asks

    def rowCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802
        """How many pictures the query finds."""
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The prompt, for readers of the screen; what is painted is asked for by name."""
        entry = self.entry(index)
        if entry is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.prompt or entry.path.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{html.escape(entry.prompt[:TIP_LETTERS]) or entry.path.name}</p>"
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Every picture can be selected and dragged."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        enabled = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return enabled | Qt.ItemFlag.ItemIsDragEnabled | Qt.ItemFlag.ItemNeverHasChildren

    def mimeTypes(self) -> list[str]:  # noqa: N802
        """Pictures leave as files."""
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802
        """The files of these rows, which hold their settings."""
        rows = sorted(index.row() for index in indexes)
        return picture_data([entry.path for entry in self.entries(rows)])

    # ------------------------------------------------------------ entries

    def entry(self, index: Index) -> GalleryEntry | None:
        """The entry of a row; None while it has not come into sight."""
        return self._entries.get(self._ids[index.row()]) if index.isValid() else None

    def id_at(self, row: int) -> int:
        """The id of the picture in a row."""
        return self._ids[row]

    def sections(self) -> list[Section]:
        """The days of the rows; where they are sorted by something else, one without a title."""
        if self._sections is None:
            is_by_rating = self._query.order is Order.RATING
            self._sections = (
                [Section(rows=range(len(self._ids)), title="")]
                if is_by_rating
                else day_sections([self._times[entry_id] for entry_id in self._ids])
            )
        return self._sections

    def row_of(self, entry_id: int) -> int | None:
        """Where a picture stands, if it is shown."""
        return self._rows.get(entry_id)

    def entries(self, rows: Sequence[int]) -> list[GalleryEntry]:
        """The entries of these rows; those that have not come into sight are fetched now."""
        ids = [self._ids[row] for row in rows]
        absent = [entry_id for entry_id in ids if entry_id not in self._entries]
        if absent:
            self._keep(self._gallery.entries(absent))
        return [self._entries[entry_id] for entry_id in ids if entry_id in self._entries]

    def set_in_sight(self, rows: range) -> None:
        """Loads what these rows need, and a screen on either side; gives up the rest."""
        near = range(max(0, rows.start - len(rows)), min(len(self._ids), rows.stop + len(rows)))
        self._in_sight, self._near = rows, near
        absent = [
            entry_id
            for entry_id in (self._ids[row] for row in near)
            if entry_id not in self._entries and entry_id not in self._asked_for
        ]
        if absent:
            self._asked_for.update(absent)
            self._fetch(absent)
        self._want_thumbnails()

    def _fetch(self, ids: list[int]) -> None:
        self._call(lambda: self._gallery.entries(ids), partial(self._take_entries, ids))

    def _want_thumbnails(self) -> None:
        """What is seen comes first, then what lies below it, then above."""
        rows, near = self._in_sight, self._near
        order = [*rows, *range(rows.stop, near.stop), *range(near.start, rows.start)]
        ids = [self._ids[row] for row in order if row < len(self._ids)]
        self.thumbnails.want([self._entries[i] for i in ids if i in self._entries])

    def _take_entries(self, asked: list[int], entries: list[GalleryEntry]) -> None:
        self._asked_for.difference_update(asked)
        self._keep(entries)
        rows = [self._rows[entry.id] for entry in entries if entry.id in self._rows]
        if rows:
            self.dataChanged.emit(self.index(min(rows)), self.index(max(rows)))
            self._want_thumbnails()

    def _keep(self, entries: Sequence[GalleryEntry]) -> None:
        if len(self._entries) > MOST_ENTRIES:
            near = self._near_ids()
            self._entries = {i: entry for i, entry in self._entries.items() if i in near}
        self._entries.update((entry.id, entry) for entry in entries)

    def _near_ids(self) -> set[int]:
        return {self._ids[row] for row in self._near if row < len(self._ids)}

    def _show_thumbnail(self, entry_id: int) -> None:
        row = self._rows.get(entry_id)
        if row is not None:
            index = self.index(row)
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    # ------------------------------------------------------------ rows

    def _take_ids(self, ids: list[int]) -> None:
        """Turns the rows into `ids` by removing, moving and inserting, so that selections last."""
        kept = set(ids)
        gone = runs([row for row, i in enumerate(self._ids) if i not in kept])
        here = kept.intersection(self._ids)
        new = runs([row for row, i in enumerate(ids) if i not in here])
        if len(gone) + len(new) > MOST_RUNS or not here:
            self.beginResetModel()
            self._set_ids(ids)
            self.endResetModel()
            return
        for run in reversed(gone):
            self._remove(run)
        self._reorder([entry_id for entry_id in ids if entry_id in here])
        for run in new:
            self.beginInsertRows(QModelIndex(), run.start, run.stop - 1)
            self._set_ids(
                [*self._ids[: run.start], *ids[run.start : run.stop], *self._ids[run.start :]]
            )
            self.endInsertRows()

    def _remove(self, run: range) -> None:
        self.beginRemoveRows(QModelIndex(), run.start, run.stop - 1)
        self._set_ids([*self._ids[: run.start], *self._ids[run.stop :]])
        self.endRemoveRows()

    def _reorder(self, ids: list[int]) -> None:
        """The same ids in another order."""
        if ids == self._ids:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        moved = [self._ids[index.row()] for index in before]
        self._set_ids(ids)
        self.changePersistentIndexList(before, [self.index(self._rows[i]) for i in moved])
        self.layoutChanged.emit()

    def _set_ids(self, ids: list[int]) -> None:
        self._ids, self._sections = ids, None
        self._rows = {entry_id: row for row, entry_id in enumerate(ids)}

    # ------------------------------------------------------------ wishes

    def rate(self, ids: Sequence[int], rating: int) -> None:
        """Gives 0 to 5 stars."""
        self._edit(ids, {"rating": rating}, lambda: self._gallery.rate(ids, rating))

    def flag(self, ids: Sequence[int], flag: Flag) -> None:
        """Marks as pick or reject, or takes the mark away."""
        self._edit(ids, {"flag": flag}, lambda: self._gallery.flag(ids, flag))

    def _edit(self, ids: Sequence[int], values: dict[str, Any], write: Callable[[], None]) -> None:
        """Shows the change at once; it is written in its turn."""
        known = [entry_id for entry_id in ids if entry_id in self._entries]
        for entry_id in known:
            self._entries[entry_id] = dataclasses.replace(self._entries[entry_id], **values)
            self._show_thumbnail(entry_id)
        self._call(write, lambda _: self._read_again(ids), self._give_up)
        query = self._query
        if query.least_rating or query.flag is not None or query.order is Order.RATING:
            self.refresh()
        self.edited.emit(tuple(ids))

    def _read_again(self, ids: Sequence[int]) -> None:
        """Entries that were on their way while they were changed are out of date."""
        near = self._near_ids().intersection(ids)
        for entry_id in set(ids) - near:
            self._entries.pop(entry_id, None)
        self._fetch(list(near))

    def delete(self, ids: Sequence[int]) -> None:
        """Moves pictures to the trash."""
        taken = tuple(ids)
        if not taken:
            return
        self._asked += 1  # an answer that is on its way still has them
        for run in reversed(runs(sorted(self._rows[i] for i in taken if i in self._rows))):
            self._remove(run)
        self._trash.append(taken)
        self._total -= len(taken)
        self._call(lambda: self._gallery.delete(taken), lambda _: None, self._give_up)
        self.deleted.emit(taken)
        self.refresh()

    def undo_delete(self) -> None:
        """Brings back what the last `delete` took; nothing happens if there is none."""
        if self._trash:
            taken = self._trash.pop()
            restore = partial(self._gallery.restore, taken)
            self._call(restore, lambda _: self.refresh(), self._give_up)

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Adds picture files and all pictures of folders, where they lie; then `imported`."""

        def done(report: ImportReport) -> None:
            self.refresh()
            self.imported.emit(report)

        self._call(lambda: import_pictures(self._gallery, paths, lambda: self._is_closed), done)

    def close(self) -> None:
        """Ends the work in the background; call it before the gallery is closed."""
        self._is_closed = True
        self._calls.close()
        self.thumbnails.close()

    def _call(
        self,
        function: Callable[[], Value],
        done: Callable[[Value], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        if not self._is_closed:
            self._calls.call(function, done, failed or self._fail)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, GalleryError | PictureError | OSError):
            raise error
        self._asked_for.clear()
        self.failed.emit(str(error))

    def _give_up(self, error: Exception) -> None:
        """A change that was shown did not come about: shows what is."""
        self._fail(error)
        self._entries.clear()
        self.refresh()
