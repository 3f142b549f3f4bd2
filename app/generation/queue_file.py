"""The queue on disk: read once, then written in a thread after each change.

Owns the file and its form. Knows nothing of Qt and of what the jobs are for. A change is on disk
some milliseconds after it was made, whole or not at all; nothing that was read is ever thrown away.
"""

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from app.generation.job import Job, job_from_json, job_to_json

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class QueueContents:
    """What the file holds. `note` is a sentence if some of it could not be read, else empty."""

    jobs: tuple[Job, ...] = ()
    is_paused: bool = False
    note: str = ""


class QueueFile:
    """The file, and the thread that writes it; the newest contents replace older ones unwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: QueueContents | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._failure = ""
        self._lines: dict[str, tuple[Job, str]] = {}  # the writing thread's
        self._thread = threading.Thread(target=self._run, name="queue file", daemon=True)
        self._thread.start()

    def read(self) -> QueueContents:
        """The contents; a file that cannot be understood is moved aside, and `note` says so."""
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(data, dict) or data["version"] != VERSION:
                raise ValueError
            entries, is_paused = data["jobs"], data["is_paused"]
            if not isinstance(entries, list) or not isinstance(is_paused, bool):
                raise ValueError
        except FileNotFoundError:
            return QueueContents()
        except (OSError, ValueError, KeyError, RecursionError):
            aside = self._move_aside()
            return QueueContents(note=f"The queue could not be read; its file is kept as {aside}.")
        return self._contents(entries, is_paused)

    def write(self, contents: QueueContents) -> None:
        """Writes soon; never waits."""
        with self._changed:
            self._waiting = contents
            self._changed.notify()

    def take_failure(self) -> str:
        """A sentence if the contents could not be written, told once; else empty."""
        with self._changed:
            failure, self._failure = self._failure, ""
        return failure

    def close(self) -> None:
        """Waits until the newest contents are on disk."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _contents(self, entries: list[object], is_paused: bool) -> QueueContents:
        jobs: dict[str, Job] = {}
        for entry in entries:
            try:
                job = job_from_json(entry)
            except ValueError:
                continue
            jobs.setdefault(job.id, job)
        note = ""
        if lost := len(entries) - len(jobs):
            aside = self._move_aside()
            note = f"{lost} of {len(entries)} jobs could not be read; they are kept in {aside}."
        return QueueContents(jobs=tuple(jobs.values()), is_paused=is_paused, note=note)

    def _move_aside(self) -> str:
        number = 1
        while (aside := self._path.with_suffix(f".damaged-{number}.json")).exists():
            number += 1
        try:
            self._path.rename(aside)
        except OSError:
            return self._path.name
        return aside.name

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                contents, self._waiting = self._waiting, None
            if contents is None:
                return
            try:
                self._save(contents)
            except OSError as error:
                with self._changed:
                    self._failure = f"The queue could not be saved: {error.strerror}."

    def _save(self, contents: QueueContents) -> None:
        text = self._text(contents)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)

    def _text(self, contents: QueueContents) -> str:
        """JSON, one line a job.

        Only jobs that changed are put into words: a thread that does much in Python holds up the
        event loop, milliseconds at a time, by the interpreter's lock.
        """
        known, self._lines = self._lines, {}
        for job in contents.jobs:
            old = known.get(job.id)
            line = old[1] if old and old[0] is job else json.dumps(job_to_json(job))
            self._lines[job.id] = job, line
        lines = ",\n".join(line for _, line in self._lines.values())
        is_paused = json.dumps(contents.is_paused)
        return f'{{"version": {VERSION}, "is_paused": {is_paused}, "jobs": [\n{lines}\n]}}\n'
