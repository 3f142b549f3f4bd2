"""A GPU is timed once: what was found is a line, which a later start takes in its place.

The simulator is no GPU, which are timed for their speed, so its line is written here.
"""

from types import ModuleType
from typing import Any

import pytest

from app.engine.types import BackendName
from tests.metal.test_host import probe
from tests.metal_sim.simulator import Control

DEVICE = "Metal simulator"
# form, variants, refused of rows and taps, six choices, FLOPs per second, the GPU
LINE = f"1 4 4 0 1 0 1 0 1 0 2000000000000 {DEVICE}"
BROKEN = [
    "",
    " ",
    "nonsense",
    LINE[:20],
    LINE + "s",
    LINE.replace(DEVICE, "Apple M1"),
    LINE.replace("1 4 4", "2 4 4"),
    LINE.replace("1 4 4", "1 5 4"),
    LINE.replace("1 4 4", "1 4 2"),  # refuses the plainest, which all else falls back on
    LINE.replace("1 4 4", "1 4 16"),
    LINE.replace("1 4 4", "1 4 -1"),
    LINE.replace("0 1 0 1", "0 1 0 4"),
    LINE.replace("2000000000000", "0"),
    LINE.replace("2000000000000", "99999999999999999999999999"),
    LINE.replace("2000000000000", "2e12"),
    "1 " * 2000,
]


def told_again(line: str) -> str | None:
    """The line as it is written once read; None where it is not taken."""
    ffi, library = probe()
    out = ffi.new("char[]", 256)
    is_taken = library.probe_tuning(out, 256, line.encode(), DEVICE.encode())
    return str(ffi.string(out).decode()) if is_taken else None


def test_a_line_is_read_as_it_was_written() -> None:
    assert told_again(LINE) == LINE


@pytest.mark.parametrize("line", BROKEN)
def test_a_line_that_does_not_fit_is_not_taken(line: str) -> None:
    assert told_again(line) is None


def opened(engine_module: ModuleType, control: Control, line: str) -> tuple[int, Any]:
    """Dispatches of a start beside those of the check of every operator, and the report."""
    before = control.counter("dispatches")
    with engine_module.Engine(backend=BackendName.METAL, tuning=line) as engine:
        start = control.counter("dispatches")
        engine.self_test()
        check = control.counter("dispatches") - start
        return start - before - check, engine.report()


@pytest.mark.usefixtures("metal")
def test_a_start_that_knows_does_not_time(engine_module: ModuleType, control: Control) -> None:
    """And refuses what was refused."""
    timing, report = opened(engine_module, control, LINE)
    assert timing == 0
    assert report.tuning == LINE
    assert report.fallbacks == ()
    refused = [row.name for row in report.pipelines if "64x32 tiles" in row.log]
    assert refused == ["matrix_f16_direct_rows"]


@pytest.mark.usefixtures("metal")
def test_a_line_of_another_gpu_costs_a_timing(engine_module: ModuleType, control: Control) -> None:
    timing, report = opened(engine_module, control, LINE.replace(DEVICE, "Apple M1"))
    assert timing > 0
    assert report.tuning == ""  # too slow to be timed: the next start tries again
