"""The arithmetic of the grid agrees with itself, and days are told apart."""

import time
from datetime import datetime

import pytest
from PySide6.QtCore import QPoint

from app.ui.gallery.day_sections import day_sections
from app.ui.parts.grid_layout import GridLayout, Section

CELL, LEFT, TITLE = 10, 3, 7
SIZES = [(5, 1, 3), (1,), (4, 4), (12, 2, 7, 1)]


def layout_of(sizes: tuple[int, ...], columns: int = 3, title: str = "day") -> GridLayout:
    sections, first = [], 0
    for size in sizes:
        sections.append(Section(rows=range(first, first + size), title=title))
        first += size
    return GridLayout(sections, cell=CELL, columns=columns, left=LEFT, title_height=TITLE)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("columns", [1, 3, 4])
def test_every_cell_is_found_where_it_lies(sizes: tuple[int, ...], columns: int) -> None:
    layout = layout_of(sizes, columns)
    rects = [layout.rect(row) for row in range(sum(sizes))]
    for row, rect in enumerate(rects):
        assert layout.row_at(rect.topLeft()) == layout.row_at(rect.bottomRight()) == row
        assert rect.left() >= LEFT and rect.bottom() < layout.height
    assert not any(a.intersects(b) for a in rects for b in rects if a is not b)
    assert layout.rect(-1).isEmpty() and layout.rect(sum(sizes)).isEmpty()


@pytest.mark.parametrize("sizes", SIZES)
def test_what_is_in_sight_is_all_that_meets_it(sizes: tuple[int, ...]) -> None:
    layout = layout_of(sizes)
    for top in range(layout.height):
        for bottom in (top, top + 4, top + 25):
            seen = [
                row
                for row in range(layout.count)
                if layout.rect(row).bottom() >= top and layout.rect(row).top() <= bottom
            ]
            assert list(layout.rows_between(top, bottom)) == seen, (top, bottom)


def test_titles_take_their_room_and_no_more() -> None:
    titled, plain = layout_of((5, 1)), layout_of((5, 1), title="")
    assert titled.height == plain.height + 2 * TITLE == 3 * CELL + 2 * TITLE
    assert [rect.top() for rect, _ in titled.titles_between(0, 100)] == [0, TITLE + 2 * CELL]
    assert titled.titles_between(TITLE, TITLE + 5) == plain.titles_between(0, 100) == []
    assert titled.row_at(QPoint(LEFT, TITLE - 1)) is None


def test_up_and_down_keep_the_column_where_there_is_one() -> None:
    layout = layout_of((5, 1, 3))  # lines 0 1 2, 3 4, 5, 6 7 8
    assert layout.line_away(1, 1) == 4
    assert layout.line_away(2, 1) == 4
    assert layout.line_away(4, 1) == 5
    assert layout.line_away(4, -1) == 1
    assert layout.line_away(7, -1) == 5
    assert layout.line_away(1, 3) == 7  # through the single picture of the second day
    assert layout.line_away(3, -1) == 0
    assert layout.line_away(8, 1) == 8
    assert layout.line_away(0, -1) == 0


def test_nothing_has_no_place() -> None:
    layout = layout_of(())
    assert layout.height == 0
    assert layout.row_at(QPoint(5, 5)) is None
    assert list(layout.rows_between(0, 100)) == []
    assert layout.titles_between(0, 100) == []


def test_days_are_those_of_the_calendar_in_either_order() -> None:
    hours = [(3, 23, 59), (3, 0, 0), (2, 12, 0), (1, 23, 59), (1, 0, 0)]
    falling = [datetime(2015, 8, day, hour, minute).timestamp() for day, hour, minute in hours]
    assert [section.rows for section in day_sections(falling)] == [
        range(0, 2),
        range(2, 3),
        range(3, 5),
    ]
    rising = [section.rows for section in day_sections(falling[::-1])]
    assert rising == [range(0, 2), range(2, 3), range(3, 5)]
    assert day_sections([]) == []
    assert [section.title for section in day_sections([time.time()])] == ["Today"]
