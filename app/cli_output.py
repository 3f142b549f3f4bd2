"""How the command line shows things: a progress bar, tables, sizes, JSON.

Owns plain text only. Knows nothing of arguments, files or the engine.
"""

import json
import time
from collections.abc import Sequence
from typing import TextIO

from app.engine.types import Phase, Progress

BAR_WIDTH = 24
HARMLESS = "\n\t\u200c\u200d"  # line break, tab, and the joiners of scripts and emoji
LINES_A_PICTURE = 5  # where there is no terminal to redraw a bar on


class ProgressBar:
    """Shows steps, steps a second and the time left: a bar on a terminal, else a line at times."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._begin = time.monotonic()
        self._shown = False

    def show(self, progress: Progress) -> None:
        """Shows where the generation stands."""
        if progress.phase is Phase.TEXT or progress.step == 0:
            self._begin = time.monotonic()
        if progress.phase is not Phase.DENOISE or progress.step == 0:
            return
        elapsed = max(time.monotonic() - self._begin, 1e-6)
        rate = progress.step / elapsed
        left = clock((progress.steps - progress.step) / rate)
        place = f"{progress.step}/{progress.steps}  {rate:.2f} it/s  {left} left"
        if self._is_terminal:
            done = BAR_WIDTH * progress.step // progress.steps
            self._stream.write(f"\r[{'#' * done:-<{BAR_WIDTH}}] {place}  ")
            self._stream.flush()
            self._shown = True
        elif (
            progress.step % -(-progress.steps // LINES_A_PICTURE) == 0
            or progress.step == progress.steps
        ):
            self._stream.write(f"step {place}\n")

    def end(self) -> None:
        """Leaves the bar as it stands and goes to a new line."""
        if self._shown:
            self._stream.write("\n")
        self._shown = False


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 1:05; with hours from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(size_bytes: int) -> str:
    """Bytes as a short text: MiB, or GiB from one on."""
    mebibytes = size_bytes / 2**20
    return f"{mebibytes / 1024:.2f} GiB" if mebibytes >= 1024 else f"{mebibytes:.1f} MiB"


def count(number: int) -> str:
    """A count of parameters as a short text, such as 22.3 M."""
    return f"{number / 1e6:.1f} M"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equal length in columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def plain(text: str) -> str:
    """Text of a stranger's file without the control characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() or letter in HARMLESS else "?" for letter in text)


def print_json(value: object) -> None:
    """One JSON object on stdout; paths are written as text."""
    print(json.dumps(value, indent=2, default=str))
