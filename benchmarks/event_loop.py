"""How long the window's event loop is held up while pictures are made with the mini model.

    python -m benchmarks.event_loop [--jobs N] [--steps N] [--batch-count N] [--size PIXELS]
        [--gallery N] [--stacks]

The whole window runs, drawn into memory at two pixels a point, with a gallery of other pictures
beside the canvas. A timer of one millisecond notes by how much it is served too late. On a busy
machine much of that is waiting for a processor, which Linux counts for each thread: without it
remains what the window itself holds the loop up with, be it work, a lock or the interpreter's. The
bar is that this never takes longer than 16 ms. On a busy machine whoever has the lock may wait for
a processor too; the thread's own processor time is free of that. `--stacks` prints where the thread
was when it had taken 8 ms, which itself takes time.
"""

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_SCALE_FACTOR", "2")

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.application import Application
from app.generation.engine_client import EngineClient
from app.library.picture_file import save_png
from app.paths import pictures_folder
from app.settings import Appearance, Settings
from app.window_process import SWITCH_SECONDS

INTERVAL_MS = 1
REST_MS = 3_000
BAR_MS, LONG_MS = 16.0, 8.0
WINDOW = 1440, 900
WAITING = re.compile(r" (wait|_worker|_receive_bytes|_write)$")
SIDE = 512  # of the pictures that are there before


class ThreadWaits:
    """How long this thread has waited for a processor while it could run; on Linux alone."""

    def __init__(self) -> None:
        path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._file = os.open(path, os.O_RDONLY) if path.exists() else None

    def seconds(self) -> float:
        """The second number of schedstat; may be asked for from any thread."""
        return int(os.pread(self._file, 64, 0).split()[1]) / 1e9 if self._file is not None else 0.0


class LoopSampler:
    """Milliseconds by which a timer came late, how many of them are the window's doing, and work.

    Work is processor time of this thread since the timer was served before.
    """

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self.own_ms: list[float] = []
        self.work_ms: list[float] = []
        self._waits = ThreadWaits()
        self._last = self._clock()
        self._worked = time.thread_time()
        self._timer = QTimer(interval=INTERVAL_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._serve)
        self._timer.start()

    @property
    def last(self) -> tuple[float, float]:
        """Clock and waits in seconds when the timer was last served."""
        return self._last

    def clear(self) -> None:
        """Forgets what was sampled."""
        for samples in (self.late_ms, self.own_ms, self.work_ms):
            samples.clear()
        self._last = self._clock()

    def held_ms(self) -> tuple[float, float]:
        """Since the timer was last served: beyond its interval, and that without the waits."""
        (clock, waits), (last_clock, last_waits) = self._clock(), self._last
        late = max(0.0, (clock - last_clock) * 1000 - INTERVAL_MS)
        return late, max(0.0, late - (waits - last_waits) * 1000)

    def report(self, name: str) -> bool:
        """Prints percentiles; whether the bar was kept."""
        figures = (
            ("late", self.late_ms),
            ("the window's part", self.own_ms),
            ("its processor time", self.work_ms),
        )
        for what, samples in figures:
            values = sorted(samples)
            parts = [
                f"{label} {values[min(len(values) - 1, int(len(values) * share))]:6.2f}"
                for label, share in (("50%", 0.5), ("99%", 0.99), ("99.9%", 0.999), ("most", 1.0))
            ]
            over = sum(value > BAR_MS for value in values)
            print(
                f"{name + ', ' + what:<35} {'  '.join(parts)} ms  over {BAR_MS:g} ms: {over} of"
                f" {len(values)}",
                flush=True,
            )
        return max(self.own_ms) <= BAR_MS

    def _clock(self) -> tuple[float, float]:
        return time.perf_counter(), self._waits.seconds()

    def _serve(self) -> None:
        late, own = self.held_ms()
        self.late_ms.append(late)
        self.own_ms.append(own)
        worked, self._worked = self._worked, time.thread_time()
        self.work_ms.append((self._worked - worked) * 1000)
        self._last = self._clock()


