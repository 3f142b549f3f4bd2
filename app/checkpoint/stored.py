"""What every part of this room shares: a tensor as it lies in a file, and the error.

Knows nothing of file formats, model families or the engine.
"""

from dataclasses import dataclass

SHOWN_LENGTH = 80


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


def shown(text: str) -> str:
    """A stranger's text made fit for a sentence: printable and at most SHOWN_LENGTH long."""
    cut = text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 3] + "..."
    if cut.isprintable():  # nearly always; a checkpoint has a thousand names
        return cut
    return "".join(letter if letter.isprintable() else "?" for letter in cut)
