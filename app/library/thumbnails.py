"""Thumbnails: small JPEG files in the cache folder, one for each state of a picture's file.

Owns their names, making and bound. Every function may be called from any thread.
"""

from pathlib import Path

SIDE = 512  # pixels: 256 points on a screen of two pixels a point
LIMIT_BYTES = 500_000_000


def thumbnail(picture: Path, cache: Path) -> Path:
    """The thumbnail of a picture, made if it is not there yet; raises `PictureError`."""
    raise NotImplementedError


def trim_thumbnails(cache: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Removes the thumbnails that were made first until the others fit."""
    raise NotImplementedError
