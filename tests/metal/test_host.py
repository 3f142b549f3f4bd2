"""The way of dispatches to the GPU, with a device that only notes what it is told."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine_library import ENGINE_FOLDER, load_probe

SOURCE = Path(__file__).with_name("host_probe.c")
OK, CANCELLED, OUT_OF_MEMORY, FAILED, LOST = 0, 1, 4, 6, 7
GIGA = 1e9
Range = tuple[int, int, int]  # buffer, begin, end


def probe() -> tuple[Any, Any]:
    return load_probe(SOURCE)


# ---------------------------------------------------------------- hazards


def barriers(dispatches: list[tuple[list[Range], list[Range]]]) -> list[bool]:
    """Whether each dispatch (what it writes: one or two ranges; what it reads) is behind one."""
    ffi, library = probe()
    rows = ffi.new("probe_dispatch[]", len(dispatches))
    for row, (written, read) in zip(rows, dispatches, strict=True):
        row.in_count = len(read)
        for target, (buffer, begin, end) in zip(
            (row.out, row.out2)[: len(written)], written, strict=True
        ):
            target.buffer, target.begin, target.bytes = buffer, begin, end - begin
        for index, (buffer, begin, end) in enumerate(read):
            target = getattr(row, "in")[index]
            target.buffer, target.begin, target.bytes = buffer, begin, end - begin
    found = ffi.new("int32_t[]", len(dispatches))
    library.probe_hazards(found, rows, len(dispatches))
    return [bool(value) for value in found]


def overlap(a: Range, b: Range) -> bool:
    return a[0] == b[0] and a[1] < b[2] and b[1] < a[2]


def collide(one: tuple[list[Range], list[Range]], other: tuple[list[Range], list[Range]]) -> bool:
    pairs = [(a, b) for a in one[0] for b in (*other[0], *other[1])]
    pairs += [(a, b) for a in one[1] for b in other[0]]
    return any(overlap(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (([(1, 0, 8)], []), ([(1, 8, 16)], [(1, 0, 8)]), True),  # reads what was written
        (([(1, 0, 8)], [(1, 8, 16)]), ([(1, 8, 9)], []), True),  # writes what was read
        (([(1, 0, 8)], []), ([(1, 7, 9)], []), True),  # writes what was written
        (([(1, 0, 8)], [(1, 8, 16)]), ([(1, 16, 24)], [(1, 8, 16)]), False),  # both read it
        (([(1, 0, 8)], []), ([(1, 8, 16)], []), False),  # side by side
        (([(1, 0, 8)], []), ([(2, 0, 8)], []), False),  # another buffer
        (([(1, 0, 8), (2, 0, 8)], []), ([(1, 8, 9)], [(2, 4, 5)]), True),  # the second output
    ],
)
def test_a_barrier_stands_where_ranges_collide(before: Any, after: Any, wanted: bool) -> None:
    assert barriers([before, after]) == [False, wanted]


def test_a_flag_is_no_hazard() -> None:
    ffi, library = probe()
    rows = ffi.new("probe_dispatch[]", 2)
    for index, row in enumerate(rows):
        row.out.buffer, row.out.begin, row.out.bytes = 1, index * 8, 8
        row.out2.buffer, row.out2.begin, row.out2.bytes = 2, 0, 4
        row.out2_is_flag = 1
    found = ffi.new("int32_t[]", 2)
    library.probe_hazards(found, rows, 2)
    assert list(found) == [0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_barriers_are_as_many_as_needed_and_no_more(seed: int) -> None:
    """Against all pairs: a barrier parts each two that collide, and each has such a pair."""
    random = np.random.default_rng(seed)

    def draw() -> Range:
        begin = int(random.integers(0, 60))
        return int(random.integers(1, 4)), begin, begin + int(random.integers(1, 6))

    dispatches = [
        (
            [draw() for _ in range(random.integers(1, 3))],
            [draw() for _ in range(random.integers(4))],
        )
        for _ in range(300)
    ]
    since: list[tuple[list[Range], list[Range]]] = []
    for dispatch, is_behind in zip(dispatches, barriers(dispatches), strict=True):
        assert is_behind == any(collide(dispatch, other) for other in since)
        since = [dispatch] if is_behind else [*since, dispatch]


def test_more_than_can_be_remembered_costs_a_barrier() -> None:
    dispatches = [([(1, i * 8, i * 8 + 8)], [(2, i * 8, i * 8 + 8)]) for i in range(400)]
    found = barriers(dispatches)
    assert 1 <= sum(found) <= 4


# ---------------------------------------------------------------- pipelines


def test_pipelines_are_compiled_side_by_side() -> None:
    """Each once, several at a time where there are processors for it."""
    ffi, library = probe()
    found = ffi.new("probe_opening *")
    library.probe_kernels(found)
    table = (ENGINE_FOLDER / "backend" / "metal" / "metal_kernels.def").read_text()
    assert found.pipelines == len(re.findall(r"^KERNEL\(", table, re.MULTILINE))
    assert min(found.processors, 2) <= found.at_once <= 8


# ---------------------------------------------------------------- command buffers


def story(**script: Any) -> Any:
    ffi, library = probe()
    out = ffi.new("probe_story *")
    given = {"dispatches": 100, "flops": 2 * GIGA, "slowness": 1.0, **script}
    library.probe_commands(out, ffi.new("probe_script *", given))
    return out


def events(out: Any) -> str:
    ffi, _ = probe()
    return ffi.string(out.events, out.event_count).decode()


def sentence(out: Any) -> str:
    ffi, _ = probe()
    return str(ffi.string(out.error.text).decode())


def test_portions_are_of_equal_time_and_three_are_under_way() -> None:
    """100 dispatches of 2 ms make portions of 13, which are just over 25 ms."""
    out = story()
    portions = [len(part) for part in events(out).replace("w", "").replace("x", "").split("c")]
    assert out.error.status == OK
    assert set(portions[:-2]) == {1 + 13}  # o, and the dispatches
    assert out.flying_most == 3
    assert (out.is_idle, out.open_later) == (1, 0)


@pytest.mark.parametrize("slowness", [0.2, 1.0, 30.0])
def test_the_pace_of_the_gpu_is_learnt(slowness: float) -> None:
    out = story(dispatches=4000, slowness=slowness)
    assert out.pace == pytest.approx(slowness, rel=0.1)
    assert out.limit == pytest.approx(0.02 * 1000 * GIGA / slowness, rel=0.1)


def test_a_pace_that_was_far_too_high_is_unlearnt() -> None:
    """A GPU that slept through the start-up check is not taken for a slow one for ever."""
    slow = story(dispatches=200, slowness=1000.0)
    assert slow.pace > 100
    out = story(dispatches=20_000, slowness=1.0, pace_before=slow.pace)
    assert out.pace == pytest.approx(1.0, rel=0.1)


def test_a_gpu_that_hangs_ends_the_job_and_keeps_its_memory() -> None:
    out = story(hangs_at=2)
    assert out.error.status == FAILED
    assert "no answer in" in sentence(out)
    assert events(out).count("h") >= 1
    assert not out.is_idle
    assert out.is_idle_later
    assert out.open_later == 0


@pytest.mark.parametrize("fails_at", [1, 4, 8])
def test_a_failure_stops_what_follows(fails_at: int) -> None:
    out = story(fails_at=fails_at, code=8)
    assert out.error.status == OUT_OF_MEMORY
    assert events(out).count("c") <= fails_at + 3
    assert (out.is_idle, out.open_later) == (1, 0)


@pytest.mark.parametrize("stops_at", [1, 2, 50])
def test_a_stop_leaves_out_what_was_not_committed(stops_at: int) -> None:
    out = story(stops_at=stops_at)
    assert out.error.status == CANCELLED
    assert events(out).count("d") == stops_at - 1
    assert events(out).count("c") == (stops_at - 1) // 13
    assert (out.is_idle, out.open_later) == (1, 0)


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        (1, FAILED, "driver"),
        (2, FAILED, "took too long"),
        (3, FAILED, "not there"),
        (4, LOST, "must be restarted"),
        (7, FAILED, "background"),
        (8, OUT_OF_MEMORY, "smaller"),
        (9, FAILED, "gone"),
        (10, FAILED, "memory"),
        (11, LOST, "must be restarted"),
        (12, FAILED, "stack"),
        (-1, FAILED, "try again"),
        (99, FAILED, "try again"),
    ],
)
def test_every_code_is_one_sentence(code: int, status: int, words: str) -> None:
    ffi, library = probe()
    error = ffi.new("sd_error *")
    assert library.probe_failure(error, code, 0) == status
    text = ffi.string(error.text).decode()
    assert words in text
    assert text.endswith("(a layer; the system's words)")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (1, "a layer had ended"),
        (2, "a layer was hit by another's fault"),
        (3, "a layer had not begun"),
        (4, "a layer faulted"),
        (0, "a layer"),
        (99, "a layer"),
    ],
)
def test_a_sentence_says_whether_the_layer_is_to_blame(state: int, words: str) -> None:
    ffi, library = probe()
    error = ffi.new("sd_error *")
    library.probe_failure(error, 2, state)
    assert ffi.string(error.text).decode().endswith(f"({words}; the system's words)")
