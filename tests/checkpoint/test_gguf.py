"""GGUF files: what is read is what the gguf package reads, and lying ones are refused."""

import ctypes
import random
import struct
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
import pytest

from app.checkpoint.description import Family
from app.checkpoint.family import describe, detect_family
from app.checkpoint.gguf_header import ALIGNMENT_KEY, GGML_TYPES
from app.checkpoint.key_names import engine_tensors, vae_tensors
from app.checkpoint.reader import CheckpointError, open_checkpoint
from app.engine.types import Dtype
from tests.checkpoint.model_files import HEADS, Arrays
from tests.checkpoint.test_hostile_files import (
    SMALLEST,
    check_cuts,
    ldm_arrays,
    outcome,
    survivors,
)
from tests.gguf_files import write_gguf

VAE = "first_stage_model."
U8, U32, F32, BOOL, TEXT, ARRAY, U64 = 0, 4, 6, 7, 8, 9, 10  # metadata types
FAR = 2**62

Entry = tuple[str | bytes, int, bytes]
Tensor = tuple[str | bytes, Sequence[int], int, int]  # name, fastest dimension first, type, offset
ONE: Tensor = ("a", (4,), 0, 0)


def text(value: str | bytes) -> bytes:
    """A text of the format: its length, its bytes."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def raw(
    *tensors: Tensor,
    entries: Sequence[Entry] = (),
    version: int = 3,
    counts: tuple[int, int] | None = None,
    data: bytes = bytes(64),
) -> bytes:
    """A file with any header."""
    counts = counts or (len(tensors), len(entries))
    header = b"GGUF" + struct.pack("<IQQ", version, *counts)
    for key, kind, value in entries:
        header += text(key) + struct.pack("<I", kind) + value
    for name, dimensions, kind, offset in tensors:
        header += text(name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
        header += struct.pack("<IQ", kind, offset)
    return header.ljust(-(-len(header) // 32) * 32, b"\0") + data


def u32(value: int) -> bytes:
    """A number of 4 bytes."""
    return struct.pack("<I", value)


@pytest.fixture(scope="module")
def narrow(arrays: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The narrow model with matrices in Q8_0."""
    return write_gguf(tmp_path_factory.mktemp("gguf") / "narrow.gguf", arrays, HEADS)


def test_tensors_are_those_of_the_gguf_package(narrow: Path) -> None:
    """Names, types, shapes and bytes, from addresses inside a mapping."""
    expected = {tensor.name: tensor for tensor in gguf.GGUFReader(narrow).tensors}
    with open_checkpoint(narrow) as checkpoint:
        assert checkpoint.tensors.keys() == expected.keys()
        for name, tensor in checkpoint.tensors.items():
            wanted = expected[name]
            assert tensor.dtype == wanted.tensor_type.name
            assert tensor.shape == tuple(reversed(wanted.shape.tolist()))
            assert tensor.address in tensor.mapping
            data = ctypes.string_at(tensor.address, tensor.size_bytes)
            assert data == wanted.data.tobytes()
        assert {tensor.dtype for tensor in checkpoint.tensors.values()} == {"Q8_0", "F16"}
        assert checkpoint.metadata.items() >= HEADS.items()
        assert checkpoint.metadata["general.architecture"] == "sd1"


def test_block_sizes_are_those_of_the_gguf_package() -> None:
    wanted = {
        int(kind): (kind.name, *sizes)
        for kind, sizes in gguf.GGML_QUANT_SIZES.items()
        if int(kind) in GGML_TYPES
    }
    assert dict(GGML_TYPES) == wanted


def test_the_model_is_described(narrow: Path, arrays: Arrays) -> None:
    """Shapes are the model's own, the words say how it is stored."""
    with open_checkpoint(narrow) as checkpoint:
        description = describe(checkpoint)
        tensors = {t.name: t for t in engine_tensors(checkpoint, description)}
    assert description.title == "narrow"
    assert set(description.dtype_label.split(", ")) == {"Q8_0", "f16"}
    query = "input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight"
    assert tensors[f"unet.{query}"].dtype is Dtype.Q8_0
    assert tensors[f"unet.{query}"].shape == arrays[f"model.diffusion_model.{query}"].shape


