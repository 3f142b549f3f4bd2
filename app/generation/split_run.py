"""A batch that is made in several runs, as if it were one: same seeds, same pictures.

Owns the cutting of the batch and the joining of progress and results. Knows no model.
"""

import dataclasses
from collections.abc import Callable

from app.engine.engine import ProgressCallback
from app.engine.types import GenerationInput, GenerationOutput, Phase, Progress

Generate = Callable[[GenerationInput, ProgressCallback | None], GenerationOutput]


def generate_split(
    generate: Generate, source: GenerationInput, total: int, progress: ProgressCallback | None
) -> GenerationOutput:
    """`total` pictures from the seed of `source` on, at most its batch count in one run."""
    outputs = []
    for first in range(0, total, source.batch_count):
        count = min(source.batch_count, total - first)
        part = dataclasses.replace(source, seed=source.seed + first, batch_count=count)
        outputs.append(generate(part, _within(progress, first, source.batch_count, total)))
    return outputs[0] if len(outputs) == 1 else _joined(outputs)


def _within(
    progress: ProgressCallback | None, first: int, size: int, total: int
) -> ProgressCallback | None:
    """Tells a run's steps as the whole's; only the first run begins, only the last decodes."""
    runs, run = -(-total // size), first // size
    if progress is None or runs == 1:
        return progress

    def tell(told: Progress) -> bool | None:
        phase, step = told.phase, run * told.steps + told.step
        if phase is Phase.TEXT and run:
            phase = Phase.DENOISE
        if phase is Phase.DECODE and run < runs - 1:
            phase, step = Phase.DENOISE, (run + 1) * told.steps
        return progress(dataclasses.replace(told, phase=phase, step=step, steps=runs * told.steps))

    return tell


def _joined(outputs: list[GenerationOutput]) -> GenerationOutput:
    return GenerationOutput(
        pictures=tuple(picture for output in outputs for picture in output.pictures),
        latents=b"".join(output.latents for output in outputs),
        load_ms=sum(output.load_ms for output in outputs),
        text_ms=sum(output.text_ms for output in outputs),
        denoise_ms=sum(output.denoise_ms for output in outputs),
        decode_ms=sum(output.decode_ms for output in outputs),
        note="\n".join(dict.fromkeys(output.note for output in outputs if output.note)),
    )
