"""A run that keeps to the memory there is: which way is taken, and what if it is refused after all.

Owns that choice and the second try. Knows neither files nor prompts; memory_fit.py knows the ways.
"""

import dataclasses
from collections.abc import Sequence

from app.engine.engine import Model, OutOfMemory, ProgressCallback
from app.engine.types import GenerationOutput
from app.generation.memory_fit import Way, fitting, savings_note
from app.generation.split_run import generate_split
from app.machine_memory import MachineMemory


def choose(found: Sequence[Way], memory: MachineMemory, held_bytes: int) -> Way | None:
    """The first way that fits what is free and what the engine holds already.

    If all need more than is free, the least; the system may make room. None: not even the whole
    machine has room for that.
    """
    available, least = memory.available_bytes, found[-1]
    free_bytes = None if available is None else available + held_bytes
    place = fitting((way.need for way in found), free_bytes)
    if place is not None:
        return found[place]
    return least if least.need.figures.peak <= memory.total_bytes else None


def run_fitted(
    model: Model, chosen_and_least: tuple[Way, Way], total: int, progress: ProgressCallback | None
) -> GenerationOutput:
    """Makes `total` pictures in the chosen way; if memory is refused, once more in the least way.

    What was saved is told in the output's note. Raises what `Model.generate` does.
    """
    way, least = chosen_and_least
    try:
        output = generate_split(model.generate, way.source, total, progress)
    except OutOfMemory:
        if way == least:
            raise
        model.release_weights()
        way = least
        output = generate_split(model.generate, way.source, total, progress)
    notes = (savings_note(way.need.savings), output.note)
    return dataclasses.replace(output, note=" ".join(filter(None, notes)))
