"""Stable Diffusion's networks as diffusers and transformers compute them, out of one LDM file.

Owns: sizes read off the tensors, conversion of keys, networks on the CPU, arrays in NHWC. It is
the reference of golden files, the full-size check and the benchmark of peers; it needs torch,
diffusers and transformers, which the project itself never does.
"""

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from safetensors import safe_open
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tests.random_weights import TEXT, TEXT2, TEXT_XL, UNET, VAE

LATENT_SCALE = 0.18215

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The networks of one checkpoint; `text2` of SDXL alone."""

    text: Any
    text2: Any | None
    unet: Any
    vae: Any


def versions() -> str:
    """What computed the numbers, as JSON for a golden file."""
    return json.dumps(
        {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        }
    )


def open_networks(path: Path, dtype: torch.dtype = torch.float32) -> Networks:
    """The networks of a checkpoint whose metadata tells the heads.

    Without that, the first text encoder has 12 and the UNet 8, or heads of 64 channels where it
    takes a vector (SDXL).
    """
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    text = _text(weights, int(metadata.get("aquatint.text_heads", 12)))
    heads = metadata.get("aquatint.unet_heads")
    unet, converted = _unet(weights, int(heads) if heads else None)
    _fill(unet, converted, dtype)
    vae, converted = _vae(weights)
    _fill(vae, converted, dtype)
    text2 = _text2(weights).to(dtype) if f"{TEXT2}text_projection" in weights else None
    return Networks(text=text.to(dtype), text2=text2, unet=unet, vae=vae)


def open_taesd_decoder(path: Path) -> Any:
    """A TAESD decoder file, whose first layer has index 1, as AutoencoderTiny's."""
    return _taesd_half(AutoencoderTiny().decoder, path, -1)


def open_taesd_encoder(path: Path) -> Any:
    """A TAESD encoder file, whose first layer has index 0, as AutoencoderTiny's."""
    return _taesd_half(AutoencoderTiny().encoder, path, 0)


def _taesd_half(model: Any, path: Path, shift: int) -> Any:
    with safe_open(path, "pt") as file:
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    shifted = {}
    for key, value in weights.items():
        index, rest = key.split(".", 1)
        shifted[f"layers.{int(index) + shift}.{rest}"] = value.float()
    model.load_state_dict(shifted)
    return model.eval()


