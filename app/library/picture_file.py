"""Image files: pictures written whole or not at all, and the text found in any program's files.

Owns PNG writing and the places where programs keep texts in image files. Knows nothing of their
grammars (see image_metadata.py and foreign_metadata.py).
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, IptcImagePlugin
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import TiffImageFile

from app.library.hidden_text import read_hidden_text

TEXT_KEY = "parameters"
# The names here of texts that have none in the file.
COMMENT, DESCRIPTION, XMP, HIDDEN = "exif:comment", "exif:description", "xmp", "hidden"
# Texts before a PNG's pixels that make it needless to look behind them.
USUAL_KEYS = frozenset(
    {TEXT_KEY, XMP, "prompt", "Comment", "Dream", "sd-metadata", "invokeai_metadata"}
)
EXIF_FOLDER, USER_COMMENT = 0x8769, 0x9286  # tags of the Exif folder and of its comment
IMAGE_DESCRIPTION = 0x010E
IPTC_CAPTION = (2, 120)
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


@dataclass(frozen=True, kw_only=True)
class PictureTexts:
    """Size (width, height) in pixels of an image file, and the texts in it by their names."""

    size: tuple[int, int]
    texts: Mapping[str, str]


def read_text(path: Path) -> tuple[tuple[int, int], str | None]:
    """Size (width, height) of an image file and its parameters text, or None where it has none.

    Looks into a PNG's text chunks and into the Exif comment of JPEG, WebP and AVIF. Raises
    `PictureError`.
    """
    found = read_texts(path)
    return found.size, found.texts.get(TEXT_KEY) or found.texts.get(COMMENT)


def read_texts(path: Path) -> PictureTexts:
    """Every text that a program may have left in an image file; raises `PictureError`."""
    try:
        with Image.open(path) as image:
            return PictureTexts(size=image.size, texts=_find_texts(image))
    except Exception as error:  # a hostile file meets many a corner of an image library
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


def _find_texts(image: Image.Image) -> dict[str, str]:
    if image.format == "PNG" and not USUAL_KEYS & image.info.keys():
        image.load()  # chunks may follow the pixels
    found = {str(key): text for key, text in image.info.items() if isinstance(text, str)}
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    comment = image.info.get("comment")  # JPEG's and GIF's own
    found |= _exif_texts(image)
    for key, data in ((XMP, xmp), (DESCRIPTION, _iptc_caption(image)), ("comment", comment)):
        if data:
            found[key] = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    hidden = "" if (USUAL_KEYS | {COMMENT}) & found.keys() else read_hidden_text(image)
    return {**found, HIDDEN: hidden} if hidden else found


def _exif_texts(image: Image.Image) -> dict[str, str]:
    if image.format == "PNG" and not {"exif", "Raw profile type exif"} & image.info.keys():
        return {}  # Pillow would decode the pixels to look for it
    exif = image.getexif()
    comment = exif.get_ifd(EXIF_FOLDER).get(USER_COMMENT)
    values = {COMMENT: comment, DESCRIPTION: exif.get(IMAGE_DESCRIPTION)}
    return {
        key: _decode_comment(value) if isinstance(value, bytes) else str(value)
        for key, value in values.items()
        if value
    }


def _iptc_caption(image: Image.Image) -> bytes | None:
    if not isinstance(image, JpegImageFile | TiffImageFile):
        return None
    caption = (IptcImagePlugin.getiptcinfo(image) or {}).get(IPTC_CAPTION)
    return caption if isinstance(caption, bytes) else None


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
