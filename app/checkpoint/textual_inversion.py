"""Textual inversions (embeddings): files that are a word for a text encoder, as rows of its table.

Owns the forms such a file may have: safetensors with `emb_params` or one tensor by any name
(diffusers), and torch's .pt and .bin, which are read without being run. What the word is called is
the file's name, as AUTOMATIC1111's web UI has it.

Source: Gal et al. 2022, "An Image is Worth One Word: Personalizing Text-to-Image Generation using
Textual Inversion".
"""

import ctypes
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.checkpoint.reader import open_checkpoint
from app.checkpoint.stored import CheckpointError, shown
from app.checkpoint.torch_archive import TorchArchive
from app.checkpoint.torch_pickle import TorchTensor

ENDINGS = (".safetensors", ".pt", ".bin")
MOST_VECTORS = 75  # a chunk of a prompt holds no more
LARGEST_BYTES = 64_000_000
FLOATS: Mapping[str, str] = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}
CLIP_PARTS = ("clip_l", "clip_g")  # of Stable Diffusion XL


@dataclass(frozen=True, kw_only=True)
class TextualInversion:
    """The word `name` and its `count` rows of `width` numbers, as f32 bytes."""

    name: str
    count: int
    width: int
    rows: bytes


def read_textual_inversion(path: Path) -> TextualInversion:
    """Reads a file; CheckpointError for one that is no textual inversion, or a lying one."""
    read = _from_safetensors if path.suffix.lower() == ".safetensors" else _from_torch
    dtype, shape, data = read(path)
    count, width = (1, *shape)[-2:] if shape else (0, 0)
    if not 1 <= len(shape) <= 2 or not width or not 1 <= count <= MOST_VECTORS:
        raise _none(path, f"its tensor is {'x'.join(map(str, shape)) or 'a number'}")
    if dtype not in FLOATS:
        raise _none(path, f"it holds numbers of the kind {shown(dtype)}")
    import numpy as np  # takes long to load, and is seldom wanted

    numbers = np.frombuffer(data, FLOATS[dtype])
    if dtype == "BF16":  # the upper half of an f32
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):
        rows = numbers.astype("<f4")
    if not np.isfinite(rows).all():
        raise _none(path, "it holds numbers that are not finite")
    return TextualInversion(name=path.stem, count=count, width=width, rows=rows.tobytes())


_Found = tuple[str, tuple[int, ...], bytes]


def _from_safetensors(path: Path) -> _Found:
    with open_checkpoint(path) as checkpoint:
        name = _one_name(path, checkpoint.tensors)
        tensor = checkpoint.tensors[name]
        if tensor.size_bytes > LARGEST_BYTES:
            raise _none(path, "it is far too large")
        return tensor.dtype, tensor.shape, ctypes.string_at(tensor.address, tensor.size_bytes)


def _from_torch(path: Path) -> _Found:
    with TorchArchive(path) as archive:
        tensors = _named_tensors(archive.value)
        tensor = tensors[_one_name(path, tensors)]
        size = math.prod(tensor.shape)
        if size * 8 > LARGEST_BYTES:
            raise _none(path, "it is far too large")
        return tensor.dtype, tensor.shape, archive.read(tensor, LARGEST_BYTES)


def _named_tensors(value: object) -> dict[str, TorchTensor]:
    """The tensors of what was saved: A1111's string_to_param, or a plain dict of words."""
    found = value if isinstance(value, dict) else {}
    inner = found.get("string_to_param", found)
    items = inner.items() if isinstance(inner, dict) else ()
    return {str(name): tensor for name, tensor in items if isinstance(tensor, TorchTensor)}


def _one_name(path: Path, tensors: Mapping[str, object]) -> str:
    """The name of the one tensor that is the word."""
    if any(part in tensors for part in CLIP_PARTS):
        raise CheckpointError(
            f"{shown(path.name)} is a textual inversion for Stable Diffusion XL: choose one that "
            "was made for Stable Diffusion 1.x."
        )
    if "emb_params" in tensors:
        return "emb_params"
    if len(tensors) != 1:
        raise _none(path, f"it holds {len(tensors)} tensors where a word has one")
    return next(iter(tensors))


def _none(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{shown(path.name)} is no textual inversion ({why}): choose another file."
    )
