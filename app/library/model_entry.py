"""The values of the model library: one file, or folder, that holds a model or a part of one.

Knows nothing of how files are found or read.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MODEL_ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")


class ModelKind(StrEnum):
    """What a file can be used as."""

    CHECKPOINT = "checkpoint"
    VAE = "vae"
    TAESD = "taesd"
    LORA = "lora"
    EMBEDDING = "embedding"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model file, or diffusers folder.

    `title` is to be shown; `family` is a `Family`'s word, empty where the file could not be opened;
    `dtype_label` is such as "f16"; `size_bytes` and `modified_ns` are the file's, of a folder the
    sum and the latest. `sentence` says why a refused one is refused, or notes to show beside it.
    `words` are those that a LoRA was trained with, `alias` is the name that its trainer gave it, by
    which A1111's prompts call it, `token_count` is how many an embedding is worth. `text_width` is
    that of the text which a LoRA or an embedding was made for, 0 if it does not say.
    """

    path: Path
    kind: ModelKind
    family: str
    title: str
    dtype_label: str
    size_bytes: int
    modified_ns: int
    sentence: str
    words: tuple[str, ...] = ()
    alias: str = ""
    token_count: int = 0
    text_width: int = 0


@dataclass(frozen=True, kw_only=True)
class KnownFolder:
    """A folder of models that another program has on this machine."""

    program: str
    path: Path


def model_name(name: str) -> str:
    """A model's or LoRA's name without the folders and the ending that some programs write."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    for ending in MODEL_ENDINGS:
        if last.lower().endswith(ending):
            return last[: -len(ending)]
    return last
