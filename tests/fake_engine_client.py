"""An EngineClient without a process: the test says what the engine answers, and when."""

from PySide6.QtCore import QObject

from app.generation.add_ons import AddOns
from app.generation.engine_client import EngineClient
from app.generation.messages import Failed, Start
from app.generation.request import GenerationRequest
from tests import fake_engine


class FakeEngineClient(EngineClient):
    """Notes what it is asked for. `advance`, `finish` and `fail` answer for the running job."""

    def __init__(self, parent: QObject | None = None) -> None:
        QObject.__init__(self, parent)
        self.running: Start | None = None
        self.started: list[Start] = []
        self.cancelled: list[str] = []
        self.plans: list[tuple[int, GenerationRequest]] = []
        self.is_closed = False
        self.add_ons = AddOns()

    @property
    def is_busy(self) -> bool:
        return self.running is not None

    def start(self, job_id: str, request: GenerationRequest) -> None:
        assert self.running is None, "one job at a time"
        self.running = Start(job_id=job_id, request=request)
        self.started.append(self.running)

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    def plan(self, plan_id: int, request: GenerationRequest) -> None:
        self.plans.append((plan_id, request))

    def set_add_ons(self, add_ons: AddOns) -> None:
        self.add_ons = add_ons

    def close(self) -> None:
        self.is_closed = True

    def advance(self, step: int, steps: int) -> None:
        assert self.running
        self.progressed.emit(fake_engine.progress(self.running.job_id, step, steps))

    def finish(self) -> None:
        start = self._take()
        self.finished.emit(fake_engine.finished(start))

    def fail(self, sentence: str, *, cancelled: bool = False) -> None:
        start = self._take()
        self.failed.emit(Failed(job_id=start.job_id, sentence=sentence, cancelled=cancelled))

    def lose_engine(self, sentence: str) -> None:
        """The engine cannot be started again."""
        self.running = None
        self.unavailable.emit(sentence)

    def _take(self) -> Start:
        start, self.running = self.running, None
        assert start
        return start
