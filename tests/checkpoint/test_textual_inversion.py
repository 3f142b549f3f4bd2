"""Textual inversions in each form, and files that lie or want to run code."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from app.checkpoint.reader import CheckpointError
from app.checkpoint.textual_inversion import TextualInversion, read_textual_inversion
from tests.checkpoint.torch_files import (
    MARK_FILE,
    assert_refused,
    called,
    dictionary,
    number,
    tensor,
    text,
    write_archive,
)
from tests.random_weights import normal

ROWS = normal("rows", (3, 8))


def rows_of(read: TextualInversion) -> NDArray[np.float32]:
    """The rows as an array."""
    return np.frombuffer(read.rows, "<f4").reshape(read.count, read.width)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("key", ["emb_params", "<cat>"])
def test_safetensors(key: str, dtype: type[Any], tmp_path: Path) -> None:
    """A1111's and diffusers' files of several vectors."""
    values = ROWS.astype(dtype)
    save_file({key: values}, tmp_path / "fluffy cat.safetensors")
    read = read_textual_inversion(tmp_path / "fluffy cat.safetensors")
    assert (read.name, read.count, read.width) == ("fluffy cat", 3, 8)
    np.testing.assert_array_equal(rows_of(read), values.astype(np.float32))


def test_one_vector_without_a_dimension_for_it(tmp_path: Path) -> None:
    """As diffusers writes one token."""
    save_file({"<cat>": ROWS[0]}, tmp_path / "cat.safetensors")
    np.testing.assert_array_equal(
        rows_of(read_textual_inversion(tmp_path / "cat.safetensors")), ROWS[:1]
    )


def a1111(array: NDArray[Any], offset: int = 0) -> bytes:
    """What A1111 saves."""
    return dictionary(
        {
            "string_to_token": dictionary({"*": number(265)}),
            "string_to_param": dictionary({"*": tensor(array, "0", offset)}),
            "name": text("other"),
            "sd_checkpoint": b"N",
        }
    )


def module(array: NDArray[Any]) -> bytes:
    """What the method's authors save: a ParameterDict of a parameter."""
    parameter = called("torch._utils", "_rebuild_parameter", tensor(array, "0"), b"\x88")
    state = dictionary({"training": b"\x88", "_parameters": dictionary({"*": parameter})})
    holder = b"ctorch.nn.modules.container\nParameterDict\n)\x81" + state + b"b"
    return dictionary({"string_to_param": holder})


@pytest.mark.parametrize(
    "opcodes",
    [
        a1111(ROWS),
        module(ROWS),
        dictionary({"<cat>": tensor(ROWS, "0")}),
        dictionary({"emb_params": tensor(ROWS, "0"), "other": tensor(ROWS, "0")}),
    ],
)
def test_torch_files(opcodes: bytes, tmp_path: Path) -> None:
    """A1111's .pt, the authors' .pt, diffusers' .bin."""
    path = write_archive(tmp_path / "cat.pt", opcodes, {"0": ROWS.tobytes()})
    read = read_textual_inversion(path)
    assert read.name == "cat"
    np.testing.assert_array_equal(rows_of(read), ROWS)


def test_part_of_a_storage(tmp_path: Path) -> None:
    """A view of the last rows."""
    path = write_archive(tmp_path / "x.bin", a1111(ROWS[1:], 8), {"0": ROWS.tobytes()})
    np.testing.assert_array_equal(rows_of(read_textual_inversion(path)), ROWS[1:])


@pytest.mark.parametrize(
    ("opcodes", "words"),
    [
        (called("os", "system", text(f"touch {MARK_FILE}")), "wants to run code .os.system"),
        (called("builtins", "eval", text(f"open('{MARK_FILE}', 'w')")), "wants to run code"),
        (b"(" + text(f"touch {MARK_FILE}") + b"ios\nsystem\n", "opcode INST"),
        (dictionary({"x": called("os", "getcwd")}), "wants to run code"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n)R", "damaged"),
        (dictionary({"x": b"("}), "damaged"),
        (b"u", "damaged"),
        (b")" + b"\x85" * 300_000 + b"}" + b"h\x00" * 2, "damaged"),
        (b"})" + b"\x85" * 300_000 + b"Ns", "damaged"),
        (a1111(np.zeros((4, 8), np.float32)), "damaged"),
        (dictionary({"x": tensor(ROWS, "0", strides=(1, 3))}), "damaged"),
        (dictionary({"x": tensor(ROWS, "other")}), "damaged"),
        (dictionary({"x": tensor(ROWS, "../../etc/passwd")}), "damaged"),
        (dictionary({}), "holds 0 tensors"),
        (dictionary({"a": tensor(ROWS, "0"), "b": tensor(ROWS, "0")}), "holds 2 tensors"),
        (number(1), "holds 0 tensors"),
    ],
)
def test_hostile_pickles(
    opcodes: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing runs; each is refused with one printable sentence."""
    monkeypatch.chdir(tmp_path)
    path = write_archive(tmp_path / "x.pt", opcodes, {"0": ROWS.tobytes()})
    assert_refused(read_textual_inversion, path, words)


def test_hostile_archives(tmp_path: Path) -> None:
    """No zip, no pickle, a bomb, a file that is not there."""
    (tmp_path / "text.pt").write_text("hello")
    with zipfile.ZipFile(tmp_path / "empty.pt", "w") as archive:
        archive.writestr("x/other", b"")
    write_archive(
        tmp_path / "bomb.pt",
        a1111(ROWS),
        {"0": bytes(1_000_000)},
        compression=zipfile.ZIP_DEFLATED,
    )
    for name, words in (
        ("text.pt", "no file of torch 1.6"),
        ("empty.pt", "without torch's data.pkl"),
        ("bomb.pt", "packed in a way"),
        ("nothing.pt", "check that the file is there"),
        ("nothing.safetensors", "check that the file is there"),
    ):
        with pytest.raises(CheckpointError, match=words):
            read_textual_inversion(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"clip_l": ROWS, "clip_g": ROWS}, "for Stable Diffusion XL"),
        ({"a": ROWS, "b": ROWS}, "holds 2 tensors"),
        ({"a": ROWS[None]}, "its tensor is 1x3x8"),
        ({"a": ROWS[:0]}, "its tensor is 0x8"),
        ({"a": np.zeros((76, 8), np.float16)}, "its tensor is 76x8"),
        ({"a": ROWS.astype(np.int32)}, "numbers of the kind I32"),
        ({"a": np.full((1, 8), np.inf, np.float16)}, "not finite"),
        ({"a": np.full((1, 8), 1e300)}, "not finite"),
    ],
)
def test_safetensors_that_are_none(
    arrays: dict[str, NDArray[Any]], words: str, tmp_path: Path
) -> None:
    """Each is refused with one sentence."""
    save_file(arrays, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=words):
        read_textual_inversion(tmp_path / "x.safetensors")
