"""Weights are packed many at a time; what fails on the GPU leaves none of them half there."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine_library import load_probe

SOURCE = Path(__file__).with_name("upload_probe.c")
OK, CANCELLED, OUT_OF_MEMORY, FAILED = 0, 1, 4, 6
NOTHING, RUN, RESERVE, DROP = range(4)
TOGETHER = 64  # weights of one command buffer
SIDE = 32
PACKED_BYTES = SIDE * SIDE * 2
OVER_MEMORY = 8  # MTLCommandBufferErrorOutOfMemory


def probe() -> tuple[Any, Any]:
    return load_probe(SOURCE, ("base", "graph", "backend"))


def story(**script: Any) -> Any:
    ffi, library = probe()
    out = ffi.new("probe_story *")
    library.probe_uploads(out, ffi.new("probe_script *", {"side": SIDE, "then": RUN, **script}))
    return out


def sentence(out: Any) -> str:
    ffi, _ = probe()
    return str(ffi.string(out.error.text).decode())


@pytest.mark.parametrize("is_mapped", [0, 1])
def test_the_weights_of_a_model_take_few_command_buffers(is_mapped: int) -> None:
    """One for 64 weights, not one for each, and no barrier: none reads what another writes."""
    out = story(weights=470, is_mapped=is_mapped)
    assert out.error.status == OK
    assert (out.accepted, out.there, out.weight_bytes) == (470, 470, 470 * PACKED_BYTES)
    assert (out.dispatches, out.barriers) == (470, 0)
    assert out.command_buffers == -(-470 // TOGETHER)
    assert (out.again, out.buffers_left) == (470, 0)


def test_large_weights_share_the_scratch() -> None:
    """Sources of 12 MiB: five fit into its 64 MiB."""
    out = story(weights=17, side=1773)
    assert out.error.status == OK
    assert (out.there, out.whole, out.spoilt) == (17, 17, 0)
    assert out.command_buffers == 4


def test_a_weight_larger_than_the_scratch_has_its_own_source() -> None:
    out = story(weights=3, side=4200)
    assert out.error.status == OK
    assert (out.there, out.whole, out.command_buffers, out.buffers_left) == (3, 3, 3, 0)


@pytest.mark.parametrize("then", [RUN, RESERVE, DROP])
def test_what_uses_the_gpu_waits_for_pending_weights(then: int) -> None:
    out = story(weights=10, then=then)
    assert out.error.status == OK
    assert (out.command_buffers, out.whole) == (1, 10)
    assert out.there == (9 if then == DROP else 10)


def test_a_mapping_is_dropped_when_its_reads_are_done() -> None:
    """What has been dropped reads as zeros, in these pages."""
    waiting = story(weights=10, is_mapped=1, then=NOTHING)
    assert (waiting.command_buffers, waiting.is_dropped) == (0, 0)
    done = story(weights=10, is_mapped=1)
    assert (done.whole, done.spoilt, done.is_dropped) == (10, 0, 1)


@pytest.mark.parametrize(("fails_at", "there"), [(1, 0), (2, TOGETHER), (3, 2 * TOGETHER)])
@pytest.mark.parametrize("then", [RUN, RESERVE])
def test_a_failure_takes_back_what_was_packed_with_it(fails_at: int, there: int, then: int) -> None:
    """Those of earlier command buffers stay; all are uploaded by the next job."""
    out = story(weights=150, fails_at=fails_at, code=OVER_MEMORY, then=then)
    assert out.error.status == OUT_OF_MEMORY
    assert "(weights; " in sentence(out)
    assert (out.there, out.weight_bytes) == (there, there * PACKED_BYTES)
    assert (out.again, out.buffers_left) == (150, 0)


def test_a_failure_at_a_drop_leaves_no_weight_half_there() -> None:
    out = story(weights=10, fails_at=1, code=OVER_MEMORY, then=DROP)
    assert (out.there, out.weight_bytes) == (0, 0)
    assert (out.again, out.buffers_left) == (10, 0)


@pytest.mark.parametrize("stops_at", [1, 10, TOGETHER, TOGETHER + 1, 140])
def test_a_cancel_in_the_middle_packs_nothing_halfway(stops_at: int) -> None:
    """What was encoded after the flag was raised was left out, so it must not count as packed."""
    out = story(weights=150, stops_at=stops_at)
    assert out.error.status == CANCELLED
    there = (stops_at - 1) // TOGETHER * TOGETHER
    assert (out.accepted, out.there) == (stops_at - 1, there)
    assert (out.weight_bytes, out.dispatches) == (there * PACKED_BYTES, stops_at - 1)
    assert (out.again, out.buffers_left) == (150, 0)


def test_a_gpu_that_hangs_keeps_the_memory_that_it_may_use() -> None:
    """Matrices of 512 KiB have buffers of their own."""
    out = story(weights=100, side=512, hangs_at=2)
    assert out.error.status == FAILED
    assert "no answer in" in sentence(out)
    assert out.there == TOGETHER
    assert (out.again, out.buffers_left) == (100, 100 - TOGETHER)


def test_want_of_memory_ends_what_was_pending_and_tells() -> None:
    """Of 256 KiB each: these do not share a buffer, and the twentieth gets none."""
    out = story(weights=40, side=512, lacks_room=20)
    assert out.error.status == OUT_OF_MEMORY
    assert "no memory for the weights" in sentence(out)
    assert (out.there, out.command_buffers, out.whole) == (19, 1, 19)
    assert (out.again, out.buffers_left) == (40, 0)
