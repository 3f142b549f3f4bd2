"""The rate of the last steps and the time that is left."""

import pytest

from app.engine.types import Phase
from app.generation.step_clock import STEPS_COUNTED, Pace, StepClock


def clock_after(*seconds: float, known: Pace | None = None) -> StepClock:
    clock = StepClock(known)
    for now in seconds:
        clock.tick(Phase.DENOISE, now)
    return clock


def test_nothing_is_known_before_the_first_step() -> None:
    clock = clock_after(0.0)
    clock.tick(Phase.TEXT, 5.0)
    assert clock.step_seconds() is None
    assert clock.seconds_left(Phase.DENOISE, 10) is None


def test_an_earlier_job_is_remembered() -> None:
    clock = clock_after(known=Pace(step_seconds=2.0, decode_seconds=3.0))
    assert clock.seconds_left(Phase.TEXT, 10) == 23.0
    assert clock.seconds_left(Phase.DECODE, 10) == 3.0


def test_an_unknown_decoding_counts_as_a_step() -> None:
    clock = clock_after(0.0, 2.0, 4.0)
    assert clock.step_seconds() == 2.0
    assert clock.seconds_left(Phase.DENOISE, 3) == 8.0


def test_only_the_last_steps_count() -> None:
    """A slow first step, which packs weights, is forgotten."""
    times = [0.0, 100.0, *(101.0 + step for step in range(STEPS_COUNTED))]
    assert clock_after(*times).step_seconds() == pytest.approx(1.0)
