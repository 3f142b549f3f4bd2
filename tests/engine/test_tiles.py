"""Pictures that are decoded, encoded and shown in tiles, at sizes where tiles are worth it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.engine.engine import Engine, Model
from app.engine.types import Preview
from tests.engine.model_setup import MINI_TAESD, open_model, request


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    """The mini model with its preview decoder, on the CPU backend at its best."""
    with Engine() as engine, open_model(engine, taesd=MINI_TAESD) as opened:
        yield opened


@pytest.mark.parametrize(
    ("width", "height", "steps", "batch_count"), [(512, 512, 6, 1), (768, 256, 3, 2)]
)
def test_tiles_give_nearly_the_same_picture(
    model: Model, width: int, height: int, steps: int, batch_count: int
) -> None:
    """Norms see a tile alone, so that tiles of 37 latents shift the tint a little; no seam."""
    fields = {"width": width, "height": height, "steps": steps, "batch_count": batch_count}
    whole = model.generate(request(**fields))
    tiled = model.generate(request(vae_tile=48, **fields))
    assert tiled.latents == whole.latents
    for a, b in zip(tiled.pictures, whole.pictures, strict=True):
        error = np.frombuffer(a, np.uint8).astype(float) - np.frombuffer(b, np.uint8)
        assert 10 * np.log10(255**2 / (error**2).mean()) > 28


def test_a_first_picture_is_encoded_in_tiles_nearly_as_whole(model: Model) -> None:
    made = model.generate(request(width=512, height=384, steps=8)).pictures[0]
    fields = {"width": 512, "height": 384, "init_image": made, "denoise_strength": 0.0}
    outputs = [model.generate(request(vae_tile=tile, **fields)) for tile in (0, 48)]
    whole, tiled = (np.frombuffer(output.latents, "<f4") for output in outputs)
    assert 0 < np.linalg.norm(tiled - whole) <= 0.25 * np.linalg.norm(whole)


def test_previews_in_tiles_are_nearly_the_whole_ones(model: Model) -> None:
    """TAESD has no norms: a tile differs only where it misses what lies beyond its edge."""

    def previews(**changes: Any) -> list[np.ndarray]:
        seen: list[bytes] = []
        fields = {"width": 384, "height": 256, "batch_count": 2, "preview": Preview.TAESD}
        source = request(**fields, **changes)
        model.generate(source, lambda p: bool(p.preview and seen.append(p.preview)))
        return [np.frombuffer(each, np.uint8).astype(float) for each in seen]

    whole, tiled = previews(), previews(preview_tile=32)
    assert len(whole) == len(tiled) == 2
    for a, b in zip(whole, tiled, strict=True):
        assert not np.array_equal(a, b)
        assert 10 * np.log10(255**2 / ((a - b) ** 2).mean()) > 36
