"""For the window's tests: what is copied is let go before Python ends."""

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication


@pytest.fixture(scope="session", autouse=True)
def empty_clipboard(qapp: QApplication) -> Iterator[None]:
    """Drawn into memory, Qt frees the clipboard when the process exits: too late for Python's."""
    yield
    QGuiApplication.clipboard().clear()
