"""The soft edge of a mask and the part around it, as they are used and as they are shown before.

Owns how an edge is softened. Knows neither files nor widgets.
"""

from dataclasses import dataclass
from math import ceil

from PIL import Image, ImageFilter

from app.generation.patch import Box, patch_box

ENOUGH_BLUR = 8
"""An edge this soft shows no pixels when it is enlarged."""


@dataclass(frozen=True, kw_only=True)
class GreyPixels:
    """A byte a pixel; row y begins at byte y * `stride`."""

    data: bytes
    width: int
    height: int
    stride: int

    def image(self) -> Image.Image:
        """The same for Pillow."""
        size = self.width, self.height
        return Image.frombytes("L", size, self.data, "raw", "L", self.stride, 1)


def softened(mask: Image.Image, blur: float) -> Image.Image:
    """The mask with its edge softened where it lies, as by a Gaussian of `blur` pixels."""
    return mask.filter(ImageFilter.GaussianBlur(blur)) if blur > 0 else mask


def reach_of(blur: float) -> int:
    """How many pixels away a pixel still counts: three boxes, each about as wide as `blur`."""
    return ceil(3 * blur) + 3 if blur > 0 else 0


def softened_pixels(mask: GreyPixels, blur: float) -> bytes:
    """As `softened`, height x width bytes, to be looked at: a wide edge is made of fewer pixels."""
    image, factor = mask.image(), max(1, int(blur / ENOUGH_BLUR))
    if factor == 1:
        return softened(image, blur).tobytes()
    small = softened(image.reduce(factor), blur / factor)
    box = (0, 0, mask.width / factor, mask.height / factor)
    return small.resize(image.size, Image.Resampling.BILINEAR, box).tobytes()


def patch_box_of(mask: GreyPixels, blur: float, padding: int, size: tuple[int, int]) -> Box | None:
    """As `patch_box`, of the mask once it is softened."""
    return patch_box(softened(mask.image(), blur), padding, size)
