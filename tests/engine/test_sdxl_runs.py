"""Whole pictures of a small random SDXL, from words to pixels, against diffusers' pipeline."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors
from app.checkpoint.reader import open_checkpoint
from app.engine.engine import BadArgument, BadModel, Engine, Model
from app.engine.types import BackendName, Dtype, GenerationInput
from app.generation.prompt_reader import PromptReader
from tests.engine.model_setup import open_model, request
from tests.engine.sdxl_cases import SDXL_CASES, SdxlCase
from tests.engine.test_whole_runs import TOLERANCES, psnr_db
from tests.random_weights import (
    SDXL,
    TINY_XL,
    WeightDtype,
    write_checkpoint,
    write_empty_checkpoint,
)

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "sdxl_runs"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small random SDXL in one file."""
    path = tmp_path_factory.mktemp("sdxl") / "tiny_xl.safetensors"
    write_checkpoint(path, TINY_XL, WeightDtype.F16)
    return path


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Iterator[Model]:
    """It, opened on the CPU."""
    with Engine(backend=BackendName.CPU) as engine, open_model(engine, checkpoint) as opened:
        yield opened


def generation_input(case: SdxlCase, model: Model, precision: Dtype) -> GenerationInput:
    """The case as the engine takes it, its prompts read as a request's are."""
    read = PromptReader().read((case.prompt, case.negative_prompt), {}, model.describe())
    return request(
        prompt=read.prompt,
        negative_prompt=read.negative_prompt,
        width=case.width,
        height=case.height,
        steps=case.steps,
        batch_count=case.batch_count,
        cfg_scale=case.cfg_scale,
        seed=case.seed,
        precision=precision,
    )


@pytest.mark.parametrize("precision", [Dtype.F32, Dtype.F16], ids=lambda dtype: dtype.value)
@pytest.mark.parametrize("case", SDXL_CASES, ids=lambda case: case.name)
def test_run_ends_where_diffusers_pipeline_does(
    case: SdxlCase, precision: Dtype, model: Model
) -> None:
    tolerance = TOLERANCES[precision]
    output = model.generate(generation_input(case, model, precision))
    assert output.note == ""
    with np.load(GOLDEN / f"{case.name}.npz") as golden:
        expected, pictures = golden["latents"], golden["pictures"]
    latents = np.frombuffer(output.latents, "<f4").reshape(expected.shape)
    error = np.linalg.norm(latents - expected) / np.linalg.norm(expected)
    assert error <= tolerance.latents
    for pixels, picture in zip(output.pictures, pictures, strict=True):
        got = np.frombuffer(pixels, np.uint8).reshape(picture.shape)
        assert psnr_db(got, picture) >= tolerance.psnr_db


def test_the_vae_is_f32_where_activations_are_f16(checkpoint: Path, model: Model) -> None:
    """SDXL's own VAE leaves f16's range; one that a config calls safe is left in f16."""
    case = SDXL_CASES[0]
    wide = model.plan(generation_input(case, model, Dtype.F16))
    whole = model.plan(generation_input(case, model, Dtype.F32))
    assert wide.decode_activations == whole.decode_activations
    assert wide.denoise_activations < whole.denoise_activations
    with Engine(backend=BackendName.CPU) as engine, open_checkpoint(checkpoint) as opened:
        description = describe(opened)
        config = replace(description.config, vae_is_wide=False)
        safe = engine.open_model(engine_tensors(opened, description), config)
        narrow = safe.plan(generation_input(case, safe, Dtype.F16))
        safe.close()
    assert narrow.decode_activations < wide.decode_activations


def test_a_full_size_sdxl_is_forecast_from_its_header(tmp_path: Path) -> None:
    """1024 x 1024 in f16: the UNet's weights, and a decode in f32."""
    path = tmp_path / "sdxl.safetensors"
    write_empty_checkpoint(path, SDXL)
    with (
        Engine(backend=BackendName.CPU, plans_only=True) as engine,
        open_model(engine, path) as model,
    ):
        case = replace(SDXL_CASES[0], width=1024, height=1024)
        figures = model.plan(generation_input(case, model, Dtype.F16))
        assert model.describe().context_width == 2048
    assert 2 * 2_567_463_684 <= figures.unet_weights <= 2.01 * 2_567_463_684
    assert figures.decode_activations >= 2 * 4 * 256 * 1024 * 1024  # two of the last level's


def test_clip_skip_counts_from_the_layer_before_the_last(model: Model) -> None:
    """1 and 2 both are what SDXL was trained with, as other programs have it."""
    once = generation_input(SDXL_CASES[0], model, Dtype.F32)
    first, second, third = (
        model.generate(replace(once, clip_skip=skip)).latents for skip in (1, 2, 3)
    )
    assert first == second
    assert first != third


def test_all_chunks_of_a_prompt_count(model: Model) -> None:
    red = replace(SDXL_CASES[0], prompt="red BREAK apple")
    once = generation_input(red, model, Dtype.F32)
    assert len(once.prompt.tokens) == len(once.prompt.tokens2) == 2
    other = generation_input(replace(red, prompt="red BREAK pear"), model, Dtype.F32)
    assert model.generate(once).latents != model.generate(other).latents


def test_an_embedding_for_one_text_encoder_is_read_as_words(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "ink.safetensors"
    save_file({"emb_params": np.ones((2, 64), np.float32)}, path)
    read = PromptReader().read(("an ink fox", ""), {"ink": path}, model.describe())
    plain = PromptReader().read(("an ink fox", ""), {}, model.describe())
    assert (read.prompt, read.extra_rows) == (plain.prompt, b"")
    assert "this model has two" in read.receipts[0].sentence


def test_requests_that_do_not_fit_are_refused(model: Model) -> None:
    once = generation_input(SDXL_CASES[0], model, Dtype.F32)
    one_sided = replace(once.prompt, tokens2=())
    unknown = replace(once.prompt, tokens2=((49408,) * 77,))
    for changed, sentence in (
        (replace(once, prompt=one_sided), "needs tokens of both"),
        (replace(once, prompt=unknown), "has no token 49408"),
        (replace(once, extra_rows=bytes(4 * 64)), "takes no extra rows"),
        (replace(once, clip_skip=4), "clip skip must be 1 to 3"),
    ):
        with pytest.raises(BadArgument, match=sentence):
            model.generate(changed)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("unet.label_emb.0.0.weight", "takes a vector of 0 numbers; the text encoders have 1664"),
        ("unet.label_emb.0.2.weight", "unet.label_emb.0.2.weight is missing"),
        ("text2.text_projection.weight", "the text encoders have 1536 for it"),
        ("text2.encoder.layers.3.mlp.fc2.weight", "layers.3.mlp.fc2.weight is missing"),
        ("text2.embeddings.token_embedding.weight", "was made for a text encoder of width 192"),
    ],
)
def test_models_that_lack_a_part_are_refused(name: str, sentence: str, checkpoint: Path) -> None:
    with Engine(backend=BackendName.CPU) as engine, open_checkpoint(checkpoint) as opened:
        description = describe(opened)
        tensors = [t for t in engine_tensors(opened, description) if t.name != name]
        with pytest.raises(BadModel, match=sentence):
            engine.open_model(tensors, description.config)
