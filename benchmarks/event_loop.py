"""How long the window's event loop is held up while pictures are made with the mini model.

    python -m benchmarks.event_loop [--jobs N] [--steps N] [--batch-count N] [--size PIXELS]

A timer of one millisecond notes when it is served; whatever it comes too late by, something else
held the loop, or the processor. Previews become images, as the canvas makes them, and the queue is
kept on disk. The same loop is measured before, with the engine at rest: what is late then is the
machine's doing. The bar is that nothing ever takes longer than 16 ms.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage

from app.generation.engine_client import EngineClient
from app.generation.job_queue import JobQueue
from app.generation.messages import Finished, Pixels, Progress
from app.generation.request import GenerationRequest

INTERVAL_MS = 1
REST_MS = 3_000
BAR_MS = 16.0


@dataclass
class LoopSampler:
    """Milliseconds by which the timer came late, one for each time that it was served."""

    late_ms: list[float] = field(default_factory=list)
    _last: float | None = None

    def sample(self) -> None:
        """The timer's slot."""
        now = time.perf_counter()
        if self._last is not None:
            self.late_ms.append(max(0.0, (now - self._last) * 1000 - INTERVAL_MS))
        self._last = now

    def report(self, name: str) -> str:
        """One line of percentiles."""
        values = sorted(self.late_ms)
        parts = [
            f"{label} {values[min(len(values) - 1, int(len(values) * share))]:6.2f}"
            for label, share in (("50%", 0.5), ("99%", 0.99), ("99.9%", 0.999), ("most", 1.0))
        ]
        over = sum(value > BAR_MS for value in values)
        return f"{name:<16} {'  '.join(parts)} ms  over {BAR_MS:g} ms: {over} of {len(values)}"


class Viewer:
    """Makes an image of each picture, as a canvas does, and counts them."""

    def __init__(self) -> None:
        self.previews = 0
        self.images: list[QImage] = []
        self.finish_ms: list[float] = []

    def show_progress(self, _: str, progress: Progress) -> None:
        """The slot of a step."""
        if progress.preview:
            self.previews += 1
            self._show(progress.preview)

    def show_finished(self, _: str, finished: Finished) -> None:
        """The slot of an end."""
        self._show(finished.pictures)

    def _show(self, pixels: Pixels) -> None:
        begin = time.perf_counter()
        wide, high = pixels.width, pixels.height
        self.images = [
            QImage(rgb, wide, high, wide * 3, QImage.Format.Format_RGB888).copy()
            for rgb in pixels.pictures
        ]
        self.finish_ms.append((time.perf_counter() - begin) * 1000)


def sample_for(application: QCoreApplication, milliseconds: int) -> LoopSampler:
    """The loop with nothing to do but the timer."""
    sampler, timer = _sampling()
    QTimer.singleShot(milliseconds, application.quit)
    application.exec()
    timer.stop()
    return sampler


def _sampling() -> tuple[LoopSampler, QTimer]:
    sampler = LoopSampler()
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(sampler.sample)
    timer.start(INTERVAL_MS)
    return sampler, timer


def main() -> int:
    """Prints the percentiles; 1 if the bar was missed while pictures were made."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    for name, default in (("jobs", 2), ("steps", 20), ("batch-count", 1), ("size", 256)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    application = QGuiApplication(sys.argv[:1])
    print(sample_for(application, REST_MS).report("at rest"))
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        sampler, timer = _sampling()
        client = EngineClient()
        queue = JobQueue(client, Path(folder) / "queue.json")
        viewer = Viewer()
        queue.job_progressed.connect(viewer.show_progress)
        queue.job_finished.connect(viewer.show_finished)
        queue.job_failed.connect(lambda _, sentence: sys.exit(sentence))
        for job in range(arguments.jobs):
            request = GenerationRequest(
                prompt="a red apple",
                seed=job,
                steps=arguments.steps,
                batch_count=arguments.batch_count,
                width=arguments.size,
                height=arguments.size,
            )
            last = queue.enqueue(request)
        queue.job_finished.connect(lambda job_id, _: application.quit() if job_id == last else None)
        application.exec()
        timer.stop()
        elapsed = time.perf_counter() - begin
        queue.close()
        client.close()
    print(sampler.report("making pictures"))
    print(
        f"{arguments.jobs} jobs of {arguments.steps} steps, {viewer.previews} previews in"
        f" {elapsed:.1f} s; an image took at most {max(viewer.finish_ms):.2f} ms"
    )
    return int(max(sampler.late_ms) > BAR_MS)


if __name__ == "__main__":
    sys.exit(main())
