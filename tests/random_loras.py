"""Random LoRA files that any machine makes alike, for a checkpoint in the original layout.

Owns: seeded factors of the usual kinds for a choice of layers, and their keys in the dialects of
kohya's trainer (with diffusers' and with the original block names), of diffusers and PEFT, and of
diffusers' older attention processors. Needs NumPy and safetensors alone, so that reference scripts
may use it too. diffusers' names are those of tests/golden/key_names.json, which diffusers made.
"""

import json
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from tests.random_weights import TEXT, UNET, normal

Array = NDArray[np.generic]
GOLDEN_NAMES = Path(__file__).with_name("golden") / "key_names.json"


class Dialect(StrEnum):
    """How a file names its layers."""

    KOHYA = "kohya"
    KOHYA_LDM = "kohya_ldm"
    PEFT = "peft"
    PROCESSOR = "processor"


# of the UNet and of the text encoder, by their original names
ATTENTION_LAYERS = tuple(
    f"{UNET}{block}.transformer_blocks.0.{attention}.{part}"
    for block in ("input_blocks.1.1", "middle_block.1", "output_blocks.9.1")
    for attention in ("attn1", "attn2")
    for part in ("to_q", "to_k", "to_v", "to_out.0")
)
TEXT_LAYERS = tuple(
    f"{TEXT}encoder.layers.{index}.{part}"
    for index in (0, 3)
    for part in ("self_attn.q_proj", "self_attn.out_proj", "mlp.fc1")
)
OTHER_LAYERS = tuple(
    f"{UNET}{name}"
    for name in (
        "input_blocks.0.0",
        "input_blocks.1.0.in_layers.2",
        "input_blocks.3.0.op",
        "input_blocks.4.1.proj_in",
        "input_blocks.4.1.transformer_blocks.0.ff.net.0.proj",
        "middle_block.0.emb_layers.1",
        "output_blocks.3.0.skip_connection",
        "output_blocks.5.2.conv",
        "out.2",
    )
)


def layer_shapes(checkpoint: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each weight of a checkpoint, by its layer's name."""
    with safe_open(checkpoint, "numpy") as file:
        names = file.keys()
        return {
            name.removesuffix(".weight"): tuple(file.get_slice(name).get_shape())
            for name in names
            if name.endswith(".weight")
        }


def factors(
    layer: str, shape: tuple[int, ...], rank: int, *, seed: str = ""
) -> tuple[Array, Array]:
    """down [rank][in][kh][kw] and up [out][rank][1][1] (no kernel for a linear layer), f16.

    Their product is about a third of the size of a weight that keeps its inputs' size.
    """
    fan_in, kernel = int(np.prod(shape[1:])), shape[2:]
    down = normal(f"{seed}{layer}.down", (rank, *shape[1:])) * np.float32(fan_in**-0.5)
    up = normal(f"{seed}{layer}.up", (shape[0], rank, *(1 for _ in kernel)))
    return down.astype(np.float16), (up * np.float32(0.3 * rank**-0.5)).astype(np.float16)


def spelled(layer: str, dialect: Dialect) -> str:
    """A layer's name in a dialect, up to the part's ending."""
    is_text = layer.startswith(TEXT)
    inner = layer.removeprefix(TEXT).removeprefix(UNET)
    if dialect is Dialect.KOHYA_LDM and not is_text:
        return f"lora_unet_{inner.replace('.', '_')}"
    name = f"text_model.{inner}" if is_text else _diffusers_names()[inner]
    if dialect in (Dialect.KOHYA, Dialect.KOHYA_LDM):
        return f"lora_{'te' if is_text else 'unet'}_{name.replace('.', '_')}"
    if dialect is Dialect.PROCESSOR and not is_text:
        block, _, part = name.replace(".to_out.0", ".to_out").rpartition(".")
        return f"unet.{block}.processor.{part}_lora"
    return f"{'text_encoder' if is_text else 'unet'}.{name}"


def lora_arrays(
    shapes: dict[str, tuple[int, ...]],
    layers: tuple[str, ...],
    dialect: Dialect,
    *,
    rank: int,
    alpha: float | None,
) -> dict[str, Array]:
    """The tensors of a LoRA file; `alpha` None: it is not in the file."""
    arrays: dict[str, Array] = {}
    for layer in layers:
        down, up = factors(layer, shapes[layer], rank)
        name = spelled(layer, dialect)
        kohya = (".lora_down.weight", ".lora_up.weight")
        is_old = dialect is Dialect.PROCESSOR
        other = (".down.weight", ".up.weight") if is_old else (".lora_A.weight", ".lora_B.weight")
        if is_old and layer.startswith(TEXT):
            other = (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight")
        down_end, up_end = kohya if dialect.startswith("kohya") else other
        arrays[f"{name}{down_end}"], arrays[f"{name}{up_end}"] = down, up
        if alpha is not None:
            arrays[f"{name}.alpha"] = np.array(alpha, np.float16)
    return arrays


def write_lora(
    path: Path, arrays: dict[str, Array], metadata: dict[str, str] | None = None
) -> Path:
    """The file; its path."""
    save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, path, metadata)
    return path


def added(shapes: dict[str, tuple[int, ...]], layer: str, rank: int, scale: float) -> Array:
    """What `factors` add to a layer's weight, in f64 and the weight's shape."""
    down, up = factors(layer, shapes[layer], rank)
    product = up.astype(np.float64).reshape(len(up), rank) @ down.reshape(rank, -1)
    return np.asarray(scale * product.reshape(shapes[layer]))


def _diffusers_names() -> dict[str, str]:
    """Layers of a UNet of SD 1.5's depth: diffusers' names by the original ones."""
    rows = json.loads(GOLDEN_NAMES.read_text())["unet"]
    end = ".weight"
    return {
        original.removesuffix(end): name.removesuffix(end)
        for name, original, _ in rows
        if name.endswith(end)
    }
