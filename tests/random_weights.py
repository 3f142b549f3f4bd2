"""Random Stable Diffusion 1 and XL checkpoints that any machine makes alike, bit for bit.

Owns: seeded numbers keyed by a name, and checkpoints of any width and depth in the original (LDM)
key layout. Nothing large need be stored for a golden: the weights are made anew from their names.
Knows nothing of the engine and needs NumPy alone, so that reference scripts may use it too.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

UNET = "model.diffusion_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer.text_model."
TEXT_XL = "conditioner.embedders.0.transformer.text_model."
TEXT2 = "conditioner.embedders.1.model."
TAESD_WIDTH = 64
SIZES_WIDTH = 6 * 256  # of SDXL's vector: six sizes, each as a timestep embedding


class WeightDtype(StrEnum):
    """How weights are stored; the value is safetensors' name of the type."""

    F32 = "F32"
    F16 = "F16"
    BF16 = "BF16"
    F8_E4M3 = "F8_E4M3"
    F8_E5M2 = "F8_E5M2"


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Sizes of a checkpoint; the defaults are those of Stable Diffusion 1.5.

    Channels of the UNet and of the VAE are multiples of 32 (the groups of their norms).
    `unet_depths` are the transformer blocks of each level's transformers, 0 for a level without.
    `unet_heads` 0 means heads of 64 channels. `linear_projections` makes the UNet's proj_in and
    proj_out linear layers, as Stable Diffusion 2 has them. With `text2_width` there is a second
    text encoder, in OpenCLIP's names, whose output the context has beside the first's, and the UNet
    takes a vector: that encoder's pooled output and six sizes. `scale` multiplies every number but
    the norms': with a small one the epsilons of the norms count.
    """

    unet_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    unet_depths: tuple[int, ...] = (1, 1, 1, 0)
    unet_middle_depth: int = 1
    unet_blocks: int = 2
    unet_heads: int = 8
    in_channels: int = 4
    linear_projections: bool = False
    text_width: int = 768
    text_layers: int = 12
    text_heads: int = 12
    text_mlp: int = 3072
    text2_width: int = 0
    text2_layers: int = 0
    text2_mlp: int = 0
    vocabulary: int = 49408
    vae_channels: tuple[int, ...] = (128, 256, 512, 512)
    vae_blocks: int = 2
    scale: float = 1.0

    @property
    def context_width(self) -> int:
        """Channels of the text conditioning that the UNet attends to."""
        return self.text_width + self.text2_width

    @property
    def vector_width(self) -> int:
        """Channels of the vector that the UNet takes; 0: none."""
        return self.text2_width + SIZES_WIDTH if self.text2_width else 0


SD15 = Architecture()
SDXL = Architecture(
    unet_channels=(320, 640, 1280),
    unet_depths=(0, 2, 10),
    unet_middle_depth=10,
    unet_heads=0,
    linear_projections=True,
    text2_width=1280,
    text2_layers=32,
    text2_mlp=5120,
)
TINY = Architecture(
    unet_channels=(32, 64, 96, 96),
    text_width=64,
    text_layers=3,
    text_heads=2,
    text_mlp=192,
    vae_channels=(32, 32, 64, 64),
)
QUIET = replace(TINY, scale=0.01)
INPAINT = Architecture(
    unet_channels=(32, 64, 64, 128),
    unet_blocks=1,
    unet_heads=4,
    in_channels=9,
    text_width=96,
    text_layers=2,
    text_heads=3,
    text_mlp=256,
    vae_channels=(32, 64, 64, 96),
    vae_blocks=1,
)
THREE_LEVELS = Architecture(
    unet_channels=(96, 160, 256),
    unet_depths=(1, 1, 0),
    unet_heads=2,
    linear_projections=True,
    text_width=128,
    text_layers=4,
    text_heads=4,
    text_mlp=512,
    vae_channels=(32, 64, 96, 128),
)
TINY_XL = Architecture(
    unet_channels=(32, 64, 128),
    unet_depths=(0, 2, 3),
    unet_middle_depth=3,
    unet_heads=0,
    linear_projections=True,
    text_width=64,
    text_layers=3,
    text_heads=1,
    text_mlp=192,
    text2_width=128,
    text2_layers=4,
    text2_mlp=320,
    vae_channels=(32, 32, 64, 64),
)
# As SDXL's refiner: four levels, transformers in the middle two, and none in the last.
TINY_REFINER = replace(
    TINY_XL,
    unet_channels=(32, 64, 128, 192),
    unet_depths=(0, 2, 2, 0),
    unet_middle_depth=2,
)
# As a distilled SDXL: fewer blocks, and transformers less deep.
PRUNED_XL = replace(TINY_XL, unet_depths=(0, 1, 2), unet_middle_depth=2, unet_blocks=1)


@dataclass(frozen=True, kw_only=True)
class WeightSpec:
    """One tensor to be made: its key, its shape, and how its numbers are spread."""

    name: str
    shape: tuple[int, ...]
    mean: float
    deviation: float


def normal(name: str, shape: tuple[int, ...]) -> Floats:
    """Numbers of mean 0 and variance 1, near enough normal, that depend on `name` alone.

    Each is the sum of the four 16-bit parts of one raw word of Philox keyed by the name's SHA-256:
    raw words and whole-number sums are alike on every machine and under every NumPy.
    """
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    words = np.random.Philox(key=key).random_raw(prod(shape))
    parts = words.view(np.uint16).reshape(-1, 4)
    sums = parts[:, 0].astype(np.int32)
    for column in range(1, 4):
        sums += parts[:, column]
    # One 16-bit part has variance (65536^2 - 1) / 12, so the sum of four has about 65536^2 / 3.
    return ((sums - 131070).astype(np.float32) * np.float32(3**0.5 / 65536)).reshape(shape)


def weight(spec: WeightSpec) -> Floats:
    """The tensor of a spec, [out][in][height][width] or as its shape says."""
    values = normal(spec.name, spec.shape)
    return np.float32(spec.mean) + np.float32(spec.deviation) * values


def to_stored(values: Floats, dtype: WeightDtype) -> NDArray[np.generic]:
    """`values` rounded to nearest even in `dtype`; bf16 comes as uint16 and f8 as uint8 bits."""
    if dtype is WeightDtype.F32:
        return values
    if dtype is WeightDtype.F16:
        return values.astype(np.float16)
    if dtype is WeightDtype.BF16:
        bits = values.view(np.uint32)
        rounded = np.asarray(bits + 0x7FFF + ((bits >> 16) & 1), np.uint32) >> 16
        return rounded.astype(np.uint16)
    # A positive f8 number's bits are its place in the table of all of them.
    table = _f8_values(dtype)
    right = np.searchsorted(table, np.abs(values)).clip(1, len(table) - 1)
    below, above = np.abs(values) - table[right - 1], table[right] - np.abs(values)
    is_lower = (below < above) | ((below == above) & (right % 2 == 1))
    coded: NDArray[np.int64] = (right - is_lower) | (np.signbit(values) << 7)
    return coded.astype(np.uint8)


def _f8_values(dtype: WeightDtype) -> Floats:
    """All finite numbers of an f8 type from 0 up, in the order of their bits."""
    mantissa_bits, bias, count = (3, 7, 127) if dtype is WeightDtype.F8_E4M3 else (2, 15, 124)
    bits = np.arange(count)
    exponent, mantissa = bits >> mantissa_bits, bits & ((1 << mantissa_bits) - 1)
    fraction = mantissa / (1 << mantissa_bits) + (exponent > 0)
    values: NDArray[np.float64] = np.ldexp(fraction, np.maximum(exponent, 1) - bias)
    return values.astype(np.float32)


def write_checkpoint(path: Path, architecture: Architecture, dtype: WeightDtype) -> None:
    """Writes a whole checkpoint as safetensors: text encoder, UNet and VAE, keys as in LDM files.

    The heads, which no tensor's shape tells, go into the metadata as aquatint.unet_heads and
    aquatint.text_heads.
    """
    specs = list(checkpoint_specs(architecture))
    write_tensors(path, specs, dtype, _metadata(architecture))


def write_empty_checkpoint(path: Path, architecture: Architecture) -> None:
    """A whole checkpoint in f16 whose numbers are all zeros, which take no room on disk."""
    specs = list(checkpoint_specs(architecture))
    header, size = _header(specs, WeightDtype.F16, _metadata(architecture))
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + size)


def _metadata(architecture: Architecture) -> dict[str, str]:
    """What shapes do not tell."""
    is_xl = architecture.text2_width > 0
    metadata = {
        "aquatint.text_heads": str(architecture.text_heads),
        "modelspec.architecture": f"stable-diffusion-{'xl-v1-base' if is_xl else 'v1'}",
        "modelspec.prediction_type": "epsilon",
    }
    if architecture.unet_heads:
        metadata["aquatint.unet_heads"] = str(architecture.unet_heads)
    return metadata


def write_tensors(
    path: Path, specs: Sequence[WeightSpec], dtype: WeightDtype, metadata: Mapping[str, str]
) -> None:
    """Writes the specs' tensors as safetensors, one tensor in memory at a time."""
    with path.open("wb") as file:
        file.write(_header(specs, dtype, metadata)[0])
        for spec in specs:
            file.write(to_stored(weight(spec), dtype).tobytes())


