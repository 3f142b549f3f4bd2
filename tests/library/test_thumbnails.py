"""Thumbnails are small, upright, made once for each state of a file, and bounded."""

import os
from pathlib import Path

import pytest
from PIL import Image

from app.library import thumbnails
from app.library.picture_file import PictureError
from app.library.thumbnails import SIDE, thumbnail, trim_thumbnails


def files(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_thumbnail_is_small_and_has_the_shape(tmp_path: Path, ending: str) -> None:
    picture = tmp_path / f"a.{ending}"
    Image.new("RGB", (1600, 800), (200, 30, 30)).save(picture)
    path = thumbnail(picture, tmp_path / "cache")
    with Image.open(path) as image:
        assert (image.format, image.size) == ("JPEG", (SIDE, SIDE // 2))
        red, green, _ = image.getpixel((100, 100))
        assert red > 180
        assert green < 50
    assert files(tmp_path / "cache") == [path]


def test_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 40), (0, 0, 0, 0)).save(tmp_path / "a.png")
    with Image.open(thumbnail(tmp_path / "a.png", tmp_path / "cache")) as image:
        assert image.size == (64, 40)
        assert image.getpixel((9, 9)) == (255, 255, 255)


def test_photograph_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    Image.new("RGB", (80, 40)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(thumbnail(tmp_path / "a.jpg", tmp_path / "cache")) as image:
        assert image.size == (40, 80)


def test_made_once_for_each_state_of_the_file(tmp_path: Path) -> None:
    picture, cache = tmp_path / "a.png", tmp_path / "cache"
    Image.new("RGB", (64, 64)).save(picture)
    first = thumbnail(picture, cache)
    made = first.stat().st_mtime_ns
    assert thumbnail(picture, cache) == first
    assert first.stat().st_mtime_ns == made
    os.utime(picture, (1, 1))
    assert thumbnail(picture, cache) != first


def test_damaged_and_absent_files_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    with pytest.raises(PictureError, match="damaged"):
        thumbnail(tmp_path / "a.png", tmp_path / "cache")
    with pytest.raises(PictureError, match="No such file"):
        thumbnail(tmp_path / "b.png", tmp_path / "cache")
    assert files(tmp_path / "cache") == []


def test_huge_picture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "LARGEST_PICTURE", 1000)
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    with pytest.raises(PictureError, match="too many pixels"):
        thumbnail(tmp_path / "a.png", tmp_path / "cache")


def test_oldest_are_removed_first(tmp_path: Path) -> None:
    made = []
    for number in range(4):
        picture = tmp_path / f"{number}.png"
        Image.new("RGB", (64, 64)).save(picture)
        made.append(thumbnail(picture, tmp_path / "cache"))
        os.utime(made[-1], (number, number))
    trim_thumbnails(tmp_path / "cache", sum(path.stat().st_size for path in made[2:]))
    assert [path.exists() for path in made] == [False, False, True, True]
    trim_thumbnails(tmp_path / "nowhere")
