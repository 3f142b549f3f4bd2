"""Which files of a diffusers folder hold the weights, and what its configs say.

Owns the layout of such a folder: model_index.json, one folder a network, whole or sharded
safetensors, or torch's .bin. Opens no weights and knows nothing of tensors.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.checkpoint.stored import CheckpointError, shown

PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
CONFIG_FILES = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "unet/config.json",
    "vae/config.json",
    "text_encoder/config.json",
    "text_encoder_2/config.json",
)
STEMS = ("diffusion_pytorch_model", "model")
TORCH_STEMS = ("pytorch_model", "diffusion_pytorch_model")
VARIANTS = ("", ".fp16", ".non_ema")  # full precision first: the engine narrows by itself
JSON_LIMIT_BYTES = 16_000_000
SHARD_LIMIT = 1000

Config = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """A file of weights, and the prefix that its tensors get ("unet." and so on)."""

    prefix: str
    path: Path


def weight_files(folder: Path) -> tuple[WeightFile, ...]:
    """The files of the networks that the folder holds; CheckpointError if none."""
    if not (folder / "model_index.json").is_file():
        raise CheckpointError(
            f"{shown(folder.name)} is a folder without model_index.json, so it is not a diffusers "
            "model: choose a .safetensors file or the folder that holds model_index.json."
        )
    found = [
        WeightFile(prefix=f"{part}.", path=path)
        for part in PARTS
        if (folder / part).is_dir()
        for path in _part_files(folder / part)
    ]
    if not found:
        raise CheckpointError(
            f"{shown(folder.name)} is a diffusers folder without unet, vae and text_encoder: "
            "choose a Stable Diffusion 1.x model."
        )
    return tuple(found)


def read_configs(folder: Path) -> dict[str, Config]:
    """The folder's config files that exist, by their path inside it."""
    return {name: _read_json(folder / name) for name in CONFIG_FILES if (folder / name).is_file()}


def _part_files(part: Path) -> list[Path]:
    """The file or shards of one network, the plain variant before the fp16 one, torch's last."""
    for variant in VARIANTS:
        for stem in STEMS:
            whole = part / f"{stem}{variant}.safetensors"
            if whole.is_file():
                return [whole]
            # both spellings are about: model.safetensors.index.fp16.json, model.fp16.safetensors...
            for index in (
                part / f"{stem}.safetensors.index{variant}.json",
                part / f"{stem}{variant}.safetensors.index.json",
            ):
                if index.is_file():
                    return _shards(index)
    for variant in VARIANTS:
        for stem in TORCH_STEMS:
            whole = part / f"{stem}{variant}.bin"
            if whole.is_file():
                return [whole]
    label = f"{shown(part.parent.name)}/{part.name}"
    if any(part.glob("*.bin")):
        raise CheckpointError(
            f"{label} holds only pickle weights in several parts (.bin), which Aquatint does not "
            "open: get the .safetensors version of the model."
        )
    raise CheckpointError(f"{label} holds no .safetensors weights: download the model again.")


def _shards(index: Path) -> list[Path]:
    """The distinct files that an index names; they must lie beside it."""
    weight_map = _read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(
            f"{shown(index.name)} lists no weight files: download the model again."
        )
    names = list(dict.fromkeys(str(name) for name in weight_map.values()))
    if len(names) > SHARD_LIMIT:
        raise CheckpointError(
            f"{shown(index.name)} lists {len(names)} files, which no model has: "
            "download the model again."
        )
    return [_shard(index, name) for name in names]


def _shard(index: Path, name: str) -> Path:
    """The file `name` beside the index; a name that leads out of the folder is refused."""
    path = index.parent / name
    if "/" in name or "\\" in name or "\0" in name or not name.endswith(".safetensors"):
        raise CheckpointError(
            f"{shown(index.name)} names '{shown(name)}', which is not a file beside it: "
            "download the model again."
        )
    if not path.is_file():
        raise CheckpointError(
            f"{shown(name)} is missing beside {shown(index.name)}: download the model again."
        )
    return path


def _read_json(path: Path) -> Config:
    """A small JSON object from a file; CheckpointError for anything else."""
    label = f"{shown(path.parent.name)}/{shown(path.name)}"
    try:
        with path.open("rb") as file:
            text = file.read(JSON_LIMIT_BYTES + 1)
        if len(text) > JSON_LIMIT_BYTES:
            raise CheckpointError(f"{label} is far too large: download the model again.")
        value = json.loads(text.decode("utf-8"))
    except OSError as error:
        raise CheckpointError(
            f"{label} cannot be read ({error.strerror}): check the file and its permissions."
        ) from None
    except (ValueError, RecursionError):
        raise CheckpointError(f"{label} is not valid JSON: download the model again.") from None
    if not isinstance(value, dict):
        raise CheckpointError(f"{label} is not a JSON object: download the model again.")
    return value
