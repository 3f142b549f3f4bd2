"""A note of the system when a long job is done and the app is behind others.

Owns when that is so. Without a tray there is no way to show one, and nothing happens.
"""

import time

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QSystemTrayIcon

LONG_SECONDS = 20.0


class Notifier(QObject):
    """Is told of the beginning and the end of jobs."""

    def __init__(self, app: QGuiApplication, icon: QIcon, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.is_enabled = True
        self._app, self._icon = app, icon
        self._began: float | None = None
        self._tray: QSystemTrayIcon | None = None

    def job_started(self) -> None:
        """A job begins now."""
        self._began = time.monotonic()

    def job_ended(self, title: str, text: str) -> None:
        """It is over: says so if it was long and nobody is looking."""
        began, self._began = self._began, None
        is_behind = self._app.applicationState() is not Qt.ApplicationState.ApplicationActive
        is_long = began is not None and time.monotonic() - began >= LONG_SECONDS
        if self.is_enabled and is_behind and is_long:
            self.show(title, text)

    def show(self, title: str, text: str) -> None:
        """Shows a note, if the system can."""
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(self._icon, self)
            self._app.applicationStateChanged.connect(self._put_away)
        self._tray.show()
        self._tray.showMessage(title, text, self._icon)

    def _put_away(self, state: Qt.ApplicationState) -> None:
        """Who has come back needs no sign in the bar of the system any more."""
        if self._tray and state is Qt.ApplicationState.ApplicationActive:
            self._tray.hide()
