"""Runs one network of a checkpoint alone, f32, on the CPU backend: NumPy arrays in and out."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors, taesd_tensors
from app.checkpoint.reader import open_checkpoint
from app.engine.types import Dtype, EngineTensor, ModelConfig
from tests.engine_library import load_probe

Floats = NDArray[np.float32]
SOURCE = Path(__file__).with_name("engine_probe.c")
DTYPES = tuple(Dtype)
OUT_CAPACITY = 1 << 22
LATENT_SCALE = 0.18215  # of SD 1.x


def text_encode(
    path: Path,
    tokens: NDArray[np.int32],
    *,
    clip_skip: int,
    encoder: str = "text",
    is_normed: bool = True,
) -> Floats:
    """One chunk of 77 token ids -> a layer's output [77, width] of one of the text encoders."""
    ids = np.ascontiguousarray(tokens, np.int32).reshape(1, 1, 77, 1)
    fields = {"clip_skip": clip_skip, "is_normed": is_normed}
    return _run(path, "PROBE_TEXT", ids, encoder=encoder, fields=fields)[0, 0]


def text2_projected(path: Path, tokens: NDArray[np.int32]) -> Floats:
    """One chunk of 77 token ids -> [77, pooled width]; the end token's row is the pooled text."""
    ids = np.ascontiguousarray(tokens, np.int32).reshape(1, 1, 77, 1)
    fields = {"clip_skip": 2}
    return _run(path, "PROBE_TEXT_PROJECTED", ids, encoder="text2", fields=fields)[0, 0]


def unet(
    path: Path, latents: Floats, timestep: float, context: Floats, vector: Floats | None = None
) -> Floats:
    """latents [n, h, w, c], context [n, tokens, width], vector [n, width] -> [n, h, w, 4]."""
    fields = {"timestep": timestep}
    return _run(path, "PROBE_UNET", latents, context=context, vector=vector, fields=fields)


def vae_decode(path: Path, latents: Floats) -> Floats:
    """Scaled latents -> picture in -1..1."""
    return _run(path, "PROBE_VAE_DECODE", np.asarray(latents / LATENT_SCALE, np.float32))


def vae_encode(path: Path, picture: Floats) -> Floats:
    """Picture in -1..1 -> scaled latents, [n, h/8, w/8, 4]."""
    return _run(path, "PROBE_VAE_ENCODE", picture)[..., :4] * np.float32(LATENT_SCALE)


def taesd_decode(path: Path, latents: Floats) -> Floats:
    """Scaled latents -> picture in 0..1, not clamped."""
    return _run(path, "PROBE_TAESD_DECODE", latents)


def taesd_encode(path: Path, picture: Floats) -> Floats:
    """Picture in 0..1 -> scaled latents, [n, h/8, w/8, 4]."""
    return _run(path, "PROBE_TAESD_ENCODE", picture)


def _run(
    path: Path,
    network: str,
    data: NDArray[Any],
    *,
    encoder: str = "text",
    context: Floats | None = None,
    vector: Floats | None = None,
    fields: Mapping[str, float] = MappingProxyType({}),
) -> Floats:
    ffi, library = _probe()
    with open_checkpoint(path) as checkpoint:
        tensors, config = _tensors(network, checkpoint)
        rows, alive = tensor_rows(ffi, tensors)
        alive.append(ffi.new("char[]", encoder.encode()))
        data = np.ascontiguousarray(data)
        out = np.zeros(OUT_CAPACITY, np.float32)
        call = ffi.new("probe_call *")
        call.network = getattr(library, network)
        call.tensors, call.tensor_count = rows, len(tensors)
        if config:
            call.unet_heads, call.unet_head_size = config.unet_heads, config.unet_head_size
            call.text_heads = config.text_heads if encoder == "text" else config.text2_heads
        call.encoder = alive[-1]
        for field, value in fields.items():
            setattr(call, field, value)
        call.input = ffi.from_buffer(data)
        call.n, call.h, call.w, call.c = data.shape
        if context is not None:
            context = np.ascontiguousarray(context, np.float32)
            call.context = ffi.from_buffer("float[]", context)
            call.context_n, call.context_tokens, call.context_width = context.shape
        if vector is not None:
            vector = np.ascontiguousarray(vector, np.float32)
            call.vector, call.vector_width = ffi.from_buffer("float[]", vector), vector.shape[1]
        call.out, call.out_capacity = ffi.from_buffer("float[]", out), out.size
        error = ffi.new("sd_error *")
        assert library.probe_network_run(call, error) == 0, ffi.string(error.text).decode()
        del alive
        shape = tuple(call.out_shape)
        return out[: int(np.prod(shape))].reshape(shape)


def _tensors(network: str, checkpoint: Any) -> tuple[list[EngineTensor], ModelConfig | None]:
    if network.startswith("PROBE_TAESD"):
        return taesd_tensors(checkpoint), None
    description = describe(checkpoint)
    return engine_tensors(checkpoint, description), description.config


def tensor_rows(ffi: cffi.FFI, tensors: list[EngineTensor]) -> tuple[Any, list[Any]]:
    """The tensors as C structs, and what they point to: it must live as long."""
    rows = ffi.new("sd_tensor[]", len(tensors))
    alive = [ffi.new("char[]", tensor.name.encode()) for tensor in tensors]
    for row, name, tensor in zip(rows, alive, tensors, strict=True):
        row.name, row.data = name, ffi.cast("void *", tensor.address)
        row.rank, row.dtype = len(tensor.shape), DTYPES.index(tensor.dtype)
        row.shape[0 : len(tensor.shape)] = tensor.shape
        if tensor.mapping is not None:
            row.mapping = ffi.cast("void *", tensor.mapping.start)
            row.mapping_bytes = len(tensor.mapping)
    return rows, alive


def _probe() -> tuple[Any, Any]:
    return load_probe(SOURCE)
