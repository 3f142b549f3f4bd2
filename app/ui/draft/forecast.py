"""Whether the next picture fits into memory, and what to change if it does not.

Owns the judgement and its sentences. Knows nothing of the engine and of widgets: see forecaster.py
for when it is asked.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QCoreApplication

from app.engine.types import PlanFigures
from app.generation.memory_fit import Need, Saving, fits, noticed, usable_bytes
from app.generation.messages import Memory
from app.generation.request import ResolvedRequest
from app.ui.parts.byte_text import byte_text

translate = QCoreApplication.translate


class Level(StrEnum):
    """How a forecast is to be taken."""

    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the next picture takes; `figures` and the bytes are None where they are unknown.

    `savings` is what will be done so that it takes no more.
    """

    text: str
    level: Level
    figures: PlanFigures | None = None
    free_bytes: int | None = None
    savings: tuple[Saving, ...] = ()


def free_bytes(memory: Memory | None) -> int | None:
    """What a picture can have; None: nothing is known."""
    if memory is None:
        return None
    working_set = memory.condition.working_set_bytes if memory.condition else 0
    return usable_bytes(memory.machine_available_bytes, memory.engine_bytes, working_set)


def judge(needs: tuple[Need, ...], memory: Memory | None) -> Forecast:
    """The forecast for a plan on this machine, as it is now; `needs` has one row at least.

    The engine's process chooses by the same rule when the picture is made.
    """
    free = free_bytes(memory)
    if memory is None or free is None:
        text = translate("Forecast", "Needs {need}").format(need=byte_text(needs[0].figures.peak))
        return Forecast(text=text, level=Level.OK, figures=needs[0].figures)
    chosen = next((need for need in needs if fits(need, free)), needs[-1])
    peak, level = chosen.figures.peak, Level.OK
    text = translate("Forecast", "Needs {need} of {free} free")
    if peak > memory.machine_total_bytes:
        level = Level.REFUSED
        text = translate("Forecast", "Needs {need}, more than the {total} of this machine")
    elif not fits(chosen, free):
        level = Level.WARNING
        text = translate("Forecast", "Needs {need}, but only {free} are free")
    text = text.format(
        need=byte_text(peak), free=byte_text(free), total=byte_text(memory.machine_total_bytes)
    )
    if chosen.savings and level is not Level.REFUSED:
        savings = _savings_text(chosen.savings)
        text += translate("Forecast", "; will {savings}").format(savings=savings)
    return Forecast(
        text=text,
        level=level,
        figures=chosen.figures,
        free_bytes=free,
        savings=chosen.savings,
    )


def _savings_text(savings: tuple[Saving, ...]) -> str:
    """What will be done, and what it costs."""
    words = {
        Saving.TILE_PREVIEWS: translate("Forecast", "make previews in tiles"),
        Saving.SMALL_PREVIEWS: translate("Forecast", "show small previews"),
        Saving.RELEASE_WEIGHTS: translate(
            "Forecast", "unload each network after its part (it loads again next time)"
        ),
        Saving.SPLIT_BATCH: translate("Forecast", "make smaller batches"),
        Saving.TILE_VAE: translate("Forecast", "tile the decoder (up to half as long again)"),
        Saving.HALF_PRECISION: translate("Forecast", "compute in half precision"),
    }
    return translate("Forecast", ", ").join(words[saving] for saving in noticed(savings))


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
