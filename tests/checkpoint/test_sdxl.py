"""Stable Diffusion XL: a file and a folder are the same model, and bad ones are answered."""

import ctypes
import shutil
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.checkpoint.description import Family, KeyDialect
from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors
from app.checkpoint.lora import read_lora
from app.checkpoint.model_facts import SDXL_LATENT_RGB
from app.checkpoint.reader import CheckpointError, open_checkpoint
from app.engine.types import EngineTensor
from tests.checkpoint.model_files import (
    Arrays,
    golden_names,
    ldm_arrays,
    write_folder,
    write_json,
)
from tests.random_weights import TEXT2, TEXT_XL, TINY_XL, UNET, VAE

# with SD 1.5's depth and shortcuts in the VAE, whose names the golden has
SMALL_XL = replace(TINY_XL, vocabulary=64, vae_channels=(32, 64, 96, 96))
LAYER = f"{TEXT2}transformer.resblocks"


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """A small SDXL under the original names."""
    return ldm_arrays(SMALL_XL)


def sdxl_parts(arrays: Arrays) -> dict[str, Arrays]:
    """The same tensors as the files of a diffusers folder."""
    parts: dict[str, Arrays] = {"unet": {}, "vae": {}, "text_encoder": {}, "text_encoder_2": {}}
    for part, key, prefix in (("unet", "unet_xl", UNET), ("vae", "vae", VAE)):
        for row in golden_names()[key]:
            array = arrays[f"{prefix}{row[1]}"]
            # diffusers' attention of the VAE is linear, where the original has 1x1 convolutions
            is_linear = part == "vae" and ".attentions." in str(row[0]) and array.ndim == 4
            parts[part][str(row[0])] = array[..., 0, 0] if is_linear else array
    for name, array in arrays.items():
        if name.startswith(TEXT_XL):
            parts["text_encoder"]["text_model." + name.removeprefix(TEXT_XL)] = array
    parts["text_encoder_2"] = second_text(arrays)
    return parts


def second_text(arrays: Arrays) -> Arrays:
    """OpenCLIP's tensors as transformers' CLIPTextModelWithProjection has them."""
    renamed = {
        "text_projection.weight": np.ascontiguousarray(arrays[f"{TEXT2}text_projection"].T),
        "text_model.embeddings.token_embedding.weight": arrays[f"{TEXT2}token_embedding.weight"],
        "text_model.embeddings.position_embedding.weight": arrays[f"{TEXT2}positional_embedding"],
    }
    layers = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj"}
    layers |= {"mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    for kind in ("weight", "bias"):
        renamed[f"text_model.final_layer_norm.{kind}"] = arrays[f"{TEXT2}ln_final.{kind}"]
        for index in range(SMALL_XL.text2_layers):
            new = f"text_model.encoder.layers.{index}"
            for old, name in layers.items():
                renamed[f"{new}.{name}.{kind}"] = arrays[f"{LAYER}.{index}.{old}.{kind}"]
            fused = np.split(arrays[f"{LAYER}.{index}.attn.in_proj_{kind}"], 3)
            for part, array in zip(("q", "k", "v"), fused, strict=True):
                renamed[f"{new}.self_attn.{part}_proj.{kind}"] = array
    return renamed


def contents(tensors: list[EngineTensor]) -> dict[str, tuple[tuple[int, ...], bytes]]:
    """Shape and bytes of each tensor, as the engine would read them."""
    return {
        tensor.name: (tensor.shape, ctypes.string_at(tensor.address, 2 * prod(tensor.shape)))
        for tensor in tensors
    }


def saved(folder: Path, arrays: Arrays) -> Path:
    """A single file."""
    path = folder / "model.safetensors"
    save_file(arrays, path)
    return path


def test_one_file_is_described(arrays: Arrays, tmp_path: Path) -> None:
    with open_checkpoint(saved(tmp_path, arrays)) as checkpoint:
        model = describe(checkpoint)
    assert (model.family, model.dialect) == (Family.SDXL, KeyDialect.LDM)
    config = model.config
    assert (config.unet_heads, config.unet_head_size) == (0, 64)
    assert (config.text_heads, config.text2_heads) == (1, 2)
    assert (config.latent_scale, config.vae_is_wide) == (0.13025, True)
    assert config.latent_rgb == SDXL_LATENT_RGB
    assert (model.defaults.width, model.defaults.height) == (1024, 1024)
    assert list(model.networks) == ["text", "text2", "unet", "vae"]
    expected = sum(array.size for name, array in arrays.items() if name.startswith(TEXT2))
    assert model.networks["text2"].parameters == expected


def test_second_text_encoder_has_the_names_of_transformers(arrays: Arrays, tmp_path: Path) -> None:
    names = {str(name).removeprefix("text_model.") for name in golden_names()["text2"]}
    with open_checkpoint(saved(tmp_path, arrays)) as checkpoint:
        found = engine_tensors(checkpoint, describe(checkpoint))
    assert {t.name.removeprefix("text2.") for t in found if t.name.startswith("text2.")} == names


def test_a_folder_holds_the_same_model(arrays: Arrays, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", sdxl_parts(arrays))
    write_json(folder / "model_index.json", {"_class_name": "StableDiffusionXLPipeline"})
    heads = {"block_out_channels": [32, 64, 128], "attention_head_dim": [1, 2, 4]}
    write_json(folder / "unet/config.json", heads)
    write_json(folder / "vae/config.json", {"scaling_factor": 0.13025, "force_upcast": False})
    write_json(folder / "text_encoder/config.json", {"num_attention_heads": 1})
    write_json(folder / "text_encoder_2/config.json", {"num_attention_heads": 4})
    with (
        open_checkpoint(saved(tmp_path, arrays)) as file,
        open_checkpoint(folder) as opened,
    ):
        model = describe(opened)
        assert (model.family, model.dialect) == (Family.SDXL, KeyDialect.DIFFUSERS)
        assert (model.config.text2_heads, model.config.vae_is_wide) == (4, False)
        assert (model.config.unet_heads, model.config.unet_head_size) == (0, 32)
        expected = contents(engine_tensors(file, describe(file)))
        assert contents(engine_tensors(opened, model)) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({f"{LAYER}.1.attn.in_proj_weight": (127, 128)}, "no queries, keys and values"),
        ({f"{TEXT2}text_projection": (128,)}, "no matrix of plain numbers"),
        ({f"{TEXT2}text_projection": None}, "text_projection.weight is missing"),
        ({f"{TEXT_XL}final_layer_norm.weight": None}, "text.final_layer_norm.weight is missing"),
        ({"edm_vpred.sigma_max": (1,)}, "predicts 'edm'"),
    ],
)
def test_damaged_files_are_answered(
    changes: dict[str, tuple[int, ...] | None], sentence: str, arrays: Arrays, tmp_path: Path
) -> None:
    changed = dict(arrays)
    for name, shape in changes.items():
        changed.pop(name, None)
        if shape is not None:
            changed[name] = np.zeros(shape, np.float16)
    path = saved(tmp_path, changed)
    with open_checkpoint(path) as checkpoint, pytest.raises(CheckpointError, match=sentence):
        engine_tensors(checkpoint, describe(checkpoint))


