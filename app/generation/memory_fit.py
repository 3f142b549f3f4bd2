"""How a request is made to fit into the memory that is free: what can be done, and in which order.

Owns the savings, their cost in words and the choice among them, for the engine that does them and
for the window that tells of them before. Knows nothing of machines: it is told what is free. Every
saving but the last two of `Saving` leaves the final picture's numbers as they are, tiles nearly so.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from app.engine.types import Dtype, GenerationInput, PlanFigures, Preview
from app.generation.request import (
    SIDE_STEP,
    SMALLEST_SIDE,
    GenerationRequest,
    ResolvedRequest,
    VaeTiling,
)

COMFORTABLE_SHARE = 0.9  # of what is free: the rest is for the window and for luck
SIDE_GRID = 64
SHRINK_FACTORS = (0.75, 0.5, 0.25)
LARGE_TILE, SMALLEST_TILE = 64, 32  # latents a side: 512 and 256 pixels
MOST_TILES = 16  # a side; 16 of 512 pixels are more than the largest picture
GIB = 1 << 30

PlanOf = Callable[[GenerationInput], PlanFigures]


class Saving(StrEnum):
    """What can be done to need less memory, in the order of what it costs."""

    TILE_PREVIEWS = "tile_previews"
    SMALL_PREVIEWS = "small_previews"
    RELEASE_WEIGHTS = "release_weights"
    SPLIT_BATCH = "split_batch"
    TILE_VAE = "tile_vae"
    HALF_PRECISION = "half_precision"


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a request takes if these savings are made."""

    savings: tuple[Saving, ...]
    figures: PlanFigures


@dataclass(frozen=True, kw_only=True)
class Way:
    """A need, and what to give to the engine; its batch may be a part of the whole."""

    need: Need
    source: GenerationInput


def tile_of(tiling: VaeTiling) -> int:
    """The tiles of the VAE and of previews, in latents, that a request asks for; 0: none."""
    return LARGE_TILE if tiling is VaeTiling.ON else 0


def ways(source: GenerationInput, plan: PlanOf, tiling: VaeTiling) -> Iterator[Way]:
    """The request as it is, then with more and more saved: each needs less than the one before.

    Each takes the cheapest saving that lowers the peak of the one before.
    """
    way: Way | None = Way(need=Need(savings=(), figures=plan(source)), source=source)
    while way:
        yield way
        way = _less(way, plan, tiling)


def _less(way: Way, plan: PlanOf, tiling: VaeTiling) -> Way | None:
    for saving in Saving:
        source = _CHANGES[saving](way.source)
        if source is None or (saving is Saving.TILE_VAE and tiling is VaeTiling.OFF):
            continue
        figures = plan(source)
        if figures.peak < way.need.figures.peak:
            made = {*way.need.savings, saving}
            savings = tuple(each for each in Saving if each in made)
            return Way(need=Need(savings=savings, figures=figures), source=source)
    return None


def usable_bytes(
    available_bytes: int | None, held_bytes: int, working_set_bytes: int
) -> int | None:
    """What a picture can have: what is free and what the engine holds, within the GPU's share.

    `working_set_bytes` is `Condition`'s, 0 where there is no such bound; None: nothing is known.
    """
    free = None if available_bytes is None else available_bytes + held_bytes
    bounds = [each for each in (free, working_set_bytes or None) if each is not None]
    return min(bounds, default=None)


def fits(need: Need, free_bytes: int | None) -> bool:
    """Whether this is less than is free, with some to spare; where nothing is known it is."""
    return free_bytes is None or need.figures.peak <= free_bytes * COMFORTABLE_SHARE


def smaller_requests(request: ResolvedRequest) -> Iterator[GenerationRequest]:
    """What to try in place of a request that does not fit, the least change first."""
    single = dataclasses.replace(request, batch_count=1)
    if request.batch_count > 1:
        yield single
    for factor in SHRINK_FACTORS:
        width, height = (_shrunk(side, factor) for side in (request.width, request.height))
        if (width, height) != (request.width, request.height):
            yield dataclasses.replace(single, width=width, height=height)


