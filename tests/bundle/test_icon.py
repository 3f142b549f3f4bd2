"""The icon's file: every size that the Dock and the Finder ask for, and nothing but those."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from resources.packaging import make_pictures
from resources.packaging.make_pictures import ARGB_KINDS, PNG_KINDS


@pytest.fixture(scope="module")
def entries() -> dict[bytes, bytes]:
    data = make_pictures.ICNS.read_bytes()
    magic, length = struct.unpack(">4sI", data[:8])
    assert magic == b"icns"
    assert length == len(data)
    found, place = {}, 8
    while place < len(data):
        kind, length = struct.unpack(">4sI", data[place : place + 8])
        found[kind] = data[place + 8 : place + length]
        place += length
    return found


def test_all_sizes_are_there(entries: dict[bytes, bytes]) -> None:
    assert set(entries) == set(ARGB_KINDS) | set(PNG_KINDS)
    for kind, side in PNG_KINDS.items():
        with Image.open(io.BytesIO(entries[kind])) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (side, side))
    for kind, side in ARGB_KINDS.items():
        assert entries[kind][:4] == b"ARGB"
        assert len(_unpacked(entries[kind][4:])) == 4 * side * side


def test_the_file_is_that_of_the_drawings(entries: dict[bytes, bytes], qapp: QApplication) -> None:
    """Not to the byte: other versions of Qt and Pillow round otherwise."""
    for kind in (b"ic12", b"ic07", b"ic08"):
        drawn = np.asarray(make_pictures.draw(PNG_KINDS[kind]), dtype=np.float32)
        kept = np.asarray(Image.open(io.BytesIO(entries[kind])), dtype=np.float32)
        assert np.abs(drawn - kept).mean() < 2


def test_it_keeps_to_the_grid_and_its_corners_are_clear(entries: dict[bytes, bytes]) -> None:
    """824 of 1024 pixels, as Apple's icons; only the shadow lies outside."""
    alpha = np.asarray(Image.open(io.BytesIO(entries[b"ic10"])))[:, :, 3]
    rows, columns = np.nonzero(alpha == 255)
    assert (columns.min(), columns.max()) == pytest.approx((100, 923), abs=1)
    assert (rows.min(), rows.max()) == pytest.approx((100, 923), abs=1)
    assert alpha[0, 0] == alpha[-1, 0] == 0


def _unpacked(runs: bytes) -> bytes:
    """Apple's run lengths: n < 128 gives n + 1 bytes as they are, else one byte n - 125 times."""
    found, place = b"", 0
    while place < len(runs):
        count = runs[place]
        if count < 128:
            found += runs[place + 1 : place + 2 + count]
            place += count + 2
        else:
            found += runs[place + 1 : place + 2] * (count - 125)
            place += 2
    return found
