"""The picture that a generation begins from. Knows any image file; nothing of models."""

from pathlib import Path

from PIL import Image, ImageOps

from app.generation.request import RequestError


def read_init_image(path: Path, width: int, height: int) -> bytes:
    """RGB bytes of height x width x 3 of an image file, turned upright, cropped about its centre.

    The crop is scaled to the size, so nothing is stretched; transparent parts become white. Raises
    RequestError.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except FileNotFoundError:
        raise RequestError(f"There is no file {path} to begin from.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise RequestError(f"{path} cannot be read as a picture: choose a PNG or JPEG.") from None
    white = Image.new("RGBA", upright.size, "white")
    opaque = Image.alpha_composite(white, upright).convert("RGB")
    return ImageOps.fit(opaque, (width, height), Image.Resampling.LANCZOS).tobytes()
