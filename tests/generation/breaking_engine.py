"""The real engine's process, broken on purpose while a picture is made.

First argument: what happens at the second step; then the channel's descriptor.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from app.engine.types import Progress
from app.generation import engine_process
from app.generation.step_clock import StepClock

BREAK: dict[str, Callable[[], object]] = {
    "crash": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}


def command(way: str) -> Callable[[int], list[str]]:
    """For `EngineClient(command=...)`."""
    script = str(Path(__file__).resolve())
    return lambda descriptor: [sys.executable, "-P", script, way, str(descriptor)]


def main() -> int:
    """Runs the engine's process with a progress that breaks it."""
    tell, way = engine_process._progress, BREAK[sys.argv[1]]

    def break_it(job_id: str, progress: Progress, clock: StepClock) -> object:
        if progress.step == 2 and job_id == "broken":
            way()
        return tell(job_id, progress, clock)

    engine_process._progress = break_it  # type: ignore[assignment]
    return engine_process.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
