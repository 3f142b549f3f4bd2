"""Asks, whenever the request in the making changes, what it will take.

Owns when it is asked and what is asked next if a plan does not fit. Knows no widget.
"""

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, QTimer, Signal

from app.generation.memory_fit import smaller_requests
from app.generation.messages import Memory, Planned
from app.generation.request import GenerationRequest, ResolvedRequest
from app.ui.draft.forecast import Forecast, Level, judge, with_advice
from app.ui.draft.request_draft import RequestDraft
from app.ui.parts.engine_words import in_own_words

REST_MS = 200
"""How long the draft must rest before it is asked about."""


class Forecaster(QObject):
    """Follows a draft; `ask_plan` asks for a forecast and answers with it, later."""

    changed = Signal(object)
    """The Forecast for the draft as it stands."""
    described = Signal(object, object)
    """The ModelDescription of the draft's model, and its ModelInfo."""

    def __init__(
        self,
        draft: RequestDraft,
        ask_plan: Callable[[GenerationRequest, Callable[[Planned], None]], None],
    ) -> None:
        super().__init__(draft)
        self._draft, self._ask_plan = draft, ask_plan
        self._memory: Memory | None = None
        self._planned: Planned | None = None
        self._forecast: Forecast | None = None
        self._smaller: Iterator[GenerationRequest] | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self.ask)
        draft.changed.connect(self._rest.start)
        draft.defaults_changed.connect(self._rest.start)

    @property
    def forecast(self) -> Forecast | None:
        """The last forecast; None before the first answer."""
        return self._forecast

    def ask(self) -> None:
        """Asks about the draft now."""
        self._rest.stop()
        self._smaller = None
        self._ask_plan(self._draft.request, self._take)

    def take_memory(self, memory: Memory) -> None:
        """The figures of the moment; the judgement follows them."""
        self._memory = memory
        if self._smaller is None and self._planned and self._planned.needs:
            self._judge(self._planned)

    def _take(self, planned: Planned) -> None:
        self._planned = planned
        if planned.description and planned.model:
            self.described.emit(planned.description, planned.model)
        if not planned.needs:
            self._show(Forecast(text=in_own_words(planned.sentence), level=Level.REFUSED))
        else:
            self._judge(planned)

    def _judge(self, planned: Planned) -> None:
        before = self._forecast
        forecast = judge(planned.needs, self._memory)
        if forecast.level is Level.OK or planned.request is None:
            self._show(forecast)
        elif before is None or before.figures != forecast.figures or before.level is Level.OK:
            self._show(forecast)
            self._smaller = smaller_requests(planned.request)
            self._ask_smaller()

    def _take_smaller(self, planned: Planned) -> None:
        """A plan of something smaller: if it fits, it is the advice."""
        original = self._planned.request if self._planned else None
        fits = planned.needs and judge(planned.needs, self._memory).level is Level.OK
        if not (fits and original and planned.request):
            self._ask_smaller()
            return
        self._smaller = None
        self._advise(original, planned.request, planned)

    def _advise(
        self, original: ResolvedRequest, fitting: ResolvedRequest, planned: Planned
    ) -> None:
        assert self._forecast
        figures = judge(planned.needs, self._memory).figures
        assert figures
        self._show(with_advice(self._forecast, original, fitting, figures))

    def _ask_smaller(self) -> None:
        request = next(self._smaller, None) if self._smaller else None
        if request is None:
            self._smaller = None
        else:
            self._ask_plan(request, self._take_smaller)

    def _show(self, forecast: Forecast) -> None:
        if forecast != self._forecast:
            self._forecast = forecast
            self.changed.emit(forecast)
