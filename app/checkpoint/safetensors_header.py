"""The header of a safetensors file, read and distrusted.

Format: 8 bytes little-endian header length, that many bytes of JSON, then the data. Each entry is
{"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from the end of the header, and
the ranges must cover the data exactly. Source: github.com/huggingface/safetensors, README.md.
Owns the checks of what a file says about itself; knows nothing of mappings, models or names.
"""

import json
import math
from collections.abc import Mapping

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

LENGTH_BYTES = 8
RANK_LIMIT = 8

DTYPE_BITS: Mapping[str, int] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "I64": 64,
    "U64": 64,
    "F64": 64,
    "C64": 64,
}


def header_length(first_bytes: bytes, file_size: int, file_name: str) -> int:
    """Length of the JSON in bytes, from the file's first 8 bytes; CheckpointError if absurd."""
    if len(first_bytes) < LENGTH_BYTES:
        raise CheckpointError(
            f"{file_name} is only {file_size} bytes long and cannot be a model: download it again."
        )
    length = int.from_bytes(first_bytes[:LENGTH_BYTES], "little")
    if length > HEADER_LIMIT_BYTES:
        raise CheckpointError(
            f"{file_name} is not a safetensors file or is damaged (it claims a header of {length} "
            "bytes): download it again."
        )
    if LENGTH_BYTES + length > file_size:
        raise ends_in_header(file_name)
    return length


def parse_header(text: bytes, file_size: int, file_name: str) -> Header:
    """Reads the JSON `text` of a file of `file_size` bytes; CheckpointError on any lie in it."""
    fields = _json_object(text, file_name)
    metadata = _metadata(fields.pop("__metadata__", {}), file_name)
    data_start = LENGTH_BYTES + len(text)
    entries = tuple(_entry(name, value, data_start, file_name) for name, value in fields.items())
    if not entries:
        raise without_tensors(file_name)
    _check_ranges(entries, data_start, file_size, file_name)
    return Header(metadata=metadata, entries=entries)


def _json_object(text: bytes, file_name: str) -> dict[str, object]:
    """The header as a dict; refuses bad UTF-8, bad JSON, duplicate keys and endless nesting."""
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise damaged(file_name, f"its header cannot be read ({shown(str(error))})") from None
    if not isinstance(value, dict):
        raise damaged(file_name, "its header is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object whose keys are unique and can be written as UTF-8 C strings."""
    result: dict[str, object] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"'{shown(key)}' stands in it twice")
        if not is_plain_text(key):
            raise ValueError(f"the name '{shown(key)}' is not valid text")
        result[key] = value
    return result


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _metadata(value: object, file_name: str) -> dict[str, str]:
    """The `__metadata__` entry: text to text, nothing else is allowed by the format."""
    if not isinstance(value, dict):
        raise damaged(file_name, "its metadata is not a JSON object")
    for key, text in value.items():
        if not isinstance(text, str) or not is_plain_text(text):
            raise damaged(file_name, f"its metadata '{shown(key)}' is not text")
    return value


def _entry(name: str, value: object, data_start: int, file_name: str) -> HeaderEntry:
    """One tensor; dtype, shape and byte count must agree."""
    label = f"tensor '{shown(name)}'"
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise damaged(file_name, f"the entry of {label} is malformed")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise CheckpointError(
            f"{file_name} stores {label} as '{shown(str(dtype))}', which Aquatint does not know: "
            "use an f16 version of the file."
        )
    if not _is_count_list(shape, RANK_LIMIT):
        raise damaged(file_name, f"the shape of {label} is malformed")
    if not _is_count_list(offsets, 2) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise damaged(file_name, f"the position of {label} is malformed")
    if math.prod(shape) * DTYPE_BITS[dtype] != (offsets[1] - offsets[0]) * 8:
        raise damaged(file_name, f"the shape and the size of {label} disagree")
    return HeaderEntry(
        name=name,
        dtype=dtype,
        shape=tuple(shape),
        begin=data_start + offsets[0],
        end=data_start + offsets[1],
    )


def _is_count_list(value: object, length_limit: int) -> bool:
    """Whether value is a short list of sane non-negative integers (true and 1.0 are not)."""
    return (
        isinstance(value, list)
        and len(value) <= length_limit
        and all(type(item) is int and 0 <= item < DIMENSION_LIMIT for item in value)
    )


def _check_ranges(
    entries: tuple[HeaderEntry, ...], data_start: int, file_size: int, file_name: str
) -> None:
    """The ranges must follow each other without gap or overlap and end where the file ends."""
    position = data_start
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != position:
            kind = "overlaps another" if entry.begin < position else "leaves a gap before it"
            raise damaged(file_name, f"tensor '{shown(entry.name)}' {kind}")
        position = entry.end
    if position > file_size:
        raise truncated(file_name, file_size, position)
    if position < file_size:
        raise damaged(file_name, f"{file_size - position} bytes follow its last tensor")
