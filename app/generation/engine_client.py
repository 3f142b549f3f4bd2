"""The window's side of the engine's process: starts it, speaks with it, replaces it when it dies.

Owns the process's life and the rules by which it counts as dead. Knows nothing of queues and
widgets. Nothing here blocks the event loop but `close`: see engine_child.py for the threads.
"""

import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.generation.add_ons import AddOns
from app.generation.engine_child import Death, EngineChild, engine_command
from app.generation.messages import (
    Cancel,
    Failed,
    Finished,
    Memory,
    Plan,
    Planned,
    Progress,
    Ready,
    SetAddOns,
    Start,
    Unavailable,
)
from app.generation.request import GenerationRequest

CANCEL_LIMIT_MS = 2_000
TICK_MS = 500
# Silence is counted in ticks, not by a clock: time in which the window's own process stood still,
# as in a suspended terminal job, is no fault of the engine's.
SILENT_TICKS = 20  # the engine's process reports its memory each second
STARTING_TICKS = 120  # the system may check the first start of a new version for long
STEP_TICKS = 120  # a step may last this, or STEP_FACTOR times the slowest step before it
STEP_FACTOR = 20
START_LIMIT = 3
_log = logging.getLogger("engine client")


@dataclass
class _Job:
    """The job that runs, or waits for the engine to be ready; a first step may last for ever."""

    job_id: str
    request: GenerationRequest
    ticks: int = 0
    slowest_ticks: int | None = None

    def advance(self, step: int) -> None:
        """A sign of progress; times count from the first step on, for what is before is not one."""
        if step > 0:
            self.slowest_ticks = max(self.slowest_ticks or 0, self.ticks)
        self.ticks = 0

    def hangs(self) -> bool:
        """A tick went by; whether it was one too many."""
        self.ticks += 1
        if self.slowest_ticks is None:
            return False
        return self.ticks > max(STEP_TICKS, STEP_FACTOR * self.slowest_ticks)


