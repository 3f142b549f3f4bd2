"""Thumbnails: small JPEG files in the cache folder, one for each state of a picture's file.

Owns their names, making and bound. Every function may be called from any thread.
"""

import hashlib
import secrets
from contextlib import suppress
from pathlib import Path

from PIL import Image, ImageOps

from app.library.picture_file import PictureError

SIDE = 512  # pixels: 256 points on a screen of two pixels a point
QUALITY = 85
REDUCING_GAP = 2.0  # whole-number reduction down to twice the size first: quicker, hardly softer
LARGEST_PICTURE = 100_000_000  # pixels; larger ones take seconds and hundreds of megabytes
LIMIT_BYTES = 500_000_000
FOLDER = "thumbnails"


def thumbnail(picture: Path, cache: Path) -> Path:
    """The thumbnail of a picture, made if it is not there yet; raises `PictureError`.

    `cache` is the folder of all caches. Another path, time or size of the picture's file is another
    thumbnail, so a stale one is never shown.
    """
    try:
        status = picture.stat()
        key = f"{picture.absolute()}\n{status.st_mtime_ns}\n{status.st_size}"
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        path = cache / FOLDER / digest[:2] / f"{digest[2:34]}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(picture, path)
    except OSError as error:
        raise PictureError(
            f"Could not make a thumbnail of {picture}: {error.strerror or error}."
        ) from error
    return path


def trim_thumbnails(cache: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Removes the thumbnails that were made first until the others fit."""
    made: list[tuple[float, int, Path]] = []
    for path in (cache / FOLDER).glob("*/*"):
        with suppress(OSError):
            status = path.stat()
            made.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in made)
    for _, size, path in sorted(made):
        if total <= limit_bytes:
            return
        with suppress(OSError):
            path.unlink()
            total -= size


def _make(picture: Path, path: Path) -> None:
    """Writes the thumbnail whole or not at all."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        _draw(picture).save(part, format="JPEG", quality=QUALITY)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _draw(picture: Path) -> Image.Image:
    """The picture at its size, upright, transparent parts white."""
    try:
        with Image.open(picture) as image:
            if image.width * image.height > LARGEST_PICTURE:
                raise PictureError(f"{picture} has too many pixels for a thumbnail.")
            image.draft("RGB", (SIDE * 2, SIDE * 2))  # a JPEG is decoded at half, quarter or eighth
            image.thumbnail((SIDE, SIDE), reducing_gap=REDUCING_GAP)
            small = ImageOps.exif_transpose(image)
            if small.has_transparency_data:
                rgba = small.convert("RGBA")
                small = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            return small.convert("RGB")
    except (PictureError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # a hostile file meets many a corner of an image library
        raise PictureError(f"Could not read {picture} as a picture: it is damaged.") from error
