"""What files are said to be, and the facts of those that open."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.checkpoint.description import Family, GenerationDefaults, KeyDialect
from app.checkpoint.family import NOT_OPENED, OPENED, describe, detect_family
from app.checkpoint.model_facts import LATENT_RGB
from app.checkpoint.reader import CheckpointError, open_checkpoint
from app.engine.types import Dtype, Prediction, Sampler, Schedule
from tests.checkpoint.model_files import (
    MINI,
    MINI_TAESD,
    SMALLEST,
    Arrays,
    ldm_arrays,
    write_json,
)
from tests.random_weights import INPAINT, TEXT, UNET, VAE

SMALL = np.zeros(1, np.float16)


def test_mini_model() -> None:
    """Every figure of the model that ships, from its metadata and shapes."""
    with open_checkpoint(MINI) as checkpoint:
        model = describe(checkpoint)
    assert (model.family, model.title, model.dialect) == (
        Family.SD1,
        "Aquatint Mini",
        KeyDialect.LDM,
    )
    assert (model.config.unet_heads, model.config.unet_head_size, model.config.text_heads) == (
        4,
        0,
        3,
    )
    assert model.config.prediction is Prediction.EPSILON
    assert (model.config.latent_scale, model.config.beta_start, model.config.beta_end) == (
        0.18215,
        0.00085,
        0.012,
    )
    assert model.config.latent_rgb is not None
    assert model.config.latent_rgb[4] == (0.5692, 0.5503, 0.4969)
    assert model.defaults == GenerationDefaults(
        width=256,
        height=256,
        steps=20,
        sampler=Sampler.EULER_A,
        schedule=Schedule.NORMAL,
        cfg_scale=5.0,
    )
    assert (model.dtype_label, model.notes) == ("f16", ())
    assert round(model.networks["unet"].parameters / 1e6, 1) == 22.3


def test_plain_model_has_the_familys_facts(ldm_file: Path) -> None:
    """A file without metadata on it is 512x512, DPM++ 2M Karras, 20 steps, cfg 7."""
    with open_checkpoint(ldm_file) as checkpoint:
        model = describe(checkpoint)
    assert model.title == "narrow"
    assert model.config.latent_rgb == LATENT_RGB
    defaults = model.defaults
    assert (defaults.width, defaults.height, defaults.steps) == (512, 512, 20)
    assert (defaults.sampler, defaults.schedule) == (Sampler.DPMPP_2M, Schedule.KARRAS)
    assert defaults.cfg_scale == 7.0


def test_inpainting_model(tmp_path: Path) -> None:
    """Nine input channels."""
    metadata = {"aquatint.unet_heads": "4", "aquatint.text_heads": "3"}
    save_file(ldm_arrays(INPAINT), tmp_path / "inpaint.safetensors", metadata)
    with open_checkpoint(tmp_path / "inpaint.safetensors") as checkpoint:
        assert describe(checkpoint).family is Family.SD1_INPAINTING


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", Family.LORA),
        ("unet.down_blocks.0.attentions.0.proj_in.lora_A.weight", Family.LORA),
        ("unet.mid_block.attentions.0.processor.to_q_lora.down.weight", Family.LORA),
        ("text_encoder.layers.0.q_proj.lora.up.weight", Family.LORA),
        ("lycoris_unet_mid.hada_w1_a", Family.LORA),
        ("emb_params", Family.TEXTUAL_INVERSION),
        ("<fluffy-cat>", Family.TEXTUAL_INVERSION),
        ("clip_g", Family.TEXTUAL_INVERSION),
        ("image_proj.proj.weight", Family.IP_ADAPTER),
        ("down_blocks.0.motion_modules.0.temporal_transformer.norm.weight", Family.MOTION_MODULE),
        ("control_model.input_blocks.0.0.weight", Family.CONTROLNET),
        ("controlnet_cond_embedding.conv_in.weight", Family.CONTROLNET),
        ("model.diffusion_model.double_blocks.0.img_attn.qkv.weight", Family.FLUX),
        ("double_blocks.0.img_attn.qkv.weight", Family.FLUX),
        ("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", Family.SD3),
        ("conditioner.embedders.1.model.ln_final.weight", Family.TEXT_ENCODER),
        ("conditioner.embedders.0.model.ln_final.weight", Family.SDXL_REFINER),
        ("model.diffusion_model.label_emb.0.0.weight", Family.UNET_ONLY),
        ("cond_stage_model.model.ln_final.weight", Family.SD2),
        ("model.diffusion_model.input_blocks.1.1.time_stack.0.norm1.weight", Family.VIDEO),
        ("unet.time_embedding.cond_proj.weight", Family.LCM),
        ("model.diffusion_model.input_blocks.1.0.in_layers.2.scale_weight", Family.QUANTIZED),
        ("model.diffusion_model.input_blocks.0.0.weight", Family.UNET_ONLY),
        ("input_blocks.0.0.weight", Family.UNET_ONLY),
        ("time_embedding.linear_1.weight", Family.UNET_ONLY),
        ("body.0.rdb1.conv1.weight", Family.UPSCALER),
        ("conv_first.weight", Family.UPSCALER),
        ("decoder.layers.3.conv.0.weight", Family.TAESD),
        ("decoder.conv_in.weight", Family.VAE),
        ("first_stage_model.encoder.conv_in.weight", Family.VAE),
        ("text_model.embeddings.token_embedding.weight", Family.TEXT_ENCODER),
        ("encoder.block.0.layer.0.SelfAttention.q.weight", Family.TEXT_ENCODER),
        ("blk.0.attn_q.weight", Family.UNKNOWN),
    ],
)
def test_other_kinds_are_known_by_one_key(name: str, family: Family, tmp_path: Path) -> None:
    """Each is named and answered with its own sentence."""
    path = tmp_path / "other.safetensors"
    save_file({name: SMALL}, path)
    with open_checkpoint(path) as checkpoint:
        assert detect_family(checkpoint) is family
        what, act = NOT_OPENED[family]
        with pytest.raises(CheckpointError) as caught:
            describe(checkpoint)
    assert str(caught.value) == f"other.safetensors is {what}: {act}."


def test_every_family_is_opened_or_answered() -> None:
    """No family falls between the two tables."""
    assert set(NOT_OPENED) | set(OPENED) == set(Family)
    assert not set(NOT_OPENED) & set(OPENED)


def test_telltales_do_not_fit_whole_models(ldm_file: Path, diffusers_folder: Path) -> None:
    """The files that open are not taken for an addition to a model."""
    for path, dialect in ((ldm_file, KeyDialect.LDM), (diffusers_folder, KeyDialect.DIFFUSERS)):
        with open_checkpoint(path) as checkpoint:
            assert detect_family(checkpoint) is Family.SD1
            assert describe(checkpoint).dialect is dialect
    with open_checkpoint(MINI_TAESD) as checkpoint:
        assert detect_family(checkpoint) is Family.TAESD


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (TEXT, "holds no text encoder: choose the full checkpoint"),
        (VAE, "holds no VAE: choose the full checkpoint"),
        (
            f"{UNET}input_blocks.0.0.weight",
            "tensor unet.input_blocks.0.0.weight is missing",
        ),
        (f"{TEXT}final_layer_norm", "tensor text.final_layer_norm.weight is missing"),
        (f"{VAE}decoder.conv_out", "tensor vae.decoder.conv_out.weight is missing"),
    ],
)
def test_incomplete_models(missing: str, sentence: str, arrays: Arrays, tmp_path: Path) -> None:
    """A network or a first tensor that is not there is named."""
    path = tmp_path / "part.safetensors"
    kept = {name: array for name, array in arrays.items() if not name.startswith(missing)}
    save_file(kept, path)
    with open_checkpoint(path) as checkpoint, pytest.raises(CheckpointError, match=sentence):
        describe(checkpoint)


def with_metadata(arrays: Arrays, metadata: dict[str, str], path: Path, **more: object) -> Path:
    """The narrow model with other metadata and perhaps more tensors."""
    extra = {name: np.zeros(0, np.float16) for name in more}
    heads = {"aquatint.unet_heads": "8", "aquatint.text_heads": "2"}
    save_file(arrays | extra, path / "model.safetensors", heads | metadata)
    return path / "model.safetensors"


def test_v_prediction(arrays: Arrays, tmp_path: Path) -> None:
    """By metadata, or by the empty tensor of NoobAI's convention."""
    named = with_metadata(arrays, {"modelspec.prediction_type": "v"}, tmp_path)
    with open_checkpoint(named) as checkpoint:
        assert describe(checkpoint).config.prediction is Prediction.V
    marked = with_metadata(arrays, {}, tmp_path, v_pred=1, ztsnr=1)
    with open_checkpoint(marked) as checkpoint:
        model = describe(checkpoint)
    assert model.config.prediction is Prediction.V
    assert "zero terminal SNR" in model.notes[0]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("modelspec.prediction_type", "flow", "predicts 'flow'"),
        ("aquatint.unet_heads", "0", "not a whole number from 1"),
        ("aquatint.unet_heads", "-4", "not a whole number from 1"),
        ("aquatint.unet_heads", "9" * 5000, "not a whole number from 1"),
        ("aquatint.unet_heads", "7", "7 does not divide"),
        ("aquatint.text_heads", "x", "not a whole number from 1"),
        ("aquatint.text_heads", "7", "7 heads do not fit"),
        ("aquatint.latent_rgb", "[", "not 5 rows of 3 small numbers"),
        ("aquatint.latent_rgb", "[" * 4000, "not 5 rows of 3 small numbers"),
        ("aquatint.latent_rgb", "5", "not 5 rows of 3 small numbers"),
        ("aquatint.latent_rgb", "[[1,2,3]]", "not 5 rows of 3 small numbers"),
        ("aquatint.latent_rgb", str([[1, 2]] * 5), "not 5 rows of 3 small numbers"),
        ("aquatint.latent_rgb", json.dumps([[1, 2, None]] * 5), "not 5 rows of 3 small numbers"),
        ("aquatint.latent_rgb", "[[1,2,NaN]" + ",[1,2,3]" * 4 + "]", "not 5 rows"),
        ("aquatint.latent_rgb", "[[1,2,1e999]" + ",[1,2,3]" * 4 + "]", "not 5 rows"),
    ],
)
def test_strangers_metadata_is_checked(
    key: str, value: str, sentence: str, arrays: Arrays, tmp_path: Path
) -> None:
    """A value that would draw garbage is one sentence."""
    path = with_metadata(arrays, {key: value}, tmp_path)
    with open_checkpoint(path) as checkpoint, pytest.raises(CheckpointError, match=sentence):
        describe(checkpoint)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("768x512", (768, 512)),
        (" 640x640 ", (640, 640)),
        ("0x0", None),
        ("513x512", None),
        ("99999x99999", None),
        ("4096x4096", None),
        ("square", None),
    ],
)
def test_resolution(
    value: str, size: tuple[int, int] | None, arrays: Arrays, tmp_path: Path
) -> None:
    """A useful one is the default size; any other is a note, for the model draws without it."""
    path = with_metadata(arrays, {"modelspec.resolution": value}, tmp_path)
    with open_checkpoint(path) as checkpoint:
        model = describe(checkpoint)
    assert (model.defaults.width, model.defaults.height) == (size or (512, 512))
    assert len(model.notes) == (0 if size else 1)


