"""Where the square cells of a grid lie, in sections with a title each: arithmetic, no widget.

Its time grows with the sections, not with the cells. Rows are counted through all sections; places
are in px from the top left corner of all that can be scrolled.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows that stand together; without a title no place is kept for one."""

    rows: range
    title: str


class GridLayout:
    """The places of cells and titles. Sections follow each other without gaps in their rows."""

    def __init__(
        self, sections: Sequence[Section], *, cell: int, columns: int, left: int, title_height: int
    ) -> None:
        """`cell` is a cell's side, `left` the room before the first column, all in px."""
        self._sections = [section for section in sections if section.rows]
        self._cell, self._left, self._title_height = cell, left, title_height
        self.columns = columns
        self._first_rows = [section.rows.start for section in self._sections]
        self._tops: list[int] = []
        self.height = 0
        for section in self._sections:
            self._tops.append(self.height)
            lines = -(-len(section.rows) // columns)
            self.height += self._title_room(section) + lines * cell
        self.count = self._sections[-1].rows.stop if self._sections else 0

    def rect(self, row: int) -> QRect:
        """A row's cell; empty for a row that is not there."""
        if not 0 <= row < self.count:
            return QRect()
        number = bisect_right(self._first_rows, row) - 1
        line, column = divmod(row - self._first_rows[number], self.columns)
        top = self._cells_top(number) + line * self._cell
        return QRect(self._left + column * self._cell, top, self._cell, self._cell)

    def row_at(self, place: QPoint) -> int | None:
        """The row whose cell lies there."""
        column = (place.x() - self._left) // self._cell
        if not 0 <= column < self.columns or not 0 <= place.y() < self.height:
            return None
        number = bisect_right(self._tops, place.y()) - 1
        line = (place.y() - self._cells_top(number)) // self._cell
        rows = self._sections[number].rows
        row = rows.start + line * self.columns + column
        return row if line >= 0 and row < rows.stop else None

    def rows_between(self, top: int, bottom: int) -> range:
        """The rows that `top` to `bottom` shows any part of."""
        if not self.count or bottom < 0 or top >= self.height:
            return range(0)
        return range(self._row_from(max(top, 0), ends=False), self._row_from(bottom, ends=True))

    def titles_between(self, top: int, bottom: int) -> list[tuple[QRect, Section]]:
        """The titles that `top` to `bottom` shows any part of."""
        first = max(0, bisect_right(self._tops, top) - 1)
        width = self.columns * self._cell
        found = []
        for place, section in zip(self._tops[first:], self._sections[first:], strict=True):
            if place > bottom:
                break
            if section.title and place + self._title_height > top:
                found.append((QRect(self._left, place, width, self._title_height), section))
        return found

    def line_away(self, row: int, lines: int) -> int:
        """The row so many lines below (or above, if negative), as near as there is one."""
        place = self.rect(row).center()
        for _ in range(abs(lines)):
            rect = self.rect(self._next_line(row, 1 if lines > 0 else -1))
            found = self.row_at(QPoint(place.x(), rect.center().y()))
            row = self._last_of_line(rect) if found is None else found
        return row

    def _next_line(self, row: int, way: int) -> int:
        """Any row of the line after or before that of `row`; `row` itself at the end."""
        number = bisect_right(self._first_rows, row) - 1
        rows = self._sections[number].rows
        first = rows.start + (row - rows.start) // self.columns * self.columns
        if way < 0:
            return first - 1 if first > 0 else row
        after = min(first + self.columns, rows.stop)
        return after if after < self.count else row

    def _last_of_line(self, rect: QRect) -> int:
        """The last row of the line that goes through `rect`."""
        rows = self.rows_between(rect.top(), rect.bottom())
        return rows.stop - 1

    def _row_from(self, y: int, *, ends: bool) -> int:
        """The first row whose cell reaches `y`; with `ends`, the first that begins below it."""
        number = bisect_right(self._tops, y) - 1
        rows = self._sections[number].rows
        line = (y - self._cells_top(number)) // self._cell
        if line < 0:
            return rows.start
        return min(rows.stop, rows.start + (line + ends) * self.columns)

    def _cells_top(self, number: int) -> int:
        return self._tops[number] + self._title_room(self._sections[number])

    def _title_room(self, section: Section) -> int:
        return self._title_height if section.title else 0