def test_a_vae_alone(arrays: Arrays, tmp_path: Path) -> None:
    """It can be added to a model, as from a safetensors file."""
    own = {name.removeprefix(VAE): a for name, a in arrays.items() if name.startswith(VAE)}
    with open_checkpoint(write_gguf(tmp_path / "vae.gguf", own, {})) as checkpoint:
        assert detect_family(checkpoint) is Family.VAE
        assert len(vae_tensors(checkpoint)) == len(own)


def test_all_kinds_of_metadata_and_alignment(tmp_path: Path) -> None:
    """Numbers become texts, arrays and texts of a megabyte are left out; version 2 is the same."""
    entries = [
        ("small", U8, b"\x07"),
        ("large", U64, struct.pack("<Q", 2**64 - 1)),
        ("part", F32, struct.pack("<f", 0.5)),
        ("is", BOOL, b"\1"),
        ("word", TEXT, text("蓝")),
        ("words", ARRAY, struct.pack("<IQ", TEXT, 2) + text("a") + text("b")),
        ("numbers", ARRAY, struct.pack("<IQ", U32, 3) + bytes(12)),
        ("long", TEXT, text("x" * (1 << 20) + "x")),
        (ALIGNMENT_KEY, U32, u32(8)),
    ]
    path = tmp_path / "a.gguf"
    path.write_bytes(raw(("a", (2, 3), 0, 8), ("b", (), 1, 0), entries=entries, version=2))
    with open_checkpoint(path) as checkpoint:
        assert dict(checkpoint.metadata) == {
            "small": "7",
            "large": str(2**64 - 1),
            "part": "0.5",
            "is": "True",
            "word": "蓝",
            ALIGNMENT_KEY: "8",
        }
        a, b = (checkpoint.tensors[name] for name in "ab")
        assert (a.shape, b.shape, a.address - b.address) == ((3, 2), (), 8)


LYING: list[tuple[bytes, str]] = [
    (b"GGUF", "ends inside its header"),
    (raw(ONE, version=1), "GGUF file of version 1"),
    (raw(ONE, version=3 << 24), "GGUF file of version 50331648"),  # of the other byte order
    (raw(), "holds no tensors"),
    (raw(ONE, counts=(0, 0)), "holds no tensors"),
    (raw(ONE, counts=(2**64 - 1, 0)), "tensor name|ends inside|twice"),
    (raw(ONE, counts=(1, 2**64 - 1)), "metadata|ends inside"),
    (raw(ONE, entries=[("k", 13, b"")]), "metadata 'k' is of an unknown kind"),
    (raw(ONE, entries=[("k", TEXT, struct.pack("<Q", FAR))]), "ends inside its header"),
    (raw(ONE, entries=[("k", TEXT, text(b"\xff"))]), "metadata 'k' is not text"),
    (raw(ONE, entries=[("k", U8, b"1")] * 2), "metadata 'k' stands in it twice"),
    (raw(ONE, entries=[(b"k\0", U8, b"1")]), "metadata name that is not valid text"),
    (raw(ONE, entries=[("", U8, b"1")]), "metadata name that is not valid text"),
    (raw(ONE, entries=[("k" * 2000, U8, b"1")]), "metadata name that is not valid text"),
    (raw(ONE, entries=[("k", ARRAY, struct.pack("<IQ", U64, FAR))]), "ends inside its header"),
    (raw(ONE, entries=[("k", ARRAY, struct.pack("<IQ", TEXT, FAR))]), "ends inside its header"),
    (raw(ONE, entries=[("k", ARRAY, struct.pack("<IQ", ARRAY, 1))]), "unknown kind"),
    (raw(ONE, entries=[(ALIGNMENT_KEY, U32, u32(0))]), "alignment is '0'"),
    (raw(ONE, entries=[(ALIGNMENT_KEY, U32, u32(24))]), "alignment is '24'"),
    (raw(ONE, entries=[(ALIGNMENT_KEY, U32, u32(1 << 31))]), "alignment is '2147483648'"),
    (raw(ONE, entries=[(ALIGNMENT_KEY, TEXT, text("x"))]), "alignment is 'x'"),
    (raw((b"\xff", (4,), 0, 0)), "tensor name that is not valid text"),
    (raw((b"a\0b", (4,), 0, 0)), "tensor name that is not valid text"),
    (raw(("a\n\x1b[2J", (4,), 99, 0)), "tensor 'a\\?\\?\\[2J' as ggml's type 99"),
    (raw(("a", (4,), 4, 0)), "ggml's type 4"),  # types that ggml has given up
    (raw(("a", (1, 1, 1, 1, 1), 0, 0)), "shape of tensor 'a' is malformed"),
    (raw(("a", (2**48,), 0, 0)), "shape of tensor 'a' is malformed"),
    (raw(("a", (2**47,) * 4, 0, 0)), "is truncated: it has"),
    (raw(("a", (16,), 8, 0)), "shape and the size of tensor 'a' disagree"),
    (raw(("a", (33,), 2, 0)), "shape and the size of tensor 'a' disagree"),
    (raw(("a", (), 2, 0)), "shape and the size of tensor 'a' disagree"),
    (raw(("a", (32, 32), 12, 0)), "shape and the size of tensor 'a' disagree"),
    (raw(("a", (4,), 0, 4)), "position of tensor 'a' is malformed"),
    (raw(("a", (4,), 0, 2**64 - 32)), "is truncated"),
    (raw(("a", (17,), 0, 0)), "is truncated: it has"),
    (raw(ONE, ("b", (4,), 0, 0)), "tensor 'b' overlaps another"),
    (raw(("a", (9,), 0, 0), ("b", (4,), 0, 32)), "tensor 'b' overlaps another"),
    (raw(ONE, ("a", (4,), 0, 32)), "tensor 'a' stands in it twice"),
]


