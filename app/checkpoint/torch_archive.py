"""Files that torch.save wrote (.pt, .bin, .ckpt): the archive, what was saved and where it lies.

Owns the archive's layout, a folder with data.pkl and one stored entry a storage, and its limits.
How the pickle is read without being run is torch_pickle's; what the tensors mean, nobody's here.

Source: torch's serialization notes (the format since torch 1.6).
"""

import io
import math
import mmap
import os
import struct
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from app.checkpoint.stored import CheckpointError, shown
from app.checkpoint.torch_pickle import PickleError, TorchTensor, read_pickle

PICKLE_LIMIT_BYTES = 32_000_000
READ_LIMIT_BYTES = 64_000_000
NUMBER_BYTES = {
    **{"BOOL": 1, "I8": 1, "U8": 1, "I16": 2, "F16": 2, "BF16": 2},
    **{"F32": 4, "I32": 4, "F64": 8, "I64": 8},
}
# Of an entry, where it lies: a signature, then lengths of a name and of extras, then the data.
ENTRY = struct.Struct("<4s22xHH")
ENTRY_SIGNATURE = b"PK\x03\x04"
ENCRYPTED = 1

USE_SAFETENSORS = "use the .safetensors version of it"
DAMAGED = "is damaged: use the .safetensors version of it"
NOT_TORCH = "is no file of torch 1.6 or later: use the .safetensors version of it"
NO_PICKLE = f"is a zip archive without torch's data.pkl: {USE_SAFETENSORS}"
ODDLY_PACKED = f"is packed in a way that torch does not use: {USE_SAFETENSORS}"
BIG_ENDIAN = f"is of another kind of processor: {USE_SAFETENSORS}"
ZIP_ERRORS = (zipfile.BadZipFile, struct.error)


class _Bounded(io.FileIO):
    """A file of which no more than the limit is read at once, whatever it says of its parts."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = max(0, os.fstat(self.fileno()).st_size - self.tell())
        if size > READ_LIMIT_BYTES:
            raise zipfile.BadZipFile
        return super().read(size) or b""


class TorchArchive:
    """An open archive: `value` is what was saved, with TorchTensors in the place of tensors."""

    def __init__(self, path: Path) -> None:
        """Reads the pickle; CheckpointError if it is none that can be read without running it."""
        self._name = shown(path.name)
        with ExitStack() as closing:
            self._zip = self._opened(path, closing)
            names = [name for name in self._zip.namelist() if name.endswith("/data.pkl")]
            if len(names) != 1:
                raise self._bad(NO_PICKLE)
            self._folder = names[0].removesuffix("data.pkl")
            order = f"{self._folder}byteorder"
            if order in self._zip.namelist() and self._entry(order, 16) != b"little":
                raise self._bad(BIG_ENDIAN)
            try:
                self.value = read_pickle(self._entry(names[0], PICKLE_LIMIT_BYTES))
            except PickleError as error:
                raise self._bad(f"{error}: {USE_SAFETENSORS}") from None
            self._closing = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()

    def read(self, tensor: TorchTensor, limit_bytes: int) -> bytes:
        """A tensor's numbers in order; CheckpointError if they are not all there, or too many."""
        data = self._entry(f"{self._folder}data/{tensor.storage}", limit_bytes)
        return data[slice(*self._range(tensor, len(data)))]

    def place(self, tensor: TorchTensor, mapping: mmap.mmap) -> tuple[int, int]:
        """Where in the file a tensor's bytes begin and end; CheckpointError if not in one piece."""
        info = self._info(f"{self._folder}data/{tensor.storage}")
        begin = info.header_offset
        if not 0 <= begin <= len(mapping) - ENTRY.size:
            raise self._bad(DAMAGED)
        signature, name_bytes, extra_bytes = ENTRY.unpack_from(mapping, begin)
        begin += ENTRY.size + name_bytes + extra_bytes
        if signature != ENTRY_SIGNATURE or begin + info.file_size > len(mapping):
            raise self._bad(DAMAGED)
        first, last = self._range(tensor, info.file_size)
        return begin + first, begin + last

    def _range(self, tensor: TorchTensor, storage_bytes: int) -> tuple[int, int]:
        """The tensor's bytes in its storage."""
        size = NUMBER_BYTES[tensor.dtype]
        begin = tensor.offset * size
        end = begin + math.prod(tensor.shape) * size
        if not tensor.is_contiguous or end > storage_bytes:
            raise self._bad(DAMAGED)
        return begin, end

    def _opened(self, path: Path, closing: ExitStack) -> zipfile.ZipFile:
        try:
            file = closing.enter_context(_Bounded(path))
            return closing.enter_context(zipfile.ZipFile(file))
        except OSError as error:
            raise CheckpointError(
                f"{self._name} cannot be opened ({error.strerror}): check that the file is there."
            ) from None
        except (ValueError, NotImplementedError, OverflowError, *ZIP_ERRORS):
            raise self._bad(NOT_TORCH) from None

    def _entry(self, name: str, limit_bytes: int) -> bytes:
        """All of one entry, if that is no more than the limit."""
        info = self._info(name)
        if info.file_size > limit_bytes:
            raise self._bad(ODDLY_PACKED)
        try:
            with self._zip.open(info) as entry:
                return entry.read(limit_bytes)
        except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, *ZIP_ERRORS):
            raise self._bad(DAMAGED) from None

    def _info(self, name: str) -> zipfile.ZipInfo:
        """One entry, stored as torch stores it: a compressed one may be a bomb."""
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            raise self._bad(DAMAGED) from None
        is_stored = (
            info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
        )
        if not is_stored or info.flag_bits & ENCRYPTED:
            raise self._bad(ODDLY_PACKED)
        return info

    def _bad(self, what: str) -> CheckpointError:
        return CheckpointError(f"{self._name} {what}.")
