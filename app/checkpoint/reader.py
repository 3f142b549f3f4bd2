"""Opens a model where it lies, mapped read-only: safetensors, GGUF, torch, a diffusers folder.

Owns the mappings and the addresses handed out from them; nothing is converted, and nothing copied
save a matrix that is asked for the other way round. Knows nothing of what the tensors mean.
"""

import mmap
import stat
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from app.checkpoint.diffusers_folder import Config, read_configs, weight_files
from app.checkpoint.gguf_header import MAGIC as GGUF
from app.checkpoint.gguf_header import read_gguf_header
from app.checkpoint.safetensors_header import LENGTH_BYTES, header_length, parse_header
from app.checkpoint.stored import CheckpointError, Header, StoredTensor, shown
from app.checkpoint.torch_header import read_torch_header
from app.engine._engine import ffi

__all__ = ["Checkpoint", "CheckpointError", "StoredTensor", "open_checkpoint"]

SNIFF_BYTES = 512
SIDE_LIMIT = 1 << 14  # of a matrix that is turned round: it goes column by column
# memoryview's word for whole numbers as long as these
WORDS: Mapping[str, Literal["B", "H", "I"]] = {
    "F8_E4M3": "B",
    "F8_E5M2": "B",
    "F16": "H",
    "BF16": "H",
    "F32": "I",
}
USE_SAFETENSORS = "use the .safetensors version"
TORCH_ENDINGS = (".ckpt", ".pt", ".pth", ".bin")
DOWNLOAD_AGAIN = "download it again"
CHOOSE_MODEL = "choose a .safetensors model"

# (first bytes, what such a file is, what to do); the first row that fits is shown
SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer and not the model itself", DOWNLOAD_AGAIN),
    (b"\x89PNG", "a PNG picture", CHOOSE_MODEL),
    (b"\xff\xd8\xff", "a JPEG picture", CHOOSE_MODEL),
    (b"RIFF", "a WebP picture or a sound", CHOOSE_MODEL),
    (b"GIF8", "a GIF picture", CHOOSE_MODEL),
    (b"%PDF", "a PDF document", CHOOSE_MODEL),
    (b"\x89HDF", "an HDF5 file", CHOOSE_MODEL),
    (b"\x1f\x8b", "a gzip archive", "unpack it and open the .safetensors file in it"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it and open the .safetensors file in it"),
    (b"Rar!", "a RAR archive", "unpack it and open the .safetensors file in it"),
    (b"<", "a web page and not the model itself", DOWNLOAD_AGAIN),
    (b"{", "a JSON text and not a model", CHOOSE_MODEL),
    (bytes(64), "full of zeros, so its download did not finish", DOWNLOAD_AGAIN),
)
ZIP = b"PK"
PICKLE = "a pickle of torch before 1.6, which Aquatint does not open"


class Checkpoint:
    """An open model: its tensors by the file's names, its metadata and configs.

    `configs` holds the JSON files of a diffusers folder by their path in it and is empty for a
    single file. After `close` no address is valid and `tensors` is empty.
    """

    def __init__(
        self,
        *,
        path: Path,
        metadata: Mapping[str, str],
        tensors: Mapping[str, StoredTensor],
        configs: Mapping[str, Config],
        mappings: ExitStack,
    ) -> None:
        """Takes over `mappings`, which `close` releases."""
        self.path = path
        self.metadata = MappingProxyType(metadata)
        self.tensors = MappingProxyType(tensors)
        self.configs = MappingProxyType(configs)
        self._mappings = mappings
        self._copies: list[object] = []

    def __enter__(self) -> Self:
        """The checkpoint itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes the checkpoint."""
        self.close()

    def transposed(self, tensor: StoredTensor) -> int:
        """The address of a copy of a matrix with rows and columns exchanged; valid until `close`.

        CheckpointError for a tensor that is no matrix of numbers one by one.
        """
        word = WORDS.get(tensor.dtype)
        if len(tensor.shape) != 2 or max(tensor.shape) > SIDE_LIMIT or word is None:
            raise CheckpointError(
                f"{shown(self.path.name)} stores tensor '{shown(tensor.name)}' as {tensor.dtype} "
                f"with the shape {list(tensor.shape)}, which is no matrix of plain numbers: "
                "download it again or choose another file."
            )
        rows, columns = tensor.shape
        copy = ffi.new("char[]", tensor.size_bytes)
        stored = ffi.buffer(ffi.cast("char *", tensor.address), tensor.size_bytes)
        source = memoryview(stored).cast("B").cast(word)
        target = memoryview(ffi.buffer(copy)).cast("B").cast(word)
        for column in range(columns):
            target[column * rows : (column + 1) * rows] = source[column::columns]
        self._copies.append(copy)
        return int(ffi.cast("uintptr_t", copy))

    def close(self) -> None:
        """Gives the mappings back; may be called twice."""
        self.tensors = MappingProxyType({})
        self._copies.clear()
        self._mappings.close()


