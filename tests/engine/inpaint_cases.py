"""Inpainting runs whose latents and pixels are kept as goldens, and the masks that they use.

Owns: the list of runs, shared by the script that makes the goldens and the test that reads them.
Ten steps of the plain schedule fall on whole timesteps, where all programs agree on the sigmas.
Knows neither torch nor the engine.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tests.networks.cases import vae_picture

STEPS = 10


@dataclass(frozen=True, kw_only=True)
class InpaintCase:
    """One call: `model` is "mini" (4 channels) or "inpaint" (9, random weights).

    `is_aligned`: the mask follows the latents' grid. diffusers takes one pixel of each 8 x 8 for
    all of them, while the engine takes their mean for a UNet of 4 channels; there it is the same.
    """

    name: str
    model: str
    tokens: tuple[int, ...]
    width: int
    height: int
    seed: int
    cfg_scale: float
    denoise_strength: float
    is_aligned: bool
    batch_count: int = 1


_FOUR = InpaintCase(
    name="inpaint_4_channels",
    model="mini",
    tokens=(7595, 7606),
    width=256,
    height=256,
    seed=21,
    cfg_scale=5.0,
    denoise_strength=0.8,
    is_aligned=True,
    batch_count=2,
)
_NINE = InpaintCase(
    name="inpaint_9_channels",
    model="inpaint",
    tokens=(320, 1125),
    width=128,
    height=96,
    seed=23,
    cfg_scale=3.0,
    denoise_strength=1.0,
    is_aligned=False,
)
INPAINT_CASES = (
    _FOUR,
    replace(
        _FOUR,
        name="inpaint_4_channels_all_strength",
        seed=22,
        denoise_strength=1.0,
        batch_count=1,
    ),
    _NINE,
    replace(
        _NINE,
        name="inpaint_9_channels_half_strength",
        width=96,
        height=128,
        seed=24,
        denoise_strength=0.5,
    ),
)


def mask(case: InpaintCase) -> NDArray[np.uint8]:
    """An oval right of the middle, 255 inside and 0 outside, [height, width]."""
    cell = 8 if case.is_aligned else 1
    height, width = case.height // cell, case.width // cell
    row, column = np.mgrid[0:height, 0:width]
    distance = ((row + 0.5) / height - 0.45) ** 2 / 0.08 + ((column + 0.5) / width - 0.6) ** 2 / 0.1
    inside = (distance < 1).astype(np.uint8) * np.uint8(255)
    return np.kron(inside, np.ones((cell, cell), np.uint8))


def picture(case: InpaintCase) -> NDArray[np.uint8]:
    """The picture to begin from, [height, width, 3]."""
    waves = vae_picture((case.height // 8, case.width // 8))[0]
    return np.asarray(np.round((waves + 1) * 127.5), np.uint8)
