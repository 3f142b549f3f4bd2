"""A list of square cells in titled sections, laid out by arithmetic.

Owns geometry, scrolling and painting in place of QListView's own, which goes through all cells at
each new width. It stays a QListView, by which readers of the screen know it as a list. What a cell
looks like is the delegate's, what a section is the subclass's.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from app.ui.parts import theme
from app.ui.parts.grid_layout import GridLayout, Section
from app.ui.parts.row_changes import runs

Index = QModelIndex | QPersistentModelIndex
Action: TypeAlias = QAbstractItemView.CursorAction
Hint: TypeAlias = QAbstractItemView.ScrollHint

TITLE_HEIGHT = 34


class SectionedList(QListView):
    """`make_layout` gives the places of all rows, whenever they or the width have changed."""

    def __init__(self, make_layout: Callable[[], GridLayout], parent: QWidget | None) -> None:
        super().__init__(parent)
        self._make_layout = make_layout
        self.grid_layout = GridLayout((), cell=1, columns=1, left=0, title_height=0)
        self._hovered_row = -1
        self._pressed_at: QPoint | None = None
        self._band = QRect()

    def lay_out(self) -> None:
        """Takes new places at once."""
        self.executeDelayedItemsLayout()
        self.doItemsLayout()

    # ------------------------------------------------------------ places

    def doItemsLayout(self) -> None:  # noqa: N802
        """Not QListView's, which would place each cell."""
        self.grid_layout = self._make_layout()
        QAbstractItemView.doItemsLayout(self)

    def updateGeometries(self) -> None:  # noqa: N802
        """How far one can scroll."""
        QAbstractItemView.updateGeometries(self)
        bar, page = self.verticalScrollBar(), self.viewport().height()
        bar.setPageStep(page)
        bar.setRange(0, max(0, self.grid_layout.height - page))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The subclass lays out, if the width asks for it."""
        QAbstractItemView.resizeEvent(self, event)

    def horizontalOffset(self) -> int:  # noqa: N802
        """All columns are in sight."""
        return 0

    def verticalOffset(self) -> int:  # noqa: N802
        """How far it is scrolled."""
        return self.verticalScrollBar().value()

    def scrollContentsBy(self, dx: int, dy: int) -> None:  # noqa: N802
        """Moves what is painted already."""
        self.viewport().scroll(dx, dy)

    def visualRect(self, index: Index) -> QRect:  # noqa: N802
        """A cell's place in the viewport."""
        if not index.isValid():
            return QRect()
        return self.grid_layout.rect(index.row()).translated(0, -self.verticalOffset())

    def indexAt(self, point: QPoint) -> QModelIndex:  # noqa: N802
        """The cell there; none on a title and between sections."""
        row = self.grid_layout.row_at(point + QPoint(0, self.verticalOffset()))
        return QModelIndex() if row is None else self.model().index(row, 0)

    def title_at(self, point: QPoint) -> Section | None:
        """The section whose title lies there in the viewport."""
        y = point.y() + self.verticalOffset()
        titles = self.grid_layout.titles_between(y, y)
        return titles[0][1] if titles else None

    def rows_in_sight(self) -> range:
        """The rows that are seen now, if only in part."""
        top = self.verticalOffset()
        return self.grid_layout.rows_between(top, top + self.viewport().height() - 1)

    def scrollTo(  # noqa: N802
        self, index: Index, hint: Hint = Hint.EnsureVisible
    ) -> None:
        """As far as is needed for a cell to be seen, and its title if it is the first."""
        self.executeDelayedItemsLayout()
        rect = self.grid_layout.rect(index.row())
        titles = self.grid_layout.titles_between(rect.top() - 1, rect.top() - 1)
        top = titles[0][0].top() if titles else rect.top()
        bar, page = self.verticalScrollBar(), self.viewport().height()
        if hint is Hint.PositionAtCenter:
            bar.setValue(rect.center().y() - page // 2)
        elif top < bar.value():
            bar.setValue(top)
        elif rect.bottom() >= bar.value() + page:
            bar.setValue(rect.bottom() + 1 - page)

    # ------------------------------------------------------------ keys and selecting

    def moveCursor(self, action: Action, modifiers: Qt.KeyboardModifier) -> QModelIndex:  # noqa: N802
        """Arrows, pages, ends."""
        layout, row = self.grid_layout, self.currentIndex().row()
        last = layout.count - 1
        if last < 0:
            return QModelIndex()
        if row < 0:
            return self.model().index(0, 0)
        page = max(1, self.viewport().height() // max(1, layout.rect(row).height()))
        lines = {
            Action.MoveUp: -1,
            Action.MoveDown: 1,
            Action.MovePageUp: -page,
            Action.MovePageDown: page,
        }
        ends = {Action.MoveHome: 0, Action.MoveEnd: last}
        if action in lines:
            row = layout.line_away(row, lines[action])
        elif action in ends:
            row = ends[action]
        else:
            row += 1 if action in (Action.MoveRight, Action.MoveNext) else -1
        return self.model().index(max(0, min(last, row)), 0)

    def setSelection(  # noqa: N802
        self, rect: QRect, command: QItemSelectionModel.SelectionFlag
    ) -> None:
        """The cells that the band meets; without a band, all from one corner's to the other's."""
        ends = [self.indexAt(corner).row() for corner in (rect.topLeft(), rect.bottomRight())]
        is_band = self.state() is QAbstractItemView.State.DragSelectingState
        if not is_band and min(ends) >= 0:
            self.select_rows(list(range(min(ends), max(ends) + 1)), command)
            return
        area = rect.normalized().translated(0, self.verticalOffset())
        layout = self.grid_layout
        rows = layout.rows_between(area.top(), area.bottom())
        self.select_rows([row for row in rows if layout.rect(row).intersects(area)], command)

    def select_rows(self, rows: list[int], command: QItemSelectionModel.SelectionFlag) -> None:
        """Selects these rows, ascending, or takes them out, as `command` says."""
        selection = QItemSelection()
        for run in runs(rows):
            selection.select(self.model().index(run.start, 0), self.model().index(run.stop - 1, 0))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:  # noqa: N802
        """What is painted again when these are selected, or no longer."""
        region = QRegion()
        for row in self.rows_in_sight():
            index = self.model().index(row, 0)
            if selection.contains(index):
                region += self.visualRect(index)
        return region

    # ------------------------------------------------------------ the pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Notes where a band to select with would begin."""
        at = event.position().toPoint()
        self._pressed_at = at + QPoint(0, self.verticalOffset())
        QAbstractItemView.mousePressEvent(self, event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Draws the band."""
        QAbstractItemView.mouseMoveEvent(self, event)
        if self._pressed_at and self.state() is QAbstractItemView.State.DragSelectingState:
            at = event.position().toPoint() + QPoint(0, self.verticalOffset())
            self._band = QRect(self._pressed_at, at).normalized()
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The band goes."""
        QAbstractItemView.mouseReleaseEvent(self, event)
        self._pressed_at = None
        if not self._band.isNull():
            self._band = QRect()
            self.viewport().update()

    def set_hovered(self, index: Index) -> None:
        """Where the pointer is; an invalid index is nowhere."""
        if index.row() != self._hovered_row:
            for row in (self._hovered_row, index.row()):
                self.viewport().update(self.visualRect(self.model().index(row, 0)))
            self._hovered_row = index.row()

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The titles and cells of the part that is to be painted."""
        self.executeDelayedItemsLayout()
        painter = QPainter(self.viewport())
        offset, area = self.verticalOffset(), event.rect()
        top, bottom = area.top() + offset, area.bottom() + offset
        for rect, section in self.grid_layout.titles_between(top, bottom):
            _paint_title(painter, rect.translated(0, -offset), section)
        rows = self.grid_layout.rows_between(top, bottom)
        self._paint_cells(painter, rows, area)
        if not self._band.isNull():
            _paint_band(painter, self._band.translated(0, -offset))

    def _paint_cells(self, painter: QPainter, rows: range, area: QRect) -> None:
        option: Any = QStyleOptionViewItem()
        self.initViewItemOption(option)
        model, paint = self.model(), self.itemDelegate().paint
        is_selected, offset = self.selectionModel().isSelected, self.verticalOffset()
        focused_row = self.currentIndex().row() if self.hasFocus() else -1
        for row in rows:
            rect = self.grid_layout.rect(row).translated(0, -offset)
            index = model.index(row, 0)
            if not rect.intersects(area) or not index.isValid():
                continue
            state = QStyle.StateFlag.State_Enabled
            if is_selected(index):
                state |= QStyle.StateFlag.State_Selected
            if row == self._hovered_row:
                state |= QStyle.StateFlag.State_MouseOver
            if row == focused_row:
                state |= QStyle.StateFlag.State_HasFocus
            option.rect, option.state = rect, state
            paint(painter, option, index)


def _paint_title(painter: QPainter, rect: QRect, section: Section) -> None:
    """A section's name, and how many are in it, on the line of the cells' edges."""
    colors, inset = theme.colors(), theme.SPACE // 2
    line = rect.adjusted(inset, theme.SPACE, -inset, 0)
    font = theme.body_font()
    font.setWeight(font.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(QColor(colors.text))
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, section.title)
    font = theme.number_font()
    font.setPixelSize(theme.CAPTION_SIZE)
    painter.setFont(font)
    painter.setPen(QColor(colors.muted))
    painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, str(len(section.rows)))


def _paint_band(painter: QPainter, rect: QRect) -> None:
    """The rectangle that selects what it meets."""
    accent = QColor(theme.colors().accent)
    painter.setPen(accent)
    accent.setAlphaF(0.15)
    painter.setBrush(accent)
    painter.drawRect(rect.adjusted(0, 0, -1, -1))
