"""The grid of the gallery: square cells that fill the width, keys, the pointer, dragging out.

Owns the cells' size and what is loaded for what is seen. Wishes leave by signals, with the ids that
they are about; changes nothing itself.
"""

from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QPointF,
    QRectF,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QDrag,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QStyle, QWidget

from app.library.gallery_entry import Flag
from app.ui.gallery.gallery_delegate import INSET, RADIUS, GalleryDelegate, flag_is_at, star_at
from app.ui.gallery.gallery_model import GalleryModel, Index
from app.ui.parts import theme
from app.ui.parts.grid_layout import GridLayout, Section
from app.ui.parts.sectioned_list import TITLE_HEIGHT, SectionedList

SMALLEST_CELL, USUAL_CELL, LARGEST_CELL = 72, 132, 320
RELOAD_MS = 120  # after the cells' size has come to rest
DRAG_SIDE = 96
LEFT = theme.SPACE * 3 // 2 - int(INSET)  # a tile's edge is where the search field's is

FLAG_KEYS = {Qt.Key.Key_P: Flag.PICK, Qt.Key.Key_X: Flag.REJECT, Qt.Key.Key_U: Flag.NONE}
OPEN_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
DELETE_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class GalleryGrid(SectionedList):
    """The pictures of a GalleryModel, day by day; a press on a day selects its pictures."""

    rate_requested = Signal(object, int)
    flag_requested = Signal(object, object)
    delete_requested = Signal(object)
    open_requested = Signal(object)
    """Show this id (Return, double click, Space with one selected)."""
    compare_requested = Signal(object)
    """Compare these two ids (Space with two selected)."""
    copy_requested = Signal()
    undo_requested = Signal()
    selection_changed = Signal()
    """Other pictures are selected."""
    current_changed = Signal()
    """Another picture has the focus."""
    scrolled = Signal(int)
    """The row at the top while the user scrolls."""

    def __init__(self, model: GalleryModel, parent: QWidget | None = None) -> None:
        super().__init__(self._days, parent)
        self._pictures = model
        self._wanted = USUAL_CELL
        self._cell = USUAL_CELL
        self._hovered_star = 0
        self._pressed_star = 0
        self._flag_pressed = False
        self._delegate = GalleryDelegate(model, lambda: self._hovered_star, self)
        self._settle = QTimer(self, singleShot=True)
        self._settle.timeout.connect(self._load_what_is_seen)
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self._set_manners()
        for changed in (model.modelReset, model.layoutChanged, model.rowsInserted):
            changed.connect(self._rows_changed)
        model.rowsRemoved.connect(self._rows_changed)
        model.refreshed.connect(self.scheduleDelayedItemsLayout)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    def _set_manners(self) -> None:
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName(self.tr("Pictures"))

    # ------------------------------------------------------------ what is selected

    def selected_rows(self) -> list[int]:
        """The selected rows, ascending."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def selected_ids(self) -> list[int]:
        """The ids of the selected rows."""
        return [self._pictures.id_at(row) for row in self.selected_rows()]

    def select_row(self, row: int) -> None:
        """Selects one picture alone and scrolls to it."""
        index = self._pictures.index(row)
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().setCurrentIndex(index, flag)
        self.scrollTo(index)

    def selectionChanged(self, selected, deselected) -> None:  # type: ignore[no-untyped-def] # noqa: N802
        """Tells it on."""
        super().selectionChanged(selected, deselected)
        self.selection_changed.emit()

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802
        """Tells it on."""
        super().currentChanged(current, previous)
        self.current_changed.emit()

    # ------------------------------------------------------------ cells

    def set_wanted_side(self, side: int) -> None:
        """About how wide a cell should be, in px."""
        self._wanted = max(SMALLEST_CELL, min(LARGEST_CELL, side))
        self._arrange()

    @property
    def cell_side(self) -> int:
        """How wide a cell is, in px."""
        return self._cell

    @property
    def columns(self) -> int:
        """How many cells stand side by side."""
        return self.grid_layout.columns

    def _days(self) -> GridLayout:
        """The days of the rows."""
        return GridLayout(
            self._pictures.sections(),
            cell=self._cell,
            columns=max(1, self._room() // self._cell),
            left=LEFT,
            title_height=TITLE_HEIGHT,
        )

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Cells are stretched to fill the width."""
        super().resizeEvent(event)
        self._arrange()

    def _room(self) -> int:
        """The width for cells; the scroll bar's place is kept free, so that nothing jumps."""
        extent = QStyle.PixelMetric.PM_ScrollBarExtent
        bar = self.style().pixelMetric(extent, None, self.verticalScrollBar())
        return self.maximumViewportSize().width() - LEFT - bar - 1

    def _arrange(self) -> None:
        """New cells for a new width or wish; the row at the top stays there."""
        room = max(self._room(), SMALLEST_CELL)
        cell = room // max(1, round(room / self._wanted))
        if cell != self._cell or room // cell != self.columns:
            self.executeDelayedItemsLayout()
            bar, anchor = self.verticalScrollBar(), self.rows_in_sight().start
            below = bar.value() - self.grid_layout.rect(anchor).top()
            self._cell = cell
            bar.setSingleStep(max(24, cell // 3))
            self.lay_out()
            bar.setValue(self.grid_layout.rect(anchor).top() + min(below, 0))
        self._settle.start(RELOAD_MS)

    # ------------------------------------------------------------ what is in sight

    def shows_title(self) -> bool:
        """Whether the uppermost day in sight can be read."""
        top = self.verticalOffset()
        return bool(self.grid_layout.titles_between(top, top + TITLE_HEIGHT))

    def _scrolled(self) -> None:
        self._settle.start(0)
        self.scrolled.emit(self.rows_in_sight().start)

    def _rows_changed(self) -> None:
        self._settle.start(0)

    def _load_what_is_seen(self) -> None:
        if not self.isVisible():
            return
        ratio = self.devicePixelRatioF()
        tile = self._cell - 2 * INSET
        self._pictures.thumbnails.set_side(round(tile * ratio), round(RADIUS * ratio))
        self._pictures.set_in_sight(self.rows_in_sight())

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """What is not seen loads nothing; now it does."""
        super().showEvent(event)
        self._settle.start(0)

    # ------------------------------------------------------------ keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Digits rate, P X U flag, Delete, Space compares or shows, Return shows."""
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        is_plain = plain == Qt.KeyboardModifier.NoModifier
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Undo):
            self.undo_requested.emit()
        elif event.key() in DELETE_KEYS:  # with Command too, as in the Finder
            self._wish(self.delete_requested)
        elif not (is_plain and self._plain_key(event.key())):
            super().keyPressEvent(event)

    def _plain_key(self, key: int) -> bool:
        """Does what a key without modifiers is for; false if it is for nothing here."""
        if Qt.Key.Key_0 <= key <= Qt.Key.Key_5:
            self._wish(self.rate_requested, key - Qt.Key.Key_0)
        elif key in FLAG_KEYS:
            self._wish(self.flag_requested, FLAG_KEYS[Qt.Key(key)])
        elif key == Qt.Key.Key_Escape:
            self.clearSelection()
        elif key in OPEN_KEYS:
            self._open_current()
        elif key == Qt.Key.Key_Space:
            ids = self.selected_ids()
            if len(ids) == 2:
                self.compare_requested.emit(ids)
            else:
                self._open_current()
        else:
            return False
        return True

    def keyboardSearch(self, search: str) -> None:  # noqa: N802
        """Letters are commands here, not the beginning of a name."""

    def _wish(self, signal, *values: object) -> None:  # type: ignore[no-untyped-def]
        ids = self.selected_ids()
        if ids:
            signal.emit(ids, *values)

    def _open_current(self) -> None:
        index = self.currentIndex()
        if index.isValid():
            self.open_requested.emit(self._pictures.id_at(index.row()))

    # ------------------------------------------------------------ the pointer

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The stars under the pointer light up."""
        self._hover(event.position())
        if not self._pressed_star and not self._flag_pressed:
            super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A press on a day selects it; one on a star or the flag neither selects nor drags."""
        left = event.button() is Qt.MouseButton.LeftButton
        title = self.title_at(event.position().toPoint())
        if left and title:
            self._select_day(title, event.modifiers())
            return
        self._pressed_star = self._star_under(event.position()) if left else 0
        self._flag_pressed = left and self._is_on_flag(event.position())
        if not self._pressed_star and not self._flag_pressed:
            super().mousePressEvent(event)

    def _select_day(self, day: Section, modifiers: Qt.KeyboardModifier) -> None:
        """The day's pictures alone, or with Command or Shift also those."""
        flag = QItemSelectionModel.SelectionFlag
        adds = modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        first = self._pictures.index(day.rows.start)
        self.selectionModel().setCurrentIndex(first, flag.NoUpdate)
        self.select_rows(list(day.rows), flag.Select if adds else flag.ClearAndSelect)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A star rates and the flag picks, or takes that back; all selected ones if one is hit."""
        star, on_flag = self._pressed_star, self._flag_pressed
        self._pressed_star, self._flag_pressed = 0, False
        entry = self._pictures.entry(self.indexAt(event.position().toPoint()))
        if not star and not on_flag:
            super().mouseReleaseEvent(event)
        elif entry is not None:
            ids = self.selected_ids()
            hit = ids if entry.id in ids else [entry.id]
            if star and self._star_under(event.position()) == star:
                self.rate_requested.emit(hit, 0 if entry.rating == star else star)
            elif on_flag and self._is_on_flag(event.position()):
                flag = Flag.PICK if entry.flag is Flag.NONE else Flag.NONE
                self.flag_requested.emit(hit, flag)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Shows the picture."""
        index = self.indexAt(event.position().toPoint())
        if self._star_under(event.position()) or self._is_on_flag(event.position()):
            self.mousePressEvent(event)
        elif index.isValid() and event.button() is Qt.MouseButton.LeftButton:
            self.open_requested.emit(self._pictures.id_at(index.row()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Nothing is under the pointer."""
        self._hovered_star = 0
        self.set_hovered(QModelIndex())
        super().leaveEvent(event)

    def _hover(self, position: QPointF) -> None:
        index = self.indexAt(position.toPoint())
        self.set_hovered(index)
        star = self._star_under(position)
        if star != self._hovered_star:
            self._hovered_star = star
            self.update(index)

    def _star_under(self, position: QPointF) -> int:
        index = self.indexAt(position.toPoint())
        if not index.isValid() or self._pictures.entry(index) is None:
            return 0
        return star_at(QRectF(self.visualRect(index)), position)

    def _is_on_flag(self, position: QPointF) -> bool:
        index = self.indexAt(position.toPoint())
        if not index.isValid() or self._pictures.entry(index) is None:
            return False
        return flag_is_at(QRectF(self.visualRect(index)), position)

    # ------------------------------------------------------------ dragging out

    def startDrag(self, actions: Qt.DropAction) -> None:  # noqa: N802
        """The files of the selected pictures; one small picture, and their number, travel along."""
        rows = self.selected_rows()
        data = self._pictures.mimeData([self._pictures.index(row) for row in rows])
        if not data.urls():
            return
        drag = QDrag(self)
        drag.setMimeData(data)
        pixmap = self._drag_pixmap(rows)
        drag.setPixmap(pixmap)
        drag.setHotSpot(QPoint(DRAG_SIDE // 2, DRAG_SIDE // 2))
        drag.exec(Qt.DropAction.CopyAction)

    def _drag_pixmap(self, rows: Sequence[int]) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(DRAG_SIDE * ratio), round(DRAG_SIDE * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        current = self.currentIndex().row()
        image = self._pictures.thumbnails.image(
            self._pictures.id_at(current if current in rows else rows[0])
        )
        painter.setOpacity(0.9)
        if image is not None:
            painter.drawImage(QRectF(0, 0, DRAG_SIDE, DRAG_SIDE), image, QRectF(image.rect()))
        painter.setOpacity(1)
        if len(rows) > 1:
            _paint_count(painter, len(rows))
        painter.end()
        return pixmap


def _paint_count(painter: QPainter, count: int) -> None:
    """A badge in the corner of what is dragged."""
    colors = theme.colors()
    font = theme.body_font()
    font.setPixelSize(theme.CAPTION_SIZE)
    font.setBold(True)
    painter.setFont(font)
    text = str(count)
    width = max(20, painter.fontMetrics().horizontalAdvance(text) + 12)
    badge = QRectF(DRAG_SIDE - width - 4, 4, width, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.accent))
    painter.drawRoundedRect(badge, 10, 10)
    painter.setPen(QColor(colors.on_accent))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
