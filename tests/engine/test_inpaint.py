"""Inpainting against diffusers' pipeline, and what a mask promises: kept pixels are untouched."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.engine import BadArgument, Engine, Model
from app.engine.types import BackendName, GenerationInput, MaskedContent, Preview, Sampler
from tests.engine.inpaint_cases import INPAINT_CASES, STEPS, InpaintCase, mask, picture
from tests.engine.model_setup import MINI, MINI_TAESD, open_model, prompt, request
from tests.random_weights import INPAINT, WeightDtype, write_checkpoint

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "inpaint"
LATENT_TOLERANCE = 5e-4  # as for whole runs without a mask
SIDE = 64
GREY = bytes([90, 120, 200]) * (SIDE * SIDE)
Masks = NDArray[np.uint8]
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(backend=BackendName.CPU) as opened:
        yield opened


@pytest.fixture(scope="module")
def models(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Model]]:
    """The mini model, of 4 channels, and a small random one of 9."""
    path = tmp_path_factory.mktemp("inpaint") / "inpaint.safetensors"
    write_checkpoint(path, INPAINT, WeightDtype.F16)
    with ExitStack() as stack:
        mini = stack.enter_context(open_model(engine, MINI, taesd=MINI_TAESD))
        nine = stack.enter_context(open_model(engine, path))
        yield {"mini": mini, "inpaint": nine}


def case_input(case: InpaintCase) -> GenerationInput:
    """The case as the engine takes it."""
    return request(
        prompt=prompt(*case.tokens),
        width=case.width,
        height=case.height,
        steps=STEPS,
        seed=case.seed,
        cfg_scale=case.cfg_scale,
        denoise_strength=case.denoise_strength,
        batch_count=case.batch_count,
        init_image=picture(case).tobytes(),
        mask=mask(case).tobytes(),
    )


@pytest.mark.parametrize("case", INPAINT_CASES, ids=lambda case: case.name)
def test_run_ends_where_diffusers_does(case: InpaintCase, models: dict[str, Model]) -> None:
    output = models[case.model].generate(case_input(case))
    with np.load(GOLDEN / f"{case.name}.npz") as golden:
        expected = golden["latents"]
    latents = np.frombuffer(output.latents, "<f4").reshape(expected.shape)
    error = np.linalg.norm(latents - expected) / np.linalg.norm(expected)
    assert error <= LATENT_TOLERANCE
    kept = mask(case) == 0
    for rgb in output.pictures:
        pixels = np.frombuffer(rgb, np.uint8).reshape(case.height, case.width, 3)
        assert np.array_equal(pixels[kept], picture(case)[kept])


def soft_mask() -> Masks:
    """Keeps the left quarter, paints the right one, and goes from one to the other between."""
    ramp = np.clip((np.arange(SIDE) - SIDE // 4) * 255 // (SIDE // 2), 0, 255)
    return np.tile(ramp.astype(np.uint8), (SIDE, 1))


def made(model: Model, masking: Masks | None, **changes: Any) -> Masks:
    """The picture of a small request that begins from one colour."""
    fields = {"init_image": GREY, "steps": 3, "denoise_strength": 0.7, **changes}
    output = model.generate(
        request(mask=masking.tobytes() if masking is not None else None, **fields)
    )
    return np.frombuffer(output.pictures[0], np.uint8).reshape(SIDE, SIDE, 3)


@pytest.mark.parametrize("name", ["mini", "inpaint"])
@pytest.mark.parametrize("sampler", Sampler)
def test_kept_pixels_are_the_first_picture_s_with_every_sampler(
    models: dict[str, Model], name: str, sampler: Sampler
) -> None:
    masking = soft_mask()
    result = made(models[name], masking, sampler=sampler)
    first = np.frombuffer(GREY, np.uint8).reshape(SIDE, SIDE, 3)
    assert np.array_equal(result[masking == 0], first[masking == 0])
    assert not np.array_equal(result[masking == 255], first[masking == 255])


def test_a_mask_of_all_paints_as_without_one(models: dict[str, Model]) -> None:
    everything = np.full((SIDE, SIDE), 255, np.uint8)
    assert np.array_equal(made(models["mini"], everything), made(models["mini"], None))


def test_a_mask_of_nothing_gives_the_picture_back(models: dict[str, Model]) -> None:
    nothing = np.zeros((SIDE, SIDE), np.uint8)
    for model in models.values():
        assert made(model, nothing).tobytes() == GREY


def test_with_all_strength_what_was_there_does_not_matter(models: dict[str, Model]) -> None:
    half = hard_mask()
    other = np.frombuffer(GREY, np.uint8).reshape(SIDE, SIDE, 3).copy()
    other[:, SIDE // 2 :] = 10
    same = made(models["inpaint"], half, denoise_strength=1.0)
    changed = made(models["inpaint"], half, denoise_strength=1.0, init_image=other.tobytes())
    assert np.array_equal(same, changed)


def hard_mask() -> Masks:
    """Paints the right half, and nothing else."""
    half = np.zeros((SIDE, SIDE), np.uint8)
    half[:, SIDE // 2 :] = 255
    return half


def begun(model: Model, content: MaskedContent, masking: Masks | None, init: bytes) -> Floats:
    """Latents that no step has changed yet: what the first noise would be added to."""
    fields = {"init_image": init, "mask": masking.tobytes() if masking is not None else None}
    source = request(masked_content=content, denoise_strength=0.0, seed=9, **fields)
    latents = np.frombuffer(model.generate(source).latents, "<f4")
    return latents.reshape(SIDE // 8, SIDE // 8, 4)


@pytest.mark.parametrize("name", ["mini", "inpaint"])
def test_masked_content_is_what_stands_there_before_the_first_step(
    models: dict[str, Model], name: str
) -> None:
    model, masking = models[name], hard_mask()
    first = np.random.default_rng(4).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    first[:, : SIDE // 2] = (200, 120, 40)
    filled = np.full_like(first, (200, 120, 40))  # what is around the mask is all of one colour

    def beginning(content: MaskedContent, init: Masks = first) -> Floats:
        return begun(model, content, masking, init.tobytes())

    plain = begun(model, MaskedContent.ORIGINAL, None, first.tobytes())
    assert np.array_equal(beginning(MaskedContent.ORIGINAL), plain)
    around = begun(model, MaskedContent.ORIGINAL, None, filled.tobytes())
    assert np.abs(beginning(MaskedContent.FILL) - around).max() < 1e-3
    nothing, noise = (
        beginning(content) for content in (MaskedContent.LATENT_NOTHING, MaskedContent.LATENT_NOISE)
    )
    kept, painted = np.s_[:, :4], np.s_[:, 4:]
    assert not nothing[painted].any()
    assert np.abs(noise[painted] - torch_noise(9)[painted]).max() < 1e-5
    for latents in (nothing, noise):
        assert np.abs(latents[kept] - around[kept]).max() < 1e-3


def torch_noise(seed: int) -> Floats:
    """torch.randn of a picture's latents: MT19937, and Box-Muller on blocks of 8 and 8 numbers."""
    words = np.random.RandomState(seed).randint(0, 1 << 32, 4 * (SIDE // 8) ** 2, np.uint32)
    pairs = ((words & 0xFFFFFF) / 2.0**24).reshape(-1, 2, 8)
    radius, angle = np.sqrt(-2 * np.log(1 - pairs[:, 0])), 2 * np.pi * pairs[:, 1]
    planes = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return planes.reshape(4, SIDE // 8, SIDE // 8).transpose(1, 2, 0).astype(np.float32)


@pytest.mark.parametrize("content", list(MaskedContent)[1:])
@pytest.mark.parametrize("name", ["mini", "inpaint"])
def test_with_other_content_what_was_there_does_not_matter(
    models: dict[str, Model], name: str, content: MaskedContent
) -> None:
    other = np.frombuffer(GREY, np.uint8).reshape(SIDE, SIDE, 3).copy()
    other[:, SIDE // 2 :] = 10
    results = [
        made(models[name], hard_mask(), masked_content=content, init_image=init)
        for init in (GREY, other.tobytes())
    ]
    painted = np.s_[:, SIDE // 2 :]
    assert np.array_equal(results[0][painted], results[1][painted])


def test_a_patch_comes_as_it_was_decoded(models: dict[str, Model]) -> None:
    """Blended by who asked for it, it is what it would have been."""
    masking = soft_mask()
    patch = made(models["mini"], masking, is_patch=True).astype(float)
    first = np.frombuffer(GREY, np.uint8).reshape(SIDE, SIDE, 3)
    assert not np.array_equal(patch[masking == 0], first[masking == 0])
    share = masking[..., None] / 255
    blended = share * patch + (1 - share) * first
    assert np.abs(blended - made(models["mini"], masking)).max() <= 0.51


def test_previews_show_what_is_kept(models: dict[str, Model]) -> None:
    masking, seen = soft_mask(), []
    source = request(init_image=GREY, mask=masking.tobytes(), steps=2, preview=Preview.TAESD)
    models["mini"].generate(source, lambda progress: seen.append(progress.preview))
    previews = [np.frombuffer(p, np.uint8).reshape(SIDE, SIDE, 3) for p in seen if p]
    assert len(previews) == 2
    first = np.frombuffer(GREY, np.uint8).reshape(SIDE, SIDE, 3)
    assert all(np.array_equal(p[masking == 0], first[masking == 0]) for p in previews)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mask": bytes(SIDE * SIDE)}, "needs a picture"),
        ({"mask": bytes(12), "init_image": GREY}, "mask has another size"),
    ],
)
def test_a_mask_that_cannot_be_is_refused(
    models: dict[str, Model], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadArgument, match=sentence):
        models["mini"].generate(request(**changes))
