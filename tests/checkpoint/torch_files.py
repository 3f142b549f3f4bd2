"""Files of torch's form for tests, written without torch: a pickle by opcodes, and its archive."""

import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from app.checkpoint.stored import CheckpointError

STORAGES = {
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "float64": "DoubleStorage",
    "int64": "LongStorage",
}

MARK_FILE = "ran"  # what a hostile pickle would leave


def assert_refused(read: Callable[[Path], object], path: Path, words: str) -> None:
    """Reading the file ends in one printable sentence with these words, and nothing was run."""
    with pytest.raises(CheckpointError, match=words) as caught:
        read(path)
    assert str(caught.value).isprintable() and str(caught.value).endswith(".")
    assert not path.with_name(MARK_FILE).exists()


def text(value: str) -> bytes:
    """A text on the stack."""
    data = value.encode()
    return b"X" + len(data).to_bytes(4, "little") + data


def number(value: int) -> bytes:
    """A number on the stack."""
    return b"J" + value.to_bytes(4, "little", signed=True)


def called(module: str, name: str, *arguments: bytes) -> bytes:
    """What a function makes of arguments."""
    return f"c{module}\n{name}\n".encode() + b"(" + b"".join(arguments) + b"tR"


def dictionary(items: dict[str, bytes]) -> bytes:
    """A dict of values that are opcodes."""
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def tensor(
    array: NDArray[Any], key: str, offset: int = 0, strides: tuple[int, ...] | None = None
) -> bytes:
    """A tensor that begins at `offset` of the storage `key`, as torch writes it."""
    kind = STORAGES[str(array.dtype)]
    storage = (
        b"("
        + text("storage")
        + f"ctorch\n{kind}\n".encode()
        + text(key)
        + text("cpu")
        + number(array.size + offset)
        + b"tQ"
    )
    steps = strides or tuple(step // array.itemsize for step in array.strides)
    shape, stepped = (b"(" + b"".join(map(number, sizes)) + b"t" for sizes in (array.shape, steps))
    hooks = called("collections", "OrderedDict")
    return called(
        *("torch._utils", "_rebuild_tensor_v2", storage, number(offset)),
        *(shape, stepped, b"\x89", hooks),
    )


def write_checkpoint(
    path: Path, arrays: Mapping[str, NDArray[Any]], beside: Mapping[str, bytes] | None = None
) -> Path:
    """A checkpoint as trainers save it, each tensor with its storage; `beside` are opcodes."""
    opcodes = dictionary({**(beside or {}), "state_dict": _state(arrays)})
    return write_archive(path, opcodes, _storages(arrays))


def write_weights(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """One network's tensors by themselves, as diffusers saved them."""
    return write_archive(path, _state(arrays), _storages(arrays))


def _state(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The tensors by name, each with a storage of its own, named by its place."""
    places = enumerate(arrays.items())
    return dictionary({name: tensor(array, str(place)) for place, (name, array) in places})


def _storages(arrays: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    return {str(place): array.tobytes() for place, array in enumerate(arrays.values())}


def write_archive(
    path: Path, opcodes: bytes, storages: dict[str, bytes], compression: int = zipfile.ZIP_STORED
) -> Path:
    """The file; its path."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(f"{path.stem}/data.pkl", pickle.PROTO + b"\x02" + opcodes + b".")
        for key, data in storages.items():
            archive.writestr(f"{path.stem}/data/{key}", data)
    return path
