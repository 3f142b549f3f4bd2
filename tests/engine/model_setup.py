"""A small random model in the engine, and a request for it: shared by the tests of the engine."""

import ctypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors, taesd_tensors
from app.checkpoint.reader import open_checkpoint
from app.engine.engine import Engine, Model
from app.engine.types import (
    Dtype,
    EngineTensor,
    GenerationInput,
    GenerationOutput,
    Preview,
    PromptTokens,
    Rng,
    Sampler,
    Schedule,
)

MODELS = Path(__file__).resolve().parents[2] / "resources" / "models"
MINI = MODELS / "aquatint-mini.safetensors"
MINI_TAESD = MODELS / "aquatint-mini-taesd.safetensors"

START, END = 49406, 49407
Edit = Callable[[str, NDArray[np.float16]], NDArray[np.float16]]
Store = tuple[Dtype, Callable[[NDArray[np.float16]], NDArray[Any]]]


def prompt(*tokens: int, weight: float = 1.0, chunks: int = 1) -> PromptTokens:
    """A prompt whose words all have one weight; further chunks are empty."""
    first = (START, *tokens, *[END] * (76 - len(tokens)))
    weights = (1.0, *[weight] * len(tokens), *[1.0] * (76 - len(tokens)))
    empty = (START, *[END] * 76)
    return PromptTokens(
        tokens=(first, *[empty] * (chunks - 1)), weights=(weights, *[(1.0,) * 77] * (chunks - 1))
    )


def request(**changes: Any) -> GenerationInput:
    """A quick request; `changes` are fields of GenerationInput."""
    base = GenerationInput(
        prompt=prompt(736, 3055),
        negative_prompt=prompt(),
        width=64,
        height=64,
        steps=2,
        batch_count=1,
        clip_skip=1,
        sampler=Sampler.EULER,
        schedule=Schedule.NORMAL,
        rng=Rng.CPU,
        cfg_scale=5.0,
        denoise_strength=1.0,
        seed=1,
        init_image=None,
        preview=Preview.NONE,
        precision=Dtype.F32,
        release_weights=False,
        mask=None,
        vae_tile=0,
    )
    return replace(base, **changes)


@contextmanager
def open_model(
    engine: Engine,
    path: Path = MINI,
    *,
    taesd: Path | None = None,
    edit: Edit | None = None,
    store: Mapping[str, Store] = MappingProxyType({}),
) -> Iterator[Model]:
    """The checkpoint in the engine; `edit` may change each f16 tensor, by its engine name.

    `store` gives tensors another dtype, and the bits of their numbers in it.
    """
    with open_checkpoint(path) as checkpoint:
        description = describe(checkpoint)
        tensors = engine_tensors(checkpoint, description)
        kept: list[NDArray[Any]] = []
        tensors = [_stored(t, store[t.name], kept) if t.name in store else t for t in tensors]
        if edit:
            tensors = [_edited(tensor, edit, kept) for tensor in tensors]
        if not taesd:
            model = engine.open_model(tensors, description.config)
            yield model
            model.close()
            return
        with open_checkpoint(taesd) as preview:
            model = engine.open_model(tensors + taesd_tensors(preview), description.config)
            yield model
            model.close()


def psnr_db(got: GenerationOutput, wanted: GenerationOutput) -> float:
    """Peak signal-to-noise ratio of the pictures, all together."""
    a, b = (np.frombuffer(b"".join(o.pictures), np.uint8).astype(float) for o in (got, wanted))
    return float(10 * np.log10(255**2 / max(float(np.mean((a - b) ** 2)), 1e-9)))


def _numbers(tensor: EngineTensor) -> NDArray[np.float16]:
    count = int(np.prod(tensor.shape))
    pointer = ctypes.cast(tensor.address, ctypes.POINTER(ctypes.c_uint16))
    return np.ctypeslib.as_array(pointer, (count,)).view(np.float16).reshape(tensor.shape)


def _edited(tensor: EngineTensor, edit: Edit, kept: list[NDArray[Any]]) -> EngineTensor:
    stored = _numbers(tensor)
    values = np.ascontiguousarray(edit(tensor.name, stored), np.float16)
    if values is stored:
        return tensor
    kept.append(values)
    return replace(tensor, address=values.ctypes.data, mapping=None)


def _stored(tensor: EngineTensor, store: Store, kept: list[NDArray[Any]]) -> EngineTensor:
    dtype, as_bits = store
    bits = np.ascontiguousarray(as_bits(_numbers(tensor)))
    kept.append(bits)
    return replace(tensor, dtype=dtype, address=bits.ctypes.data, mapping=None)
