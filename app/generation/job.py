"""A job of the queue and its form on disk. Knows nothing of Qt, of files or of the engine."""

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from app.engine.types import Phase
from app.generation.messages import Progress
from app.generation.request import GenerationRequest
from app.generation.request_json import read_request, request_json

MOST_INTERRUPTIONS = 2


class JobState(StrEnum):
    """Where a job is in its life; the last three are its ends."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One request in the queue.

    `sentence` says why it failed. A job that `is_transient` is not kept: it leaves the queue when
    it ends, and is not written to disk. `interruptions` counts how often the app ended while it
    ran. The progress fields are those of messages.Progress, and hold only while it runs.
    """

    id: str
    request: GenerationRequest
    created_at: datetime
    state: JobState = JobState.QUEUED
    sentence: str = ""
    is_transient: bool = False
    interruptions: int = 0
    phase: Phase | None = None
    step: int = 0
    steps: int = 0
    it_per_second: float | None = None
    seconds_left: float | None = None

    @classmethod
    def of(cls, request: GenerationRequest, *, is_transient: bool = False) -> Self:
        """A new job, made now."""
        return cls(
            id=uuid.uuid4().hex,
            request=request,
            created_at=datetime.now(UTC),
            is_transient=is_transient,
        )

    @property
    def has_ended(self) -> bool:
        """Whether it is finished, failed or cancelled."""
        return self.state not in (JobState.QUEUED, JobState.RUNNING)

    def at(self, progress: Progress) -> Self:
        """This job where `progress` says that it stands."""
        return dataclasses.replace(
            self,
            phase=progress.phase,
            step=progress.step,
            steps=progress.steps,
            it_per_second=progress.it_per_second,
            seconds_left=progress.seconds_left,
        )

    def to(self, state: JobState, sentence: str = "") -> Self:
        """This job in another state, without progress."""
        return dataclasses.replace(
            self,
            state=state,
            sentence=sentence,
            phase=None,
            step=0,
            steps=0,
            it_per_second=None,
            seconds_left=None,
        )


def job_to_json(job: Job) -> dict[str, Any]:
    """What is kept of a job on disk."""
    return {
        "id": job.id,
        "state": job.state,
        "created_at": job.created_at.isoformat(),
        "sentence": job.sentence,
        "interruptions": job.interruptions,
        "request": request_json(job.request),
    }


def job_from_json(data: Any) -> Job:
    """The job that `job_to_json` wrote. Raises ValueError for anything else."""
    try:
        texts = (data["id"], data["sentence"])
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a job's id and sentence are texts")
        request, refused = read_request(data["request"])
        if refused or "prompt" not in data["request"]:
            raise ValueError(f"the request's {', '.join(refused) or 'prompt'} cannot be read")
        return Job(
            id=texts[0],
            state=JobState(data["state"]),
            created_at=datetime.fromisoformat(data["created_at"]),
            sentence=texts[1],
            interruptions=int(data["interruptions"]),
            request=request,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is not a job: {error}") from error
