"""Makes key_names.json: tensor names of Stable Diffusion in both dialects, by diffusers itself.

The original names are those of the mini model's file, which are SD 1.5's for UNet and VAE, and of
three narrow random checkpoints of other depths, one of them an SDXL. diffusers' own converter
renames them, and the result is held against the names of diffusers' own networks. Run from the
repository's root by a Python that has torch, diffusers and transformers:

    python -m tests.golden.make_key_names
"""

import json
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from safetensors import safe_open
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tests.random_weights import INPAINT, THREE_LEVELS, TINY_XL, checkpoint_specs

ROOT = Path(__file__).parents[2]
UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."


def mini_model_ranks():
    """Rank of each tensor of the mini model's file."""
    with safe_open(ROOT / "resources/models/aquatint-mini.safetensors", "np") as file:
        return {name: len(file.get_slice(name).get_shape()) for name in sorted(file.keys())}


def numbered(ranks):
    """A tensor for each name, 1 long in each dimension, that holds the name's place."""
    return {name: torch.full((1,) * ranks[name], float(i)) for i, name in enumerate(ranks)}


def unet_of(architecture):
    """Name pairs of a UNet of another depth."""
    ranks = {spec.name: len(spec.shape) for spec in checkpoint_specs(architecture)}
    kinds = ["CrossAttn" if depth else "" for depth in architecture.unet_depths]
    config = {
        "block_out_channels": architecture.unet_channels,
        "layers_per_block": architecture.unet_blocks,
        "down_block_types": tuple(f"{kind}DownBlock2D" for kind in kinds),
        "up_block_types": tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
        "transformer_layers_per_block": (
            *architecture.unet_depths[:-1],
            architecture.unet_middle_depth,
        ),
        "use_linear_projection": architecture.linear_projections,
    }
    if architecture.vector_width:
        config["addition_embed_type"] = "text_time"
        config["addition_time_embed_dim"] = 256
        config["projection_class_embeddings_input_dim"] = architecture.vector_width
    with torch.device("meta"):
        unet = UNet2DConditionModel(**config)
    converted = convert_ldm_unet_checkpoint(numbered(ranks), config)
    return [pair[:2] for pair in pairs(converted, list(ranks), UNET_PREFIX, unet)]


def pairs(converted, names, prefix, network):
    """[diffusers name, original name, diffusers shape] for each tensor of `network`."""
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    assert shapes.keys() == converted.keys()
    return [
        [name, names[int(converted[name].item())].removeprefix(prefix), shapes[name]]
        for name in sorted(shapes)
    ]


def main():
    """Writes the file beside this script."""
    ranks = mini_model_ranks()
    names, tensors = list(ranks), numbered(ranks)
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, sample_size=64)
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
        )
        text = CLIPTextModel(CLIPTextConfig(hidden_size=768, num_hidden_layers=2))
        text2 = CLIPTextModelWithProjection(CLIPTextConfig(num_hidden_layers=TINY_XL.text2_layers))
        taesd = AutoencoderTiny()
    unet_converted = convert_ldm_unet_checkpoint(tensors, {"layers_per_block": 2})
    vae_tensors = {name: value for name, value in tensors.items() if name.startswith(VAE_PREFIX)}
    vae_converted = convert_ldm_vae_checkpoint(
        vae_tensors, {"down_block_types": [0] * 4, "up_block_types": [0] * 4}
    )
    result = {
        "versions": {
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        },
        "unet": pairs(unet_converted, names, UNET_PREFIX, unet),
        "vae": pairs(vae_converted, names, VAE_PREFIX, vae),
        "unet_one_block": unet_of(INPAINT),
        "unet_three_levels": unet_of(THREE_LEVELS),
        "unet_xl": unet_of(TINY_XL),
        "text": sorted(text.state_dict()),
        "text2": sorted(text2.state_dict()),
        "taesd": [[name, list(value.shape)] for name, value in sorted(taesd.state_dict().items())],
    }
    blocks = [f'"{key}": ' + lines(value) for key, value in result.items()]
    Path(__file__).with_name("key_names.json").write_text("{" + ",\n".join(blocks) + "}\n")


def lines(value):
    """Compact JSON, a list with one item a line."""
    if isinstance(value, dict):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in value) + "]"


if __name__ == "__main__":
    main()