def noticed(savings: Iterable[Saving]) -> tuple[Saving, ...]:
    """Those that make a difference beside the others: small previews are made without tiles."""
    done = tuple(savings)
    if Saving.SMALL_PREVIEWS in done:
        return tuple(saving for saving in done if saving is not Saving.TILE_PREVIEWS)
    return done


def savings_note(savings: Iterable[Saving]) -> str:
    """A sentence on what was done to save memory and what it cost; empty where nothing was."""
    done = "; ".join(_NOTES[saving] for saving in noticed(savings))
    return f"Memory was short: {done}." if done else ""


def refusal(need_bytes: int, machine_bytes: int, smaller: GenerationRequest | None) -> str:
    """The sentence for a request that no saving makes fit; `smaller` would, if there is one."""
    advice = "choose a smaller model"
    if smaller:
        advice = f"one picture of {smaller.width} x {smaller.height} would fit"
    need, machine = (f"{size / GIB:.1f} GB" for size in (need_bytes, machine_bytes))
    return f"This takes at least {need}, more than the {machine} of this machine: {advice}."


def _shrunk(side: int, factor: float) -> int:
    return max(SMALLEST_SIDE, round(side * factor / SIDE_GRID) * SIDE_GRID)


# ---------------------------------------------------------------- the savings


def _tile_previews(source: GenerationInput) -> GenerationInput | None:
    tile = _smaller_tile(source, source.preview_tile)
    if source.preview is not Preview.TAESD or tile is None:
        return None
    return dataclasses.replace(source, preview_tile=tile)


def _small_previews(source: GenerationInput) -> GenerationInput | None:
    if source.preview is not Preview.TAESD:
        return None
    return dataclasses.replace(source, preview=Preview.LATENT_RGB)


def _release_weights(source: GenerationInput) -> GenerationInput | None:
    return None if source.release_weights else dataclasses.replace(source, release_weights=True)


def _split_batch(source: GenerationInput) -> GenerationInput | None:
    if source.batch_count == 1:
        return None
    return dataclasses.replace(source, batch_count=ceil(source.batch_count / 2))


def _tile_vae(source: GenerationInput) -> GenerationInput | None:
    tile = _smaller_tile(source, source.vae_tile)
    return None if tile is None else dataclasses.replace(source, vae_tile=tile)


def _smaller_tile(source: GenerationInput, tile: int) -> int | None:
    """For the next more tiles a side: n that overlap by a quarter are 4 / (3 n + 1) of it each."""
    side = max(source.width, source.height) // SIDE_STEP
    for count in range(2, MOST_TILES + 1):
        smaller = ceil(4 * side / (3 * count + 1))
        if SMALLEST_TILE <= smaller < (tile or side):
            return smaller
    return None


def _half_precision(source: GenerationInput) -> GenerationInput | None:
    if source.precision is not Dtype.F32:
        return None
    return dataclasses.replace(source, precision=Dtype.F16)


_CHANGES: dict[Saving, Callable[[GenerationInput], GenerationInput | None]] = {
    Saving.TILE_PREVIEWS: _tile_previews,
    Saving.SMALL_PREVIEWS: _small_previews,
    Saving.RELEASE_WEIGHTS: _release_weights,
    Saving.SPLIT_BATCH: _split_batch,
    Saving.TILE_VAE: _tile_vae,
    Saving.HALF_PRECISION: _half_precision,
}
_NOTES: dict[Saving, str] = {
    Saving.TILE_PREVIEWS: "previews were made in tiles",
    Saving.SMALL_PREVIEWS: "previews were small",
    Saving.RELEASE_WEIGHTS: "each network was unloaded after its part and loads again next time",
    Saving.SPLIT_BATCH: "the pictures were made in smaller batches, one after the other",
    Saving.TILE_VAE: "the decoder worked in tiles, which can take it half as long again",
    Saving.HALF_PRECISION: "it was computed in half precision, which shows in the last digits",
}