class StackWatch(threading.Thread):
    """Counts where the loop's thread is when it has been held up for LONG_MS."""

    def __init__(self, sampler: LoopSampler) -> None:
        super().__init__(daemon=True)
        self._sampler, self._main = sampler, threading.main_thread()
        self.found: Counter[str] = Counter()

    def run(self) -> None:
        """Looks once a millisecond, and reports each hold-up once."""
        seen = 0.0
        while True:
            time.sleep(0.001)
            last, _ = self._sampler.last
            if last != seen and self._sampler.held_ms()[1] > LONG_MS:
                seen = last
                self.found["\n    ".join(self._places())] += 1

    def _places(self) -> list[str]:
        """The last calls of the loop's thread, then where the others are that do not wait.

        The interpreter is not given up meanwhile: a frame that is held keeps its painter alive.
        """
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1.0)
        main, others = list[str](), list[str]()
        for ident, frame in sys._current_frames().items():
            places = _calls(frame)
            if ident == self._main.ident:
                main = places[:5][::-1]
            elif ident != self.ident and not WAITING.search(places[0]):
                others += [f"  beside it {place}" for place in places[:3]]
        del frame
        sys.setswitchinterval(interval)
        return main + others


def _calls(frame: FrameType | None) -> list[str]:
    """The calls of a thread, the innermost first."""
    places = []
    while frame is not None:
        code = frame.f_code
        places.append(f"{code.co_filename}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return places


def fill(folder: Path, count: int) -> None:
    """Pictures of an earlier day."""
    folder.mkdir(parents=True)
    for number in range(count):
        rgb = os.urandom(3 * SIDE) * SIDE
        save_png(folder / f"{number:05}.png", rgb, (SIDE, SIDE), f"picture {number}\nSteps: 12")


def run_for(milliseconds: int) -> None:
    """The loop, for so long."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def make_pictures(shown: Application, wanted: argparse.Namespace) -> int:
    """Queues the jobs and runs the loop until their pictures are in the gallery; the previews."""
    previews, loop = 0, QEventLoop()

    def count(_: str, progress: object) -> None:
        nonlocal previews
        previews += bool(getattr(progress, "preview", None))

    before = shown.gallery_model.total
    shown.queue.job_progressed.connect(count)
    shown.queue.job_failed.connect(lambda _, sentence: sys.exit(sentence))
    shown.gallery_model.refreshed.connect(
        lambda: (
            loop.quit()
            if shown.gallery_model.total >= before + wanted.jobs * wanted.batch_count
            else None
        )
    )
    for seed in range(wanted.jobs):
        shown.draft.set(
            prompt="a red apple",
            seed=seed,
            steps=wanted.steps,
            batch_count=wanted.batch_count,
            width=wanted.size,
            height=wanted.size,
        )
        shown.workbench.generate()
    loop.exec()
    return previews


def main() -> int:
    """Prints the percentiles; 1 if the bar was missed while pictures were made."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    numbers = (("jobs", 4), ("steps", 20), ("batch-count", 1), ("size", 256), ("gallery", 500))
    for name, default in numbers:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--stacks", action="store_true")
    wanted = parser.parse_args()
    sys.setswitchinterval(SWITCH_SECONDS)
    with tempfile.TemporaryDirectory() as home:
        os.environ["AQUATINT_HOME"] = home
        application = QApplication(sys.argv[:1])
        fill(pictures_folder() / "2026-01-01", wanted.gallery)
        shown = Application(application, EngineClient(), Settings(appearance=Appearance.LIGHT))
        shown.show()
        shown.window.resize(*WINDOW)
        QTest.qWaitForWindowExposed(shown.window)  # until it stands, benchmarks.startup measures
        sampler = LoopSampler()
        watch = StackWatch(sampler)
        if wanted.stacks:
            watch.start()
        run_for(REST_MS)
        sampler.report("beginning")
        sampler.clear()
        run_for(REST_MS)
        sampler.report("at rest")
        sampler.clear()
        begin = time.perf_counter()
        previews = make_pictures(shown, wanted)
        elapsed = time.perf_counter() - begin
        kept = sampler.report("making pictures")
        print(f"{wanted.jobs} jobs of {wanted.steps} steps, {previews} previews in {elapsed:.1f} s")
        for stack, times in watch.found.most_common():
            print(f"{times} times\n    {stack}")
        shown.quit()
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