def _header(
    specs: Sequence[WeightSpec], dtype: WeightDtype, metadata: Mapping[str, str]
) -> tuple[bytes, int]:
    """The beginning of a safetensors file, and the bytes of the tensors that follow it."""
    size = {"F32": 4, "F16": 2, "BF16": 2}.get(dtype.value, 1)
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for spec in specs:
        end = offset + prod(spec.shape) * size
        header[spec.name] = {
            "dtype": dtype.value,
            "shape": list(spec.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, offset


def checkpoint_specs(architecture: Architecture) -> Iterator[WeightSpec]:
    """Every tensor of a checkpoint, in the order of the file."""
    parts = (_text_specs, _text2_specs, _unet_specs, _vae_encoder_specs, _vae_decoder_specs)
    for specs in parts:
        for spec in specs(architecture):
            scale = 1.0 if spec.mean else architecture.scale
            yield replace(spec, deviation=scale * spec.deviation)


def taesd_encoder_specs() -> Iterator[WeightSpec]:
    """Every tensor of a file taesd_encoder: three halvings, ten blocks, 64 channels."""
    yield from _layer("0", TAESD_WIDTH, 3, kernel=3)
    yield from _taesd_block("1")
    for first in (2, 6, 10):
        yield from _layer(f"{first}", TAESD_WIDTH, TAESD_WIDTH, kernel=3, bias=False)
        for block in range(first + 1, first + 4):
            yield from _taesd_block(f"{block}")
    yield from _layer("14", 4, TAESD_WIDTH, kernel=3)


def _taesd_block(name: str) -> Iterator[WeightSpec]:
    for index in (0, 2, 4):
        yield from _layer(f"{name}.conv.{index}", TAESD_WIDTH, TAESD_WIDTH, kernel=3)


def _layer(
    name: str, outputs: int, inputs: int, *, kernel: int = 0, bias: bool = True, gain: float = 1.0
) -> Iterator[WeightSpec]:
    """A linear layer, or a convolution where `kernel` is not 0; outputs keep the inputs' size."""
    fan_in = inputs * max(kernel, 1) ** 2
    window = (kernel, kernel) if kernel else ()
    shape = (outputs, inputs, *window)
    yield WeightSpec(name=f"{name}.weight", shape=shape, mean=0, deviation=gain * fan_in**-0.5)
    if bias:
        yield WeightSpec(name=f"{name}.bias", shape=(outputs,), mean=0, deviation=0.1)


def _norm(name: str, width: int) -> Iterator[WeightSpec]:
    yield WeightSpec(name=f"{name}.weight", shape=(width,), mean=1, deviation=0.1)
    yield WeightSpec(name=f"{name}.bias", shape=(width,), mean=0, deviation=0.1)


def _text_specs(a: Architecture) -> Iterator[WeightSpec]:
    prefix = TEXT_XL if a.text2_width else TEXT
    for name, rows in (("token", a.vocabulary), ("position", 77)):
        key = f"{prefix}embeddings.{name}_embedding.weight"
        yield WeightSpec(name=key, shape=(rows, a.text_width), mean=0, deviation=0.5)
    for index in range(a.text_layers):
        layer = f"{prefix}encoder.layers.{index}"
        yield from _norm(f"{layer}.layer_norm1", a.text_width)
        # Attention of some sharpness: with gain 1 every token would see the mean of all others.
        for part, gain in (("q", 1.4), ("k", 1.4), ("v", 1.0), ("out", 1.0)):
            name = f"{layer}.self_attn.{part}_proj"
            yield from _layer(name, a.text_width, a.text_width, gain=gain)
        yield from _norm(f"{layer}.layer_norm2", a.text_width)
        yield from _layer(f"{layer}.mlp.fc1", a.text_mlp, a.text_width)
        yield from _layer(f"{layer}.mlp.fc2", a.text_width, a.text_mlp)
    yield from _norm(f"{prefix}final_layer_norm", a.text_width)


def _text2_specs(a: Architecture) -> Iterator[WeightSpec]:
    """The second text encoder as OpenCLIP names it: queries, keys and values in one matrix."""
    width = a.text2_width
    if not width:
        return
    for name, shape in (
        ("token_embedding.weight", (a.vocabulary, width)),
        ("positional_embedding", (77, width)),
    ):
        yield WeightSpec(name=f"{TEXT2}{name}", shape=shape, mean=0, deviation=0.5)
    for index in range(a.text2_layers):
        layer = f"{TEXT2}transformer.resblocks.{index}"
        yield from _norm(f"{layer}.ln_1", width)
        inner = _layer("in_proj", 3 * width, width, gain=1.3)
        yield from (replace(s, name=f"{layer}.attn.{s.name.replace('.', '_')}") for s in inner)
        yield from _layer(f"{layer}.attn.out_proj", width, width)
        yield from _norm(f"{layer}.ln_2", width)
        yield from _layer(f"{layer}.mlp.c_fc", a.text2_mlp, width)
        yield from _layer(f"{layer}.mlp.c_proj", width, a.text2_mlp)
    yield from _norm(f"{TEXT2}ln_final", width)
    name = f"{TEXT2}text_projection"
    yield WeightSpec(name=name, shape=(width, width), mean=0, deviation=width**-0.5)


def _unet_specs(a: Architecture) -> Iterator[WeightSpec]:
    base, last = a.unet_channels[0], len(a.unet_channels) - 1
    yield from _layer(f"{UNET}time_embed.0", 4 * base, base)
    yield from _layer(f"{UNET}time_embed.2", 4 * base, 4 * base)
    if a.vector_width:
        yield from _layer(f"{UNET}label_emb.0.0", 4 * base, a.vector_width)
        yield from _layer(f"{UNET}label_emb.0.2", 4 * base, 4 * base)
    yield from _layer(f"{UNET}input_blocks.0.0", base, a.in_channels, kernel=3)
    skips, width, block = [base], base, 1
    for level, channels in enumerate(a.unet_channels):
        for _ in range(a.unet_blocks):
            yield from _residual(f"{UNET}input_blocks.{block}.0", width, channels, 4 * base)
            yield from _transformer(f"{UNET}input_blocks.{block}.1", channels, a, level)
            width, block = channels, block + 1
            skips.append(width)
        if level < last:
            yield from _layer(f"{UNET}input_blocks.{block}.0.op", width, width, kernel=3)
            skips.append(width)
            block += 1
    yield from _residual(f"{UNET}middle_block.0", width, width, 4 * base)
    yield from _transformer(f"{UNET}middle_block.1", width, a, None)
    yield from _residual(f"{UNET}middle_block.2", width, width, 4 * base)
    yield from _unet_up_specs(a, skips, width)
    yield from _norm(f"{UNET}out.0", base)
    yield from _layer(f"{UNET}out.2", 4, base, kernel=3, gain=1.5)


def _unet_up_specs(a: Architecture, skips: list[int], width: int) -> Iterator[WeightSpec]:
    last, block = len(a.unet_channels) - 1, 0
    for level in range(last, -1, -1):
        channels = a.unet_channels[level]
        for index in range(a.unet_blocks + 1):
            name, inputs = f"{UNET}output_blocks.{block}", width + skips.pop()
            yield from _residual(f"{name}.0", inputs, channels, 4 * a.unet_channels[0])
            yield from _transformer(f"{name}.1", channels, a, level)
            if level > 0 and index == a.unet_blocks:
                position = 2 if a.unet_depths[level] else 1
                yield from _layer(f"{name}.{position}.conv", channels, channels, kernel=3)
            width, block = channels, block + 1


def _residual(name: str, inputs: int, outputs: int, time_width: int) -> Iterator[WeightSpec]:
    yield from _norm(f"{name}.in_layers.0", inputs)
    yield from _layer(f"{name}.in_layers.2", outputs, inputs, kernel=3)
    yield from _layer(f"{name}.emb_layers.1", outputs, time_width)
    yield from _norm(f"{name}.out_layers.0", outputs)
    yield from _layer(f"{name}.out_layers.3", outputs, outputs, kernel=3)
    if inputs != outputs:
        yield from _layer(f"{name}.skip_connection", outputs, inputs, kernel=1)


def _transformer(name: str, width: int, a: Architecture, level: int | None) -> Iterator[WeightSpec]:
    """The transformer of a level, or of the middle (None); nothing where its depth is 0."""
    depth = a.unet_middle_depth if level is None else a.unet_depths[level]
    kernel = 0 if a.linear_projections else 1
    if not depth:
        return
    yield from _norm(f"{name}.norm", width)
    yield from _layer(f"{name}.proj_in", width, width, kernel=kernel)
    for index in range(depth):
        yield from _transformer_block(f"{name}.transformer_blocks.{index}", width, a)
    yield from _layer(f"{name}.proj_out", width, width, kernel=kernel)


def _transformer_block(block: str, width: int, a: Architecture) -> Iterator[WeightSpec]:
    for attention, context in (("attn1", width), ("attn2", a.context_width)):
        yield from _layer(f"{block}.{attention}.to_q", width, width, bias=False, gain=1.4)
        yield from _layer(f"{block}.{attention}.to_k", width, context, bias=False, gain=1.4)
        yield from _layer(f"{block}.{attention}.to_v", width, context, bias=False)
        yield from _layer(f"{block}.{attention}.to_out.0", width, width)
    yield from _layer(f"{block}.ff.net.0.proj", 8 * width, width)
    yield from _layer(f"{block}.ff.net.2", width, 4 * width)
    for index in range(1, 4):
        yield from _norm(f"{block}.norm{index}", width)


def _vae_encoder_specs(a: Architecture) -> Iterator[WeightSpec]:
    name, width, last = f"{VAE}encoder", a.vae_channels[0], len(a.vae_channels) - 1
    yield from _layer(f"{name}.conv_in", width, 3, kernel=3)
    for level, channels in enumerate(a.vae_channels):
        for index in range(a.vae_blocks):
            yield from _vae_residual(f"{name}.down.{level}.block.{index}", width, channels)
            width = channels
        if level < last:
            yield from _layer(f"{name}.down.{level}.downsample.conv", width, width, kernel=3)
    yield from _vae_middle(name, width)
    yield from _norm(f"{name}.norm_out", width)
    yield from _layer(f"{name}.conv_out", 8, width, kernel=3)
    yield from _layer(f"{VAE}quant_conv", 8, 8, kernel=1)


def _vae_decoder_specs(a: Architecture) -> Iterator[WeightSpec]:
    name, width = f"{VAE}decoder", a.vae_channels[-1]
    yield from _layer(f"{VAE}post_quant_conv", 4, 4, kernel=1)
    yield from _layer(f"{name}.conv_in", width, 4, kernel=3)
    yield from _vae_middle(name, width)
    for level in range(len(a.vae_channels) - 1, -1, -1):
        channels = a.vae_channels[level]
        for index in range(a.vae_blocks + 1):
            yield from _vae_residual(f"{name}.up.{level}.block.{index}", width, channels)
            width = channels
        if level > 0:
            yield from _layer(f"{name}.up.{level}.upsample.conv", width, width, kernel=3)
    yield from _norm(f"{name}.norm_out", width)
    yield from _layer(f"{name}.conv_out", 3, width, kernel=3)


def _vae_middle(name: str, width: int) -> Iterator[WeightSpec]:
    yield from _vae_residual(f"{name}.mid.block_1", width, width)
    yield from _norm(f"{name}.mid.attn_1.norm", width)
    for part, gain in (("q", 1.4), ("k", 1.4), ("v", 1.0), ("proj_out", 1.0)):
        yield from _layer(f"{name}.mid.attn_1.{part}", width, width, kernel=1, gain=gain)
    yield from _vae_residual(f"{name}.mid.block_2", width, width)


def _vae_residual(name: str, inputs: int, outputs: int) -> Iterator[WeightSpec]:
    yield from _norm(f"{name}.norm1", inputs)
    yield from _layer(f"{name}.conv1", outputs, inputs, kernel=3)
    yield from _norm(f"{name}.norm2", outputs)
    yield from _layer(f"{name}.conv2", outputs, outputs, kernel=3)
    if inputs != outputs:
        yield from _layer(f"{name}.nin_shortcut", outputs, inputs, kernel=1)
