"""How rows of one list become those of another. Plain functions."""

from collections.abc import Sequence


def runs(rows: Sequence[int]) -> list[range]:
    """Ascending numbers as ranges without gaps: 1 2 3 7 8 are 1..3 and 7..8."""
    found: list[range] = []
    for row in rows:
        if found and found[-1].stop == row:
            found[-1] = range(found[-1].start, row + 1)
        else:
            found.append(range(row, row + 1))
    return found
