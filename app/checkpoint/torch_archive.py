"""Files that torch.save wrote (.pt, .bin): the zip archive, what was saved and a tensor's numbers.

Owns the archive's layout, a folder with data.pkl and one stored entry a storage, and its limits.
How the pickle is read without being run is torch_pickle's; what the tensors mean, nobody's here.

Source: torch's serialization notes (the format since torch 1.6).
"""

import math
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from app.checkpoint.stored import CheckpointError, shown
from app.checkpoint.torch_pickle import PickleError, TorchTensor, read_pickle

PICKLE_LIMIT_BYTES = 32_000_000
NUMBER_BYTES = {"F16": 2, "BF16": 2, "F32": 4, "I32": 4, "F64": 8, "I64": 8}


class TorchArchive:
    """An open archive: `value` is what was saved, with TorchTensors in the place of tensors."""

    def __init__(self, path: Path) -> None:
        """Reads the pickle; CheckpointError if it is none that can be read without running it."""
        self._name = shown(path.name)
        with ExitStack() as closing:
            self._zip = closing.enter_context(self._opened(path))
            names = [name for name in self._zip.namelist() if name.endswith("/data.pkl")]
            if len(names) != 1:
                raise self._bad("is a zip archive without torch's data.pkl")
            self._folder = names[0].removesuffix("data.pkl")
            try:
                self.value = read_pickle(self._entry(names[0], PICKLE_LIMIT_BYTES))
            except PickleError as error:
                raise self._bad(str(error)) from None
            self._closing = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()

    def read(self, tensor: TorchTensor, limit_bytes: int) -> bytes:
        """A tensor's numbers in order; CheckpointError if they are not all there, or too many."""
        size = NUMBER_BYTES[tensor.dtype]
        begin, count = tensor.offset * size, math.prod(tensor.shape) * size
        data = self._entry(f"{self._folder}data/{tensor.storage}", limit_bytes)
        if not tensor.is_contiguous or begin + count > len(data):
            raise self._bad("is damaged")
        return data[begin : begin + count]

    def _opened(self, path: Path) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(path)
        except OSError as error:
            raise CheckpointError(
                f"{self._name} cannot be opened ({error.strerror}): check that the file is there."
            ) from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            raise self._bad("is no file of torch 1.6 or later") from None

    def _entry(self, name: str, limit_bytes: int) -> bytes:
        """One entry, stored as torch stores it: a compressed one may be a bomb."""
        try:
            info = self._zip.getinfo(name)
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit_bytes:
                raise self._bad("is packed in a way that torch does not use")
            with self._zip.open(info) as entry:
                return entry.read(limit_bytes)
        except (OSError, zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError):
            raise self._bad("is damaged") from None

    def _bad(self, what: str) -> CheckpointError:
        return CheckpointError(f"{self._name} {what}: use the .safetensors version of it.")
