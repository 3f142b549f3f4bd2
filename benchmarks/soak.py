"""The whole app for many jobs: edits, cancels, drops and an engine that is killed, by chance.

    python -m benchmarks.soak [--jobs N] [--seed N]

Drawn into memory, with the real engine and the mini model at small sizes. Every tenth job the
memory of the window's process is noted, without the thumbnails, which have a bound of their own. At
the end every job must have ended once, every picture of a finished job must be in the gallery and
on disk, the queue's file must agree, and memory must be flat: from the second quarter to the last,
in the mean of each, it may not grow by more than the bar. Prints the figures; 1 if anything failed.
"""

import argparse
import gc
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QElapsedTimer, QEventLoop, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

from app.application import QUEUE_FILE, Application
from app.generation.engine_client import EngineClient
from app.generation.job import JobState
from app.generation.messages import Finished
from app.generation.process_memory import resident_bytes
from app.generation.queue_file import QueueFile
from app.library.gallery_entry import GalleryQuery
from app.library.picture_file import save_png
from app.paths import data_folder
from app.settings import Settings

GROWTH_BAR_MIB = 6.0
MOST_WAITING = 8
LIMIT_MS = 120_000
WORDS = ("a", "red", "blue", "apple", "fox", "cat", "car", "house", "whale", "in", "the", "snow")
MIB = 2**20


class Soak:
    """Chooses what to do next, and counts what came of it."""

    def __init__(self, app: QApplication, shown: Application, seed: int, outside: Path) -> None:
        self._app, self._shown, self._outside = app, shown, outside
        self._chance = random.Random(seed)
        self.asked: list[str] = []
        self.ends: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.pictures = self.dropped = self.deleted = self.restarts = 0
        self.memory: list[float] = []
        self.thumbnails: list[float] = []
        shown.queue.job_finished.connect(self._finish)
        shown.queue.job_failed.connect(lambda job_id, _: self.ends.update([job_id]))
        shown.client.restarted.connect(lambda _: setattr(self, "restarts", self.restarts + 1))

    def run(self, jobs: int) -> None:
        """Asks for so many jobs, with everything else between."""
        acts: dict[Callable[[], None], int] = {
            self._edit: 3,
            self._cancel: 3,
            self._move: 2,
            self._pause: 1,
            self._drop: 2,
            self._delete: 1,
            self._look: 3,
            self._kill: 1,
        }
        while len(self.asked) < jobs:
            self._ask()
            for act in self._chance.choices(list(acts), list(acts.values()), k=2):
                act()
                self.done[act.__name__.strip("_")] += 1
            self._wait(lambda: self._waiting() < self._chance.randint(1, MOST_WAITING))
            if len(self.asked) % 10 == 0:
                self._note_memory()
        self._wait(lambda: not self._waiting() and self._shown.queue.running_id is None)
        self._wait(lambda: self._shown.gallery_model.total == self.expected)
        self._note_memory()

    @property
    def expected(self) -> int:
        """How many pictures the gallery should have."""
        return self.pictures + self.dropped - self.deleted

    @property
    def growth_mib(self) -> float:
        """From the second quarter to the last; until then what is used at all is still loaded."""
        quarter = max(1, len(self.memory) // 4)
        second, last = self.memory[quarter : 2 * quarter] or self.memory, self.memory[-quarter:]
        return statistics.mean(last) - statistics.mean(second)

    def _note_memory(self) -> None:
        gc.collect()
        thumbnails = self._shown.gallery_model.thumbnails.held_bytes
        self.memory.append((resident_bytes() - thumbnails) / MIB)
        self.thumbnails.append(thumbnails / MIB)

    def _ask(self) -> None:
        shown, chance = self._shown, self._chance
        before = {job.id for job in shown.queue.jobs()}
        shown.draft.set(
            prompt=" ".join(chance.choices(WORDS, k=chance.randint(1, 12))),
            width=chance.choice((64, 96, 128)),
            height=chance.choice((64, 96)),
            steps=chance.randint(1, 6),
            batch_count=chance.choice((1, 1, 1, 2)),
            seed=chance.randrange(1000),
        )
        shown.workbench.generate(front=chance.random() < 0.2)
        self.asked += [job.id for job in shown.queue.jobs() if job.id not in before]

    def _finish(self, job_id: str, finished: Finished) -> None:
        self.ends.update([job_id])
        self.pictures += len(finished.pictures.pictures)

    def _some_waiting(self) -> str | None:
        waiting = [job.id for job in self._shown.queue.jobs() if job.state is JobState.QUEUED]
        return self._chance.choice(waiting) if waiting else None

    def _waiting(self) -> int:
        return sum(job.state is JobState.QUEUED for job in self._shown.queue.jobs())

    def _edit(self) -> None:
        if job_id := self._some_waiting():
            self._shown.workbench.edit(job_id)
            self._shown.draft.set(prompt="edited", steps=2)
            self._shown.workbench.generate()

    def _cancel(self) -> None:
        job_id = self._some_waiting()
        if job_id and self._chance.random() < 0.5:
            self._shown.queue.cancel(job_id)
            self.ends.update([job_id])
        else:
            self._shown.workbench.cancel()

    def _move(self) -> None:
        if job_id := self._some_waiting():
            self._shown.queue.move(job_id, self._chance.randrange(20))

    def _pause(self) -> None:
        self._shown.queue.paused = True
        self._rest(50)
        self._shown.queue.paused = False

    def _drop(self) -> None:
        """A picture of another program, dropped on the gallery."""
        path = self._outside / f"{self.dropped:05}.png"
        save_png(path, bytes(64 * 64 * 3), (64, 64), "dropped\nSteps: 3, Seed: 1")
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        button, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        copy = Qt.DropAction.CopyAction
        self._shown.gallery_view.dropEvent(QDropEvent(QPointF(9, 9), copy, data, button, keys))
        self.dropped += 1

    def _delete(self) -> None:
        """One picture to the trash, and every other time back again."""
        model = self._shown.gallery_model
        if model.rowCount():
            model.delete([model.id_at(self._chance.randrange(model.rowCount()))])
            self.deleted += 1
            if self._chance.random() < 0.5:
                model.undo_delete()
                self.deleted -= 1

    def _look(self) -> None:
        self._shown.gallery_view.select_next(self._chance.choice((-3, 1, 4)))

    def _kill(self) -> None:
        """The engine's process ends by force, in whatever it does."""
        child = self._shown.client._child
        if child and child._process and self._shown.client._is_ready:
            child._process.kill()
            self._rest(200)

    def _rest(self, milliseconds: int) -> None:
        clock = QElapsedTimer()
        clock.start()
        self._wait(lambda: clock.elapsed() > milliseconds)

    def _wait(self, condition: Callable[[], object]) -> None:
        clock = QElapsedTimer()
        clock.start()
        while not condition():
            if clock.elapsed() > LIMIT_MS:
                raise TimeoutError("the app came to no rest")
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)


