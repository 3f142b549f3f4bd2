"""What can wait until the window stands: done one by one, so that none holds the window up.

Owns when. A thread that is started, a database that is opened: each is a few milliseconds, and
before the first painting together they would be seen.
"""

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

LATEST_MS = 1_000
"""A window that is not painted, such as one that is minimised, is waited for no longer."""


class AfterFirstPaint(QObject):
    """Calls each function in a turn of the event loop of its own, once `window` was painted."""

    def __init__(self, window: QWidget, *functions: Callable[[], object]) -> None:
        super().__init__(window)
        self._window, self._functions = window, deque(functions)
        self._turn = QTimer(self, interval=LATEST_MS)
        self._turn.timeout.connect(self._go_on)
        self._turn.start()
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Begins after the first painting."""
        if event.type() is QEvent.Type.Paint:
            self._hurry()
        return False

    def stop(self) -> None:
        """Calls no more."""
        self._functions.clear()

    def _hurry(self) -> None:
        self._window.removeEventFilter(self)
        self._turn.setInterval(0)

    def _go_on(self) -> None:
        self._hurry()
        if self._functions:
            self._functions.popleft()()
        else:
            self._turn.stop()
