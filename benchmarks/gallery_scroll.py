"""Scrolls a gallery of many pictures and prints what each frame and each turn of the loop took.

    python benchmarks/gallery_scroll.py [--count 10000] [--frames 600] [--width 900]

Draws into memory (offscreen). A frame is one step of the scroll bar and all the painting that it
causes, by the clock and in the thread's own time, which a busy machine does not lengthen; the
loop's delay is how much later than asked a timer of one millisecond fires, while entries and
thumbnails are loaded in other threads: how long a key or a click would have waited. The pictures
are `DISTINCT` files under other names; each row has a thumbnail of its own.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtCore import QElapsedTimer, QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.library.gallery import Gallery
from app.library.gallery_entry import GalleryQuery
from app.library.picture_file import save_png
from app.paths import resource_path
from app.ui.gallery.gallery_model import GalleryModel
from app.ui.gallery.gallery_view import GalleryView
from app.ui.parts import theme

DISTINCT, SIDE = 40, 512
A_DAY = 30  # pictures
PERCENTILES = (50, 90, 99, 99.9)
FRAME_MS = 16


class LoopWatch(QObject):
    """How late a timer fires: the time that the loop was busy with something else."""

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[float] = []
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=1)
        self._timer.timeout.connect(self._note)

    def start(self) -> None:
        """Begins to watch."""
        self.delays.clear()
        self._clock.start()
        self._timer.start()

    def _note(self) -> None:
        self.delays.append(max(0.0, self._clock.nsecsElapsed() / 1e6 - 1))
        self._clock.restart()


def fill(folder: Path, count: int) -> None:
    """`count` pictures that tell how they were made."""
    for number in range(DISTINCT):
        shade = bytes((number * 6, 120, 255 - number * 6))
        rows = [shade * (SIDE // 2) + os.urandom(3) * (SIDE // 2) for _ in range(SIDE)]
        text = f"picture {number} of a gallery\nSteps: 12, Sampler: Euler a, Seed: {number}"
        save_png(folder / f"{number:05}.png", b"".join(rows), (SIDE, SIDE), text)
    for number in range(DISTINCT, count):
        shutil.copyfile(folder / f"{number % DISTINCT:05}.png", folder / f"{number:05}.png")
    for number in range(count):
        os.utime(folder / f"{number:05}.png", (number * 86400 / A_DAY,) * 2)


def scroll(view: GalleryView, frames: int, step: float) -> tuple[list[float], list[float]]:
    """Milliseconds of each of `frames` steps at 60 a second, by the clock and of own work."""
    bar = view.grid.verticalScrollBar()
    times: list[float] = []
    work: list[float] = []
    for frame in range(frames):
        began, worked = time.perf_counter(), time.thread_time()
        bar.setValue(round(frame * step) % max(1, bar.maximum()))
        QApplication.processEvents()
        times.append((time.perf_counter() - began) * 1e3)
        work.append((time.thread_time() - worked) * 1e3)
        until = began + FRAME_MS / 1e3
        while True:
            QApplication.processEvents()
            if time.perf_counter() >= until:
                break
            time.sleep(0.0005)
    return times, work


def report(name: str, values: Sequence[float]) -> None:
    """One line of percentiles."""
    ordered = sorted(values)
    cells = [
        f"p{p:g} {ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]:6.2f}"
        for p in PERCENTILES
    ]
    late = sum(value > FRAME_MS for value in values)
    print(
        f"{name:34} {'  '.join(cells)}  max {ordered[-1]:6.2f} ms  over 16 ms: {late}"
        f" of {len(values)}",
        flush=True,
    )


def wait_until_settled(app: QApplication, model: GalleryModel) -> None:
    """Until the rows are there and nothing more is on its way."""
    quiet = time.perf_counter() + 0.5
    while time.perf_counter() < quiet or model.rowCount() == 0:
        app.processEvents()
        if model.thumbnails.waiting or model.rowCount() == 0:
            quiet = time.perf_counter() + 0.5
        time.sleep(0.002)


def measure(app: QApplication, gallery: Gallery, cache: Path, options: argparse.Namespace) -> None:
    """Slow, fast and wild scrolling, a search, and a new width."""
    model = GalleryModel(gallery, cache)
    view = GalleryView(model)
    view.resize(options.width, 800)
    view.show()
    model.refresh()
    wait_until_settled(app, model)
    print(f"{model.rowCount()} pictures, {view.grid.columns} columns of {view.grid.cell_side} px")
    watch = LoopWatch()
    watch.start()
    wait_until_settled(app, model)
    report("nothing at all: loop's delay", watch.delays)
    for name, step in (("a wheel's pace", 40.0), ("a flick", 400.0), ("the bar dragged", 9000.0)):
        watch.start()
        frames, work = scroll(view, options.frames, step)
        report(f"{name}: frame", frames)
        report(f"{name}: frame, own work", work)
        report(f"{name}: loop's delay", watch.delays)
        wait_until_settled(app, model)
    watch.start()
    for text in ("picture 7", "picture", "gallery 3", ""):
        model.set_query(GalleryQuery(text=text))
        wait_until_settled(app, model)
    report("four searches: loop's delay", watch.delays)
    widths = []
    for width in range(options.width, options.width + 200, 7):
        worked = time.thread_time()
        view.resize(width, 800)
        app.processEvents()
        widths.append((time.thread_time() - worked) * 1e3)
    report("a new width, own work", widths)
    model.close()


def main() -> None:
    """Sets up, measures, cleans up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--width", type=int, default=900)
    options = parser.parse_args()
    app = QApplication([])
    theme.apply_theme(app, theme.Appearance.LIGHT, str(resource_path("icons")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        fill(folder, options.count)
        with Gallery(folder, Path(name) / "data" / "gallery.db") as gallery:
            gallery.scan()
            measure(app, gallery, Path(name) / "cache", options)


if __name__ == "__main__":
    main()