def nhwc(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    """[N, C, H, W] -> an f32 array [N, H, W, C]."""
    return np.ascontiguousarray(tensor.detach().float().permute(0, 2, 3, 1).numpy())


def nchw(array: np.ndarray[Any, Any]) -> torch.Tensor:
    """[N, H, W, C] -> a tensor [N, C, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2)))


@torch.no_grad()
def text_encode(text: Any, tokens: np.ndarray[Any, Any], clip_skip: int) -> torch.Tensor:
    """[N, 77] ids -> [N, 77, width]: a layer's output, then the final layer norm.

    `clip_skip` counts as users do: 1 is the last layer's output, 2 the one before. diffusers'
    own `clip_skip` argument is one less (hidden_states[-(clip_skip + 1)], then the same norm).
    """
    states = text(torch.from_numpy(tokens).long(), output_hidden_states=True).hidden_states
    return text.final_layer_norm(states[-clip_skip])


@torch.no_grad()
def text2_encode(
    text2: Any, tokens: np.ndarray[Any, Any], clip_skip: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """[N, 77] ids -> a layer's output [N, 77, width], not normed, and the pooled [N, width]."""
    out = text2(torch.from_numpy(tokens).long(), output_hidden_states=True)
    return out.hidden_states[-clip_skip], out.text_embeds


@torch.no_grad()
def vae_decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Scaled latents -> pictures, nominally -1..1, not clamped."""
    return vae.decode(latents / LATENT_SCALE).sample


@torch.no_grad()
def vae_encode(vae: Any, pictures: torch.Tensor) -> torch.Tensor:
    """Pictures in -1..1 -> scaled latents: the mean of the posterior, no sample."""
    return vae.encode(pictures).latent_dist.mean * LATENT_SCALE


@torch.no_grad()
def taesd_decode(decoder: Any, latents: torch.Tensor) -> torch.Tensor:
    """Scaled latents -> pictures, nominally 0..1, not clamped."""
    return (decoder(latents) + 1) / 2


@torch.no_grad()
def taesd_encode(encoder: Any, pictures: torch.Tensor) -> torch.Tensor:
    """Pictures in -1..1 -> scaled latents."""
    return encoder(pictures)


def _layers(weights: Weights, prefix: str, depth: int) -> int:
    """How many different numbers stand `depth` dots into the keys that begin with `prefix`."""
    return len({key.split(".")[depth] for key in weights if key.startswith(prefix)})


def _fill(model: Any, weights: Weights, dtype: torch.dtype) -> None:
    """Gives a model that was made without memory its weights."""
    model.load_state_dict({key: value.to(dtype) for key, value in weights.items()}, assign=True)
    model.eval()


def _text(weights: Weights, heads: int) -> Any:
    prefix = TEXT if f"{TEXT}final_layer_norm.weight" in weights else TEXT_XL
    table = weights[f"{prefix}embeddings.token_embedding.weight"]
    layers = f"{prefix}encoder.layers."
    config = CLIPTextConfig(
        vocab_size=table.shape[0],
        hidden_size=table.shape[1],
        intermediate_size=weights[f"{layers}0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=_layers(weights, layers, layers.count(".")),
        num_attention_heads=heads,
        hidden_act="quick_gelu",
    )
    model = CLIPTextModel(config)
    converted = {
        key.removeprefix(prefix): value.float()
        for key, value in weights.items()
        if key.startswith(prefix) and "position_ids" not in key
    }
    model.load_state_dict(converted)
    return model.eval()


def _text2(weights: Weights) -> Any:
    """SDXL's second encoder, with heads of 64 channels."""
    table = weights[f"{TEXT2}token_embedding.weight"]
    layers = f"{TEXT2}transformer.resblocks."
    config = CLIPTextConfig(
        vocab_size=table.shape[0],
        hidden_size=table.shape[1],
        intermediate_size=weights[f"{layers}0.mlp.c_fc.weight"].shape[0],
        num_hidden_layers=_layers(weights, layers, layers.count(".")),
        num_attention_heads=table.shape[1] // 64,
        projection_dim=weights[f"{TEXT2}text_projection"].shape[1],
        hidden_act="gelu",
        eos_token_id=49407,
    )
    model = CLIPTextModelWithProjection(config)
    converted = convert_open_clip_checkpoint(model, weights, prefix=TEXT2)
    model.load_state_dict({key: value.float() for key, value in converted.items()})
    return model.eval()


def _unet(weights: Weights, heads: int | None) -> tuple[Any, Weights]:
    blocks = _layers(weights, f"{UNET}input_blocks.", 3)
    downs = [f"{UNET}input_blocks.{i}.0.op.weight" in weights for i in range(blocks)]
    levels = sum(downs) + 1
    per_level = (blocks - levels) // levels
    starts = [1 + level * (per_level + 1) for level in range(levels)]
    first = f"{UNET}input_blocks.{{}}.0.in_layers.2.weight"
    widths = tuple(weights[first.format(i)].shape[0] for i in starts)
    deep = [_layers(weights, f"{UNET}input_blocks.{i}.1.transformer_blocks.", 6) for i in starts]
    middle = f"{UNET}middle_block.1."
    middle_deep = _layers(weights, f"{middle}transformer_blocks.", 5)
    kinds = ["CrossAttn" if depth else "" for depth in deep]
    vector = weights.get(f"{UNET}label_emb.0.0.weight")
    config = {
        "in_channels": weights[f"{UNET}input_blocks.0.0.weight"].shape[1],
        "block_out_channels": widths,
        "layers_per_block": per_level,
        "cross_attention_dim": weights[f"{middle}transformer_blocks.0.attn2.to_k.weight"].shape[1],
        "down_block_types": tuple(f"{kind}DownBlock2D" for kind in kinds),
        "up_block_types": tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
        "transformer_layers_per_block": (*(deep[:-1]), middle_deep),
        "use_linear_projection": weights[f"{middle}proj_in.weight"].dim() == 2,
    }
    if heads is None:
        heads = 8 if vector is None else tuple(max(1, width // 64) for width in widths)
    config["attention_head_dim"] = heads
    if vector is not None:
        config["addition_embed_type"] = "text_time"
        config["addition_time_embed_dim"] = 256
        config["projection_class_embeddings_input_dim"] = vector.shape[1]
    with torch.device("meta"):
        model = UNet2DConditionModel(**config)
    return model, convert_ldm_unet_checkpoint(dict(weights), config)


def _vae(weights: Weights) -> tuple[Any, Weights]:
    levels = _layers(weights, f"{VAE}encoder.down.", 3)
    name = f"{VAE}encoder.down.{{}}.block.0.conv1.weight"
    config = {
        "block_out_channels": tuple(weights[name.format(i)].shape[0] for i in range(levels)),
        "layers_per_block": _layers(weights, f"{VAE}encoder.down.0.block.", 5),
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
    }
    with torch.device("meta"):
        model = AutoencoderKL(**config)
    return model, convert_ldm_vae_checkpoint(dict(weights), config)
