"""Whole pictures of the mini model against diffusers' networks under k-diffusion's samplers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors
from app.checkpoint.reader import open_checkpoint
from app.engine.engine import Engine, Model
from app.engine.types import BackendName, Dtype, GenerationInput, Preview, PromptTokens, Rng
from tests.engine.run_cases import CFG_SCALE, MODEL_FILE, RUN_CASES, RunCase
from tests.networks.cases import tokens

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "runs"
# An untrained eye sees nothing below 40 dB; one level off in every pixel is 48 dB,
# and in one number of sixteen 60 dB.
LEAST_PSNR_DB = 60.0
# Ten steps under guidance carry each network's rounding (tests/networks allows 2e-5) onwards.
LATENT_TOLERANCE = 5e-4


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    """The mini model on the CPU."""
    with (
        open_checkpoint(ROOT / "resources" / "models" / MODEL_FILE) as checkpoint,
        Engine(backend=BackendName.CPU, threads=0) as engine,
    ):
        description = describe(checkpoint)
        opened = engine.open_model(engine_tensors(checkpoint, description), description.config)
        yield opened
        opened.close()


def golden_picture(name: str, index: int) -> NDArray[np.uint8]:
    """A stored picture, [height, width, 3]."""
    with Image.open(GOLDEN / f"{name}_{index}.png") as picture:
        return np.asarray(picture, np.uint8)


def prompt(sequence: tuple[int, ...]) -> PromptTokens:
    """One chunk in which nothing is weighted."""
    ids = tuple(int(token) for token in tokens(sequence))
    return PromptTokens(tokens=(ids,), weights=((1.0,) * len(ids),))


def generation_input(case: RunCase) -> GenerationInput:
    """The case as the engine takes it."""
    init = golden_picture(case.init_case, 0).tobytes() if case.init_case else None
    return GenerationInput(
        prompt=prompt(case.tokens),
        negative_prompt=prompt(()),
        width=case.width,
        height=case.height,
        steps=case.steps,
        batch_count=case.batch_count,
        clip_skip=1,
        sampler=case.sampler,
        schedule=case.schedule,
        rng=Rng.CPU,
        cfg_scale=CFG_SCALE,
        denoise_strength=case.denoise_strength,
        seed=case.seed,
        init_image=init,
        preview=Preview.NONE,
        precision=Dtype.F32,
        release_weights=False,
    )


def psnr_db(actual: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of 8-bit pictures; equal ones have 100 dB."""
    error = float(np.mean((actual.astype(np.float64) - expected) ** 2))
    return float(10 * np.log10(255**2 / max(error, 255**2 / 1e10)))


@pytest.mark.parametrize("case", RUN_CASES, ids=lambda case: case.name)
def test_run_ends_where_the_reference_does(case: RunCase, model: Model) -> None:
    output = model.generate(generation_input(case))
    with np.load(GOLDEN / f"{case.name}.npz") as golden:
        expected = golden["latents"]
    latents = np.frombuffer(output.latents, "<f4").reshape(expected.shape)
    error = np.linalg.norm(latents - expected) / np.linalg.norm(expected)
    assert error <= LATENT_TOLERANCE
    assert len(output.pictures) == case.batch_count
    for index, pixels in enumerate(output.pictures):
        picture = np.frombuffer(pixels, np.uint8).reshape(case.height, case.width, 3)
        assert psnr_db(picture, golden_picture(case.name, index)) >= LEAST_PSNR_DB
