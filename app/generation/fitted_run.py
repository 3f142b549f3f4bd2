"""A run that keeps to the memory there is: which way is taken, and what if it is refused after all.

Owns that choice and the second try. Knows neither files nor prompts; memory_fit.py knows the ways.
"""

import dataclasses
from collections.abc import Iterator

from app.engine.engine import Model, OutOfMemory, ProgressCallback
from app.engine.types import GenerationOutput
from app.generation.memory_fit import Way, fits, savings_note, usable_bytes
from app.generation.split_run import generate_split
from app.machine_memory import MachineMemory


def choose(
    found: Iterator[Way], memory: MachineMemory, held_bytes: int, working_set_bytes: int
) -> Way:
    """The first way that fits what a picture can have (see `usable_bytes`); else the last.

    `found` is left behind the way that was taken.
    """
    free_bytes = usable_bytes(memory.available_bytes, held_bytes, working_set_bytes)
    for way in found:
        if fits(way.need, free_bytes):
            break
    return way


def run_fitted(
    model: Model, found: Iterator[Way], way: Way, total: int, progress: ProgressCallback | None
) -> GenerationOutput:
    """Makes `total` pictures in this way; if memory is refused, once more in the last one `found`.

    What was saved is told in the output's note. Raises what `Model.generate` does.
    """
    try:
        output = generate_split(model.generate, way.source, total, progress)
    except OutOfMemory:
        rest = list(found)
        if not rest:
            raise
        model.release_weights()
        way = rest[-1]
        output = generate_split(model.generate, way.source, total, progress)
    notes = (savings_note(way.need.savings), output.note)
    return dataclasses.replace(output, note="\n".join(filter(None, notes)))
