"""The header of a GGUF file, read and distrusted.

Format, all little-endian: "GGUF", a version, how many tensors and how many metadata entries there
are; then the entries, each a key, a type and a value; then for each tensor its name, dimensions
(the fastest first), ggml type and offset; then, from the next multiple of `general.alignment` on,
the data, of which offsets are counted. Source: github.com/ggml-org/ggml, docs/gguf.md.
Owns the checks of what a file says about itself; knows nothing of mappings, models or names.
"""

import math
import mmap
import struct
from collections.abc import Mapping
from types import MappingProxyType

from app.checkpoint.stored import (
    DIMENSION_LIMIT,
    HEADER_LIMIT_BYTES,
    CheckpointError,
    Header,
    HeaderEntry,
    damaged,
    ends_in_header,
    is_plain_text,
    shown,
    truncated,
    without_tensors,
)

MAGIC = b"GGUF"
VERSIONS = (2, 3)
RANK_LIMIT = 4
NAME_LIMIT_BYTES = 1024
TEXT_LIMIT_BYTES = 1 << 20  # of a metadata value that is kept
ITEM_LIMIT = 1_000_000  # texts, entries and tensors of one header
ALIGNMENT_KEY = "general.alignment"
ALIGNMENT = 32
ALIGNMENT_LIMIT = 1 << 16

