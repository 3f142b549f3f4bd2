"""The queue: order, states, what is kept on disk, and what comes back after a restart."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.generation.job import JobState
from app.generation.job_queue import JOB_ROLE, JobQueue
from app.generation.request import GenerationRequest
from tests.fake_engine_client import FakeEngineClient

MakeQueue = Callable[[], JobQueue]


@pytest.fixture
def client(qtbot: QtBot) -> FakeEngineClient:
    return FakeEngineClient()


@pytest.fixture
def make_queue(client: FakeEngineClient, tmp_path: Path) -> Iterator[MakeQueue]:
    made: list[tuple[JobQueue, QAbstractItemModelTester]] = []

    def make() -> JobQueue:
        queue = JobQueue(client, tmp_path / "data" / "queue.json")
        mode = QAbstractItemModelTester.FailureReportingMode.Fatal
        made.append((queue, QAbstractItemModelTester(queue, mode)))
        return queue

    yield make
    for queue, _ in made:
        if not queue._is_closed:
            queue.close()


@pytest.fixture
def queue(make_queue: MakeQueue) -> JobQueue:
    return make_queue()


def request(prompt: str) -> GenerationRequest:
    return GenerationRequest(prompt=prompt)


def prompts(queue: QAbstractItemModel) -> list[str]:
    return [queue.index(row, 0).data() for row in range(queue.rowCount())]


def states(queue: JobQueue) -> list[str]:
    return [job.state.value for job in queue.jobs()]


def test_jobs_run_one_after_another(queue: JobQueue, client: FakeEngineClient) -> None:
    ids = [queue.enqueue(request(word)) for word in ("one", "two")]
    assert states(queue) == ["running", "queued"]
    client.finish()
    assert states(queue) == ["finished", "running"]
    client.fail("It cannot be.")
    assert states(queue) == ["finished", "failed"]
    assert [start.job_id for start in client.started] == ids
    assert queue.job(ids[1]).sentence == "It cannot be."


def test_signals_tell_of_a_job(queue: JobQueue, client: FakeEngineClient, qtbot: QtBot) -> None:
    with qtbot.waitSignal(queue.job_started) as started:
        job_id = queue.enqueue(request("one"))
    with qtbot.waitSignal(queue.job_progressed) as progressed:
        client.advance(1, 4)
    job = queue.index(0).data(JOB_ROLE)
    assert (job.step, job.steps, job.it_per_second, job.seconds_left) == (1, 4, 2.0, 1.5)
    with qtbot.waitSignal(queue.job_finished) as finished:
        client.finish()
    assert [signal.args[0] for signal in (started, progressed, finished)] == [job_id] * 3
    assert queue.job(job_id).step == 0


def test_front_is_before_all_that_wait(queue: JobQueue) -> None:
    for word in ("one", "two"):
        queue.enqueue(request(word))
    queue.enqueue(request("first"), front=True)
    assert prompts(queue) == ["one", "first", "two"]


@pytest.mark.parametrize(
    ("source", "row", "expected"),
    [
        (1, 3, "acdb"),
        (3, 1, "adbc"),
        (2, 3, "abdc"),
        (3, 0, "adbc"),
        (1, 99, "acdb"),
        (2, 2, "abcd"),
        (0, 2, "abcd"),
    ],
)
def test_move(queue: JobQueue, source: int, row: int, expected: str) -> None:
    """The first one runs: it stays, and nothing comes before it."""
    ids = [queue.enqueue(request(word)) for word in "abcd"]
    queue.move(ids[source], row)
    assert "".join(prompts(queue)) == expected


def test_replace_while_waiting(queue: JobQueue) -> None:
    running, waiting = (queue.enqueue(request(word)) for word in ("one", "two"))
    assert queue.replace(waiting, request("other"))
    assert not queue.replace(running, request("other"))
    assert prompts(queue) == ["one", "other"]


def test_cancel(queue: JobQueue, client: FakeEngineClient) -> None:
    running, waiting = (queue.enqueue(request(word)) for word in ("one", "two"))
    queue.cancel(waiting)
    queue.cancel(running)
    assert states(queue) == ["running", "cancelled"]
    assert client.cancelled == [running]
    client.fail("Cancelled.", cancelled=True)
    assert states(queue) == ["cancelled", "cancelled"]


def test_remove_takes_one_that_has_ended(queue: JobQueue, client: FakeEngineClient) -> None:
    ids = [queue.enqueue(request(word)) for word in ("one", "two", "three")]
    client.finish()
    for job_id in ids:
        queue.remove(job_id)
    assert prompts(queue) == ["two", "three"]
    assert states(queue) == ["running", "queued"]


def test_transient_jobs_leave_when_they_end_and_are_not_saved(
    make_queue: MakeQueue, client: FakeEngineClient, qtbot: QtBot
) -> None:
    queue = make_queue()
    kept = queue.enqueue(request("kept"))
    ids = [queue.enqueue(request(word), is_transient=True) for word in "abcd"]
    client.finish()
    seen: list[str] = []
    queue.job_finished.connect(lambda job_id, _: seen.append(queue.job(job_id).state))
    client.finish()
    assert seen == ["finished"]  # whoever is told finds it on the list
    queue.cancel(ids[2])
    client.fail("Cancelled.", cancelled=True)
    assert [job.id for job in queue.jobs()] == [kept, ids[3]]
    queue.close()
    client.running = None
    assert [job.id for job in make_queue().jobs()] == [kept]


def test_cancel_all(queue: JobQueue, client: FakeEngineClient) -> None:
    for word in ("one", "two", "three"):
        queue.enqueue(request(word))
    queue.cancel_all()
    client.fail("Cancelled.", cancelled=True)
    assert states(queue) == ["cancelled"] * 3
    assert len(client.started) == 1


def test_pause_and_resume(queue: JobQueue, client: FakeEngineClient) -> None:
    queue.enqueue(request("one"))
    queue.paused = True
    queue.enqueue(request("two"))
    client.finish()
    assert states(queue) == ["finished", "queued"]
    queue.paused = False
    assert states(queue) == ["finished", "running"]


def test_retry_and_clear(queue: JobQueue, client: FakeEngineClient) -> None:
    first = queue.enqueue(request("one"))
    queue.enqueue(request("two"))
    client.fail("No.")
    queue.retry(first)
    assert prompts(queue) == ["two", "one"]
    assert states(queue) == ["running", "queued"]
    assert queue.job(first).sentence == ""
    client.finish()
    queue.clear_ended()
    assert prompts(queue) == ["one"]


def test_no_engine_pauses_and_keeps_the_job(
    queue: JobQueue, client: FakeEngineClient, qtbot: QtBot
) -> None:
    for word in ("one", "two"):
        queue.enqueue(request(word))
    with qtbot.waitSignal(queue.warned) as warned:
        client.lose_engine("The engine cannot be started.")
    assert warned.args == ["The engine cannot be started."]
    assert states(queue) == ["queued", "queued"]
    assert queue.paused
    queue.paused = False
    assert states(queue) == ["running", "queued"]


def test_a_finished_job_waits_for_those_who_keep_it(
    queue: JobQueue, client: FakeEngineClient
) -> None:
    """The next job starts when the picture is on disk, so a full disk or a crash costs one."""
    queue.enqueue(request("one"))
    queue.enqueue(request("two"))
    seen: list[int] = []
    queue.job_finished.connect(lambda *_: seen.append(len(client.started)))
    client.finish()
    assert seen == [1]
    assert len(client.started) == 2


def test_restart_restores_each_state(
    make_queue: MakeQueue, client: FakeEngineClient, qtbot: QtBot
) -> None:
    first = make_queue()
    words = ("finished", "failed", "cancelled", "running", "queued")
    ids = [first.enqueue(request(word)) for word in words]
    first.cancel(ids[2])
    client.finish()
    client.fail("It cannot be.")
    first.close()
    client.running = None
    second = make_queue()
    assert [job.id for job in second.jobs()] == ids
    assert states(second) == ["finished", "failed", "cancelled", "queued", "queued"]
    assert second.job(ids[1]).sentence == "It cannot be."
    assert [job.created_at for job in second.jobs()] == [job.created_at for job in first.jobs()]
    qtbot.waitUntil(lambda: client.running is not None)
    assert client.running
    assert client.running.job_id == ids[3]
    assert second.job(ids[3]).interruptions == 0


def test_a_crash_of_the_app_is_counted(
    make_queue: MakeQueue, client: FakeEngineClient, tmp_path: Path, qtbot: QtBot
) -> None:
    """What a killed app leaves: the file says that a job runs."""
    path = tmp_path / "data" / "queue.json"
    job_id = make_queue().enqueue(request("one"))
    qtbot.waitUntil(lambda: path.exists() and '"running"' in path.read_text())
    crashed = path.read_text()
    client.running = None
    again = make_queue()
    assert again.job(job_id).state is JobState.QUEUED
    assert again.job(job_id).interruptions == 1
    path.write_text(crashed.replace('"interruptions": 0', '"interruptions": 1'))
    thrice = make_queue()
    assert thrice.job(job_id).state is JobState.FAILED
    assert "ended twice" in thrice.job(job_id).sentence
    thrice.retry(job_id)
    assert thrice.job(job_id).interruptions == 0


def test_the_pause_is_kept(make_queue: MakeQueue, client: FakeEngineClient) -> None:
    first = make_queue()
    first.paused = True
    first.enqueue(request("one"))
    first.close()
    assert make_queue().paused


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"version": 1}', '{"version": 99, "jobs": []}', "[" * 99999]
)
def test_a_damaged_file_is_moved_aside(make_queue: MakeQueue, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "data" / "queue.json"
    path.parent.mkdir()
    path.write_text(damage)
    queue = make_queue()
    assert queue.restore_note == (
        "The queue could not be read; its file is kept as queue.damaged-1.json."
    )
    assert path.with_name("queue.damaged-1.json").read_text() == damage
    queue.enqueue(request("one"))
    queue.close()
    assert make_queue().restore_note == ""


def test_bytes_that_are_no_text_are_moved_aside(make_queue: MakeQueue, tmp_path: Path) -> None:
    path = tmp_path / "data" / "queue.json"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe\x00")
    assert "queue.damaged-1.json" in make_queue().restore_note


@pytest.mark.parametrize(
    "damage",
    [
        {"id": 7},
        {"state": "odd"},
        {"created_at": "x"},
        {"request": {}},
        {"request": []},
        {"request": {"prompt": "x", "width": 13}},
    ],
)
def test_one_damaged_job_costs_no_other(
    make_queue: MakeQueue, client: FakeEngineClient, tmp_path: Path, damage: dict[str, object]
) -> None:
    first = make_queue()
    for word in ("one", "two", "three"):
        first.enqueue(request(word))
    first.close()
    client.running = None
    path = tmp_path / "data" / "queue.json"
    data = json.loads(path.read_text())
    data["jobs"][1] |= damage
    path.write_text(json.dumps(data))
    second = make_queue()
    assert prompts(second) == ["one", "three"]
    assert second.restore_note == (
        "1 of 3 jobs could not be read; they are kept in queue.damaged-1.json."
    )
    assert len(json.loads(path.with_name("queue.damaged-1.json").read_text())["jobs"]) == 3


def test_a_full_disk_is_told(
    queue: JobQueue, client: FakeEngineClient, tmp_path: Path, qtbot: QtBot
) -> None:
    """A file where the folder should be refuses the queue like a full disk."""
    (tmp_path / "data").write_text("in the way")
    warnings: list[str] = []
    queue.warned.connect(warnings.append)
    queue.enqueue(request("one"))

    def warned() -> bool:
        queue.enqueue(request("more"))
        return bool(warnings)

    qtbot.waitUntil(warned)
    assert warnings[0].startswith("The queue could not be saved: ")
    assert states(queue)[0] == "running"