def troubles(soak: Soak, shown: Application) -> list[str]:
    """What was lost, doubled or grew: sentences."""
    found = []
    states = {job.id: job.state for job in shown.queue.jobs()}
    if lost := [job_id for job_id in soak.asked if soak.ends[job_id] != 1]:
        found.append(f"{len(lost)} jobs did not end once: {[soak.ends[each] for each in lost]}.")
    if set(states) != set(soak.asked):
        found.append("The queue does not hold the jobs that were asked for.")
    entries = shown.gallery.search(GalleryQuery(), limit=100_000)
    if len(entries) != soak.expected:
        found.append(f"The gallery has {len(entries)} pictures and should have {soak.expected}.")
    if missing := [entry.path for entry in entries if not entry.path.is_file()]:
        found.append(f"{len(missing)} pictures are not on disk.")
    if soak.growth_mib > GROWTH_BAR_MIB:
        found.append(f"Memory is not flat: it grew by {soak.growth_mib:.1f} MiB.")
    shown.quit()
    kept = QueueFile(data_folder() / QUEUE_FILE).read()
    if {job.id: job.state for job in kept.jobs} != states:
        found.append("The queue's file does not agree with the queue.")
    return found


def main() -> int:
    """Runs it and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["AQUATINT_HOME"] = home
        app = QApplication(sys.argv[:1])
        shown = Application(app, EngineClient(), Settings(first_run_done=True))
        shown.show()
        outside = Path(home, "outside")
        outside.mkdir()
        soak = Soak(app, shown, wanted.seed, outside)
        begin = time.monotonic()
        soak.run(wanted.jobs)
        elapsed = time.monotonic() - begin
        states = Counter(job.state.value for job in shown.queue.jobs())
        found = troubles(soak, shown)
    print(f"{len(soak.asked)} jobs in {elapsed:.0f} s: {dict(states)}")
    print(f"{soak.restarts} restarts of the engine; {dict(soak.done)}")
    print(f"{soak.pictures} pictures made, {soak.dropped} dropped, {soak.deleted} deleted")
    for name, figures in (("the window's process", soak.memory), ("thumbnails", soak.thumbnails)):
        shown_figures = [f"{each:.0f}" for each in figures[:: max(1, len(figures) // 10)]]
        print(f"memory of {name}, MiB: {' '.join(shown_figures)}")
    grown = f"grew by {soak.growth_mib:.1f} MiB from the second quarter to the last"
    print("\n".join(found) or f"Nothing was lost; memory is flat ({grown}).")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
