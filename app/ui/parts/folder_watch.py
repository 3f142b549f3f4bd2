"""Notices that files come, change or go in some folders and in the folders in them.

Owns what is watched. Knows not what is in the folders.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from app.ui.parts.background_calls import BackgroundCalls

REST_MS = 500
"""How long folders must rest, such as while a file is copied, before it is told."""
MOST_FOLDERS = 1000
DEEPEST = 8


class FolderWatch(QObject):
    """Tells of changes once they have come to rest."""

    changed = Signal(object)
    """The folders (list of Path) in which something has changed."""

    def __init__(self, parent: QObject | None = None, rest_ms: int = REST_MS) -> None:
        super().__init__(parent)
        self._roots: tuple[Path, ...] = ()
        self._touched: set[str] = set()
        self._calls = BackgroundCalls(1, self)
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._note)
        self._rest = QTimer(self, singleShot=True, interval=rest_ms)
        self._rest.timeout.connect(self._tell)

    def watch(self, folders: Sequence[Path]) -> None:
        """Watches these from now on, and no others; of a file, the folder that it lies in."""
        self._roots = tuple(folders)
        roots = self._roots
        self._calls.call(lambda: _folders_within(roots), self._take, lambda _: None)

    def close(self) -> None:
        """Watches no more."""
        self._rest.stop()
        self._calls.close()

    def _take(self, folders: set[str]) -> None:
        watched = set(self._watcher.directories())
        if gone := watched - folders:
            self._watcher.removePaths(sorted(gone))
        if new := folders - watched:
            self._watcher.addPaths(sorted(new))

    def _note(self, folder: str) -> None:
        self._touched.add(folder)
        self._rest.start()

    def _tell(self) -> None:
        touched, self._touched = self._touched, set()
        self.watch(self._roots)  # there may be new folders
        self.changed.emit(sorted(map(Path, touched)))


def _folders_within(roots: Sequence[Path]) -> set[str]:
    """The folders and those in them, the nearest first where there are too many."""
    level = [str(root if root.is_dir() else root.parent) for root in roots]
    found: set[str] = set()
    for _ in range(DEEPEST):
        level = [folder for folder in level if folder not in found]
        found.update(level[: MOST_FOLDERS - len(found)])
        level = [child for folder in level for child in _children(folder)]
    return {folder for folder in found if Path(folder).is_dir()}


def _children(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [e.path for e in entries if e.is_dir() and not e.name.startswith(".")]
    except OSError:  # a folder that may not be read is not watched
        return []
