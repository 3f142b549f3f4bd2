"""A picture that is looked at, with where it is kept."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QImage

from app.library.gallery_entry import GalleryEntry


@dataclass(frozen=True, kw_only=True)
class ShownPicture:
    """A picture on the canvas; `entry` is None while it is not in the gallery."""

    image: QImage
    entry: GalleryEntry | None = None

    @property
    def paths(self) -> list[Path]:
        """Its file, if it has one."""
        return [self.entry.path] if self.entry else []
