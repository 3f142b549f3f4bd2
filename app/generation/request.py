"""What a user asks for: one frozen request, checked as it is made.

Owns the fields of a request, their defaults and their limits. Knows nothing of windows, of files'
contents or of how a picture is computed. A field that is None is left to the model's own defaults,
which `resolve` fills in.
"""

import dataclasses
import random
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.checkpoint.description import GenerationDefaults
from app.engine.types import MaskedContent, Preview, Rng, Sampler, Schedule
from app.generation.precision import Precision

RANDOM_SEED = -1
SEED_LIMIT = 2**64
RANDOM_SEED_LIMIT = 2**32  # drawn seeds stay below, so that every other program accepts them
SIDE_STEP = 8
SMALLEST_SIDE, LARGEST_SIDE = 64, 4096
MOST_STEPS = 1000
MOST_PICTURES = 64
MOST_CLIP_SKIP = 12
LARGEST_CFG_SCALE = 100.0
MOST_MASK_BLUR = 64
MOST_MASKED_AREA_PADDING = 256
MOST_LORAS = 64
LARGEST_LORA_WEIGHT = 10.0


class RequestError(ValueError):
    """A request that cannot be carried out; its text is one sentence that says what to change."""


class InpaintArea(StrEnum):
    """What is made at the request's size: all of the picture, or the part around the mask."""

    WHOLE_PICTURE = "whole_picture"
    ONLY_MASKED = "only_masked"


class VaeTiling(StrEnum):
    """Whether the VAE sees a picture in tiles: only where memory is short, always, or never."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, kw_only=True)
class LoraUse:
    """A LoRA file and how strong it is; `text_weight`, the text encoder's, None: as `weight`."""

    path: Path
    weight: float = 1.0
    text_weight: float | None = None

    def __post_init__(self) -> None:
        for value in (self.weight, self.text_weight):
            _check_range("strength of a LoRA", value, -LARGEST_LORA_WEIGHT, LARGEST_LORA_WEIGHT)


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """One batch of pictures to make.

    `width` and `height` are pixels. `model` None is the model that ships with the app, `vae` and
    `taesd` None are the model's own. Picture i of the batch has `seed` + i. `denoise_strength`
    counts only with `init_image`, which is fitted to the size. `mask_image`, which needs one, has
    its proportions: white is painted anew, black is kept; `mask_blur` softens its edge by so many
    pixels of the finished picture. With `inpaint_area` ONLY_MASKED the finished picture is the
    first one, of its own size, in which only a part is made, as large as the request's size: what
    the mask paints and `masked_area_padding` pixels of the picture around that. `loras` are added
    to the model beside those that the prompt names in tags. Raises `RequestError`.
    """

    prompt: str
    negative_prompt: str = ""
    model: Path | None = None
    vae: Path | None = None
    taesd: Path | None = None
    loras: tuple[LoraUse, ...] = ()
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    sampler: Sampler | None = None
    schedule: Schedule | None = None
    cfg_scale: float | None = None
    seed: int = RANDOM_SEED
    batch_count: int = 1
    clip_skip: int = 1
    rng: Rng = Rng.CPU
    init_image: Path | None = None
    denoise_strength: float = 0.75
    mask_image: Path | None = None
    mask_blur: int = 4
    mask_invert: bool = False
    masked_content: MaskedContent = MaskedContent.ORIGINAL
    inpaint_area: InpaintArea = InpaintArea.WHOLE_PICTURE
    masked_area_padding: int = 32
    vae_tiling: VaeTiling = VaeTiling.AUTO
    precision: Precision = Precision.AUTO
    preview: Preview = Preview.TAESD

    def __post_init__(self) -> None:
        _check_text("prompt", self.prompt)
        _check_text("negative prompt", self.negative_prompt)
        _check_side("width", self.width)
        _check_side("height", self.height)
        _check_range("steps", self.steps, 1, MOST_STEPS)
        _check_range("CFG scale", self.cfg_scale, 0.0, LARGEST_CFG_SCALE)
        _check_range("batch count", self.batch_count, 1, MOST_PICTURES)
        _check_range("clip skip", self.clip_skip, 1, MOST_CLIP_SKIP)
        _check_range("denoise strength", self.denoise_strength, 0.0, 1.0)
        _check_range("number of LoRAs", len(self.loras), 0, MOST_LORAS)
        _check_range("mask blur", self.mask_blur, 0, MOST_MASK_BLUR)
        padding = self.masked_area_padding
        _check_range("masked area padding", padding, 0, MOST_MASKED_AREA_PADDING)
        _check_seed(self.seed, self.batch_count)

    def resolve(self, defaults: GenerationDefaults) -> "ResolvedRequest":
        """This request with the model's defaults, and a seed, in place of what was left open."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name in ("width", "height", "steps", "sampler", "schedule", "cfg_scale"):
            if values[name] is None:
                values[name] = getattr(defaults, name)
        if self.seed == RANDOM_SEED:
            values["seed"] = random.SystemRandom().randrange(RANDOM_SEED_LIMIT - self.batch_count)
        return ResolvedRequest(**values)


@dataclass(frozen=True, kw_only=True)
class ResolvedRequest(GenerationRequest):
    """A request in which nothing is left open; `field()` undoes the inherited default."""

    width: int = field()
    height: int = field()
    steps: int = field()
    sampler: Sampler = field()
    schedule: Schedule = field()
    cfg_scale: float = field()
    seed: int = field()


def _check_text(name: str, text: str) -> None:
    if "\0" in text:
        raise RequestError(f"The {name} holds a NUL character; remove it.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise RequestError(f"The {name} is not valid Unicode text; type it again.") from None


def _check_side(name: str, value: int | None) -> None:
    _check_range(name, value, SMALLEST_SIDE, LARGEST_SIDE)
    if value is not None and value % SIDE_STEP:
        near = round(value / SIDE_STEP) * SIDE_STEP
        raise RequestError(
            f"The {name} must be a multiple of {SIDE_STEP}: try {near}, not {value}."
        )


def _check_range(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:  # nor NaN
        raise RequestError(f"The {name} must be from {low:g} to {high:g}, not {value}.")


def _check_seed(seed: int, batch_count: int) -> None:
    last = SEED_LIMIT - batch_count
    if seed != RANDOM_SEED and not 0 <= seed <= last:
        raise RequestError(
            f"The seed must be from 0 to {last}, or -1 for a random one, not {seed}."
        )
