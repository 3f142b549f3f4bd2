"""The picture that a generation begins from, its mask, and the part of it that is made.

Knows any image file; nothing of models.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from app.generation.mask_edge import softened
from app.generation.patch import Patch, patch_box
from app.generation.request import InpaintArea, RequestError, ResolvedRequest

MOST_PATCHED_PIXELS = 1 << 26
"""Of a picture of which only a part is made: 8192 x 8192."""
_NOTHING_PAINTED = (
    "The mask keeps all of the picture: paint what is to be made anew, or leave out the mask."
)


@dataclass(frozen=True, kw_only=True)
class MaskShape:
    """What is made of a mask's file: its size in pixels, how soft its edge is, what it means."""

    width: int
    height: int
    blur: int
    is_inverted: bool


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a request begins from, as the engine takes it; all None: from noise.

    `patch` puts what is made into the whole picture, where only a part of it is made.
    """

    init_image: bytes | None = None
    mask: bytes | None = None
    patch: Patch | None = None


def read_beginning(request: ResolvedRequest) -> Beginning:
    """Reads the first picture and the mask of a request. Raises RequestError."""
    if request.init_image is None:
        if request.mask_image is not None:
            raise RequestError(
                "A mask needs a picture to begin from: choose one, or leave out the mask."
            )
        return Beginning()
    size = request.width, request.height
    if request.mask_image is None:
        return Beginning(init_image=read_init_image(request.init_image, *size))
    if request.inpaint_area is InpaintArea.ONLY_MASKED:
        patch = _read_patch(request, request.init_image, request.mask_image)
        return Beginning(init_image=patch.init_image(), mask=patch.mask(), patch=patch)
    mask = read_mask(request.mask_image, _shape(request, size))
    if not any(mask):
        raise RequestError(_NOTHING_PAINTED)
    return Beginning(init_image=read_init_image(request.init_image, *size), mask=mask)


def read_init_image(path: Path, width: int, height: int) -> bytes:
    """RGB bytes of height x width x 3 of an image file, turned upright, cropped about its centre.

    The crop is scaled to the size, so nothing is stretched; transparent parts become white. Raises
    RequestError.
    """
    return ImageOps.fit(_opaque(path), (width, height), Image.Resampling.LANCZOS).tobytes()


def read_mask(path: Path, shape: MaskShape) -> bytes:
    """Bytes of height x width, 255 where an image file is white and 0 where it is black.

    It is cropped as the first picture is; transparent parts are black. The edge lies where it was
    drawn and is softened outwards and inwards, as a Gaussian of `blur` pixels. Raises RequestError.
    """
    return _read_mask(path, shape).tobytes()


def _read_patch(request: ResolvedRequest, init_image: Path, mask_image: Path) -> Patch:
    picture = _opaque(init_image)
    if picture.width * picture.height > MOST_PATCHED_PIXELS:
        raise RequestError(
            f"{init_image.name} is too large to make only a part of it: make it smaller, or choose"
            " the whole picture as the area."
        )
    mask = _read_mask(mask_image, _shape(request, picture.size))
    size = request.width, request.height
    box = patch_box(mask, request.masked_area_padding, size)
    if box is None:
        raise RequestError(_NOTHING_PAINTED)
    return Patch(picture, mask, box, size)


def _shape(request: ResolvedRequest, size: tuple[int, int]) -> MaskShape:
    return MaskShape(
        width=size[0],
        height=size[1],
        blur=request.mask_blur,
        is_inverted=request.mask_invert,
    )


def _opaque(path: Path) -> Image.Image:
    """The first picture, upright, RGB, on white."""
    return _on(_read(path, "to begin from"), "white").convert("RGB")


def _read_mask(path: Path, shape: MaskShape) -> Image.Image:
    grey = _on(_read(path, "with the mask"), "black").convert("L")
    mask = ImageOps.fit(grey, (shape.width, shape.height), Image.Resampling.BILINEAR)
    if shape.is_inverted:
        mask = ImageOps.invert(mask)
    return softened(mask, shape.blur)


def _on(picture: Image.Image, color: str) -> Image.Image:
    """A picture on a plain ground; one that hides all of it is not copied."""
    if picture.getchannel("A").getextrema() == (255, 255):
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, color), picture)


def _read(path: Path, what_for: str) -> Image.Image:
    """An image file, turned upright, as RGBA."""
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGBA")
    except FileNotFoundError:
        raise RequestError(f"There is no file {path} {what_for}.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise RequestError(f"{path} cannot be read as a picture: choose a PNG or JPEG.") from None
