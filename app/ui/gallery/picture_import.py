"""Bringing pictures of any program into the gallery, and the account of it.

Knows no widget; runs in any thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.library.foreign_metadata import read_any_metadata
from app.library.gallery import Gallery
from app.library.gallery_entry import GalleryError
from app.library.picture_file import PictureError


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What became of the files and folders.

    `added` counts pictures; `refused` are sentences; `not_restored` names, for each single picture,
    what of its settings Aquatint cannot follow.
    """

    added: int
    refused: tuple[str, ...]
    not_restored: tuple[tuple[Path, tuple[str, ...]], ...]


def import_pictures(
    gallery: Gallery, paths: Sequence[Path], stopped: Callable[[], bool]
) -> ImportReport:
    """Adds picture files, and the pictures of folders, where they lie."""
    added = 0
    refused: list[str] = []
    lost: list[tuple[Path, tuple[str, ...]]] = []
    for path in paths:
        if stopped():
            break
        try:
            if path.is_dir():
                scanned = gallery.scan(path, stopped)
                added += scanned.added
                refused += [_unreadable(bad) for bad in scanned.unreadable]
            else:
                gallery.import_picture(path)
                added += 1
                metadata = read_any_metadata(path)
                if metadata.not_restored:
                    lost.append((path, metadata.not_restored))
        except (GalleryError, PictureError, OSError) as error:
            refused.append(str(error))
    return ImportReport(added=added, refused=tuple(refused), not_restored=tuple(lost))


def _unreadable(path: Path) -> str:
    words = QCoreApplication.translate("PictureImport", "{name} is damaged or no picture.")
    return words.format(name=path.name)
