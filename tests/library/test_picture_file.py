"""Pictures are written whole or not at all, and the text is found in any program's files."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.library.picture_file import PictureError, is_picture, read_text, save_png

RGB = bytes(range(12)) * 8
SIZE = (8, 4)
TEXT = "a fox\nSteps: 3, Sampler: Euler, Seed: 1"


@pytest.mark.parametrize(
    ("text", "chunk"), [(TEXT, b"tEXt"), ("été", b"tEXt"), ("赤 🍎\n" + TEXT, b"iTXt")]
)
def test_png_keeps_pixels_and_text(tmp_path: Path, text: str, chunk: bytes) -> None:
    path = tmp_path / "a.png"
    save_png(path, RGB, SIZE, text)
    assert read_text(path) == (SIZE, text)
    with Image.open(path) as image:
        assert image.mode == "RGB"
        assert image.tobytes() == RGB
    assert chunk + b"parameters\0" in path.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        PictureError, match=r"^Could not write .*a\.png: No space left on device\.$"
    ):
        save_png(path, RGB, SIZE)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="No such file or directory"):
        save_png(tmp_path / "none" / "a.png", RGB, SIZE)


def test_new_file_has_the_usual_rights(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", RGB, SIZE)
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"UNICODE\0" + text.encode("utf-16-be"),
        lambda text: b"UNICODE\0" + text.encode("utf-16-le"),
        lambda text: b"ASCII\0\0\0" + text.encode(),
    ],
)
def test_exif_comment_is_read(tmp_path: Path, suffix: str, encode: Any) -> None:
    exif = Image.Exif()
    exif[0x0131] = "Some program"  # Pillow's PNG writer drops an Exif without tags of its own
    exif.get_ifd(0x8769)[0x9286] = encode("赤い fox\n" + TEXT)
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", SIZE).save(path, exif=exif)
    assert read_text(path) == (SIZE, "赤い fox\n" + TEXT)


def test_text_after_the_pixels_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_png(path, RGB, SIZE, TEXT)
    data = path.read_bytes()
    begin = data.index(b"tEXt") - 4
    end = begin + 12 + int.from_bytes(data[begin : begin + 4], "big")
    tail = data.index(b"IEND") - 4
    path.write_bytes(data[:begin] + data[end:tail] + data[begin:end] + data[tail:])
    assert read_text(path) == (SIZE, TEXT)


def test_picture_without_text(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", RGB, SIZE)
    assert read_text(tmp_path / "a.png") == (SIZE, None)


@pytest.mark.parametrize("keep", [0, 20, 60])
def test_damaged_picture_is_a_sentence(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.png"
    save_png(path, RGB, SIZE, TEXT)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(PictureError, match="damaged"):
        read_text(path)


def test_model_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(bytes(100))
    save_png(tmp_path / "a.bin", RGB, SIZE)
    assert not is_picture(tmp_path / "a.safetensors")
    assert is_picture(tmp_path / "a.bin")
