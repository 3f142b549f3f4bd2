"""Lying headers: every one is refused with a sentence, and none is believed about memory."""

import random
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from app.checkpoint.description import KeyDialect
from app.checkpoint.family import describe, detect_family
from app.checkpoint.key_names import dialect_tensors, taesd_tensors, vae_tensors
from app.checkpoint.reader import Checkpoint, CheckpointError, open_checkpoint
from tests.checkpoint.model_files import HEADS, SMALLEST, ldm_arrays, write_raw
from tests.checkpoint.model_files import entry as make_entry

FAR = 2**47

LYING_HEADERS: list[tuple[object, str]] = [
    (b"{" + b" " * 20, "cannot be read"),
    (b"{}", "no tensors"),
    (b'{"__metadata__": {}}', "no tensors"),
    (b'{"a": \xff}', "cannot be read"),
    (b'{"a": NaN}', "NaN is not JSON"),
    (b'{"a": 1, "a": 1}', "twice"),
    (b'{"a\\u0000": 1}', "not valid text"),
    (b'{"\\ud800": 1}', "not valid text"),
    (b'{"a": ' + b"[" * 200_000, "cannot be read"),
    (b'{"a": ' + b"9" * 9000 + b"}", "cannot be read"),
    (b'{"a": 1} trailing', "cannot be read"),
    ({"a": 1}, "malformed"),
    ({"a": {"dtype": "F16", "shape": [1]}}, "malformed"),
    ({"a": make_entry("F16", [1], 0, 2) | {"more": 1}}, "malformed"),
    ({"a": make_entry("F99", [1], 0, 2)}, "stores tensor 'a' as 'F99'"),
    ({"a": {"dtype": [], "shape": [1], "data_offsets": [0, 2]}}, "as '\\[\\]'"),
    ({"a": {"dtype": "F16", "shape": 1, "data_offsets": [0, 2]}}, "shape of tensor 'a'"),
    ({"a": {"dtype": "F16", "shape": [1.0], "data_offsets": [0, 2]}}, "shape of tensor 'a'"),
    ({"a": {"dtype": "F16", "shape": [True], "data_offsets": [0, 2]}}, "shape of tensor 'a'"),
    ({"a": make_entry("F16", [-1], 0, 2)}, "shape of tensor 'a'"),
    ({"a": make_entry("F16", [1] * 9, 0, 2)}, "shape of tensor 'a'"),
    ({"a": make_entry("F16", [2**60], 0, 2)}, "shape of tensor 'a'"),
    ({"a": make_entry("F16", [FAR] * 8, 0, 2)}, "shape and the size"),
    ({"a": make_entry("F16", [2], 0, 2)}, "shape and the size"),
    ({"a": make_entry("F16", [1], 2, 0)}, "position of tensor 'a'"),
    ({"a": make_entry("F16", [1], -2, 0)}, "position of tensor 'a'"),
    ({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 1, 2]}}, "position of tensor 'a'"),
    ({"a": make_entry("F16", [FAR], 0, 2 * FAR - 2)}, "shape and the size"),
    ({"a": make_entry("U8", [FAR], 0, FAR)}, "position of tensor|truncated"),
    ({"a": make_entry("F16", [1], 2, 4)}, "a gap before it"),
    ({"a": make_entry("F16", [2], 0, 4), "b": make_entry("F16", [1], 2, 4)}, "overlaps another"),
    ({"a": make_entry("F16", [1], 0, 2), "b": make_entry("F16", [1], 0, 2)}, "overlaps another"),
    ({"a": make_entry("F16", [1], 0, 2)}, "2 bytes follow its last tensor"),
    ({"a": make_entry("F16", [3], 0, 6)}, "truncated"),
    ({"__metadata__": [], "a": make_entry("F16", [2], 0, 4)}, "metadata is not"),
    ({"__metadata__": {"x": 1}, "a": make_entry("F16", [2], 0, 4)}, "metadata 'x'"),
    ({"__metadata__": {"x": "\ud800"}, "a": make_entry("F16", [2], 0, 4)}, "metadata 'x'"),
    ({"a\n\x1b[2J" + "b" * 500: 1}, "tensor 'a\\?\\?\\[2Jb+\\.\\.\\.' is malformed"),
]


