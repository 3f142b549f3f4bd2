"""LoRAs and embeddings in folders, told by the folder that they lie in, as other programs do.

Owns the walk and which of the folders of other programs hold LoRAs. Opens no file: the window's
library does, which knows what each one is.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.checkpoint.textual_inversion import ENDINGS
from app.generation.add_ons import AddOns
from app.library.known_folders import known_folders

LORA_ENDINGS = (".safetensors",)
LORA_FOLDER_NAMES = ("lora", "loras", "lycoris")


def add_ons_in(lora_folders: Iterable[Path], embedding_folders: Iterable[Path]) -> AddOns:
    """The files in these folders and in folders in them; a folder that is not there has none."""
    return AddOns.of(_files(lora_folders, LORA_ENDINGS), _files(embedding_folders, ENDINGS))


def known_lora_folders() -> tuple[Path, ...]:
    """Where other programs on this machine keep their LoRAs."""
    paths = (folder.path for folder in known_folders())
    return tuple(path for path in paths if path.name.lower() in LORA_FOLDER_NAMES)


def _files(folders: Iterable[Path], endings: tuple[str, ...]) -> Iterator[Path]:
    for folder in folders:
        for place, folders_in_it, names in os.walk(folder):
            folders_in_it.sort()
            for name in sorted(names):
                if name.lower().endswith(endings) and not name.startswith("."):
                    yield Path(place, name)
