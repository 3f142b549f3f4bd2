"""Forecasts for whoever wants one, asked of the engine one after the other.

The engine answers only the newest question, so nobody asks it past this. Knows no widget.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject

from app.generation.engine_client import EngineClient
from app.generation.messages import Planned
from app.generation.request import GenerationRequest

Answer = Callable[[Planned], None]


class PlanAsker(QObject):
    """Keeps the newest question of each asker; an older one of the same asker is dropped."""

    def __init__(self, client: EngineClient) -> None:
        super().__init__(client)
        self._client = client
        self._number = 0
        self._waiting: dict[str, tuple[GenerationRequest, Answer]] = {}
        self._asked: tuple[str, Answer] | None = None
        client.planned.connect(self._take)

    def ask(self, asker: str, request: GenerationRequest, answer: Answer) -> None:
        """Asks what `request` takes; `answer` is called unless `asker` asks again before."""
        self._waiting[asker] = (request, answer)
        self._send()

    def _send(self) -> None:
        if self._asked is None and self._waiting:
            asker = next(iter(self._waiting))
            request, answer = self._waiting.pop(asker)
            self._asked = (asker, answer)
            self._number += 1
            self._client.plan(self._number, request)

    def _take(self, planned: Planned) -> None:
        if self._asked is None or planned.plan_id != self._number:
            return
        asker, answer = self._asked
        self._asked = None
        if asker not in self._waiting:
            answer(planned)
        self._send()