# ggml's number of a type -> what it is called, numbers of a block, bytes of a block
GGML_TYPES: Mapping[int, tuple[str, int, int]] = MappingProxyType(
    {
        0: ("F32", 1, 4),
        1: ("F16", 1, 2),
        2: ("Q4_0", 32, 18),
        3: ("Q4_1", 32, 20),
        6: ("Q5_0", 32, 22),
        7: ("Q5_1", 32, 24),
        8: ("Q8_0", 32, 34),
        9: ("Q8_1", 32, 40),
        10: ("Q2_K", 256, 84),
        11: ("Q3_K", 256, 110),
        12: ("Q4_K", 256, 144),
        13: ("Q5_K", 256, 176),
        14: ("Q6_K", 256, 210),
        15: ("Q8_K", 256, 292),
        16: ("IQ2_XXS", 256, 66),
        17: ("IQ2_XS", 256, 74),
        18: ("IQ3_XXS", 256, 98),
        19: ("IQ1_S", 256, 50),
        20: ("IQ4_NL", 32, 18),
        21: ("IQ3_S", 256, 110),
        22: ("IQ2_S", 256, 82),
        23: ("IQ4_XS", 256, 136),
        24: ("I8", 1, 1),
        25: ("I16", 1, 2),
        26: ("I32", 1, 4),
        27: ("I64", 1, 8),
        28: ("F64", 1, 8),
        29: ("IQ1_M", 256, 56),
        30: ("BF16", 1, 2),
        34: ("TQ1_0", 256, 54),
        35: ("TQ2_0", 256, 66),
        39: ("MXFP4", 32, 17),
    }
)
# the format's number of a metadata type -> struct's letter
NUMBERS: Mapping[int, str] = MappingProxyType(
    {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
)
TEXT_TYPE, ARRAY_TYPE = 8, 9


def read_gguf_header(mapping: mmap.mmap, file_name: str) -> Header:
    """Reads the header at the mapping's start; CheckpointError on any lie in it.

    Metadata are texts: numbers as they are written, arrays are left out. Shapes are the other way
    round than in the file, so that the fastest dimension is the last, as in other formats.
    """
    cursor = _Cursor(mapping, file_name)
    cursor.take(len(MAGIC))
    version = cursor.count("I")
    if version not in VERSIONS:
        raise CheckpointError(
            f"{file_name} is a GGUF file of version {version}, which Aquatint does not know: use "
            "the .safetensors version."
        )
    tensor_count, entry_count = cursor.count("Q"), cursor.count("Q")
    metadata: dict[str, str] = {}
    for _ in range(entry_count):
        key = cursor.name("metadata")
        if key in metadata:
            raise damaged(file_name, f"its metadata '{shown(key)}' stands in it twice")
        metadata[key] = cursor.value(key)
    tensors = [_tensor(cursor) for _ in range(tensor_count)]
    if not tensors:
        raise without_tensors(file_name)
    step = _alignment(metadata, file_name)
    start = -(-cursor.position // step) * step
    entries = tuple(_entry(tensor, start, step, file_name) for tensor in tensors)
    _check_ranges(entries, len(mapping), file_name)
    return Header(metadata={k: v for k, v in metadata.items() if v}, entries=entries)


class _Cursor:
    """A place in the header, which never moves past the file's end or the limit."""

    def __init__(self, mapping: mmap.mmap, file_name: str) -> None:
        self._mapping = mapping
        self._file_name = file_name
        self._items = 0
        self.position = 0

    def take(self, count: int) -> int:
        """Moves over `count` bytes; where they begin."""
        begin, end = self.position, self.position + count
        if end > len(self._mapping):
            raise ends_in_header(self._file_name)
        if end > HEADER_LIMIT_BYTES:
            raise self._too_large()
        self.position = end
        return begin

    def count(self, letter: str) -> int:
        """A whole number, "I" of 4 bytes or "Q" of 8."""
        return int(self._number(letter))

    def _number(self, letter: str) -> int | float | bool:
        begin = self.take(struct.calcsize(f"<{letter}"))
        value: int | float | bool = struct.unpack_from(f"<{letter}", self._mapping, begin)[0]
        return value

    def text(self, limit_bytes: int) -> bytes | None:
        """A text's bytes; None, without a copy, if there are more than the limit."""
        self._items += 1
        if self._items > ITEM_LIMIT:
            raise self._too_large()
        length = self.count("Q")
        begin = self.take(length)
        return self._mapping[begin : begin + length] if length <= limit_bytes else None

    def name(self, kind: str) -> str:
        """A key or a tensor's name."""
        name = _decoded(self.text(NAME_LIMIT_BYTES))
        if not name:
            raise damaged(self._file_name, f"it has a {kind} name that is not valid text")
        return name

    def value(self, key: str) -> str:
        """A metadata value as text; empty where it is an array or a very long text."""
        kind = self.count("I")
        if kind == ARRAY_TYPE:
            self._skip_array(key)
            return ""
        if kind == TEXT_TYPE:
            data = self.text(TEXT_LIMIT_BYTES)
            text = _decoded(data)
            if data and text is None:
                raise damaged(self._file_name, f"its metadata '{shown(key)}' is not text")
            return text or ""
        if kind not in NUMBERS:
            raise self._unknown_value(key)
        return str(self._number(NUMBERS[kind]))

    def _skip_array(self, key: str) -> None:
        kind, count = self.count("I"), self.count("Q")
        if kind in NUMBERS:
            self.take(struct.calcsize(NUMBERS[kind]) * count)
        elif kind == TEXT_TYPE:
            for _ in range(count):
                self.text(0)
        else:
            raise self._unknown_value(key)

    def _unknown_value(self, key: str) -> CheckpointError:
        return damaged(self._file_name, f"its metadata '{shown(key)}' is of an unknown kind")

    def _too_large(self) -> CheckpointError:
        return CheckpointError(
            f"{self._file_name} has a header that is far too large for an image model: choose "
            "another file."
        )


def _decoded(data: bytes | None) -> str | None:
    """UTF-8 as text; None if it is none, or holds a zero byte."""
    try:
        text = (data or b"\0").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if is_plain_text(text) else None


_Tensor = tuple[str, tuple[int, ...], int, int]  # name, shape, ggml type, offset


def _tensor(cursor: _Cursor) -> _Tensor:
    """One tensor as the header has it."""
    name = cursor.name("tensor")
    rank = cursor.count("I")
    dimensions = [cursor.count("Q") for _ in range(min(rank, RANK_LIMIT + 1))]
    return name, tuple(reversed(dimensions)), cursor.count("I"), cursor.count("Q")


def _alignment(metadata: Mapping[str, str], file_name: str) -> int:
    """What the data and each tensor begin at a multiple of."""
    text = metadata.get(ALIGNMENT_KEY, str(ALIGNMENT))
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= ALIGNMENT_LIMIT or value & value - 1:
        raise damaged(file_name, f"its alignment is '{shown(text)}'")
    return value


def _entry(tensor: _Tensor, start: int, step: int, file_name: str) -> HeaderEntry:
    """One tensor; its type must be known, its rows whole blocks."""
    name, shape, kind, offset = tensor
    label = f"tensor '{shown(name)}'"
    if kind not in GGML_TYPES:
        raise CheckpointError(
            f"{file_name} stores tensor '{shown(name)}' as ggml's type {kind}, which Aquatint does "
            "not know: use an f16 version of the file."
        )
    dtype, numbers, size = GGML_TYPES[kind]
    if len(shape) > RANK_LIMIT or any(count >= DIMENSION_LIMIT for count in shape):
        raise damaged(file_name, f"the shape of {label} is malformed")
    if numbers > 1 and (not shape or shape[-1] % numbers):
        raise damaged(file_name, f"the shape and the size of {label} disagree")
    if offset % step:
        raise damaged(file_name, f"the position of {label} is malformed")
    begin = start + offset
    end = begin + math.prod(shape) // numbers * size
    return HeaderEntry(name=name, dtype=dtype, shape=shape, begin=begin, end=end)


def _check_ranges(entries: tuple[HeaderEntry, ...], file_size: int, file_name: str) -> None:
    """Names must differ, ranges not overlap and end before the file does."""
    names: set[str] = set()
    position = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        label = f"tensor '{shown(entry.name)}'"
        if entry.name in names:
            raise damaged(file_name, f"{label} stands in it twice")
        if entry.begin < position:
            raise damaged(file_name, f"{label} overlaps another")
        names.add(entry.name)
        position = entry.end
    if position > file_size:
        raise truncated(file_name, file_size, position)
