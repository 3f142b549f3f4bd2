"""Whether the next picture fits into memory, and what to change if it does not.

Owns the judgement and its sentences. Knows nothing of the engine and of widgets: see forecaster.py
for when it is asked.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QCoreApplication

from app.engine.types import PlanFigures
from app.generation.messages import Memory
from app.generation.request import SMALLEST_SIDE, GenerationRequest, ResolvedRequest
from app.ui.byte_text import byte_text

SIDE_GRID = 64
SHRINK_FACTORS = (0.75, 0.5, 0.25)
translate = QCoreApplication.translate
COMFORTABLE_SHARE = 0.9  # of what is free: the rest is for the window and for luck


class Level(StrEnum):
    """How a forecast is to be taken."""

    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the next picture takes; `figures` and the bytes are None where they are unknown."""

    text: str
    level: Level
    figures: PlanFigures | None = None
    free_bytes: int | None = None


def free_bytes(memory: Memory | None) -> int | None:
    """What a picture can have: the memory that is free and what the engine holds already."""
    if memory is None or memory.machine_available_bytes is None:
        return None
    return memory.machine_available_bytes + memory.engine_bytes


def judge(figures: PlanFigures, memory: Memory | None) -> Forecast:
    """The forecast for a plan on this machine, as it is now."""
    need, free = byte_text(figures.peak), free_bytes(memory)
    if memory is None or free is None:
        text = translate("Forecast", "Needs {need}").format(need=need)
        return Forecast(text=text, level=Level.OK, figures=figures)
    text = translate("Forecast", "Needs {need} of {free} free").format(
        need=need, free=byte_text(free)
    )
    level = Level.OK
    if figures.peak > memory.machine_total_bytes:
        level = Level.REFUSED
        text = translate("Forecast", "Needs {need}, more than the {total} of this machine").format(
            need=need, total=byte_text(memory.machine_total_bytes)
        )
    elif figures.peak > free * COMFORTABLE_SHARE:
        level = Level.WARNING
        text = translate("Forecast", "Needs {need}, but only {free} are free").format(
            need=need, free=byte_text(free)
        )
    return Forecast(text=text, level=level, figures=figures, free_bytes=free)


def smaller_requests(request: ResolvedRequest) -> Iterator[GenerationRequest]:
    """What to try in place of a request that does not fit, the least change first."""
    single = dataclasses.replace(request, batch_count=1)
    if request.batch_count > 1:
        yield single
    for factor in SHRINK_FACTORS:
        width, height = (_shrunk(side, factor) for side in (request.width, request.height))
        if (width, height) != (request.width, request.height):
            yield dataclasses.replace(single, width=width, height=height)


def with_advice(
    forecast: Forecast,
    original: ResolvedRequest,
    fitting: ResolvedRequest,
    figures: PlanFigures,
) -> Forecast:
    """The forecast, and what of `original` to change so that it becomes `fitting`, which fits."""
    text = translate("Forecast", "{forecast}. {advice}").format(
        forecast=forecast.text, advice=_advice(original, fitting, byte_text(figures.peak))
    )
    return dataclasses.replace(forecast, text=text)


def _advice(original: ResolvedRequest, fitting: ResolvedRequest, need: str) -> str:
    if (original.width, original.height) == (fitting.width, fitting.height):
        return translate("Forecast", "One picture at a time needs {need}.").format(need=need)
    size = f"{fitting.width} x {fitting.height}"
    return translate("Forecast", "One picture of {size} needs {need}.").format(size=size, need=need)


def _shrunk(side: int, factor: float) -> int:
    return max(SMALLEST_SIDE, round(side * factor / SIDE_GRID) * SIDE_GRID)
