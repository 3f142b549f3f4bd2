"""A job in words: what it is made with, where it stands, how long it still takes.

Owns no widget; used where jobs are listed and where the running one is shown.
"""

from PySide6.QtCore import QCoreApplication

from app.engine.types import Phase
from app.generation.job import Job, JobState
from app.generation.request import GenerationRequest

translate = QCoreApplication.translate
SEPARATOR = " · "
_MINUTE, _HOUR = 60, 3600


def title(request: GenerationRequest) -> str:
    """The first line of the prompt that says something."""
    lines = (line.strip() for line in request.prompt.splitlines())
    return next((line for line in lines if line), translate("JobWords", "No prompt"))


def details(request: GenerationRequest) -> str:
    """Model, size, steps and number of pictures, as far as they are chosen."""
    parts = [request.model.stem if request.model else translate("JobWords", "Mini model")]
    if request.width and request.height:
        parts.append(f"{request.width} × {request.height}")  # noqa: RUF001 - the sign for times
    if request.steps:
        steps = (
            translate("JobWords", "1 step")
            if request.steps == 1
            else translate("JobWords", "{count} steps")
        )
        parts.append(steps.format(count=request.steps))
    if request.batch_count > 1:
        parts.append(translate("JobWords", "{count} pictures").format(count=request.batch_count))
    return SEPARATOR.join(parts)


def standing(job: Job) -> str:
    """Where it stands, in a word or two."""
    if job.state is JobState.RUNNING:
        return _running(job)
    return {
        JobState.QUEUED: translate("JobWords", "Waiting"),
        JobState.FINISHED: translate("JobWords", "Done"),
        JobState.FAILED: translate("JobWords", "Failed"),
        JobState.CANCELLED: translate("JobWords", "Cancelled"),
    }[job.state]


def phase_text(phase: Phase | None, step: int, steps: int) -> str:
    """What the engine does now."""
    if phase is Phase.DENOISE and steps:
        return translate("JobWords", "Step {step} of {steps}").format(step=step, steps=steps)
    if phase is Phase.DECODE:
        return translate("JobWords", "Finishing")
    return (
        translate("JobWords", "Reading the prompt")
        if phase is Phase.TEXT
        else translate("JobWords", "Starting")
    )


def rate(it_per_second: float) -> str:
    """Iterations a second, or seconds for one where that says more."""
    if it_per_second >= 1:
        return translate("JobWords", "{rate} it/s").format(rate=f"{it_per_second:.1f}")
    return translate("JobWords", "{seconds} s/it").format(
        seconds=f"{1 / max(it_per_second, 1e-6):.1f}"
    )


def time_left(seconds: float) -> str:
    """Rounded as one would say it."""
    if seconds < _MINUTE:
        return translate("JobWords", "{seconds} s left").format(seconds=max(round(seconds), 1))
    minutes = round(seconds / _MINUTE)
    if seconds < _HOUR and minutes < 60:
        return translate("JobWords", "{minutes} min left").format(minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    return translate("JobWords", "{hours} h {minutes} min left").format(
        hours=hours, minutes=minutes
    )


def _running(job: Job) -> str:
    if job.seconds_left is not None:
        return time_left(job.seconds_left)
    return phase_text(job.phase, job.step, job.steps)
