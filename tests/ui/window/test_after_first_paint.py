"""What waits for the window's first painting, and in which turns it is done."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.window.after_first_paint import AfterFirstPaint


class Painted(QWidget):
    def __init__(self, notes: list[str]) -> None:
        super().__init__()
        self._notes = notes

    def paintEvent(self, event) -> None:  # noqa: N802 - Qt's name
        self._notes.append("painted")


def test_each_has_a_turn_of_its_own_after_the_painting(qtbot: QtBot) -> None:
    notes: list[str] = []
    window = Painted(notes)
    qtbot.addWidget(window)

    def first() -> None:
        notes.append("first")
        QTimer.singleShot(0, lambda: notes.append("a turn"))

    AfterFirstPaint(window, first, lambda: notes.append("second"), lambda: notes.append("third"))
    window.show()
    qtbot.waitUntil(lambda: "third" in notes)
    assert notes[0] == "painted"
    assert [note for note in notes if note != "painted"] == ["first", "a turn", "second", "third"]


def test_a_window_that_is_not_painted_is_not_waited_for_forever(qtbot: QtBot, monkeypatch) -> None:
    monkeypatch.setattr("app.ui.window.after_first_paint.LATEST_MS", 20)
    window, notes = QWidget(), list[str]()
    qtbot.addWidget(window)
    AfterFirstPaint(window, lambda: notes.append("first"), lambda: notes.append("second"))
    qtbot.waitUntil(lambda: notes == ["first", "second"])


def test_what_is_stopped_is_not_done(qtbot: QtBot) -> None:
    notes: list[str] = []
    window = Painted(notes)
    qtbot.addWidget(window)
    beginning = AfterFirstPaint(window, lambda: notes.append("first"))
    beginning.stop()
    window.show()
    qtbot.waitUntil(lambda: "painted" in notes)
    qtbot.wait(50)
    assert "first" not in notes
