"""The part around a mask: where it lies, how it is cut out, and that the rest stays as it was.

The reference is NumPy; only the scaling itself is Pillow's in both.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.engine.types import Phase, PlanFigures, Progress
from app.generation.init_image import read_beginning
from app.generation.patch import Box, Patch, patch_box
from app.generation.request import GenerationRequest, InpaintArea, RequestError, ResolvedRequest
from tests import fake_engine

Bytes = NDArray[np.uint8]
LANCZOS = Image.Resampling.LANCZOS


def oval(width: int, height: int, box: Box) -> Bytes:
    """Soft at its edge: 255 in the middle of the box, 0 outside."""
    row, column = np.mgrid[0:height, 0:width] + 0.5
    across = (2 * column - box[0] - box[2]) / (box[2] - box[0])
    down = (2 * row - box[1] - box[3]) / (box[3] - box[1])
    return np.clip((1 - np.hypot(across, down)) * 700, 0, 255).astype(np.uint8)


def noise(width: int, height: int) -> Bytes:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


def cut_out(picture: Bytes, box: Box) -> Bytes:
    """The box of a picture, pixel by pixel: beyond the edge, the nearest one of it."""
    rows = np.clip(np.arange(box[1], box[3]), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(box[0], box[2]), 0, picture.shape[1] - 1)
    return picture[rows][:, columns]


def scaled(pixels: Bytes, width: int, height: int) -> Bytes:
    return np.asarray(Image.fromarray(pixels).resize((width, height), LANCZOS))


def put_back(picture: Bytes, mask: Bytes, box: Box, made: Bytes) -> Bytes:
    """By the definition: each pixel's mean of the two, weighed by the mask, to the nearest byte."""
    out, part = picture.copy(), scaled(made, box[2] - box[0], box[3] - box[1])
    for y, x in zip(*np.nonzero(mask), strict=True):
        share = mask[y, x] / 255
        own = part[y - box[1], x - box[0]]
        out[y, x] = np.floor(share * own + (1 - share) * picture[y, x] + 0.5)
    return out


CASES = [
    # picture, where the mask lies, padding, working size
    ((301, 203), (120, 80, 180, 121), 16, (64, 64)),
    ((301, 203), (0, 0, 41, 30), 32, (64, 96)),
    ((301, 203), (250, 150, 301, 203), 0, (128, 64)),
    ((301, 203), (120, -20, 181, 60), 300, (64, 64)),
    ((301, 203), (-200, -200, 501, 403), 8, (64, 64)),
    ((37, 401), (3, 10, 30, 390), 4, (96, 64)),
    ((401, 37), (-40, 3, 441, 30), 0, (64, 72)),
    ((64, 64), (30, 30, 33, 33), 0, (64, 64)),
]


@pytest.mark.parametrize(("size", "place", "padding", "working"), CASES)
def test_the_box_holds_the_mask_in_the_right_proportions(
    size: tuple[int, int], place: Box, padding: int, working: tuple[int, int]
) -> None:
    mask = oval(*size, place)
    box = patch_box(Image.fromarray(mask), padding, working)
    assert box
    left, top, right, bottom = box
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    assert left <= max(columns[0] - padding, 0)
    assert right >= min(columns[-1] + 1 + padding, size[0])
    assert top <= max(rows[0] - padding, 0)
    assert bottom >= min(rows[-1] + 1 + padding, size[1])
    width, height = right - left, bottom - top
    assert abs(width * working[1] - height * working[0]) <= max(working) / 2 + 1e-9
    for begin, end, limit in ((left, right, size[0]), (top, bottom, size[1])):
        if end - begin <= limit:
            assert 0 <= begin < end <= limit
        else:
            assert abs(-begin - (end - limit)) <= 1


def test_the_box_grows_no_more_than_it_must() -> None:
    mask = Image.fromarray(oval(300, 300, (100, 100, 140, 200)))
    found = mask.getbbox()
    assert found
    height = found[3] - found[1] + 20
    assert patch_box(mask, 10, (64, 128)) == (
        120 - height // 4,
        found[1] - 10,
        120 - height // 4 + height // 2,
        found[3] + 10,
    )
    assert patch_box(Image.new("L", (9, 9)), 10, (64, 64)) is None


@pytest.mark.parametrize(("size", "place", "padding", "working"), CASES)
def test_cut_and_blend_are_numpy_s(
    size: tuple[int, int], place: Box, padding: int, working: tuple[int, int]
) -> None:
    picture, mask = noise(*size), oval(*size, place)
    box = patch_box(Image.fromarray(mask), padding, working)
    assert box
    patch = Patch(Image.fromarray(picture), Image.fromarray(mask), box, working)
    assert patch.size == size
    cut = cut_out(picture, box)
    assert patch.init_image() == scaled(cut, *working).tobytes()
    made = np.random.default_rng(6).integers(0, 256, (working[1], working[0], 3), np.uint8)
    whole = np.frombuffer(patch.put_back(made.tobytes()), np.uint8).reshape(picture.shape)
    assert np.array_equal(whole[mask == 0], picture[mask == 0])
    wanted = put_back(picture, mask, box, made)
    assert np.abs(whole.astype(int) - wanted).max() <= 1  # a half may be rounded to either side
    assert np.array_equal(whole[mask == 255], wanted[mask == 255])


