"""The last minutes of memory figures, to be drawn. Knows no widget."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from app.generation.messages import Memory

SAMPLES = 300  # one a second: five minutes


@dataclass(frozen=True, kw_only=True)
class MemorySample:
    """Bytes at one moment; `machine_used`, all that anybody uses, may be unknown."""

    engine: int
    resident: int
    machine_used: int | None


class MemoryHistory:
    """Samples, oldest first, as many as the graph has room for."""

    def __init__(self) -> None:
        self._samples: deque[MemorySample] = deque(maxlen=SAMPLES)
        self.total_bytes = 0

    def add(self, memory: Memory) -> None:
        """Takes one report of the engine's process."""
        available = memory.machine_available_bytes
        self.total_bytes = memory.machine_total_bytes
        self._samples.append(
            MemorySample(
                engine=memory.engine_bytes,
                resident=memory.resident_bytes,
                machine_used=None if available is None else self.total_bytes - available,
            )
        )

    @property
    def samples(self) -> Sequence[MemorySample]:
        """All samples, oldest first."""
        return self._samples
