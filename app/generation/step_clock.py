"""How fast a job goes and how long it will take.

Owns the learning of it. Knows nothing of the engine or of windows.
"""

from collections import deque
from dataclasses import dataclass

from app.engine.types import Phase

STEPS_COUNTED = 8  # enough to smooth, few enough to follow a machine that gets hot or busy


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds that a job took: for one step, and for decoding."""

    step_seconds: float
    decode_seconds: float


class StepClock:
    """The times of one job. `known` is the pace of an earlier job of the same kind."""

    def __init__(self, known: Pace | None) -> None:
        self._known = known
        self._times: deque[float] = deque(maxlen=STEPS_COUNTED + 1)

    def tick(self, phase: Phase, now: float) -> None:
        """Told of each progress; `now` in seconds of a clock that never goes back."""
        if phase is Phase.DENOISE:
            self._times.append(now)

    def step_seconds(self) -> float | None:
        """The mean of the last steps; before the first one what is known, if anything."""
        if len(self._times) > 1:
            return (self._times[-1] - self._times[0]) / (len(self._times) - 1)
        return self._known.step_seconds if self._known else None

    def seconds_left(self, phase: Phase, steps_left: int) -> float | None:
        """Until the pictures are there. An unknown decoding is guessed to take one step's time."""
        step_seconds = self.step_seconds()
        if step_seconds is None:
            return None
        decode_seconds = self._known.decode_seconds if self._known else step_seconds
        return decode_seconds + (0 if phase is Phase.DECODE else steps_left * step_seconds)