@pytest.mark.parametrize(("size", "place", "padding", "working"), CASES)
def test_the_mask_of_the_part_lies_where_the_picture_s_does(
    size: tuple[int, int], place: Box, padding: int, working: tuple[int, int]
) -> None:
    mask = oval(*size, place)
    box = patch_box(Image.fromarray(mask), padding, working)
    assert box
    patch = Patch(Image.fromarray(noise(*size)), Image.fromarray(mask), box, working)
    got = np.frombuffer(patch.mask(), np.uint8).reshape(working[::-1]).astype(float)
    cut = cut_out(mask, box).astype(float)
    across = (np.arange(working[0]) + 0.5) / working[0] * cut.shape[1] - 0.5
    down = (np.arange(working[1]) + 0.5) / working[1] * cut.shape[0] - 0.5
    rows = np.array([np.interp(across, np.arange(cut.shape[1]), row) for row in cut])
    linear = np.array([np.interp(down, np.arange(cut.shape[0]), column) for column in rows.T]).T
    assert np.abs(got - linear).mean() < (2 if cut.shape[1] <= working[0] else 6)


def test_a_preview_shows_the_whole_picture_with_the_part_in_it() -> None:
    picture = np.full((1500, 3000, 3), (10, 200, 30), np.uint8)
    mask = np.zeros((1500, 3000), np.uint8)
    mask[600:900, 1200:1800] = 255
    box = patch_box(Image.fromarray(mask), 32, (96, 64))
    assert box
    patch = Patch(Image.fromarray(picture), Image.fromarray(mask), box, (96, 64))
    told = Progress(
        phase=Phase.DENOISE,
        step=1,
        steps=2,
        preview=bytes((250, 0, 250)) * (12 * 8) + bytes((0, 0, 9)) * (12 * 8),
        preview_width=12,
        preview_height=8,
    )
    shown = patch.show(told)
    assert (shown.preview_width, shown.preview_height) == (1024, 512)
    assert shown.preview
    pixels = np.frombuffer(shown.preview, np.uint8).reshape(2, 512, 1024, 3)
    for index, color in enumerate([(250, 0, 250), (0, 0, 9)]):
        assert tuple(pixels[index, 256, 512]) == color
        assert tuple(pixels[index, 190, 512]) == (10, 200, 30)
    assert patch.show(replace(told, preview=None)).preview is None


def test_the_forecast_holds_the_whole_pictures() -> None:
    figures = fake_engine.needs(1000)[0].figures
    mask = Image.new("L", (100, 50), 255)
    patch = Patch(Image.new("RGB", (100, 50)), mask, (0, 0, 100, 50), (64, 64))
    with_pictures = patch.forecast(figures, 2)
    assert with_pictures.peak - figures.peak == 100 * 50 * (3 * 4 + 1)
    assert replace(with_pictures, **_peaks(figures)) == figures


def _peaks(figures: PlanFigures) -> dict[str, int]:
    names = ("text_peak", "denoise_peak", "decode_peak", "peak")
    return {name: getattr(figures, name) for name in names}


# ---------------------------------------------------------------- from a request


def asked(tmp_path: Path, mask: Bytes, **values: object) -> ResolvedRequest:
    """A request for a part of a picture of noise, under this mask."""
    height, width = mask.shape
    Image.fromarray(noise(width, height)).save(tmp_path / "first.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    fields: dict[str, object] = {
        "prompt": "x",
        "init_image": tmp_path / "first.png",
        "mask_image": tmp_path / "mask.png",
        "inpaint_area": InpaintArea.ONLY_MASKED,
    }
    return GenerationRequest(**{**fields, **values}).resolve(fake_engine.DEFAULTS)  # type: ignore[arg-type]


def test_the_blur_is_of_the_finished_picture_and_the_box_holds_it(tmp_path: Path) -> None:
    mask = np.zeros((203, 301), np.uint8)
    mask[90:110, 140:160] = 255
    request = asked(tmp_path, mask, mask_blur=6, masked_area_padding=0)
    patch = read_beginning(request).patch
    assert patch
    whole = np.frombuffer(patch.put_back(bytes(64 * 64 * 3)), np.uint8).reshape(203, 301, 3)
    changed = (whole != noise(301, 203)).any(2)
    rows, columns = np.nonzero(changed.any(1))[0], np.nonzero(changed.any(0))[0]
    for found, begin, end in ((rows, 90, 110), (columns, 140, 160)):
        assert begin - 24 <= found[0] < begin - 8  # as far as a Gaussian of 6 reaches
        assert end + 8 < found[-1] + 1 <= end + 24


@pytest.mark.parametrize("area", InpaintArea)
@pytest.mark.parametrize("is_inverted", [False, True])
def test_an_empty_mask_is_a_sentence(tmp_path: Path, area: InpaintArea, is_inverted: bool) -> None:
    kept = np.full((50, 70), 255 if is_inverted else 0, np.uint8)
    request = asked(tmp_path, kept, inpaint_area=area, mask_invert=is_inverted)
    with pytest.raises(RequestError, match=r"^The mask keeps all of the picture: paint"):
        read_beginning(request)
    everything = asked(tmp_path, 255 - kept, inpaint_area=area, mask_invert=is_inverted)
    assert set(read_beginning(everything).mask or b"") == {255}


def test_a_picture_that_is_too_large_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.generation.init_image.MOST_PATCHED_PIXELS", 70 * 50 - 1)
    request = asked(tmp_path, np.full((50, 70), 255, np.uint8))
    with pytest.raises(RequestError, match=r"^first\.png is too large to make only a part"):
        read_beginning(request)
    read_beginning(replace(request, inpaint_area=InpaintArea.WHOLE_PICTURE))