def test_heads_by_default(tmp_path: Path) -> None:
    """Eight UNet heads and one text head for 64 channels, unless widths say that cannot be."""
    wide = replace(SMALLEST, unet_channels=(32, 64), text_width=128)
    path = tmp_path / "model.safetensors"
    save_file(ldm_arrays(wide), path)
    with open_checkpoint(path) as checkpoint:
        config = describe(checkpoint).config
    assert (config.unet_heads, config.text_heads) == (8, 2)


@pytest.fixture
def folder(diffusers_folder: Path, tmp_path: Path) -> Path:
    """A copy of the narrow model's folder that a test may change."""
    return Path(shutil.copytree(diffusers_folder, tmp_path / "model-1.5"))


@pytest.mark.parametrize(
    ("config", "heads"),
    [
        ({}, (8, 0)),
        ({"attention_head_dim": 4}, (4, 0)),
        ({"attention_head_dim": 4, "num_attention_heads": 2}, (2, 0)),
        ({"attention_head_dim": 4, "num_attention_heads": None}, (4, 0)),
        ({"attention_head_dim": [4, 4, 4, 4]}, (4, 0)),
        (
            {"attention_head_dim": [2, 4, 6, 6], "block_out_channels": [32, 64, 96, 96]},
            (0, 16),
        ),
    ],
)
def test_heads_of_a_folder(config: dict[str, object], heads: tuple[int, int], folder: Path) -> None:
    """`attention_head_dim` is the number of heads, one for all levels or one a level."""
    write_json(folder / "unet/config.json", config)
    with open_checkpoint(folder) as checkpoint:
        model = describe(checkpoint)
    assert (model.config.unet_heads, model.config.unet_head_size) == heads
    assert (model.title, model.config.text_heads) == ("model-1.5", 2)