@pytest.mark.parametrize(("header", "sentence"), LYING_HEADERS)
def test_lying_header(header: object, sentence: str, tmp_path: Path) -> None:
    """Four bytes of data and a header that lies about them."""
    path = write_raw(tmp_path / "lie.safetensors", header, bytes(4))
    with pytest.raises(CheckpointError, match=sentence) as caught:
        open_checkpoint(path)
    assert str(caught.value).isprintable() and str(caught.value).endswith(".")


@pytest.mark.parametrize("length", [101, 100_000_000, 100_000_001, 2**63, 2**64 - 1])
def test_lying_header_length(length: int, tmp_path: Path) -> None:
    """A header longer than the file or than the format allows costs no memory."""
    path = tmp_path / "long.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b"{" + bytes(99))
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=r"truncated|claims a header"):
        open_checkpoint(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_a_length_that_looks_like_a_pickle(tmp_path: Path) -> None:
    """A header of 0x280 bytes begins as a pickle does and is still safetensors."""
    path = tmp_path / "model.safetensors"
    save_file(ldm_arrays(SMALLEST), path)
    text = b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'.ljust(0x280)
    with open_checkpoint(write_raw(path, text)) as checkpoint:
        assert checkpoint.tensors["a"].shape == (0,)


def use(checkpoint: Checkpoint) -> None:
    """All that the room does with an open file."""
    detect_family(checkpoint)
    for read in (
        describe,
        vae_tensors,
        taesd_tensors,
        lambda opened: dialect_tensors(opened, KeyDialect.LDM),
        lambda opened: dialect_tensors(opened, KeyDialect.DIFFUSERS),
    ):
        try:
            read(checkpoint)
        except CheckpointError as error:
            assert str(error).isprintable()


def outcome(path: Path) -> bool:
    """Whether `path` opens; any exception but CheckpointError fails the test."""
    try:
        with open_checkpoint(path) as checkpoint:
            use(checkpoint)
    except CheckpointError as error:
        assert str(error).isprintable()
        return False
    return True


def survivors(
    path: Path, copies: int, place: Callable[[], int], values: Sequence[int], choose: random.Random
) -> int:
    """How many copies of the file still open, each with some bytes at `place()` flipped or set."""
    good, opened = path.read_bytes(), 0
    for _ in range(copies):
        bad = bytearray(good)
        for _ in range(choose.choice((1, 1, 2, 8))):
            at = place()
            bad[at] = choose.choice((bad[at] ^ 1 << choose.randrange(8), *values))
        path.write_bytes(bad)
        opened += outcome(path)
    path.write_bytes(good)
    return opened


def check_cuts(path: Path, lengths: Iterable[int]) -> None:
    """The file, cut to any of these lengths, does not open."""
    good = path.read_bytes()
    for length in lengths:
        path.write_bytes(good[:length])
        assert not outcome(path), length


def test_damaged_bytes_never_crash(tmp_path: Path) -> None:
    """Seeded flips, cuts and swaps in the header of a whole model."""
    path = tmp_path / "model.safetensors"
    save_file(ldm_arrays(SMALLEST), path, HEADS)
    good = path.read_bytes()
    assert outcome(path)
    header_end = 8 + int.from_bytes(good[:8], "little")
    choose = random.Random(7)

    def place() -> int:
        return choose.randrange(header_end) if choose.random() < 0.9 else choose.randrange(8)

    opened = survivors(path, 400, place, (0x30, 0x2C, 0x22), choose)
    assert 0 < opened < 400  # a changed letter of a name is no damage that a header shows


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    """Cut anywhere, a file never opens."""
    path = tmp_path / "model.safetensors"
    save_file(ldm_arrays(SMALLEST), path)
    size = path.stat().st_size
    choose = random.Random(8)
    anywhere = (choose.randrange(size) for _ in range(40))
    check_cuts(path, [0, 1, 7, 8, 9, 100, size - 1, *anywhere])
