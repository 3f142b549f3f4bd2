"""The gallery as it is seen: search and filters, the grid, and one line below.

Fits a sidebar of 300 px and a whole window. Owns no picture and no file: what is to be done outside
the gallery is asked for by signals.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QLocale, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.library.gallery_entry import MOST_STARS, Flag, GalleryEntry, GalleryQuery, Order
from app.ui.gallery.gallery_filters import GalleryFilters
from app.ui.gallery.gallery_grid import LARGEST_CELL, SMALLEST_CELL, USUAL_CELL, GalleryGrid
from app.ui.gallery.gallery_model import GalleryModel
from app.ui.gallery.import_report import ImportReportDialog, import_sentence
from app.ui.gallery.picture_import import ImportReport
from app.ui.parts import theme
from app.ui.parts.day_name import day_name
from app.ui.parts.dropped_files import local_files
from app.ui.parts.icons import icon
from app.ui.parts.notice import Notice

DAY_STAYS_MS = 1200


class GalleryView(QWidget):
    """Search field, filters, grid, count and size of the cells."""

    show_requested = Signal(object)
    """Show this GalleryEntry large (Return, double click)."""
    current_changed = Signal(object)
    """The GalleryEntry that has the focus now, or None."""
    compare_requested = Signal(object, object)
    """Compare these two GalleryEntries (Space with two selected)."""
    use_settings_requested = Signal(object)
    """Take all settings of this GalleryEntry."""
    use_seed_requested = Signal(object)
    """Take only the seed of this GalleryEntry."""
    use_as_init_requested = Signal(object)
    """Begin the next picture from this file (Path)."""
    copy_requested = Signal(object)
    """Put these files (list of Path) on the clipboard."""
    reveal_requested = Signal(object)
    """Show this file (Path) in the Finder."""
    cell_side_changed = Signal(int)
    """The user chose another size of the cells, in px."""

    def __init__(self, model: GalleryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.filters = GalleryFilters()
        self.grid = GalleryGrid(model)
        self.size_slider = self._make_slider()
        self.count_label = QLabel()
        self.show_all = QPushButton(self.tr("Show all"))
        self._empty_text = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._empty_button = QPushButton(self.tr("Show all pictures"))
        self._pages = QStackedWidget()
        self._arrange()
        self.notice = Notice(self._pages)
        self._day = self._make_day()
        self._day_timer = QTimer(self, singleShot=True, interval=DAY_STAYS_MS)
        self._day_timer.timeout.connect(self._day.hide)
        self._connect()
        self.setAcceptDrops(True)
        self._show_state()

    # ------------------------------------------------------------ asked from outside

    def selected(self) -> list[GalleryEntry]:
        """The selected entries in the order of the rows."""
        return self._model.entries(self.grid.selected_rows())

    def select(self, entry_id: int) -> None:
        """Selects a picture and scrolls to it, if it is shown."""
        row = self._model.row_of(entry_id)
        if row is not None:
            self.grid.select_row(row)

    def select_next(self, step: int) -> GalleryEntry | None:
        """Moves the selection by `step` rows and returns what is selected then."""
        last = self._model.rowCount() - 1
        if last < 0:
            return None
        row = self.grid.currentIndex().row()
        row = max(0, min(last, row + step)) if row >= 0 else 0
        self.grid.select_row(row)
        found = self._model.entries([row])
        return found[0] if found else None

    def focus_search(self) -> None:
        """Puts the cursor into the search field."""
        self.filters.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filters.search.selectAll()

    def set_cell_side(self, side: int) -> None:
        """Asks for cells about this wide, in px; they are stretched to fill the width."""
        self.size_slider.setValue(side)

    # ------------------------------------------------------------ parts

    def _arrange(self) -> None:
        for label in (self.count_label, self._empty_text):
            theme.set_role(label, "caption")
        theme.set_role(self.show_all, "quiet")
        empty = QWidget()
        column = QVBoxLayout(empty)
        column.setSpacing(theme.SPACE * 2)
        column.addStretch(2)
        column.addWidget(self._empty_text)
        column.addWidget(self._empty_button, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch(3)
        self._pages.addWidget(self.grid)
        self._pages.addWidget(empty)
        foot = QHBoxLayout()
        foot.setContentsMargins(theme.SPACE * 3 // 2, 4, theme.SPACE * 3 // 2, 4)
        foot.addWidget(self.count_label)
        foot.addWidget(self.show_all)
        foot.addStretch(1)
        foot.addWidget(self.size_slider)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(theme.SPACE * 3 // 2, theme.SPACE, theme.SPACE * 3 // 2, 4)
        head.addWidget(self.filters)
        box.addLayout(head)
        box.addWidget(self._pages, 1)
        box.addLayout(foot)

    def _make_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(SMALLEST_CELL, LARGEST_CELL)
        slider.setValue(USUAL_CELL)
        slider.setPageStep(24)
        slider.setFixedSize(84, 24)
        slider.setToolTip(self.tr("Size of the pictures in the gallery"))
        slider.setAccessibleName(self.tr("Size of the pictures"))
        return slider

    def _make_day(self) -> QFrame:
        """The day of the topmost picture, shown while the grid is scrolled."""
        day = QFrame(self._pages)
        theme.set_role(day, "card")
        row = QHBoxLayout(day)
        row.setContentsMargins(10, 3, 10, 3)
        label = QLabel()
        theme.set_role(label, "caption")
        row.addWidget(label)
        day.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        day.move(theme.SPACE * 2, theme.SPACE)
        day.hide()
        self._day_label = label
        return day

    def _connect(self) -> None:
        model, grid = self._model, self.grid
        self.filters.query_changed.connect(model.set_query)
        self.filters.leave_requested.connect(self._enter_grid)
        model.names_changed.connect(self.filters.set_names)
        for signal in (model.refreshed, model.rowsRemoved, grid.selection_changed):
            signal.connect(self._show_state)
        model.deleted.connect(self._say_deleted)
        model.failed.connect(self.notice.say)
        model.imported.connect(self._say_imported)
        grid.rate_requested.connect(model.rate)
        grid.flag_requested.connect(model.flag)
        grid.delete_requested.connect(self.delete)
        grid.undo_requested.connect(self.undo_delete)
        grid.open_requested.connect(lambda i: self._with_entries([i], self.show_requested.emit))
        grid.compare_requested.connect(
            lambda ids: self._with_entries(ids, self.compare_requested.emit)
        )
        grid.copy_requested.connect(self.copy_selected)
        grid.current_changed.connect(lambda: self.current_changed.emit(self._current()))
        grid.customContextMenuRequested.connect(self._show_menu)
        grid.scrolled.connect(self._show_day)
        self.size_slider.valueChanged.connect(grid.set_wanted_side)
        self.size_slider.valueChanged.connect(self.cell_side_changed)
        for button in (self.show_all, self._empty_button):
            button.clicked.connect(self.filters.clear)

    # ------------------------------------------------------------ what it says

    def _show_state(self) -> None:
        """The count, or why there is nothing to see."""
        shown, total = self._model.rowCount(), self._model.total
        chosen = len(self.grid.selectionModel().selectedRows())
        is_filtered = self._is_filtered()
        number = QLocale().toString
        if chosen > 1:
            text = self.tr("{0} of {1} selected").format(number(chosen), number(shown))
        elif is_filtered:
            text = self.tr("{0} of {1} pictures").format(number(shown), number(total))
        else:
            text = self.tr("1 picture") if shown == 1 else self.tr("{0} pictures")
            text = text.format(number(shown))
        self.count_label.setText(text)
        self.count_label.setVisible(total > 0)
        self.show_all.setVisible(is_filtered and shown > 0)
        self._empty_button.setVisible(is_filtered)
        self._empty_text.setText(
            self.tr("No picture is like that.")
            if is_filtered
            else self.tr("Pictures that you make are kept here.\nDrop others here to add them.")
        )
        is_empty = shown == 0 and self._model.is_known
        self._pages.setCurrentIndex(1 if is_empty else 0)
        self.size_slider.setEnabled(not is_empty)

    def _is_filtered(self) -> bool:
        query = self._model.query
        return query != GalleryQuery(order=query.order)

    def _say_deleted(self, ids: tuple[int, ...]) -> None:
        count = len(ids)
        text = (
            self.tr("Picture deleted") if count == 1 else self.tr("%n pictures deleted", "", count)
        )
        self.notice.say(text, self.tr("Undo"), self.undo_delete)

    def _say_imported(self, report: ImportReport) -> None:
        has_more = bool(report.refused or report.not_restored)
        show = partial(self._show_report, report)
        self.notice.say(import_sentence(report), self.tr("Details") if has_more else "", show)

    def _show_report(self, report: ImportReport) -> None:
        dialog = ImportReportDialog(report, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_day(self, row: int) -> None:
        entry = self._model.entry(self._model.index(row))
        is_by_day = self._model.query.order is not Order.RATING
        if entry is None or not is_by_day or self.grid.shows_title():
            self._day.hide()
            return
        self._day_label.setText(day_name(entry.created_at))
        self._day.adjustSize()
        self._day.show()
        self._day.raise_()
        self._day_timer.start()

    # ------------------------------------------------------------ what it does

    def delete(self, ids: Sequence[int]) -> None:
        """Moves these to the trash; the picture after them is selected."""
        rows = [row for row in map(self._model.row_of, ids) if row is not None]
        self._model.delete(ids)
        if rows and self._model.rowCount():
            self.grid.select_row(min(rows[0], self._model.rowCount() - 1))

    def undo_delete(self) -> None:
        """Brings back what was deleted last."""
        self.notice.hide()
        self._model.undo_delete()

    def copy_selected(self) -> None:
        """Asks for the selected files on the clipboard."""
        files = [entry.path for entry in self.selected()]
        if files:
            self.copy_requested.emit(files)

    def menu(self) -> QMenu | None:
        """The commands for what is selected; None where nothing is."""
        entries = self.selected()
        if not entries:
            return None
        menu = QMenu(self)
        first = entries[0]
        single = len(entries) == 1
        if single:
            self._add(menu, "gallery", self.tr("Show"), partial(self.show_requested.emit, first))
        if len(entries) == 2:
            compare = partial(self.compare_requested.emit, *entries)
            self._add(menu, "compare", self.tr("Compare"), compare)
        if single:
            self._add_reuse(menu, first)
        self._add_opinion(menu, first)
        menu.addSeparator()
        self._add(menu, "copy", self.tr("Copy"), self.copy_selected)
        finder = (
            self.tr("Show in Finder") if sys.platform == "darwin" else self.tr("Show in folder")
        )
        self._add(menu, "reveal", finder, partial(self.reveal_requested.emit, first.path))
        menu.addSeparator()
        ids = [entry.id for entry in entries]
        self._add(menu, "trash", self.tr("Delete"), partial(self.delete, ids))
        return menu

    def _add_reuse(self, menu: QMenu, entry: GalleryEntry) -> None:
        menu.addSeparator()
        settings = partial(self.use_settings_requested.emit, entry)
        self._add(menu, "reuse", self.tr("Use these settings"), settings)
        if entry.seed is not None:
            seed = partial(self.use_seed_requested.emit, entry)
            self._add(menu, "dice", self.tr("Use this seed"), seed)
        init = partial(self.use_as_init_requested.emit, entry.path)
        self._add(menu, "image", self.tr("Use as image to image"), init)

    def _add_opinion(self, menu: QMenu, first: GalleryEntry) -> None:
        menu.addSeparator()
        stars = menu.addMenu(self.tr("Rating"))
        for rating in range(MOST_STARS + 1):
            label = "★" * rating if rating else self.tr("No stars")
            wish = partial(self._rate_selected, rating)
            self._add(stars, "", f"{label}\t{rating}", wish).setChecked(rating == first.rating)
        labels = {
            Flag.PICK: ("pick", self.tr("Pick"), "P"),
            Flag.REJECT: ("reject", self.tr("Reject"), "X"),
            Flag.NONE: ("", self.tr("No flag"), "U"),
        }
        for flag, (name, label, key) in labels.items():
            if flag is not first.flag:
                self._add(menu, name, f"{label}\t{key}", partial(self._flag_selected, flag))

    @staticmethod
    def _add(menu: QMenu, name: str, label: str, act: Callable[[], object]) -> QAction:
        action = QAction(label, menu)
        if name:
            action.setIcon(icon(name))
        action.triggered.connect(lambda _checked: act())
        menu.addAction(action)
        return action

    def _rate_selected(self, rating: int) -> None:
        self._model.rate(self.grid.selected_ids(), rating)

    def _flag_selected(self, flag: Flag) -> None:
        self._model.flag(self.grid.selected_ids(), flag)

    def _show_menu(self, position: QPoint) -> None:
        menu = self.menu()
        if menu is not None:
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.grid.viewport().mapToGlobal(position))

    def _enter_grid(self) -> None:
        self.grid.setFocus(Qt.FocusReason.TabFocusReason)
        if self._model.rowCount() and not self.grid.currentIndex().isValid():
            self.grid.select_row(0)

    def _current(self) -> GalleryEntry | None:
        index = self.grid.currentIndex()
        found = self._model.entries([index.row()]) if index.isValid() else []
        return found[0] if found else None

    def _with_entries(self, ids: Sequence[int], emit: Callable[..., object]) -> None:
        rows = [row for row in map(self._model.row_of, ids) if row is not None]
        entries = self._model.entries(rows)
        if len(entries) == len(ids):
            emit(*entries)

    # ------------------------------------------------------------ dropping in

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Files from elsewhere may be dropped; the gallery's own may not."""
        if event.source() is None and local_files(event.mimeData()):
            event.acceptProposedAction()
            self._set_welcoming(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """As before."""
        self._set_welcoming(False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Adds the files where they lie."""
        self._set_welcoming(False)
        event.acceptProposedAction()
        self._model.import_paths(local_files(event.mimeData()))

    def _set_welcoming(self, welcoming: bool) -> None:
        if welcoming:
            self.notice.say(self.tr("Let go to add to the gallery"))
        else:
            self.notice.hide()
