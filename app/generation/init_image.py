"""The picture that a generation begins from, and its mask.

Knows any image file; nothing of models.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps

from app.generation.request import RequestError


def read_init_image(path: Path, width: int, height: int) -> bytes:
    """RGB bytes of height x width x 3 of an image file, turned upright, cropped about its centre.

    The crop is scaled to the size, so nothing is stretched; transparent parts become white. Raises
    RequestError.
    """
    upright = _read(path, "to begin from")
    white = Image.new("RGBA", upright.size, "white")
    opaque = Image.alpha_composite(white, upright).convert("RGB")
    return ImageOps.fit(opaque, (width, height), Image.Resampling.LANCZOS).tobytes()


@dataclass(frozen=True, kw_only=True)
class MaskShape:
    """What is made of a mask's file: its size in pixels, how soft its edge is, what it means."""

    width: int
    height: int
    blur: int
    is_inverted: bool


def read_mask(path: Path, shape: MaskShape) -> bytes:
    """Bytes of height x width, 255 where an image file is white and 0 where it is black.

    It is cropped as the first picture is; transparent parts are black. The edge lies where it was
    drawn and is softened outwards and inwards, as a Gaussian of `blur` pixels. Raises RequestError.
    """
    drawn = _read(path, "with the mask")
    black = Image.new("RGBA", drawn.size, "black")
    grey = Image.alpha_composite(black, drawn).convert("L")
    mask = ImageOps.fit(grey, (shape.width, shape.height), Image.Resampling.BILINEAR)
    if shape.is_inverted:
        mask = ImageOps.invert(mask)
    if shape.blur:
        mask = mask.filter(ImageFilter.GaussianBlur(shape.blur))
    return mask.tobytes()


def _read(path: Path, what_for: str) -> Image.Image:
    """An image file, turned upright, as RGBA."""
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGBA")
    except FileNotFoundError:
        raise RequestError(f"There is no file {path} {what_for}.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise RequestError(f"{path} cannot be read as a picture: choose a PNG or JPEG.") from None
