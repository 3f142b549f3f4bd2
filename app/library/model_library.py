"""Which models there are: folders are walked, headers are read, and what was read is remembered.

Owns the list and its cache. Watching folders is the window's task; what a file is, the checkpoint
room's.
"""

import dataclasses
import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from app.checkpoint.description import Family
from app.checkpoint.family import describe, detect_family
from app.checkpoint.key_names import ENGINE_DTYPES
from app.checkpoint.lora import lora_text_width
from app.checkpoint.reader import Checkpoint, open_checkpoint
from app.checkpoint.stored import CheckpointError, shown
from app.checkpoint.textual_inversion import read_textual_inversion
from app.checkpoint.trigger_words import trigger_words
from app.library.model_entry import MODEL_ENDINGS, ModelEntry, ModelKind, model_name
from app.paths import cache_folder
from app.version import VERSION

CACHE_FILE = "models.json"
CACHE_LIMIT_BYTES = 100_000_000
# Grows when files are understood that were refused, so that refusals are not remembered.
CACHE_VERSION = f"{VERSION}, 2"
DEEPEST = 8  # folders within folders
FOLDER_MARK = "model_index.json"  # of a diffusers folder

PART_KINDS: Mapping[Family, ModelKind] = MappingProxyType(
    {
        Family.VAE: ModelKind.VAE,
        Family.TAESD: ModelKind.TAESD,
        Family.LORA: ModelKind.LORA,
        Family.TEXTUAL_INVERSION: ModelKind.EMBEDDING,
    }
)
SHOWN_ORDER = tuple(ModelKind)
ALIAS_KEY = "ss_output_name"  # what kohya's trainer called the file
TORCH_ENDINGS = (".pt", ".bin")
LARGEST_EMBEDDING_BYTES = 2_000_000


def describe_model(path: Path) -> ModelEntry:
    """What one file or diffusers folder is, such as one that is dragged over the window.

    Never fails: what cannot be used, or is not there, is an entry of kind REFUSED with a sentence.
    """
    path = path.absolute()
    base = ModelEntry(
        path=path,
        kind=ModelKind.REFUSED,
        family="",
        title=shown(path.name if path.is_dir() else path.stem),
        dtype_label="",
        size_bytes=0,
        modified_ns=0,
        sentence="",
    )
    try:
        size_bytes, modified_ns = _state(path)
        base = dataclasses.replace(base, size_bytes=size_bytes, modified_ns=modified_ns)
        if path.suffix.lower() in TORCH_ENDINGS and size_bytes <= LARGEST_EMBEDDING_BYTES:
            return _describe_torch(base)
        with open_checkpoint(path) as checkpoint:
            return _describe_open(base, checkpoint)
    except CheckpointError as error:
        return dataclasses.replace(base, sentence=str(error))
    except OSError as error:
        sentence = f"{shown(path.name)} cannot be read ({error.strerror}): check that it is there."
        return dataclasses.replace(base, sentence=sentence)


