"""The queue under real mice and keys, over the real JobQueue and an engine that obeys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.generation.job import JobState
from app.generation.job_queue import JobQueue
from app.generation.request import GenerationRequest
from app.ui.queue.job_list import JobList
from app.ui.queue.queue_delegate import ROW_HEIGHT, button_rect
from app.ui.queue.queue_pill import QueuePill
from app.ui.queue.queue_view import QueueView
from tests.fake_engine_client import FakeEngineClient

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def client(qtbot: QtBot) -> FakeEngineClient:
    return FakeEngineClient()


@pytest.fixture
def queue(client: FakeEngineClient, tmp_path: Path) -> Iterator[JobQueue]:
    made = JobQueue(client, tmp_path / "queue.json")
    yield made
    made.close()


@pytest.fixture
def view(queue: JobQueue, qtbot: QtBot) -> QueueView:
    made = QueueView(queue)
    made.resize(300, 500)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def fill(queue: JobQueue, *prompts: str) -> list[str]:
    return [queue.enqueue(GenerationRequest(prompt=prompt)) for prompt in prompts]


def prompts(queue: JobQueue) -> list[str]:
    return [job.request.prompt for job in queue.jobs()]


def states(queue: JobQueue) -> list[str]:
    return [job.state.value for job in queue.jobs()]


def middle(rows: JobList, row: int) -> QPoint:
    return rows.visualRect(rows.model().index(row, 0)).center()


def button_of(rows: JobList, row: int) -> QPoint:
    return button_rect(rows.visualRect(rows.model().index(row, 0))).center()


def choose(rows: JobList, row: int) -> None:
    rows.setCurrentIndex(rows.model().index(row, 0))
    rows.setFocus()


def button(view: QueueView, text: str) -> QPushButton:
    return next(b for b in view.findChildren(QPushButton) if b.text() == text)


def drag(qtbot: QtBot, rows: JobList, start: int, end: int) -> None:
    at, to = middle(rows, start), middle(rows, end)
    qtbot.mousePress(rows.viewport(), LEFT, pos=at)
    for part in range(1, 9):
        qtbot.mouseMove(rows.viewport(), at + (to - at) * part / 8)


def test_an_empty_queue_says_what_comes_here(view: QueueView, queue: JobQueue) -> None:
    shown = [label.text() for label in view.findChildren(QLabel) if label.isVisible()]
    assert any("wait here" in text for text in shown)
    assert not view.list.isVisible()
    fill(queue, "one")
    assert view.list.isVisible()


def test_a_dragged_job_takes_its_new_place(view: QueueView, queue: JobQueue, qtbot: QtBot) -> None:
    fill(queue, "runs", "one", "two", "three")
    drag(qtbot, view.list, 3, 1)
    qtbot.mouseRelease(view.list.viewport(), LEFT, pos=middle(view.list, 1))
    assert prompts(queue) == ["runs", "three", "one", "two"]
    qtbot.mouseMove(view.list.viewport(), middle(view.list, 3))
    assert prompts(queue) == ["runs", "three", "one", "two"]
    drag(qtbot, view.list, 1, 3)
    assert prompts(queue) == ["runs", "one", "two", "three"]


def test_no_job_goes_before_the_one_that_runs(
    view: QueueView, queue: JobQueue, qtbot: QtBot
) -> None:
    fill(queue, "runs", "one", "two")
    drag(qtbot, view.list, 2, 0)
    assert prompts(queue) == ["runs", "two", "one"]
    qtbot.mouseRelease(view.list.viewport(), LEFT)
    drag(qtbot, view.list, 0, 2)
    assert prompts(queue) == ["runs", "two", "one"]


def test_escape_puts_a_dragged_job_back(view: QueueView, queue: JobQueue, qtbot: QtBot) -> None:
    fill(queue, "runs", "one", "two", "three")
    drag(qtbot, view.list, 3, 1)
    qtbot.keyClick(view.list, Qt.Key.Key_Escape)
    qtbot.mouseMove(view.list.viewport(), middle(view.list, 1))
    assert prompts(queue) == ["runs", "one", "two", "three"]


def test_keys_move_cancel_and_edit(view: QueueView, queue: JobQueue, qtbot: QtBot) -> None:
    ids = fill(queue, "runs", "one", "two")
    choose(view.list, 2)
    qtbot.keyClick(view.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert prompts(queue) == ["runs", "two", "one"]
    assert view.list.current_job == queue.job(ids[2])
    with qtbot.waitSignal(view.edit_requested) as edited:
        qtbot.keyClick(view.list, Qt.Key.Key_Return)
    assert edited.args == [ids[2]]
    qtbot.keyClick(view.list, Qt.Key.Key_Delete)
    assert queue.job(ids[2]).state is JobState.CANCELLED


def test_delete_stops_what_runs(
    view: QueueView, queue: JobQueue, client: FakeEngineClient, qtbot: QtBot
) -> None:
    (running,) = fill(queue, "runs")
    choose(view.list, 0)
    qtbot.keyClick(view.list, Qt.Key.Key_Backspace)
    assert client.cancelled == [running]


def test_a_double_click_edits_what_waits_and_takes_settings_of_what_ended(
    view: QueueView, queue: JobQueue, client: FakeEngineClient, qtbot: QtBot
) -> None:
    ids = fill(queue, "ends", "runs", "waits")
    client.finish()
    with qtbot.waitSignal(view.edit_requested) as edited:
        qtbot.mouseDClick(view.list.viewport(), LEFT, pos=middle(view.list, 2))
    assert edited.args == [ids[2]]
    with qtbot.waitSignal(view.use_settings_requested) as used:
        qtbot.mouseDClick(view.list.viewport(), LEFT, pos=middle(view.list, 0))
    assert used.args == [ids[0]]


def test_two_quick_clicks_on_buttons_cancel_two_jobs(
    view: QueueView, queue: JobQueue, qtbot: QtBot
) -> None:
    fill(queue, "runs", "one", "two")
    qtbot.mouseClick(view.list.viewport(), LEFT, pos=button_of(view.list, 1))
    with qtbot.assertNotEmitted(view.edit_requested):
        qtbot.mouseDClick(view.list.viewport(), LEFT, pos=button_of(view.list, 2))
        qtbot.mouseRelease(view.list.viewport(), LEFT, pos=button_of(view.list, 2))
    assert states(queue) == ["running", "cancelled", "cancelled"]


def test_the_button_of_a_row_cancels_and_makes_again(
    view: QueueView, queue: JobQueue, client: FakeEngineClient, qtbot: QtBot
) -> None:
    fill(queue, "one", "two", "three")
    qtbot.mouseClick(view.list.viewport(), LEFT, pos=button_of(view.list, 1))
    assert states(queue) == ["running", "cancelled", "queued"]
    client.fail("The engine stopped.")
    qtbot.mouseClick(view.list.viewport(), LEFT, pos=button_of(view.list, 0))
    assert prompts(queue) == ["two", "three", "one"]
    assert states(queue) == ["cancelled", "running", "queued"]


def test_buttons_pause_clear_and_cancel_all(
    view: QueueView, queue: JobQueue, client: FakeEngineClient, qtbot: QtBot
) -> None:
    assert not button(view, "Cancel all").isEnabled()
    ids = fill(queue, "one", "two", "three")
    pause = view.findChild(QToolButton)
    assert pause
    assert not button(view, "Clear ended").isEnabled()
    qtbot.mouseClick(pause, LEFT)
    assert queue.paused
    assert pause.accessibleName() == "Go on"
    client.finish()
    assert states(queue) == ["finished", "queued", "queued"]
    qtbot.mouseClick(button(view, "Clear ended"), LEFT)
    assert prompts(queue) == ["two", "three"]
    qtbot.mouseClick(pause, LEFT)
    qtbot.mouseClick(button(view, "Cancel all"), LEFT)
    assert client.cancelled == [ids[1]]
    assert states(queue) == ["running", "cancelled"]


def test_the_menu_of_a_job(view: QueueView, queue: JobQueue, qtbot: QtBot) -> None:
    ids = fill(queue, "runs", "one", "two")
    acts = {action.text(): action for action in view.menu(queue.job(ids[2])).actions()}
    acts["Make next"].trigger()
    assert prompts(queue) == ["runs", "two", "one"]
    with qtbot.waitSignal(view.edit_requested):
        acts["Edit"].trigger()
    acts["Cancel"].trigger()
    ended = {action.text(): action for action in view.menu(queue.job(ids[2])).actions()}
    assert not ended["Edit"].isEnabled()
    ended["Make again"].trigger()
    assert queue.job(ids[2]).state is JobState.QUEUED
    queue.cancel(ids[1])
    view.list.setCurrentIndex(queue.index(queue.row_of(ids[1])))
    qtbot.keyClick(view.list, Qt.Key.Key_Delete)
    queue.cancel(ids[2])
    actions = view.menu(queue.job(ids[2])).actions()
    next(action for action in actions if action.text() == "Remove").trigger()
    assert prompts(queue) == ["runs"]
    running = {action.text(): action for action in view.menu(queue.job(ids[0])).actions()}
    assert not running["Make next"].isEnabled()


def test_a_row_shows_how_far_its_job_is(
    view: QueueView, queue: JobQueue, client: FakeEngineClient
) -> None:
    fill(queue, "one")
    client.advance(1, 10)
    early = view.list.grab().toImage()
    client.advance(9, 10)
    assert view.list.grab().toImage() != early


def test_the_pill_counts(queue: JobQueue, client: FakeEngineClient, qtbot: QtBot) -> None:
    pill = QueuePill(queue)
    qtbot.addWidget(pill)
    assert pill.text() == "Queue empty"
    fill(queue, "one", "two", "three")
    assert pill.text() == "2 waiting"
    queue.paused = True
    assert pill.text() == "Queue paused, 2 waiting"
    queue.paused = False
    client.finish()
    client.finish()
    assert pill.text() == "None waiting"
    assert "None waiting" in pill.accessibleName()


def test_the_list_shows_whole_rows_and_begins_at_the_job_that_runs(
    queue: JobQueue, client: FakeEngineClient, qtbot: QtBot
) -> None:
    rows = JobList(queue)
    qtbot.addWidget(rows)
    heights = [rows.sizeHint().height()]
    for number in range(12):
        fill(queue, f"picture {number}")
        heights.append(rows.sizeHint().height())
    assert heights == sorted(heights)
    assert len(set(heights)) > 3
    assert not any(height % ROW_HEIGHT for height in heights)
    for _ in range(4):
        client.finish()
    rows.resize(rows.sizeHint())
    rows.show()
    qtbot.waitExposed(rows)
    assert queue.running_id
    running = rows.model().index(queue.row_of(queue.running_id), 0)
    assert rows.visualRect(running).top() == 0
    assert rows.viewport().height() % ROW_HEIGHT == 0
