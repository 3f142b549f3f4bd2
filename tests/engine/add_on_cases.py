"""Runs of the mini model with LoRAs and an embedding, whose latents are kept as goldens.

Owns: the cases and their files, shared by the script that makes the goldens and the test that reads
them. Knows neither torch nor the engine.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tests.random_loras import (
    ATTENTION_LAYERS,
    OTHER_LAYERS,
    TEXT_LAYERS,
    Dialect,
    layer_shapes,
    lora_arrays,
    spelled,
    write_lora,
)
from tests.random_weights import normal

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "resources" / "models" / "aquatint-mini.safetensors"
PROMPT_TOKENS = (736, 3055)  # red apple
STEPS, SEED, SIDE, CFG_SCALE = 4, 7, 128, 5.0
RANK = 4
EMBEDDING = "bad-dream"


@dataclass(frozen=True, kw_only=True)
class AddOnCase:
    """One run: a LoRA in a dialect, with its alpha and strength, or (dialect None) an embedding."""

    name: str
    dialect: Dialect | None
    layers: tuple[str, ...] = ()
    alpha: float | None = None
    weight: float = 1.0


ADD_ON_CASES = (
    AddOnCase(
        name="kohya",
        dialect=Dialect.KOHYA,
        layers=ATTENTION_LAYERS + OTHER_LAYERS + TEXT_LAYERS,
        alpha=2.0,
        weight=0.7,
    ),
    AddOnCase(
        name="peft",
        dialect=Dialect.PEFT,
        layers=ATTENTION_LAYERS + OTHER_LAYERS + TEXT_LAYERS,
        weight=-0.4,
    ),
    AddOnCase(name="embedding", dialect=None),
)


def write_case(case: AddOnCase, folder: Path) -> Path:
    """The case's LoRA; its path.

    PEFT's is as diffusers writes it beside transformers 5: metadata, in which alpha is twice the
    rank, and a text encoder without `text_model`.
    """
    assert case.dialect
    shapes = layer_shapes(MODEL)
    arrays = lora_arrays(shapes, case.layers, case.dialect, rank=RANK, alpha=case.alpha)
    config: dict[str, object] = {}
    for part in ("unet", "text_encoder"):
        names = [_plain(spelled(layer, Dialect.PEFT)) for layer in case.layers]
        config[f"{part}.target_modules"] = [
            name.removeprefix(f"{part}.") for name in names if name.startswith(f"{part}.")
        ]
        config |= {f"{part}.r": RANK, f"{part}.lora_alpha": 2 * RANK}
    metadata = {"lora_adapter_metadata": json.dumps(config)}
    path = folder / f"{case.name}.safetensors"
    if case.dialect is not Dialect.PEFT:
        return write_lora(path, arrays)
    return write_lora(path, {_plain(name): array for name, array in arrays.items()}, metadata)


def _plain(name: str) -> str:
    return name.replace("text_encoder.text_model.", "text_encoder.")


def embedding_rows() -> NDArray[np.float32]:
    """Three rows of the size of the mini model's own."""
    return normal("rows of a bad dream", (3, 192)) * np.float32(0.5)


def write_embedding(folder: Path) -> Path:
    """The embedding; its path."""
    path = folder / f"{EMBEDDING}.safetensors"
    save_file({"emb_params": embedding_rows()}, path)
    return path
