"""What the status bar says of the running job."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QProgressBar, QToolButton
from pytestqt.qtbot import QtBot

from app.engine.types import Phase
from app.generation.messages import Progress
from app.generation.request import GenerationRequest
from app.ui.queue import job_words
from app.ui.queue.progress_bar import JobProgress


@pytest.fixture
def shown(qtbot: QtBot) -> JobProgress:
    made = JobProgress()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def progress(phase: Phase, step: int, rate: float | None, left: float | None) -> Progress:
    return Progress(
        job_id="a",
        phase=phase,
        step=step,
        steps=20,
        preview=None,
        it_per_second=rate,
        seconds_left=left,
    )


def text(shown: JobProgress) -> str:
    label = shown.findChild(QLabel)
    assert label
    return label.text()


def bar(shown: JobProgress) -> QProgressBar:
    found = shown.findChild(QProgressBar)
    assert found
    return found


def test_step_rate_and_time_left(shown: JobProgress) -> None:
    shown.show_progress(progress(Phase.DENOISE, 7, 1.84, 12.2))
    assert text(shown) == "Step 7 of 20 · 1.8 it/s · 12 s left"
    assert (bar(shown).value(), bar(shown).maximum()) == (7, 20)


def test_what_is_not_known_is_not_said(shown: JobProgress) -> None:
    shown.show_started()
    assert text(shown) == "Starting"
    shown.show_progress(progress(Phase.TEXT, 0, None, None))
    assert text(shown) == "Reading the prompt"
    shown.show_progress(progress(Phase.DECODE, 20, None, 1.0))
    assert text(shown) == "Finishing · 1 s left"


def test_cancel_is_there_only_while_something_runs(shown: JobProgress, qtbot: QtBot) -> None:
    cancel = shown.findChild(QToolButton)
    assert cancel
    assert not cancel.isVisible()
    shown.show_started()
    with qtbot.waitSignal(shown.cancel_requested):
        qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    shown.show_message("The engine stopped.", "danger")
    assert not cancel.isVisible()
    assert text(shown) == "The engine stopped."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s left"),
        (59.4, "59 s left"),
        (61, "1 min left"),
        (3599, "1 h 0 min left"),
        (3900, "1 h 5 min left"),
    ],
)
def test_time_left_in_words(seconds: float, words: str) -> None:
    assert job_words.time_left(seconds) == words


def test_a_slow_rate_is_told_as_time() -> None:
    assert job_words.rate(0.25) == "4.0 s/it"
    assert job_words.rate(3.0) == "3.0 it/s"


def test_a_request_in_words() -> None:
    request = GenerationRequest(
        prompt="\n  a fox\nin snow", width=512, height=768, steps=1, batch_count=4
    )
    assert job_words.title(request) == "a fox"
    assert job_words.details(request) == "Mini model · 512 × 768 · 1 step · 4 pictures"
    assert job_words.title(GenerationRequest(prompt=" \n")) == "No prompt"