class ModelLibrary:
    """The models in some folders; files may be given in place of folders."""

    def __init__(self, folders: Sequence[Path], cache: Path | None = None) -> None:
        """Reads nothing yet. `cache` is the folder of all caches; None: the user's."""
        self._folders = tuple(folder.absolute() for folder in folders)
        self._cache = (cache or cache_folder()) / CACHE_FILE
        self._known: dict[Path, ModelEntry] | None = None
        self._entries: tuple[ModelEntry, ...] = ()

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """What the last scan found, by kind and title."""
        return self._entries

    def scan(
        self, changed: Path | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> tuple[ModelEntry, ...]:
        """Looks at all folders, or only at `changed`, a file or folder in them; all entries now.

        May be called from any thread, one call at a time. `stopped` is asked before each file; the
        entries then stay as they were.
        """
        if self._known is None:
            self._known = _read_cache(self._cache)
        roots = self._folders if changed is None else (changed.absolute(),)
        if changed is not None and not any(roots[0].is_relative_to(f) for f in self._folders):
            return self._entries
        read: dict[Path, ModelEntry] = {}
        for path in _model_files(roots):
            if stopped():
                return self._entries
            read[path] = self._look_at(path)
        if changed is not None:
            kept = {e.path: e for e in self._entries if not e.path.is_relative_to(roots[0])}
            read = kept | read
        if read != self._known:
            self._known = read
            _write_cache(self._cache, read.values())
        self._entries = tuple(
            sorted(
                read.values(), key=lambda e: (SHOWN_ORDER.index(e.kind), e.title.lower(), e.path)
            )
        )
        return self._entries

    def find(self, name: str, kind: ModelKind = ModelKind.CHECKPOINT) -> ModelEntry | None:
        """The file that a picture's text names, with or without folders and ending, if any."""
        wanted = model_name(name).lower()
        for entry in self._entries:
            if entry.kind is kind and model_name(entry.path.name).lower() == wanted:
                return entry
        return None

    def _look_at(self, path: Path) -> ModelEntry:
        """The remembered entry of a file that is as it was, or a new one."""
        entry = (self._known or {}).get(path)
        with suppress(OSError):
            if entry and (entry.size_bytes, entry.modified_ns) == _state(path):
                return entry
        return describe_model(path)


def _describe_open(base: ModelEntry, checkpoint: Checkpoint) -> ModelEntry:
    family = detect_family(checkpoint)
    kind = PART_KINDS.get(family)
    if kind is None:
        try:
            description = describe(checkpoint)
        except CheckpointError as error:
            return dataclasses.replace(base, family=family.value, sentence=str(error))
        return dataclasses.replace(
            base,
            kind=ModelKind.CHECKPOINT,
            family=description.family.value,
            title=description.title,
            dtype_label=description.dtype_label,
            sentence="\n".join(description.notes),
        )
    counts: Counter[str] = Counter()
    for tensor in checkpoint.tensors.values():
        dtype = ENGINE_DTYPES.get(tensor.dtype, tensor.dtype.lower())
        counts[dtype] += tensor.size_bytes
    label = ", ".join(dtype for dtype, _ in counts.most_common(2))
    entry = dataclasses.replace(
        base,
        kind=kind,
        family=family.value,
        dtype_label=label,
        words=trigger_words(checkpoint.metadata) if kind is ModelKind.LORA else (),
        alias=shown(checkpoint.metadata.get(ALIAS_KEY, "")) if kind is ModelKind.LORA else "",
        text_width=lora_text_width(checkpoint) if kind is ModelKind.LORA else 0,
    )
    return _with_embedding(entry) if kind is ModelKind.EMBEDDING else entry


def _describe_torch(base: ModelEntry) -> ModelEntry:
    """A small file of torch's is an embedding, or CheckpointError says why it is none."""
    return _with_embedding(
        dataclasses.replace(base, kind=ModelKind.EMBEDDING, family=Family.TEXTUAL_INVERSION.value)
    )


def _with_embedding(entry: ModelEntry) -> ModelEntry:
    """The entry of an embedding, with what its rows are."""
    inversion = read_textual_inversion(entry.path)
    return dataclasses.replace(entry, token_count=inversion.count, text_width=inversion.width)


def _model_files(roots: Iterable[Path]) -> Iterator[Path]:
    """Model files and diffusers folders, each once, through links but never in a circle."""
    seen: set[Path] = set()
    for root in roots:
        if root.is_dir():
            yield from _walk(root, DEEPEST, seen)
        elif root.exists() and root not in seen:
            seen.add(root)
            yield root


def _walk(folder: Path, depth: int, seen: set[Path]) -> Iterator[Path]:
    place = folder.resolve()
    if place in seen:
        return
    seen.add(place)
    if (folder / FOLDER_MARK).is_file():
        yield folder
        return
    try:
        with os.scandir(folder) as found:
            children = sorted(Path(each.path) for each in found if not each.name.startswith("."))
    except OSError:  # a folder that may not be read holds nothing for us
        return
    for child in children:
        if child.is_dir():
            if depth > 0:
                yield from _walk(child, depth - 1, seen)
        elif child.suffix.lower() in MODEL_ENDINGS and child not in seen and child.is_file():
            seen.add(child)
            yield child


def _state(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change; of a folder, the sum and the latest of its files'."""
    if not path.is_dir():
        status = path.stat()
        return status.st_size, status.st_mtime_ns
    states = [file.stat() for file in path.rglob("*") if file.is_file()]
    return (
        sum(status.st_size for status in states),
        max((status.st_mtime_ns for status in states), default=0),
    )


def _read_cache(path: Path) -> dict[Path, ModelEntry]:
    """What an earlier run wrote that understood files as this one does; else nothing."""
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(CACHE_LIMIT_BYTES))
        if values["version"] != CACHE_VERSION:
            return {}
        entries = [
            ModelEntry(
                **{
                    **each,
                    "path": Path(each["path"]),
                    "kind": ModelKind(each["kind"]),
                    "words": tuple(each["words"]),
                }
            )
            for each in values["models"]
        ]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return {entry.path: entry for entry in entries}


def _write_cache(path: Path, entries: Iterable[ModelEntry]) -> None:
    """Writes the cache whole; without one the next start only takes longer."""
    values = {"version": CACHE_VERSION, "models": [dataclasses.asdict(entry) for entry in entries]}
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(json.dumps(values, default=str), encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