def open_checkpoint(path: Path) -> Checkpoint:
    """Opens a .safetensors, .gguf or .ckpt file or a diffusers folder; CheckpointError else.

    Reads headers and configs only: the time does not grow with the weights.
    """
    path = path.absolute()  # so that "." has a name
    with ExitStack() as mappings:
        if path.is_dir():
            files = [(file.prefix, file.path) for file in weight_files(path)]
            configs = read_configs(path)
        else:
            files, configs = [("", path)], {}
        metadata: dict[str, str] = {}
        tensors: dict[str, StoredTensor] = {}
        for prefix, file in files:
            file_metadata, file_tensors = _map_file(file, mappings)
            metadata |= file_metadata
            _add(tensors, prefix, file_tensors, file)
        return Checkpoint(
            path=path,
            metadata=metadata,
            tensors=tensors,
            configs=configs,
            mappings=mappings.pop_all(),
        )


def _add(
    tensors: dict[str, StoredTensor], prefix: str, added: Iterable[StoredTensor], file: Path
) -> None:
    """Adds the tensors of one file of several; no two shards may hold the same name."""
    for tensor in added:
        name = prefix + tensor.name
        if name in tensors:
            raise CheckpointError(
                f"{shown(file.name)} repeats tensor '{shown(name)}' of another file: "
                "download the model again."
            )
        tensors[name] = tensor


def _map_file(path: Path, mappings: ExitStack) -> tuple[Mapping[str, str], list[StoredTensor]]:
    """Maps one file until `mappings` is closed; its metadata and tensors."""
    name = shown(path.name)
    try:
        mapping, size = _mapping(path, name)
    except OSError as error:
        raise CheckpointError(
            f"{name} cannot be opened ({error.strerror}): check that the file is there and that "
            "you may read it."
        ) from None
    mappings.callback(_close_mapping, mapping)
    header = _header(mapping, path)
    base = int(ffi.cast("uintptr_t", ffi.from_buffer(mapping)))
    return header.metadata, [
        StoredTensor(
            name=entry.name,
            dtype=entry.dtype,
            shape=entry.shape,
            address=base + entry.begin,
            size_bytes=entry.end - entry.begin,
            mapping=range(base, base + size),
        )
        for entry in header.entries
    ]


def _header(mapping: mmap.mmap, path: Path) -> Header:
    """What the file says of itself, in any of the formats; its first bytes say which it is."""
    name, size = shown(path.name), len(mapping)
    start = mapping[: LENGTH_BYTES + 1]
    if start.startswith(GGUF):
        return read_gguf_header(mapping, name)
    if start.startswith(ZIP) and not start.endswith(b"{"):
        return read_torch_header(path, mapping)
    length = header_length(start[:LENGTH_BYTES], size, name)
    return parse_header(mapping[LENGTH_BYTES : LENGTH_BYTES + length], size, name)


def _mapping(path: Path, name: str) -> tuple[mmap.mmap, int]:
    """The whole file mapped read-only, and its size in bytes; refuses other kinds of files."""
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would block, a device has no size
        raise CheckpointError(f"{name} is not a regular file: {CHOOSE_MODEL}.")
    with path.open("rb") as file:
        _check_start(file.read(SNIFF_BYTES), path)
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return mapping, len(mapping)


def _check_start(start: bytes, path: Path) -> None:
    """CheckpointError if the first bytes are those of a known other kind of file."""
    name = shown(path.name)
    if not start:
        raise CheckpointError(f"{name} is empty: {DOWNLOAD_AGAIN}.")
    if start[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" or start.startswith(GGUF):
        return  # header length, then JSON: safetensors, whatever the length's bytes look like
    if start.startswith(ZIP):
        if b".pkl" in start or path.suffix in TORCH_ENDINGS:
            return
        raise CheckpointError(
            f"{name} is a zip archive: unpack it and open the .safetensors file in it."
        )
    if start[0] == 0x80 and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise CheckpointError(f"{name} is {PICKLE}: {USE_SAFETENSORS}.")
    for signature, what, act in SIGNATURES:
        if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(signature):
            raise CheckpointError(f"{name} is {what}: {act}.")
    if len(start) > LENGTH_BYTES:
        raise CheckpointError(f"{name} is not a safetensors file: {CHOOSE_MODEL}.")


def _close_mapping(mapping: mmap.mmap) -> None:
    """Unmaps; if somebody still holds a view, the last view's end does it."""
    with suppress(BufferError):
        mapping.close()