def test_scheduler_config(folder: Path) -> None:
    """Prediction, betas and scale come from the configs."""
    write_json(
        folder / "scheduler/scheduler_config.json",
        {
            "prediction_type": "v_prediction",
            "beta_start": 0.001,
            "beta_end": 0.02,
            "rescale_betas_zero_snr": True,
        },
    )
    write_json(folder / "vae/config.json", {"scaling_factor": 0.5})
    with open_checkpoint(folder) as checkpoint:
        model = describe(checkpoint)
    config = model.config
    assert (config.prediction, config.latent_scale) == (Prediction.V, 0.5)
    assert (config.beta_start, config.beta_end) == (0.001, 0.02)
    assert len(model.notes) == 1


@pytest.mark.parametrize(
    ("file", "config", "sentence"),
    [
        ("scheduler/scheduler_config.json", {"prediction_type": "sample"}, "predicts 'sample'"),
        ("scheduler/scheduler_config.json", {"prediction_type": [1]}, "predicts"),
        ("scheduler/scheduler_config.json", {"beta_schedule": "linear"}, "beta_schedule is linear"),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 50}, "num_train_timesteps"),
        ("scheduler/scheduler_config.json", {"beta_start": "x"}, "beta_start is x"),
        ("scheduler/scheduler_config.json", {"beta_end": 7}, "a number between 0 and 1"),
        ("vae/config.json", {"scaling_factor": True}, "scaling_factor is True"),
        ("vae/config.json", {"scaling_factor": 0}, "scaling_factor is 0"),
        ("unet/config.json", {"attention_head_dim": "x"}, "states the heads x"),
        ("unet/config.json", {"attention_head_dim": [5, 10, 20, 20]}, "states the heads"),
        ("unet/config.json", {"attention_head_dim": []}, "states the heads"),
        ("text_encoder/config.json", {"num_attention_heads": "x"}, "x heads do not fit"),
        ("text_encoder/config.json", {"hidden_act": "gelu"}, "a Stable Diffusion 2 model"),
        (
            "model_index.json",
            {"_class_name": "StableDiffusionXLPipeline"},
            "no second text encoder",
        ),
        ("model_index.json", {"_class_name": "FluxPipeline"}, "a FLUX model"),
    ],
)
def test_configs_that_do_not_fit(
    file: str, config: dict[str, object], sentence: str, folder: Path
) -> None:
    """Each is one sentence."""
    write_json(folder / file, config)
    with open_checkpoint(folder) as checkpoint, pytest.raises(CheckpointError, match=sentence):
        describe(checkpoint)


def test_dtypes_of_networks(arrays: Arrays, tmp_path: Path) -> None:
    """The label names every storage, the most used of a network first."""
    mixed = {
        name: array.astype(np.float32) if name.startswith(VAE) else array
        for name, array in arrays.items()
    }
    path = with_metadata(mixed, {}, tmp_path)
    with open_checkpoint(path) as checkpoint:
        model = describe(checkpoint)
    assert model.networks["vae"].dtypes == (Dtype.F32,)
    assert model.dtype_label == "f16, f32"
    expected = sum(array.size for name, array in arrays.items() if name.startswith(UNET))
    assert model.networks["unet"].parameters == expected
