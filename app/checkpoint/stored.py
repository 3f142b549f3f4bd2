"""What every part of this room shares: a tensor as it lies in a file, a header, and the error.

Knows nothing of any one file format, of model families or the engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SHOWN_LENGTH = 80
HEADER_LIMIT_BYTES = 100_000_000  # safetensors' own limit
DIMENSION_LIMIT = 2**48  # elements; keeps products of eight of them small enough to be quick


class CheckpointError(Exception):
    """A file that cannot be used; the text is one sentence that says what it is and what to do."""


@dataclass(frozen=True, kw_only=True)
class StoredTensor:
    """One tensor where it lies.

    `dtype` is the file's word ("F16"), `shape` in elements, `address` that of the first byte (valid
    until the checkpoint is closed, not always aligned), `mapping`: the addresses of the read-only
    file mapping that it lies in.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    address: int
    size_bytes: int
    mapping: range


@dataclass(frozen=True, kw_only=True)
class HeaderEntry:
    """One tensor of a header; `begin` and `end` are bytes from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of itself; every range lies inside the file.

    Only in torch's checkpoints, where tensors may share their bytes, do ranges overlap.
    """

    metadata: Mapping[str, str]
    entries: tuple[HeaderEntry, ...]


def damaged(file_name: str, what: str) -> CheckpointError:
    """The error of a file that contradicts itself."""
    return CheckpointError(f"{file_name} is damaged: {what}; download it again.")


def ends_in_header(file_name: str) -> CheckpointError:
    """The error of a file that is shorter than its header."""
    return CheckpointError(
        f"{file_name} is truncated: it ends inside its header; download it again."
    )


def truncated(file_name: str, file_size: int, whole_size: int) -> CheckpointError:
    """The error of a file that ends before its tensors do; sizes in bytes."""
    return CheckpointError(
        f"{file_name} is truncated: it has {file_size} of {whole_size} bytes; download it again."
    )


def without_tensors(file_name: str) -> CheckpointError:
    """The error of a sound file that has nothing in it."""
    return CheckpointError(f"{file_name} holds no tensors: choose another file.")


def is_plain_text(text: str) -> bool:
    """Whether text has no zero byte and no lone surrogate."""
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def shown(text: str) -> str:
    """A stranger's text made fit for a sentence: printable and at most SHOWN_LENGTH long."""
    cut = text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 3] + "..."
    if cut.isprintable():  # nearly always; a checkpoint has a thousand names
        return cut
    return "".join(letter if letter.isprintable() else "?" for letter in cut)
