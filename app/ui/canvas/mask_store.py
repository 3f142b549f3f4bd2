"""Masks on disk, each under a name made of its own pixels.

Owns the folder. A file is never changed, so a job that waits keeps the mask that it was given,
whatever is painted after; what nobody refers to is thrown away at the next start.
"""

import hashlib
from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSaveFile
from PySide6.QtGui import QImage

_QUALITY = 80  # of PNG: fast, and small enough for what is mostly flat
_NAME_DIGITS = 24


class MaskStore:
    """One folder of PNG files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, mask: QImage) -> Path:
        """Writes the mask whole or not at all; the same pixels are the same file. OSError."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        mask.save(buffer, "PNG", _QUALITY)  # type: ignore[call-overload]
        digest = hashlib.sha256(data.data()).hexdigest()[:_NAME_DIGITS]
        path = self._folder / f"{digest}.png"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            file = QSaveFile(str(path))
            if not file.open(QIODevice.OpenModeFlag.WriteOnly) or file.write(data) < 0:
                raise OSError(file.errorString())
            if not file.commit():
                raise OSError(file.errorString())
        return path

    def tidy(self, used: Collection[Path | None]) -> None:
        """Throws away the masks that are not among those."""
        kept = {path.name for path in used if path}
        for path in self._folder.glob("*.png"):
            if path.name not in kept:
                path.unlink(missing_ok=True)
