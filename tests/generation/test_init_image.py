"""The first picture is fitted without stretching, turned upright and made opaque."""

from pathlib import Path

import pytest
from PIL import Image

from app.generation.init_image import MaskShape, read_init_image, read_mask
from app.generation.request import RequestError


def test_wide_picture_is_cropped_about_its_centre(tmp_path: Path) -> None:
    image = Image.new("RGB", (192, 64), "red")
    image.paste("blue", (64, 0, 128, 64))
    image.save(tmp_path / "a.png")
    assert read_init_image(tmp_path / "a.png", 64, 64) == bytes((0, 0, 255)) * 64 * 64


def test_transparent_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert read_init_image(tmp_path / "a.png", 64, 64) == b"\xff" * (64 * 64 * 3)


def test_camera_s_turn_is_undone(tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 128), "white")
    image.paste("black", (0, 0, 64, 64))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: the top becomes the right side
    image.save(tmp_path / "a.png", exif=exif)
    rgb = read_init_image(tmp_path / "a.png", 128, 64)
    assert rgb[:3] == b"\xff\xff\xff"
    assert rgb[127 * 3 : 128 * 3] == b"\0\0\0"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
def test_every_mode_gives_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "tiff" if mode == "CMYK" else "png"
    Image.new(mode, (80, 72)).save(tmp_path / f"a.{suffix}")
    assert len(read_init_image(tmp_path / f"a.{suffix}", 72, 64)) == 72 * 64 * 3


def test_bad_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^There is no file .*none\.png to begin from\.$"):
        read_init_image(tmp_path / "none.png", 64, 64)
    (tmp_path / "a.png").write_bytes(b"no picture")
    for path in (tmp_path / "a.png", tmp_path):
        with pytest.raises(RequestError, match="cannot be read as a picture"):
            read_init_image(path, 64, 64)


def shape(width: int = 64, height: int = 64, blur: int = 0, is_inverted: bool = False) -> MaskShape:
    return MaskShape(width=width, height=height, blur=blur, is_inverted=is_inverted)


def test_mask_is_cropped_as_the_picture_is(tmp_path: Path) -> None:
    image = Image.new("RGB", (192, 64), "black")
    image.paste("white", (64, 0, 128, 64))
    image.save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png", shape()) == b"\xff" * 64 * 64
    assert read_mask(tmp_path / "a.png", shape(is_inverted=True)) == bytes(64 * 64)


def test_mask_s_transparent_parts_are_kept(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (255, 255, 255, 0)).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png", shape()) == bytes(64 * 64)


def test_blur_softens_the_edge_where_it_lies_and_ends(tmp_path: Path) -> None:
    image = Image.new("L", (128, 64))
    image.paste(255, (64, 0, 128, 64))
    image.save(tmp_path / "a.png")
    row = read_mask(tmp_path / "a.png", shape(128, 64, blur=4))[:128]
    assert list(row) == sorted(row)
    assert abs(row[63] + row[64] - 255) <= 2
    assert set(row[:40]) == {0}
    assert set(row[88:]) == {255}
    assert 0 < row[56] < row[60] < 100


def test_bad_mask_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^There is no file .*none\.png with the mask\.$"):
        read_mask(tmp_path / "none.png", shape())
