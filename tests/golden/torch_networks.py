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
)
from safetensors import safe_open
from transformers import CLIPTextConfig, CLIPTextModel

UNET = "model.diffusion_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer.text_model."
LATENT_SCALE = 0.18215

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The networks of one checkpoint."""

    text: Any
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
    """All three networks of an SD 1 checkpoint whose metadata tells the heads (else 12 and 8)."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    text = _text(weights, int(metadata.get("aquatint.text_heads", 12)))
    unet, converted = _unet(weights, int(metadata.get("aquatint.unet_heads", 8)))
    _fill(unet, converted, dtype)
    vae, converted = _vae(weights)
    _fill(vae, converted, dtype)
    return Networks(text=text.to(dtype), unet=unet, vae=vae)


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
    table = weights[f"{TEXT}embeddings.token_embedding.weight"]
    config = CLIPTextConfig(
        vocab_size=table.shape[0],
        hidden_size=table.shape[1],
        intermediate_size=weights[f"{TEXT}encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=_layers(weights, f"{TEXT}encoder.layers.", 5),
        num_attention_heads=heads,
        hidden_act="quick_gelu",
    )
    model = CLIPTextModel(config)
    converted = {
        key.removeprefix(TEXT): value.float()
        for key, value in weights.items()
        if key.startswith(TEXT) and "position_ids" not in key
    }
    model.load_state_dict(converted)
    return model.eval()


def _unet(weights: Weights, heads: int) -> tuple[Any, Weights]:
    blocks = _layers(weights, f"{UNET}input_blocks.", 3)
    downs = [f"{UNET}input_blocks.{i}.0.op.weight" in weights for i in range(blocks)]
    levels = sum(downs) + 1
    per_level = (blocks - levels) // levels
    starts = [1 + level * (per_level + 1) for level in range(levels)]
    first = f"{UNET}input_blocks.{{}}.0.in_layers.2.weight"
    mixed = "transformer_blocks.0.attn2.to_k.weight"
    config = {
        "in_channels": weights[f"{UNET}input_blocks.0.0.weight"].shape[1],
        "block_out_channels": tuple(weights[first.format(i)].shape[0] for i in starts),
        "layers_per_block": per_level,
        "attention_head_dim": heads,
        "cross_attention_dim": weights[f"{UNET}input_blocks.1.1.{mixed}"].shape[1],
        "down_block_types": ("CrossAttnDownBlock2D",) * (levels - 1) + ("DownBlock2D",),
        "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (levels - 1),
        "use_linear_projection": weights[f"{UNET}middle_block.1.proj_in.weight"].dim() == 2,
    }
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
