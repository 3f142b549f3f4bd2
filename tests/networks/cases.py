"""What the goldens of single networks hold, and the inputs they were made from.

Owns: the list of cases, shared by the script that makes goldens and the tests that read them.
Inputs come from their names, so only outputs are stored. Knows neither torch nor the engine.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.random_weights import (
    INPAINT,
    PRUNED_XL,
    QUIET,
    THREE_LEVELS,
    TINY,
    TINY_REFINER,
    TINY_XL,
    Architecture,
    WeightDtype,
    normal,
)

Floats = NDArray[np.float32]

# Two pictures' original height and width, top and left of the crop, target height and width. They
# are small, for diffusers' angles are f32: at 1024 they are off by 1e-4.
SIZES = ((64, 64, 0, 0, 64, 64), (96, 80, 8, 16, 72, 96))

START, END = 49406, 49407
# What is kept of a text encoder's 77 rows.
STORED_ROWS = (0, 1, 2, 3, 4, 8, 16, 40, 75, 76)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One checkpoint and the sizes at which its networks are run; no architecture: the mini model.

    `unet_sizes` and `vae_sizes` are latent heights and widths, `context_rows` the tokens that the
    UNet attends to; `pooled_width` numbers of the UNet's vector are pooled text, 0: it takes none.
    """

    name: str
    architecture: Architecture | None = None
    dtype: WeightDtype = WeightDtype.F16
    text_width: int
    in_channels: int = 4
    pooled_width: int = 0
    unet_sizes: tuple[tuple[int, int], ...]
    timesteps: tuple[float, ...] = (500.5,)
    context_rows: int = 77
    vae_sizes: tuple[tuple[int, int], ...] = ()
    sequences: tuple[tuple[int, ...], ...] = ()


RED_APPLE = (736, 3055)
LONG = tuple(320 + 597 * index for index in range(75))

CASES = (
    Case(
        name="mini",
        text_width=192,
        unet_sizes=((16, 16), (32, 32), (24, 40)),
        timesteps=(999.0, 500.5, 1.0),
        vae_sizes=((8, 8), (5, 9)),
        sequences=((), RED_APPLE, LONG),
    ),
    Case(
        name="tiny",
        architecture=TINY,
        text_width=TINY.text_width,
        unet_sizes=((8, 8), (13, 9)),
        timesteps=(999.0, 0.0),
        vae_sizes=((3, 7),),
        sequences=(RED_APPLE, LONG),
    ),
    Case(
        name="inpaint",
        architecture=INPAINT,
        text_width=INPAINT.text_width,
        in_channels=9,
        unet_sizes=((16, 8),),
        context_rows=154,
        vae_sizes=((4, 4),),
        sequences=(RED_APPLE,),
    ),
    Case(
        name="three_levels",
        architecture=THREE_LEVELS,
        text_width=THREE_LEVELS.text_width,
        unet_sizes=((12, 20),),
        vae_sizes=((6, 2),),
        sequences=(LONG,),
    ),
    Case(
        name="quiet",
        architecture=QUIET,
        text_width=QUIET.text_width,
        unet_sizes=((8, 8),),
        vae_sizes=((3, 4),),
        sequences=(RED_APPLE,),
    ),
    *(
        Case(
            name=name,
            architecture=architecture,
            text_width=architecture.text_width,
            pooled_width=architecture.text2_width,
            unet_sizes=sizes,
            timesteps=timesteps,
            sequences=sequences,
        )
        for name, architecture, sizes, timesteps, sequences in (
            ("tiny_xl", TINY_XL, ((16, 12), (13, 9)), (999.0, 500.5), (RED_APPLE, LONG)),
            ("tiny_refiner", TINY_REFINER, ((8, 16),), (999.0,), ()),
            ("pruned_xl", PRUNED_XL, ((8, 8),), (1.0,), ()),
        )
    ),
    *(
        Case(
            name=f"tiny_{dtype.value.lower()}",
            architecture=TINY,
            dtype=dtype,
            text_width=TINY.text_width,
            unet_sizes=((8, 8),),
        )
        for dtype in WeightDtype
        if dtype is not WeightDtype.F16
    ),
)


def tokens(sequence: tuple[int, ...], padding: int = END) -> NDArray[np.int32]:
    """A chunk of 77 ids: start, the sequence (at most 75), end, and padding."""
    chunk = np.full(77, padding, np.int32)
    chunk[: len(sequence) + 2] = (START, *sequence, END)
    return chunk


def unet_latents(case: Case, size: tuple[int, int]) -> Floats:
    """Two pictures' UNet input, [2, height, width, in_channels]."""
    return normal(f"unet latents {size}", (2, *size, case.in_channels))


def unet_context(case: Case) -> Floats:
    """Two pictures' text conditioning, [2, context_rows, width of both encoders]."""
    return normal("unet context", (2, case.context_rows, case.text_width + case.pooled_width))


def unet_pooled(case: Case) -> Floats:
    """Two pictures' pooled text, [2, pooled_width]."""
    return normal("unet pooled", (2, case.pooled_width))


def unet_vector(case: Case) -> Floats | None:
    """Pooled text and the sizes' timestep embeddings, [2, vector width]; None: it takes none."""
    if not case.pooled_width:
        return None
    frequencies = 10000.0 ** (-np.arange(128) / 128)
    angles = np.array(SIZES, np.float64)[..., None] * frequencies
    embedded = np.concatenate([np.cos(angles), np.sin(angles)], axis=-1).reshape(2, -1)
    return np.concatenate([unet_pooled(case), embedded], axis=1).astype(np.float32)


def vae_latents(size: tuple[int, int]) -> Floats:
    """Scaled latents to decode, [1, height, width, 4]."""
    return normal(f"vae latents {size}", (1, *size, 4))


def vae_picture(size: tuple[int, int]) -> Floats:
    """A picture to encode, [1, 8 height, 8 width, 3] in -1..1: smooth waves and some noise."""
    height, width = 8 * size[0], 8 * size[1]
    row, column = np.mgrid[0:height, 0:width]
    waves = [np.sin(row / 9 + phase) * np.cos(column / 7 - phase) for phase in (0.0, 0.7, 1.4)]
    noise = normal(f"vae picture {size}", (height, width, 3))
    picture = 0.8 * np.stack(waves, axis=-1) + 0.05 * noise
    return np.clip(picture, -1, 1).astype(np.float32)[None]