class EngineClient(QObject):
    """The engine, seen from the window.

    One job at a time: `start` one, and its end is exactly one `finished` or `failed`, whatever
    happens to the process; or `unavailable`, if the engine cannot be started. Signals come from the
    event loop, with values of messages.py.
    """

    ready = Signal(object)
    """Ready: the engine, or a new one after a restart, can compute."""
    progressed = Signal(object)
    """Progress of the running job."""
    finished = Signal(object)
    """Finished: the running job's pictures."""
    failed = Signal(object)
    """Failed: the running job ended without pictures."""
    planned = Signal(object)
    """Planned: the newest forecast."""
    memory_changed = Signal(object)
    """Memory, about once a second."""
    restarted = Signal(str)
    """The process was lost and is being started again; a sentence."""
    unavailable = Signal(str)
    """The engine cannot be started; a sentence. A job that was begun is given back unmarked."""

    _received = Signal(object, object)  # EngineChild, message; emitted in the child's thread

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        command: Callable[[int], list[str]] = engine_command,
    ) -> None:
        """`command` makes the process's command line from its end of the channel, a descriptor.

        Starts the process in the background once the event loop runs: a window that is being made
        has the processors to itself.
        """
        super().__init__(parent)
        self._command = command
        self._child: EngineChild | None = None
        self._job: _Job | None = None
        self._plan: Plan | None = None
        self._add_ons: SetAddOns | None = None
        self._is_ready = False
        self._silent_ticks = 0
        self._failed_starts = 0
        self._ticking = QTimer(self, interval=TICK_MS)
        self._ticking.timeout.connect(self._tick)
        self._cancelling = QTimer(self, interval=CANCEL_LIMIT_MS, singleShot=True)
        self._cancelling.timeout.connect(self._cancel_overdue)
        self._received.connect(self._receive, Qt.ConnectionType.QueuedConnection)
        self._beginning = QTimer(self, interval=0, singleShot=True)
        self._beginning.timeout.connect(self._launch)
        self._beginning.start()

    @property
    def is_busy(self) -> bool:
        """Whether a job was started and has not ended."""
        return self._job is not None

    def start(self, job_id: str, request: GenerationRequest) -> None:
        """Begins a job, at the latest when the engine is ready. Only while not `is_busy`."""
        assert self._job is None, "one job at a time"
        self._job = _Job(job_id, request)
        if self._child is None:
            self._launch()
        elif self._is_ready:
            self._child.send(Start(job_id=job_id, request=request))

    def cancel(self, job_id: str) -> None:
        """Stops the job if it is the one that runs; the answer is `failed` with `cancelled`."""
        if self._job is None or self._job.job_id != job_id:
            return
        if self._child and self._is_ready:
            self._child.send(Cancel(job_id=job_id))
            if not self._cancelling.isActive():
                self._cancelling.start()
        else:
            self._end_job(self.tr("Cancelled."), cancelled=True)

    def plan(self, plan_id: int, request: GenerationRequest) -> None:
        """Asks for a forecast, also while a job runs; an older one may then stay unanswered."""
        self._plan = Plan(plan_id=plan_id, request=request)
        if self._child and self._is_ready:
            self._child.send(self._plan)

    def set_add_ons(self, add_ons: AddOns) -> None:
        """The LoRAs and embeddings that the prompts of later jobs and forecasts may name."""
        self._add_ons = SetAddOns(add_ons=add_ons)
        if self._child and self._is_ready:
            self._child.send(self._add_ons)

    def close(self) -> None:
        """Cancels what runs and ends the process: in order if it can within 2 s, else by force.

        Waits for that. No signal comes any more.
        """
        for timer in (self._beginning, self._ticking, self._cancelling):
            timer.stop()
        child, self._child = self._child, None
        self._job = self._plan = None
        if child:
            child.close()

    # ------------------------------------------------------------ the process

    @Slot()
    def _launch(self) -> None:
        self._beginning.stop()
        self._is_ready = False
        self._silent_ticks = 0
        self._child = EngineChild(self._command, self._received.emit)
        self._ticking.start()

    @Slot(object, object)
    def _receive(self, child: EngineChild, message: object) -> None:
        if child is not self._child:
            return  # the last words of one that was given up
        self._silent_ticks = 0
        match message:
            case Ready():
                self._begin(message, child)
            case Progress() if self._is_running(message.job_id):
                self._advance(message)
            case Failed(needs_restart=True) if self._is_running(message.job_id):
                self._replace(message)
            case Finished() | Failed() if self._is_running(message.job_id):
                self._end(message)
            case Planned() if self._plan and self._plan.plan_id == message.plan_id:
                self._plan = None
                self.planned.emit(message)
            case Memory():
                self.memory_changed.emit(message)
            case Unavailable():
                self._give_up(message.sentence)
            case Death():
                self._lose(self._words_for(message))

    def _begin(self, ready: Ready, child: EngineChild) -> None:
        self._is_ready = True
        self._failed_starts = 0
        if self._add_ons:
            child.send(self._add_ons)
        if self._job:
            child.send(Start(job_id=self._job.job_id, request=self._job.request))
        if self._plan:
            child.send(self._plan)
        self.ready.emit(ready)

    def _is_running(self, job_id: str) -> bool:
        return self._job is not None and self._job.job_id == job_id

    def _advance(self, progress: Progress) -> None:
        if self._job:
            self._job.advance(progress.step)
        self.progressed.emit(progress)

    def _end(self, end: Finished | Failed) -> None:
        self._job = None
        self._cancelling.stop()
        (self.finished if isinstance(end, Finished) else self.failed).emit(end)

    def _end_job(self, sentence: str, *, cancelled: bool) -> None:
        if self._job:
            self._end(Failed(job_id=self._job.job_id, sentence=sentence, cancelled=cancelled))

    def _end_plan(self, sentence: str) -> None:
        plan, self._plan = self._plan, None
        if plan:
            self.planned.emit(
                Planned(
                    plan_id=plan.plan_id,
                    needs=(),
                    request=None,
                    description=None,
                    sentence=sentence,
                )
            )

    # ------------------------------------------------------------ when it is lost

    @Slot()
    def _tick(self) -> None:
        self._silent_ticks += 1
        limit = SILENT_TICKS if self._is_ready else STARTING_TICKS
        hangs = self._job is not None and self._is_ready and self._job.hangs()
        if hangs or self._silent_ticks > limit:
            self._lose(self.tr("The engine no longer answered, so it was started again."))

    @Slot()
    def _cancel_overdue(self) -> None:
        sentence = self.tr("Cancelled; the engine did not answer, so it was started again.")
        self._lose(sentence, cancelled=True)

    def _lose(self, sentence: str, *, cancelled: bool = False) -> None:
        """Puts a new process in the place of this one; the job that it had is failed."""
        _log.warning("The engine was lost: %s", sentence)
        if self._child:
            self._child.kill()
        was_ready = self._is_ready
        if not was_ready:
            self._failed_starts += 1
            if self._failed_starts >= START_LIMIT:
                self._give_up(sentence)
                return
        self._launch()
        if was_ready:  # what was asked may be what killed it, so it is not asked again
            self._end_job(sentence, cancelled=cancelled)
            self._end_plan(sentence)
        self.restarted.emit(sentence)

    def _replace(self, end: Failed) -> None:
        """Its GPU takes nothing more from that process; a new one has no such mark."""
        if self._child:
            self._child.kill()
        self._launch()
        self._end(end)
        self._end_plan(end.sentence)
        self.restarted.emit(end.sentence)

    def _give_up(self, sentence: str) -> None:
        """No engine until the next `start`; it is asked for nothing that it cannot do."""
        child, self._child = self._child, None
        if child:
            child.kill()
        self._ticking.stop()
        self._cancelling.stop()
        self._job = None
        self._end_plan(sentence)
        self._failed_starts = 0
        self.unavailable.emit(sentence)

    def _words_for(self, death: Death) -> str:
        if death.returncode is None:
            return self.tr("The engine cannot be started: {reason}.").format(reason=death.reason)
        if not self._is_ready:
            return self.tr("The engine ended while it started; install the app again if it stays.")
        if death.returncode == -signal.SIGKILL:
            return self.tr(
                "The system stopped the engine, perhaps for want of memory; it was started again."
                " Choose a smaller size or batch if this comes back."
            )
        return self.tr(
            "The engine crashed and was started again; choose other settings if this comes back."
        )
