"""When a note of the system is shown, and that it goes away."""

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from app.ui.window import notifier
from app.ui.window.notifier import LONG_SECONDS, Notifier

ACTIVE, BEHIND = Qt.ApplicationState.ApplicationActive, Qt.ApplicationState.ApplicationInactive


class App(QObject):
    """An app that is before or behind others, as a test says."""

    applicationStateChanged = Signal(Qt.ApplicationState)  # noqa: N815 - Qt's name

    def __init__(self) -> None:
        super().__init__()
        self.state = BEHIND

    def applicationState(self) -> Qt.ApplicationState:  # noqa: N802 - Qt's name
        return self.state


@pytest.fixture
def notes(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown."""
    shown: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    monkeypatch.setattr(
        QSystemTrayIcon, "showMessage", lambda _tray, title, text, _icon: shown.append(text)
    )
    return shown


@pytest.mark.parametrize(
    ("seconds", "state", "is_enabled", "is_shown"),
    [
        (LONG_SECONDS + 1, BEHIND, True, True),
        (LONG_SECONDS - 1, BEHIND, True, False),
        (LONG_SECONDS + 1, ACTIVE, True, False),
        (LONG_SECONDS + 1, BEHIND, False, False),
    ],
)
def test_a_long_job_is_told_to_who_does_not_look(
    notes: list[str],
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    state: Qt.ApplicationState,
    is_enabled: bool,
    is_shown: bool,
) -> None:
    app = App()
    app.state = state
    told = Notifier(app, QIcon())  # type: ignore[arg-type]
    told.is_enabled = is_enabled
    moments = iter((100.0, 100.0 + seconds))
    monkeypatch.setattr(notifier.time, "monotonic", lambda: next(moments))
    told.job_started()
    told.job_ended("Your picture is ready", "a fox")
    assert notes == (["a fox"] if is_shown else [])


def test_the_sign_goes_when_one_comes_back(notes: list[str]) -> None:
    app = App()
    told = Notifier(app, QIcon())  # type: ignore[arg-type]
    told.show("Your picture is ready", "a fox")
    assert told._tray is not None
    assert told._tray.isVisible()
    app.applicationStateChanged.emit(ACTIVE)
    assert not told._tray.isVisible()
