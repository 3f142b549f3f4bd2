"""The part of a picture that is painted anew: cut out at a working size, and put back.

Owns the geometry and the blending. Knows neither files nor models.
"""

import dataclasses
from math import floor

from PIL import Image

from app.engine.types import PlanFigures, Progress

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels of the whole picture; it may reach beyond."""

PREVIEW_SIDE = 1024
"""A preview shows the whole picture no larger than this."""


def patch_box(mask: Image.Image, padding: int, size: tuple[int, int]) -> Box | None:
    """The box around what is not black in `mask`, with the proportions of `size`; None: all is.

    It is `padding` pixels wider on each side, as far as the picture goes, and grows along one axis
    to the proportions. There it is moved into the picture; where the picture is not long enough,
    it reaches beyond both ends alike.
    """
    found = mask.getbbox()
    if found is None:
        return None
    left, top = (max(edge - padding, 0) for edge in found[:2])
    right, bottom = min(found[2] + padding, mask.width), min(found[3] + padding, mask.height)
    width = max(right - left, floor((bottom - top) * size[0] / size[1] + 0.5))
    height = max(bottom - top, floor((right - left) * size[1] / size[0] + 0.5))
    left, top = _begin(left, right, width, mask.width), _begin(top, bottom, height, mask.height)
    return left, top, left + width, top + height


def _begin(begin: int, end: int, length: int, limit: int) -> int:
    """Where a range begins that is `length` about the middle of the other, within 0..limit."""
    if length > limit:
        return (limit - length) // 2
    return min(max(begin - (length - (end - begin)) // 2, 0), limit - length)


class Patch:
    """`box` of an RGB picture, made at `size` and blended through a mask of the whole (L)."""

    def __init__(
        self, picture: Image.Image, mask: Image.Image, box: Box, size: tuple[int, int]
    ) -> None:
        self._whole, self._mask, self._box, self._made_size = picture, mask, box, size
        self._small: Patch | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Of the whole picture."""
        return self._whole.size

    def init_image(self) -> bytes:
        """The part at its working size, RGB; beyond the picture its edge goes on."""
        return self._scaled(_cut(self._whole, self._box), self._made_size).tobytes()

    def mask(self) -> bytes:
        """The mask of the part, a byte a pixel; beyond the picture it goes on as its edge does."""
        cut = _cut(self._mask, self._box)
        return cut.resize(self._made_size, Image.Resampling.BILINEAR).tobytes()

    def put_back(self, rgb: bytes) -> bytes:
        """The whole picture with this made part in it; where the mask is 0, its very bytes."""
        return self._with(Image.frombytes("RGB", self._made_size, rgb)).tobytes()

    def show(self, progress: Progress) -> Progress:
        """With a preview of the whole picture in the place of one of the part."""
        if progress.preview is None:
            return progress
        size = progress.preview_width, progress.preview_height
        length = 3 * size[0] * size[1]
        parts = (
            progress.preview[at : at + length] for at in range(0, len(progress.preview), length)
        )
        whole = [self._reduced()._with(Image.frombytes("RGB", size, part)) for part in parts]
        return dataclasses.replace(
            progress,
            preview=b"".join(each.tobytes() for each in whole),
            preview_width=whole[0].width,
            preview_height=whole[0].height,
        )

    def forecast(self, figures: PlanFigures, batch_count: int) -> PlanFigures:
        """With the whole pictures, which are held beside what the engine takes.

        The first one and its mask, the batch, and one more while it is put together.
        """
        pixels = self._whole.width * self._whole.height
        held = pixels * (3 * (batch_count + 2) + 1)
        names = ("text_peak", "denoise_peak", "decode_peak", "peak")
        peaks = {name: getattr(figures, name) + held for name in names}
        return dataclasses.replace(figures, **peaks)

    # ------------------------------------------------------------ inside

    def _with(self, made: Image.Image) -> Image.Image:
        left, top, right, bottom = self._box
        whole = self._whole.copy()
        part = self._scaled(made, (right - left, bottom - top))
        whole.paste(part, (left, top), self._mask.crop(self._box))
        return whole

    def _reduced(self) -> "Patch":
        """The same, no larger than a preview."""
        if self._small is None:
            share = min(1.0, PREVIEW_SIDE / max(self.size))
            size = max(1, round(self.size[0] * share)), max(1, round(self.size[1] * share))
            left, top = (round(edge * share) for edge in self._box[:2])
            right, bottom = (round(edge * share) for edge in self._box[2:])
            box = left, top, max(right, left + 1), max(bottom, top + 1)
            mask = self._mask.resize(size, Image.Resampling.BILINEAR)
            self._small = Patch(self._scaled(self._whole, size), mask, box, self._made_size)
        return self._small

    @staticmethod
    def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
        return image.resize(size, Image.Resampling.LANCZOS)


def _cut(picture: Image.Image, box: Box) -> Image.Image:
    """The box of a picture, whose outermost pixels go on where the box reaches beyond."""
    cut = picture.crop(box)
    width, height = cut.size
    left, top = max(0, -box[0]), max(0, -box[1])
    right, bottom = width - max(0, box[2] - picture.width), height - max(0, box[3] - picture.height)
    edges: tuple[tuple[Box, Box], ...] = (
        ((left, 0, left + 1, height), (0, 0, left, height)),
        ((right - 1, 0, right, height), (right, 0, width, height)),
        ((0, top, width, top + 1), (0, 0, width, top)),
        ((0, bottom - 1, width, bottom), (0, bottom, width, height)),
    )
    for edge, beyond in edges:
        size = beyond[2] - beyond[0], beyond[3] - beyond[1]
        if all(size):
            cut.paste(cut.crop(edge).resize(size), beyond)
    return cut