def test_parts_of_a_model_are_answered(arrays: Arrays, tmp_path: Path) -> None:
    for prefix, sentence in (
        (UNET, "a UNet alone"),
        ("conditioner.", "a text encoder alone"),
    ):
        part = {name: array for name, array in arrays.items() if name.startswith(prefix)}
        with (
            open_checkpoint(saved(tmp_path, part)) as checkpoint,
            pytest.raises(CheckpointError, match=sentence),
        ):
            describe(checkpoint)
    folder = write_folder(tmp_path / "folder", {"unet": sdxl_parts(arrays)["unet"]})
    write_json(folder / "model_index.json", {"_class_name": "StableDiffusionXLPipeline"})
    for part in ("vae", "text_encoder"):
        shutil.rmtree(folder / part)
    with (
        open_checkpoint(folder) as checkpoint,
        pytest.raises(CheckpointError, match="a UNet alone"),
    ):
        describe(checkpoint)
    without = {name: array for name, array in arrays.items() if not name.startswith(TEXT2)}
    with (
        open_checkpoint(saved(tmp_path, without)) as checkpoint,
        pytest.raises(CheckpointError, match="holds no second text encoder"),
    ):
        describe(checkpoint)


LORA_LAYERS = {
    "lora_unet_input_blocks_4_1_transformer_blocks_1_attn2_to_k": (64, 192),
    "lora_unet_down_blocks_1_attentions_1_transformer_blocks_0_attn2_to_k": (64, 192),
    "lora_te1_text_model_encoder_layers_0_self_attn_q_proj": (64, 64),
    "lora_te2_text_model_encoder_layers_3_self_attn_v_proj": (128, 128),
    "text_encoder_2.text_model.encoder.layers.2.mlp.fc1": (320, 128),
}


def test_a_lora_finds_its_layers_in_both_text_encoders(arrays: Arrays, tmp_path: Path) -> None:
    """In the original names and in diffusers'; text_weight is that of both encoders."""
    parts: Arrays = {}
    for layer, (rows, columns) in LORA_LAYERS.items():
        parts[f"{layer}.lora_up.weight"] = np.ones((rows, 2), np.float16)
        parts[f"{layer}.lora_down.weight"] = np.ones((2, columns), np.float16)
    path = tmp_path / "lora.safetensors"
    save_file(parts, path)
    with open_checkpoint(saved(tmp_path, arrays)) as model, open_checkpoint(path) as checkpoint:
        weights = {tensor.name: tensor for tensor in engine_tensors(model, describe(model))}
        lora = read_lora(checkpoint, weights)
        assert not lora.left_out
        assert sorted(adapter.name for adapter in lora.adapters) == [
            "text.encoder.layers.0.self_attn.q_proj.weight",
            "text2.encoder.layers.2.mlp.fc1.weight",
            "text2.encoder.layers.3.self_attn.v_proj.weight",
            "unet.input_blocks.4.1.transformer_blocks.1.attn2.to_k.weight",
            "unet.input_blocks.5.1.transformer_blocks.0.attn2.to_k.weight",
        ]
        scales = {adapter.name: adapter.scale for adapter in lora.scaled(2.0, 3.0)}
        plain = {adapter.name: adapter.scale for adapter in lora.adapters}
        assert scales == {
            name: scale * (2 if name.startswith("unet.") else 3) for name, scale in plain.items()
        }


def test_a_lora_for_another_family_is_refused(arrays: Arrays, tmp_path: Path) -> None:
    path = tmp_path / "lora.safetensors"
    save_file({"lora_unet_double_blocks_0_x.lora_up.weight": np.ones((2, 2), np.float16)}, path)
    with open_checkpoint(saved(tmp_path, arrays)) as model, open_checkpoint(path) as checkpoint:
        weights = {tensor.name: tensor for tensor in engine_tensors(model, describe(model))}
        with pytest.raises(
            CheckpointError, match="for FLUX, and this model is Stable Diffusion XL"
        ):
            read_lora(checkpoint, weights)
