"""What the command line shows: the bar on a terminal, sizes, tables."""

import io
import time

import pytest

from app.cli_output import ProgressBar, clock, plain, size, table
from app.engine.types import Phase, Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def at_step(step: int, phase: Phase = Phase.DENOISE) -> Progress:
    """Progress without a preview."""
    return Progress(
        phase=phase, step=step, steps=4, preview=None, preview_width=0, preview_height=0
    )


def test_bar_is_redrawn_with_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10.0, 12.0, 18.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    terminal = Terminal()
    bar = ProgressBar(terminal)
    bar.show(at_step(0, Phase.TEXT))
    bar.show(at_step(1))
    bar.show(at_step(4))
    bar.end()
    assert terminal.getvalue().split("\r") == [
        "",
        "[######------------------] 1/4  0.50 it/s  0:06 left  ",
        "[########################] 4/4  0.50 it/s  0:00 left  \n",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (65, "1:05"), (3725, "1:02:05")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0.0 MiB"), (3 * 2**20, "3.0 MiB"), (2**30, "1.00 GiB"), (5 * 2**29, "2.50 GiB")],
)
def test_size(size_bytes: int, text: str) -> None:
    assert size(size_bytes) == text


def test_table_lines_up() -> None:
    assert table([("a", "bb"), ("long", "1")]) == "a     bb\nlong   1"


def test_plain_keeps_letters_and_lines_only() -> None:
    assert plain("é👩\u200d🚀\n\t\x1b[2J\u202e") == "é👩\u200d🚀\n\t?[2J?"
