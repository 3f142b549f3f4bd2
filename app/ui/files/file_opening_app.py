"""The application object that takes the files which the Finder hands over.

Owns the gathering of them: the Finder sends one event a file, and several files that are opened
together are one wish. Knows nothing of what is done with them.
"""

from pathlib import Path

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication


class FileOpeningApp(QApplication):
    """Files that come before the event loop runs are told when it does: connect before that."""

    files_opened = Signal(object)
    """A list of Path: by Open With, or dropped on the icon in the Dock."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._files: list[Path] = []
        self._telling = QTimer(self, interval=0, singleShot=True)
        self._telling.timeout.connect(self._tell)

    def event(self, event: QEvent) -> bool:
        """Gathers files; all else is Qt's."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self._files.append(Path(event.file()))
            self._telling.start()
            return True
        return super().event(event)

    def _tell(self) -> None:
        files, self._files = self._files, []
        self.files_opened.emit(files)
