"""How strong a LoRA file means its layers to be: alpha over rank.

Owns the places where alpha may stand: a number in the file beside the layer (kohya, LyCORIS),
diffusers' JSON in the metadata, PEFT's adapter_config.json beside the file. Where it stands in
none of them, alpha is the rank. Source: Kalajdzievski 2023, "A Rank Stabilization Scaling Factor
for Fine-Tuning with LoRA", for rsLoRA, which divides by the rank's root.
"""

import ctypes
import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from app.checkpoint.reader import Checkpoint
from app.checkpoint.stored import CheckpointError, StoredTensor, shown

METADATA_KEY = "lora_adapter_metadata"
CONFIG_FILE = "adapter_config.json"
CONFIG_LIMIT_BYTES = 1_000_000
NUMBER_TYPES: Mapping[str, str] = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I32": "<i4",
    "I64": "<i8",
    "BF16": "<u2",
}
NETWORK_PREFIXES = {"unet": "unet", "text": "text_encoder", "text2": "text_encoder_2"}

_Config = Mapping[str, object]


class Scales:
    """The factors of one file's layers."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Reads the configuration in or beside the file; what cannot be read counts for nothing."""
        self._file_name = shown(checkpoint.path.name)
        nested = _object(checkpoint.metadata.get(METADATA_KEY, ""))
        beside = _object(_text(checkpoint.path.with_name(CONFIG_FILE)))
        self._configs = {
            network: _under(nested, f"{prefix}.") or beside
            for network, prefix in NETWORK_PREFIXES.items()
        }

    def of(self, layer: str, spelling: str, alpha: StoredTensor | None, rank: int) -> float:
        """The factor of a layer, by its engine name and the file's; CheckpointError if it is none.

        `alpha` is the number beside the layer, if there is one.
        """
        config = self._configs[layer.partition(".")[0]]
        value = self._number(alpha) if alpha else _configured(config, spelling, rank)
        if not math.isfinite(value):
            raise CheckpointError(
                f"{self._file_name} gives its layer {shown(spelling)} a strength that is no number:"
                " download it again."
            )
        is_rs = not alpha and config.get("use_rslora") is True
        return value / (math.sqrt(rank) if is_rs else rank)

    def _number(self, tensor: StoredTensor) -> float:
        if math.prod(tensor.shape) != 1 or tensor.dtype not in NUMBER_TYPES:
            raise CheckpointError(
                f"{self._file_name} is damaged: {shown(tensor.name)} is not a number; download it "
                "again."
            )
        import numpy as np  # takes long to load, and is seldom wanted

        data = ctypes.string_at(tensor.address, tensor.size_bytes)
        number = np.frombuffer(data, NUMBER_TYPES[tensor.dtype])
        if tensor.dtype == "BF16":  # the upper half of an f32
            number = (number.astype(np.uint32) << 16).view(np.float32)
        return float(number[0])


def _configured(config: _Config, spelling: str, rank: int) -> float:
    """Alpha by a PEFT configuration, which may name layers of their own strength."""
    value = config.get("lora_alpha")
    patterns = config.get("alpha_pattern")
    for pattern, own in (patterns if isinstance(patterns, dict) else {}).items():
        with suppress(re.error):
            if re.search(rf"(?:^|\.){re.escape(str(pattern))}$", spelling):
                value = own
    return float(value) if isinstance(value, int | float) else float(rank)


def _under(config: _Config, prefix: str) -> dict[str, object]:
    return {k.removeprefix(prefix): v for k, v in config.items() if k.startswith(prefix)}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(CONFIG_LIMIT_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _object(text: str) -> _Config:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
