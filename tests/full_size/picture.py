"""The checkpoint, picture and inputs of the full-size check: what both sides must agree on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.random_weights import SD15, WeightDtype, normal, write_checkpoint

SIDE = 512
STEPS = 10
SEED = 42
CFG_SCALE = 7.0
TOKENS = (320, 1125, 539, 736, 3055)
TIMESTEPS = (999.0, 250.5)


def unet_latents() -> NDArray[np.float32]:
    """Input for one picture's two guidance halves, [2, 64, 64, 4]."""
    return normal("full size latents", (2, SIDE // 8, SIDE // 8, 4))


def unet_context() -> NDArray[np.float32]:
    """Text conditioning of both halves, [2, 77, 768]."""
    return normal("full size context", (2, 77, SD15.text_width))


def checkpoint_in(folder: Path) -> Path:
    """The full-size random checkpoint (f16, 2.1 GB), made in half a minute where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sd15-random.safetensors"
    if not path.exists():
        unfinished = folder / "unfinished.safetensors"
        write_checkpoint(unfinished, SD15, WeightDtype.F16)
        unfinished.replace(path)
    return path
