"""The queue: every job with its request, its state and its place, as a list model.

Owns the order of the jobs and gives the next one to the engine whenever that is idle. Knows nothing
of widgets, of the gallery and of how pictures are made.
"""

import dataclasses
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
    Slot,
)

from app.generation.engine_client import EngineClient
from app.generation.job import MOST_INTERRUPTIONS, Job, JobState
from app.generation.messages import Failed, Finished, Progress
from app.generation.queue_file import QueueContents, QueueFile
from app.generation.request import GenerationRequest

JOB_ROLE = int(Qt.ItemDataRole.UserRole)
"""The Job of a row; the display role is its prompt."""

_NO_PARENT = QModelIndex()


class JobQueue(QAbstractListModel):
    """All jobs, in the order in which they are made; ended ones stay until they are removed.

    Call `close` before the client's: what runs then is queued again when the app next starts.
    """

    job_started = Signal(str)
    job_progressed = Signal(str, object)
    """Job id, messages.Progress."""
    job_finished = Signal(str, object)
    """Job id, messages.Finished. The job counts as finished when the slots have returned."""
    job_failed = Signal(str, str)
    """Job id, a sentence; also for a running job that was cancelled."""
    paused_changed = Signal(bool)
    warned = Signal(str)
    """A sentence: the engine cannot be started, so the queue is paused; or it cannot be saved."""

    def __init__(self, client: EngineClient, path: Path, parent: QObject | None = None) -> None:
        """Restores the jobs from the file `path`, and begins with the first that waits."""
        super().__init__(parent)
        self._client = client
        self._file = QueueFile(path)
        contents = self._file.read()
        self._jobs = [_restored(job) for job in contents.jobs]
        self._is_paused = contents.is_paused
        self._is_closed = False
        self.restore_note = contents.note
        client.progressed.connect(self._show_progress)
        client.finished.connect(self._finish)
        client.failed.connect(self._fail)
        client.unavailable.connect(self._give_back)
        # Later, so that whoever made the queue can connect to it first.
        self._starting = QTimer(self, interval=0, singleShot=True)
        self._starting.timeout.connect(self._start_next)
        self._starting.start()

    # ------------------------------------------------------------ what a view asks

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        """The number of jobs."""
        return 0 if parent.isValid() else len(self._jobs)

    def data(
        self,
        index: QModelIndex | QPersistentModelIndex,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """The Job at JOB_ROLE, the prompt to display."""
        if not 0 <= index.row() < len(self._jobs):
            return None
        job = self._jobs[index.row()]
        if role == JOB_ROLE:
            return job
        return job.request.prompt if role == Qt.ItemDataRole.DisplayRole else None

    def jobs(self) -> tuple[Job, ...]:
        """All jobs in their order."""
        return tuple(self._jobs)

    def job(self, job_id: str) -> Job:
        """The job as it is now; KeyError if there is none."""
        return self._jobs[self.row_of(job_id)]

    def row_of(self, job_id: str) -> int:
        """Where the job stands; KeyError if there is none."""
        for row, job in enumerate(self._jobs):
            if job.id == job_id:
                return row
        raise KeyError(job_id)

    @property
    def running_id(self) -> str | None:
        """The job that runs, if one does."""
        return next((job.id for job in self._jobs if job.state is JobState.RUNNING), None)

    # ------------------------------------------------------------ what a user does

    def enqueue(
        self, request: GenerationRequest, *, front: bool = False, is_transient: bool = False
    ) -> str:
        """Adds a job, at the end or before all that wait; its id. It starts if nothing runs.

        A transient one is for the moment: it leaves the list when it ends.
        """
        job = Job.of(request, is_transient=is_transient)
        row = self._first_waiting_row() if front else len(self._jobs)
        self.beginInsertRows(_NO_PARENT, row, row)
        self._jobs.insert(row, job)
        self.endInsertRows()
        self._start_next()
        self._save()
        return job.id

    def cancel(self, job_id: str) -> None:
        """Stops or withdraws a job; one that runs ends with `job_failed` when the engine has."""
        job = self.job(job_id)
        if job.state is JobState.QUEUED:
            self._withdraw(job)
            self._save()
        elif job.state is JobState.RUNNING:
            self._client.cancel(job_id)

    def cancel_all(self) -> None:
        """Withdraws all that wait and stops what runs."""
        for job in self.jobs():
            if job.state is JobState.QUEUED:
                self._withdraw(job)
        self._save()
        if self.running_id:
            self._client.cancel(self.running_id)

    def move(self, job_id: str, row: int) -> None:
        """Puts a job that waits at `row`, or as near as it may: never before one that runs."""
        source = self.row_of(job_id)
        if self._jobs[source].state is JobState.QUEUED:
            self._move(source, max(self._first_waiting_row(), min(row, len(self._jobs) - 1)))
            self._save()

    def replace(self, job_id: str, request: GenerationRequest) -> bool:
        """Gives a job that waits another request; False if it no longer waits."""
        job = self.job(job_id)
        if job.state is not JobState.QUEUED:
            return False
        self._replace(dataclasses.replace(job, request=request))
        self._save()
        return True

    def retry(self, job_id: str) -> None:
        """Queues a job that has ended once more, at the end."""
        row = self.row_of(job_id)
        job = self._jobs[row]
        if job.has_ended:
            self._replace(dataclasses.replace(job.to(JobState.QUEUED), interruptions=0))
            self._move(row, len(self._jobs) - 1)
            self._start_next()
            self._save()

    def clear_ended(self) -> None:
        """Takes all jobs that have ended off the list."""
        for row in reversed(range(len(self._jobs))):
            if self._jobs[row].has_ended:
                self._remove(row)
        self._save()

    def remove(self, job_id: str) -> None:
        """Takes one job that has ended off the list; nothing happens to one that has not."""
        row = self.row_of(job_id)
        if self._jobs[row].has_ended:
            self._remove(row)
            self._save()

    @property
    def paused(self) -> bool:
        """Whether no further job is started; one that runs goes on."""
        return self._is_paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused != self._is_paused:
            self._is_paused = paused
            self.paused_changed.emit(paused)
            self._start_next()
            self._save()

    def close(self) -> None:
        """Saves, and starts nothing more; what runs waits for the next start of the app."""
        self._is_closed = True
        self._client.disconnect(self)
        if self.running_id:
            self._replace(self.job(self.running_id).to(JobState.QUEUED))
        self._save()
        self._file.close()

    # ------------------------------------------------------------ what the engine does

    @Slot()
    def _start_next(self) -> None:
        if self._is_closed or self._is_paused or self._client.is_busy or self.running_id:
            return
        job = next((job for job in self._jobs if job.state is JobState.QUEUED), None)
        if job:
            self._replace(job.to(JobState.RUNNING))
            self._client.start(job.id, job.request)
            self._save()
            self.job_started.emit(job.id)

    @Slot(object)
    def _show_progress(self, progress: Progress) -> None:
        if progress.job_id == self.running_id:
            self._replace(self.job(progress.job_id).at(progress))
            self.job_progressed.emit(progress.job_id, progress)

    @Slot(object)
    def _finish(self, finished: Finished) -> None:
        if finished.job_id == self.running_id:
            self._replace(self.job(finished.job_id).to(JobState.FINISHED))
            self.job_finished.emit(finished.job_id, finished)
            self._drop_transient(finished.job_id)
            self._start_next()
            self._save()

    @Slot(object)
    def _fail(self, failed: Failed) -> None:
        if failed.job_id == self.running_id:
            state = JobState.CANCELLED if failed.cancelled else JobState.FAILED
            self._replace(self.job(failed.job_id).to(state, failed.sentence))
            self.job_failed.emit(failed.job_id, failed.sentence)
            self._drop_transient(failed.job_id)
            self._start_next()
            self._save()

    @Slot(str)
    def _give_back(self, sentence: str) -> None:
        """No engine: the job that it had waits again, and so does the queue."""
        if self.running_id:
            self._replace(self.job(self.running_id).to(JobState.QUEUED))
        self.paused = True
        self.warned.emit(sentence)

    # ------------------------------------------------------------ the list

    def _first_waiting_row(self) -> int:
        waiting = (row for row, job in enumerate(self._jobs) if job.state is JobState.QUEUED)
        return next(waiting, len(self._jobs))

    def _replace(self, job: Job) -> None:
        row = self.row_of(job.id)
        self._jobs[row] = job
        self.dataChanged.emit(self.index(row), self.index(row))

    def _withdraw(self, job: Job) -> None:
        self._replace(job.to(JobState.CANCELLED))
        self._drop_transient(job.id)

    def _drop_transient(self, job_id: str) -> None:
        """A transient job that has ended goes, unless it is gone already."""
        for row, job in enumerate(self._jobs):
            if job.id == job_id and job.is_transient:
                self._remove(row)
                return

    def _remove(self, row: int) -> None:
        self.beginRemoveRows(_NO_PARENT, row, row)
        del self._jobs[row]
        self.endRemoveRows()

    def _move(self, source: int, target: int) -> None:
        """`target` is the row that the job has in the end; Qt counts before it is taken out."""
        if source != target:
            before = target + (target > source)
            self.beginMoveRows(_NO_PARENT, source, source, _NO_PARENT, before)
            self._jobs.insert(target, self._jobs.pop(source))
            self.endMoveRows()

    def _save(self) -> None:
        kept = tuple(job for job in self._jobs if not job.is_transient)
        self._file.write(QueueContents(jobs=kept, is_paused=self._is_paused))
        if failure := self._file.take_failure():
            self.warned.emit(failure)


def _restored(job: Job) -> Job:
    """A job that ran when the app ended waits again; one that did so often is not tried again."""
    if job.state is not JobState.RUNNING:
        return job
    interruptions = job.interruptions + 1
    if interruptions < MOST_INTERRUPTIONS:
        waiting = job.to(JobState.QUEUED)
    else:
        sentence = QCoreApplication.translate(
            "JobQueue", "Aquatint ended twice while it made this picture; try it again."
        )
        waiting = job.to(JobState.FAILED, sentence)
    return dataclasses.replace(waiting, interruptions=interruptions)
