"""LoRAs and embeddings of a request: by what names they are found, and what became of them.

Owns the names and the receipts, as plain values. Knows nothing of folders (see the library) or of
what such files hold.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from app.checkpoint.textual_inversion import ENDINGS
from app.generation.request import RequestError
from app.prompt.lora_tags import tag_name

NEAR_NAMES = 3


@dataclass(frozen=True, kw_only=True)
class AddOns:
    """The files that a prompt may name, by their names; of two with one name the first."""

    loras: Mapping[str, Path] = field(default_factory=dict)
    embeddings: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, loras: Iterable[Path], embeddings: Iterable[Path]) -> Self:
        """These files by their names."""
        return cls(loras=_named(loras), embeddings=_named(embeddings))

    def lora(self, name: str) -> Path:
        """The file of a LoRA, with or without folders and ending; RequestError names near ones."""
        wanted = _plain(name)
        by_plain = {_plain(known): path for known, path in reversed(list(self.loras.items()))}
        found = self.loras.get(name) or by_plain.get(wanted)
        if found is None:
            names = {_plain(known): known for known in self.loras}
            near = [names[each] for each in difflib.get_close_matches(wanted, names, NEAR_NAMES)]
            act = f"did you mean {' or '.join(near)}?" if near else "add its file or its folder."
            raise RequestError(f"There is no LoRA named {name}: {act}")
        return found


@dataclass(frozen=True, kw_only=True)
class LoraReceipt:
    """What became of a LoRA: `applied` of its `layers` were added to the model.

    `left_out` has a sentence for each reason for which others were not. `hash` is the first digits
    of the SHA-256 by which other programs know the file, empty where unknown.
    """

    name: str
    applied: int
    layers: int
    left_out: tuple[str, ...]
    hash: str = ""


@dataclass(frozen=True, kw_only=True)
class EmbeddingReceipt:
    """What became of an embedding that a prompt names: `count` tokens, or 0 and a sentence."""

    name: str
    count: int
    sentence: str = ""
    hash: str = ""


def _named(paths: Iterable[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for path in paths:
        named.setdefault(path.stem, path)
    return named


def _plain(name: str) -> str:
    """A name without folders, a model's ending, capitals and what a tag cannot hold."""
    last = tag_name(name).replace("\\", "/").rpartition("/")[2].lower()
    ending = next((ending for ending in ENDINGS if last.endswith(ending)), "")
    return last.removesuffix(ending)
