"""The days of pictures that are sorted by time. Plain functions."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from app.ui.parts.day_name import day_name
from app.ui.parts.grid_layout import Section


def day_sections(times: Sequence[float]) -> list[Section]:
    """A section for each day; `times` are seconds since 1970, all rising or all falling."""
    sections: list[Section] = []
    falls = bool(times) and times[0] > times[-1]
    first = 0
    while first < len(times):
        begin, end = _bounds(times[first])
        stop = (
            bisect_left(times, True, first, key=lambda time: time < begin)
            if falls
            else bisect_left(times, True, first, key=lambda time: time >= end)
        )
        rows = range(first, max(stop, first + 1))
        sections.append(Section(rows=rows, title=day_name(times[first])))
        first = rows.stop
    return sections


def _bounds(seconds: float) -> tuple[float, float]:
    """The times at which the day of a time begins, and at which the next one does."""
    day = date.fromtimestamp(seconds)
    begin, end = (
        datetime.combine(each, datetime.min.time()) for each in (day, day + timedelta(days=1))
    )
    return begin.timestamp(), end.timestamp()
