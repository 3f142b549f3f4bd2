"""Image files: pictures written whole or not at all, and the text found in any program's files.

Owns PNG writing and the places where a `parameters` text is kept. Knows nothing of its grammar (see
image_metadata.py).
"""

import os
import secrets
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

TEXT_KEY = "parameters"
EXIF_FOLDER, USER_COMMENT = 0x8769, 0x9286  # tags of the Exif folder and of its comment
LIKELY = " "  # what the right reading of a text has the most of
UNICODE_MARK, ASCII_MARK = b"UNICODE\0", b"ASCII\0\0\0"


class PictureError(Exception):
    """A picture that cannot be read or written; its text is one sentence."""


def save_png(path: Path, rgb: bytes, size: tuple[int, int], text: str = "") -> None:
    """Writes RGB bytes of `size` (width, height) as a PNG with `text` as its parameters.

    A file appears under `path` only when all of it is on the disk; one that was there is replaced.
    Raises `PictureError`.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    info = PngInfo()
    if text:
        info.add_text(TEXT_KEY, text)  # tEXt, or iTXt where it does not fit into Latin-1
    try:
        try:
            with part.open("xb") as file:
                Image.frombytes("RGB", size, rgb).save(file, format="PNG", pnginfo=info)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise PictureError(f"Could not write {path}: {error.strerror or error}.") from error
    _sync_folder(path.parent)


def read_text(path: Path) -> tuple[tuple[int, int], str | None]:
    """Size (width, height) of an image file and its parameters text, or None where it has none.

    Looks into a PNG's text chunks and into the Exif comment of JPEG, WebP and AVIF. Raises
    `PictureError`.
    """
    try:
        with Image.open(path) as image:
            return image.size, _find_text(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(f"Could not read {path} as a picture: it is damaged or none.") from error


def is_picture(path: Path) -> bool:
    """Whether a file begins as an image file does."""
    try:
        with Image.open(path):
            return True
    except Image.DecompressionBombError:
        return True
    except (OSError, SyntaxError, ValueError):
        return False


def _find_text(image: Image.Image) -> str | None:
    if image.format == "PNG":
        image.load()  # chunks may follow the pixels
        found = image.info.get(TEXT_KEY)
        if found:
            return str(found)
    comment = image.getexif().get_ifd(EXIF_FOLDER).get(USER_COMMENT)
    return _decode_comment(comment) if isinstance(comment, bytes) else comment


def _decode_comment(comment: bytes) -> str:
    """Text of an Exif user comment; its UTF-16 may have either byte order and no mark."""
    if comment.startswith(UNICODE_MARK):
        data = comment.removeprefix(UNICODE_MARK)
        readings = [data.decode(order, "replace") for order in ("utf-16-be", "utf-16-le")]
        return max(readings, key=lambda text: text.count(LIKELY)).strip("\ufeff\0")
    return comment.removeprefix(ASCII_MARK).decode("utf-8", "replace").strip("\0")


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself last; not every file system can, and none needs it to be whole."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
