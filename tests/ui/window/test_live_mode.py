"""When live mode starts a picture, what it asks for, and what it replaces."""

import dataclasses

import pytest

from app.generation.request import RANDOM_SEED, GenerationRequest
from app.ui.draft.request_draft import RequestDraft
from app.ui.window.live_mode import LIVE_STEPS, LiveMode
from tests.ui.sidebar.sidebar import DEFAULTS, new_draft

INTERVAL_MS = 20


class FakeQueue:
    """Notes what is started and cancelled; no job ends by itself."""

    def __init__(self) -> None:
        self.started: list[GenerationRequest] = []
        self.cancelled: list[str] = []

    def start(self, request: GenerationRequest) -> str:
        self.started.append(request)
        return f"job {len(self.started)}"

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def draft(qapp) -> RequestDraft:
    return new_draft("a fox")


@pytest.fixture
def live(draft: RequestDraft, queue: FakeQueue) -> LiveMode:
    return LiveMode(draft, queue.start, queue.cancel, INTERVAL_MS)


def begun(qtbot, queue: FakeQueue, count: int) -> None:
    qtbot.waitUntil(lambda: len(queue.started) >= count, timeout=2000)
    assert len(queue.started) == count


def rest(qtbot, live: LiveMode) -> None:
    qtbot.waitUntil(lambda: not live._rest.isActive(), timeout=2000)


def test_off_starts_nothing(qtbot, live: LiveMode, draft: RequestDraft, queue: FakeQueue) -> None:
    draft.set(prompt="a hare")
    assert not live._rest.isActive()
    assert queue.started == []


def test_on_begins_with_the_draft(qtbot, live: LiveMode, queue: FakeQueue) -> None:
    live.set_enabled(True)
    begun(qtbot, queue, 1)
    request = queue.started[0]
    assert (request.prompt, request.steps, request.batch_count) == ("a fox", LIVE_STEPS, 1)
    assert request.seed != RANDOM_SEED
    assert live.job_id == "job 1"


def test_a_burst_of_changes_is_one_picture(qtbot, live, draft, queue) -> None:
    live.set_enabled(True)
    for count in range(10):
        draft.set(prompt=f"a fox {count}")
    begun(qtbot, queue, 1)
    assert queue.started[0].prompt == "a fox 9"


def test_a_change_replaces_the_running_one_with_the_same_seed(qtbot, live, draft, queue) -> None:
    live.set_enabled(True)
    begun(qtbot, queue, 1)
    draft.set(prompt="a hare")
    begun(qtbot, queue, 2)
    assert queue.cancelled == ["job 1"]
    assert queue.started[1].seed == queue.started[0].seed


def test_an_ended_job_is_not_cancelled(qtbot, live, draft, queue) -> None:
    live.set_enabled(True)
    begun(qtbot, queue, 1)
    live.job_ended("another")
    assert live.job_id == "job 1"
    live.job_ended("job 1")
    draft.set(prompt="a hare")
    begun(qtbot, queue, 2)
    assert queue.cancelled == []


def test_off_cancels(qtbot, live, draft, queue) -> None:
    live.set_enabled(True)
    begun(qtbot, queue, 1)
    draft.set(prompt="a hare")
    live.set_enabled(False)
    assert queue.cancelled == ["job 1"]
    assert not live._rest.isActive()


def test_what_changes_nothing_starts_nothing(qtbot, live, draft, queue) -> None:
    live.set_enabled(True)
    begun(qtbot, queue, 1)
    draft.set(batch_count=4)
    rest(qtbot, live)
    draft.set(prompt=" ")
    rest(qtbot, live)
    assert len(queue.started) == 1


def test_the_drafts_own_seed_and_fewer_steps_stay(draft, live) -> None:
    draft.set(seed=7, steps=4)
    assert (live.live_request().seed, live.live_request().steps) == (7, 4)
    draft.set(steps=None)
    draft.set_defaults(dataclasses.replace(DEFAULTS, steps=3))
    assert live.live_request().steps == 3


def test_off_and_on_draws_another_seed(qtbot, live, queue) -> None:
    live.set_enabled(True)
    begun(qtbot, queue, 1)
    live.set_enabled(False)
    live.set_enabled(True)
    begun(qtbot, queue, 2)
    assert queue.started[0].seed != queue.started[1].seed
