"""Live: while one types, the picture follows.

Owns when the next quick picture is begun and which one it replaces. Knows nothing of queues or
engines: it is given a way to start a request and a way to cancel one.
"""

import dataclasses
import random
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from app.generation.request import RANDOM_SEED, RANDOM_SEED_LIMIT, GenerationRequest
from app.ui.draft.request_draft import RequestDraft

LIVE_STEPS = 8
"""Steps of a quick picture at most."""
INTERVAL_MS = 250
"""How long the draft must rest before a picture of it is begun."""


class LiveMode(QObject):
    """Starts a quick picture whenever the draft has come to rest, in place of the one before.

    `start` takes a request and returns its job's id, `cancel` takes such an id. A random seed is
    drawn once for as long as live is on, so that the picture changes only with the words.
    """

    def __init__(
        self,
        draft: RequestDraft,
        start: Callable[[GenerationRequest], str],
        cancel: Callable[[str], None],
        interval_ms: int = INTERVAL_MS,
    ) -> None:
        super().__init__(draft)
        self._draft, self._start, self._cancel = draft, start, cancel
        self._seed = RANDOM_SEED
        self._job_id: str | None = None
        self._asked: GenerationRequest | None = None
        self._enabled = False
        self._rest = QTimer(self, singleShot=True, interval=interval_ms)
        self._rest.timeout.connect(self._begin)
        draft.changed.connect(self._follow)
        draft.defaults_changed.connect(self._follow)

    @property
    def enabled(self) -> bool:
        """Whether pictures follow the draft."""
        return self._enabled

    @property
    def job_id(self) -> str | None:
        """The live job that has not ended yet, if any."""
        return self._job_id

    def set_enabled(self, enabled: bool) -> None:
        """On begins with a picture of the draft as it stands; off cancels the one being made."""
        if enabled == self._enabled:
            return
        self._enabled = enabled
        self._asked = None
        self._seed = random.SystemRandom().randrange(RANDOM_SEED_LIMIT - 1)
        if enabled:
            self._rest.start()
        else:
            self._rest.stop()
            self._stop_running()

    def job_ended(self, job_id: str) -> None:
        """A job has finished, failed or been cancelled; ids of other jobs mean nothing here."""
        if job_id == self._job_id:
            self._job_id = None

    def live_request(self) -> GenerationRequest:
        """The draft as one quick picture: few steps, a seed that stays."""
        request = self._draft.request
        steps = request.steps or self._draft.defaults.steps
        return dataclasses.replace(
            request,
            steps=min(steps, LIVE_STEPS),
            batch_count=1,
            seed=self._seed if request.seed == RANDOM_SEED else request.seed,
        )

    def _follow(self) -> None:
        if self._enabled:
            self._rest.start()

    def _begin(self) -> None:
        request = self.live_request()
        if request == self._asked or not request.prompt.strip():
            return
        self._stop_running()
        self._asked = request
        self._job_id = self._start(request)

    def _stop_running(self) -> None:
        if self._job_id is not None:
            job_id, self._job_id = self._job_id, None
            self._cancel(job_id)
