"""The fill under a mask against the same method written in NumPy, and what it promises."""

from typing import Any

import cffi
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engine_library import build_engine_library

Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]

DECLARATIONS = """
typedef struct inpaint_cells { float *rgbw; int32_t h, w; } inpaint_cells;
size_t inpaint_fill_floats(int32_t h, int32_t w);
void inpaint_fill(const inpaint_cells *cells, const uint8_t *rgb, const uint8_t *mask);
void inpaint_fill_color(float color[3], const inpaint_cells *cells, size_t y, size_t x);
"""


@pytest.fixture(scope="module")
def library() -> tuple[Any, Any]:
    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    return ffi, ffi.dlopen(str(build_engine_library(("sampling/inpaint.c",))))


def filled(library: tuple[Any, Any], rgb: Bytes, mask: Bytes) -> Doubles:
    """The colour of every pixel, as the engine fills it, [height, width, 3]."""
    ffi, lib = library
    height, width = mask.shape
    floats = np.empty(lib.inpaint_fill_floats(height // 8, width // 8), np.float32)
    pointer = ffi.cast("float *", ffi.from_buffer(floats))
    cells = ffi.new("inpaint_cells *", {"rgbw": pointer, "h": height // 8, "w": width // 8})
    sources = [ffi.from_buffer("uint8_t[]", np.ascontiguousarray(each)) for each in (rgb, mask)]
    lib.inpaint_fill(cells, *sources)
    out, color = np.empty((height, width, 3)), ffi.new("float[3]")
    for y, x in np.ndindex(height, width):
        lib.inpaint_fill_color(color, cells, y, x)
        out[y, x] = list(color)
    return out


def enlarged(plane: Doubles, height: int, width: int, factor: int) -> Doubles:
    """Linear between the middles of what becomes `factor` times as large, cut to the size."""

    def along(values: Doubles, length: int) -> Doubles:
        at = np.clip((np.arange(length) + 0.5) / factor - 0.5, 0, len(values) - 1)
        low = at.astype(int)
        high, share = np.minimum(low + 1, len(values) - 1), (at - low)[:, None, None]
        return (1 - share) * values[low] + share * values[high]

    return along(along(plane, height).swapaxes(0, 1), width).swapaxes(0, 1)


def reference(rgb: Bytes, mask: Bytes) -> Doubles:
    """Pull and push over whole planes, in double precision."""
    height, width = mask.shape
    kept = (255.0 - mask) / 255
    blocks = (height // 8, 8, width // 8, 8)
    weight = kept.reshape(blocks).mean((1, 3))
    color = (rgb * kept[..., None]).reshape(*blocks, 3).mean((1, 3))
    levels = [(color, weight)]  # colours times weight
    while weight.size > 1:
        even = [(0, side % 2) for side in weight.shape]
        color, weight = np.pad(color, [*even, (0, 0)]), np.pad(weight, even)
        rows, columns = weight.shape[0] // 2, weight.shape[1] // 2
        color = color.reshape(rows, 2, columns, 2, 3).sum((1, 3))
        weight = weight.reshape(rows, 2, columns, 2).sum((1, 3))
        many = np.maximum(weight, 1)
        color, weight = color / many[..., None], weight / many
        levels.append((color, weight))
    color, weight = levels.pop()
    result = color / weight[..., None] if weight.all() else np.full((1, 1, 3), 127.5)
    for color, weight in reversed(levels):
        result = color + (1 - weight[..., None]) * enlarged(result, *weight.shape, 2)
    return enlarged(result, height, width, 8)


def picture(height: int, width: int) -> Bytes:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


def half(height: int, width: int) -> Bytes:
    mask = np.zeros((height, width), np.uint8)
    mask[:, width // 3 :] = 255
    return mask


def soft(height: int, width: int) -> Bytes:
    row, column = np.mgrid[0:height, 0:width]
    distance = np.hypot(row - height * 0.6, column - width * 0.3)
    return np.clip(300 - distance * 6, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(64, 64), (72, 104), (8, 200), (136, 8)])
@pytest.mark.parametrize("masking", [half, soft])
def test_it_is_what_numpy_makes(
    library: tuple[Any, Any], size: tuple[int, int], masking: Any
) -> None:
    rgb, mask = picture(*size), masking(*size)
    assert np.abs(filled(library, rgb, mask) - reference(rgb, mask)).max() < 1e-3


def test_one_colour_around_fills_all_with_that_colour(library: tuple[Any, Any]) -> None:
    mask = soft(96, 64)
    rgb = np.full((96, 64, 3), (200, 30, 90), np.uint8)
    rgb[mask == 255] = 7
    assert np.abs(filled(library, rgb, mask) - (200, 30, 90)).max() < 1e-3


def test_where_nothing_is_kept_it_is_grey(library: tuple[Any, Any]) -> None:
    everything = np.full((64, 72), 255, np.uint8)
    assert np.abs(filled(library, picture(64, 72), everything) - 127.5).max() < 1e-3
