"""What a request promises: seeds, batches, chunks, weights, previews, refusals."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.checkpoint.family import describe
from app.checkpoint.reader import open_checkpoint
from app.engine.engine import BadArgument, BadModel, Cancelled, Engine, EngineError, Model
from app.engine.types import Dtype, Phase, Preview, Progress, Rng, Sampler, Schedule
from tests.engine.model_setup import MINI, MINI_TAESD, open_model, prompt, request


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The CPU backend at its best."""
    with Engine() as opened:
        yield opened


@pytest.fixture(scope="module")
def model(engine: Engine) -> Iterator[Model]:
    """The mini model with its preview decoder."""
    with open_model(engine, taesd=MINI_TAESD) as opened:
        yield opened


def latents(model: Model, **changes: Any) -> np.ndarray:
    """Final latents of a request, [batch, values]."""
    source = request(**changes)
    return np.frombuffer(model.generate(source).latents, "<f4").reshape(source.batch_count, -1)


def nearly_equal(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-3) -> bool:
    """Whether two latents differ by rounding only."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b)) <= tolerance


@pytest.mark.parametrize("sampler", Sampler)
def test_picture_i_of_a_batch_is_the_picture_of_seed_plus_i(model: Model, sampler: Sampler) -> None:
    batch = latents(model, batch_count=3, seed=40, sampler=sampler, steps=3)
    alone = latents(model, seed=42, sampler=sampler, steps=3)
    assert nearly_equal(batch[2], alone[0])
    assert not nearly_equal(batch[1], alone[0], 0.1)


@pytest.mark.parametrize("schedule", Schedule)
def test_every_schedule_makes_a_picture(model: Model, schedule: Schedule) -> None:
    assert np.isfinite(latents(model, schedule=schedule, steps=4)).all()


def test_the_same_request_gives_the_same_bits(model: Model) -> None:
    assert np.array_equal(latents(model, seed=5), latents(model, seed=5))


def test_noise_source_matters(model: Model) -> None:
    assert not nearly_equal(latents(model, rng=Rng.NV), latents(model, rng=Rng.CPU), 0.1)


def test_cfg_scale_1_is_the_prompt_alone(model: Model) -> None:
    plain = latents(model, cfg_scale=1.0)
    # With equal prompts guidance cancels out, whatever its scale.
    same = latents(model, cfg_scale=7.0, negative_prompt=prompt(736, 3055))
    assert nearly_equal(plain, same)


def test_guidance_is_the_negative_prediction_plus_scaled_difference(model: Model) -> None:
    toward = latents(model, cfg_scale=0.0, steps=1)
    negative = latents(model, cfg_scale=1.0, prompt=prompt(), steps=1)
    assert nearly_equal(toward, negative)


def test_prompts_of_unequal_chunks_do_not_see_the_padding(model: Model) -> None:
    short = latents(model, cfg_scale=1.0)
    # cfg_scale 0 leaves the negative prompt alone, beside a longer prompt that pads it.
    beside = latents(
        model, cfg_scale=0.0, negative_prompt=prompt(736, 3055), prompt=prompt(320, chunks=3)
    )
    assert nearly_equal(short, beside)


def test_weights_move_the_picture_and_one_changes_nothing(model: Model) -> None:
    plain = latents(model)
    assert np.array_equal(plain, latents(model, prompt=prompt(736, 3055, weight=1.0)))
    assert not nearly_equal(plain, latents(model, prompt=prompt(736, 3055, weight=1.5)))


def test_clip_skip_moves_the_picture(model: Model) -> None:
    assert not nearly_equal(latents(model, clip_skip=2), latents(model))


def test_image_to_image_of_strength_0_gives_the_picture_back(model: Model) -> None:
    source = request(width=256, height=256, steps=20, cfg_scale=5.0, sampler=Sampler.EULER_A)
    made = model.generate(source).pictures[0]
    again = model.generate(
        request(width=256, height=256, init_image=made, denoise_strength=0.0)
    ).pictures[0]
    difference = np.frombuffer(made, np.uint8).astype(float) - np.frombuffer(again, np.uint8)
    assert np.abs(difference).mean() < 4


def test_tiles_no_smaller_than_the_picture_are_the_whole(model: Model) -> None:
    assert model.generate(request(vae_tile=16)).pictures == model.generate(request()).pictures


def test_tiles_of_a_small_picture_are_nearly_the_whole(model: Model) -> None:
    """Decoded, shown and encoded; tests/engine/test_tiles.py has the sizes that need tiles."""
    fields: dict[str, Any] = {"width": 192, "height": 136, "steps": 1, "preview": Preview.TAESD}
    made = []
    for tile in (0, 16):
        seen: list[bytes] = []
        source = request(vae_tile=tile, preview_tile=tile, **fields)
        output = model.generate(source, lambda p, seen=seen: bool(seen.append(p.preview or b"")))
        made.append((output.pictures[0], next(preview for preview in seen if preview)))
    for whole, tiled in zip(*made, strict=True):
        error = np.frombuffer(tiled, np.uint8).astype(float) - np.frombuffer(whole, np.uint8)
        assert 10 * np.log10(255**2 / (error**2).mean()) > 28
    fields |= {"init_image": made[0][0], "denoise_strength": 0.0}
    assert nearly_equal(latents(model, vae_tile=16, **fields), latents(model, **fields), 0.5)


def test_progress_tells_phases_steps_and_previews(model: Model) -> None:
    seen: list[Progress] = []
    model.generate(
        request(steps=3, preview=Preview.TAESD, batch_count=2), lambda p: bool(seen.append(p))
    )
    assert [p.phase for p in seen[:2]] == [Phase.TEXT, Phase.DENOISE]
    steps = [p for p in seen if p.phase is Phase.DENOISE and p.step]
    assert [(p.step, p.steps) for p in steps] == [(1, 3), (2, 3), (3, 3)]
    assert seen[-1].phase is Phase.DECODE
    assert all(len(p.preview or b"") == 2 * 64 * 64 * 3 for p in steps)


def test_the_last_taesd_preview_looks_like_the_picture(model: Model) -> None:
    previews: list[bytes] = []
    source = request(width=256, height=256, steps=12, preview=Preview.TAESD)
    output = model.generate(source, lambda p: bool(previews.append(p.preview or b"")))
    last = np.frombuffer([p for p in previews if p][-1], np.uint8).astype(float)
    picture = np.frombuffer(output.pictures[0], np.uint8).astype(float)
    assert np.corrcoef(last, picture)[0, 1] > 0.95


def test_latent_rgb_preview_has_the_latents_size(model: Model) -> None:
    seen: list[Progress] = []
    model.generate(request(width=128, preview=Preview.LATENT_RGB), lambda p: bool(seen.append(p)))
    last = [p for p in seen if p.preview][-1]
    assert (last.preview_width, last.preview_height) == (16, 8)
    assert len(set(last.preview or b"")) > 16


def test_a_latent_rgb_preview_is_the_models_map_of_the_latents(model: Model) -> None:
    """Each picture's; after Euler's last step the latents are what the network thinks they are."""
    previews: list[bytes] = []
    source = request(width=128, batch_count=2, preview=Preview.LATENT_RGB)
    output = model.generate(source, lambda p: bool(previews.append(p.preview or b"")))
    with open_checkpoint(MINI) as checkpoint:
        factors = np.array(describe(checkpoint).config.latent_rgb)
    found = np.frombuffer(output.latents, "<f4").reshape(-1, 4).astype(np.float64)
    colors = np.clip((found @ factors[:4] + factors[4]) / 2 + 0.5, 0, 1)
    shown = np.frombuffer([p for p in previews if p][-1], np.uint8).reshape(-1, 3)
    assert shown.shape == colors.shape
    assert np.abs(shown - colors * 255).max() <= 0.51


def test_a_true_return_value_cancels_and_the_engine_goes_on(model: Model) -> None:
    with pytest.raises(Cancelled):
        model.generate(request(steps=5), lambda p: p.step == 2)
    assert np.isfinite(latents(model)).all()


def test_an_exception_in_the_callback_comes_out(model: Model) -> None:
    def fail(progress: Progress) -> bool:
        raise ValueError(progress.phase)

    with pytest.raises(ValueError, match="text"):
        model.generate(request(), fail)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 60}, "multiples of 8"),
        ({"height": 100_000}, "multiples of 8"),
        ({"steps": 0}, "steps must be"),
        ({"batch_count": 0}, "batch count"),
        ({"cfg_scale": float("nan")}, "cfg scale"),
        ({"clip_skip": 7}, "clip skip must be 1 to 6"),
        ({"prompt": prompt(49408)}, "no token 49408"),
        ({"prompt": prompt(1, weight=float("inf"))}, "not a finite"),
        ({"init_image": bytes(64 * 64 * 3), "denoise_strength": 1.5}, "denoise strength"),
        ({"init_image": bytes(12)}, "another size"),
        ({"vae_tile": 8}, "tiles must be"),
        ({"preview_tile": 8}, "tiles must be"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_a_sentence(
    model: Model, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadArgument, match=sentence):
        model.generate(request(**changes))


def test_a_missing_tensor_is_named(engine: Engine) -> None:
    from app.checkpoint.family import describe
    from app.checkpoint.key_names import engine_tensors
    from app.checkpoint.reader import open_checkpoint
    from tests.engine.model_setup import MINI

    lost = "unet.middle_block.1.transformer_blocks.0.ff.net.2.weight"
    with open_checkpoint(MINI) as checkpoint:
        description = describe(checkpoint)
        tensors = engine_tensors(checkpoint, description)
        for name in (lost, "vae.decoder.up.2.block.1.conv2.weight"):
            kept = [tensor for tensor in tensors if tensor.name != name]
            with pytest.raises(BadModel, match=name.replace(".", r"\.")):
                engine.open_model(kept, description.config)


def test_metal_is_refused_where_there_is_none() -> None:
    from app.engine.types import BackendName

    with pytest.raises(EngineError, match="Metal"):
        Engine(backend=BackendName.METAL)


def test_a_model_changes_its_precision_and_back(model: Model) -> None:
    """Weights are packed anew for bf16's products; nothing of them is left over."""
    first = model.generate(request(precision=Dtype.F32))
    short = model.generate(request(precision=Dtype.BF16))
    again = model.generate(request(precision=Dtype.F32))
    assert again.latents == first.latents
    assert short.latents != first.latents