@pytest.mark.parametrize(("content", "sentence"), LYING)
def test_lying_header(content: bytes, sentence: str, tmp_path: Path) -> None:
    """One sentence, and no memory for what is claimed."""
    path = tmp_path / "lie.gguf"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=sentence) as caught:
        open_checkpoint(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(caught.value).isprintable() and str(caught.value).endswith(".")
    assert peak_bytes < 1_000_000


@pytest.mark.parametrize("kind", [U8, TEXT])
def test_a_header_has_an_end(kind: int, tmp_path: Path) -> None:
    """Large arrays are passed over, but not for ever."""
    count = 1_000_001 if kind == TEXT else 100_000_001
    entry = text("k") + struct.pack("<IIQ", ARRAY, kind, count)
    path = tmp_path / "long.gguf"
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + entry)
        file.truncate(200_000_000)
    with pytest.raises(CheckpointError, match="far too large"):
        open_checkpoint(path)


def test_a_format_that_is_not_computed_with(tmp_path: Path) -> None:
    """It opens, for a header is not at fault, and is refused as a model."""
    arrays = ldm_arrays(SMALLEST)
    name = "model.diffusion_model.out.2.bias"
    arrays[name] = arrays[name].astype(np.float64)
    path = write_gguf(tmp_path / "f64.gguf", arrays, HEADS)
    with (
        open_checkpoint(path) as checkpoint,
        pytest.raises(CheckpointError, match=f"'{name}' as F64, which Aquatint does not compute"),
    ):
        describe(checkpoint)


def test_damaged_bytes_and_cuts_never_crash(tmp_path: Path) -> None:
    """Seeded flips in the header of a whole model; a cut file never opens."""
    path = write_gguf(tmp_path / "model.gguf", ldm_arrays(SMALLEST), HEADS)
    assert outcome(path)
    with open_checkpoint(path) as checkpoint:
        first = min(tensor.address for tensor in checkpoint.tensors.values())
        header_end = first - next(iter(checkpoint.tensors.values())).mapping.start
    choose = random.Random(7)
    opened = survivors(path, 300, lambda: choose.randrange(header_end), (0, 255), choose)
    assert 0 < opened < 300
    size = path.stat().st_size
    anywhere = (choose.randrange(4, size) for _ in range(30))
    check_cuts(path, [4, 5, 24, header_end, size - 32, *anywhere])
