"""How planes are cut into tiles and put together: overlap, cover, and no trace of an edge."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.engine_library import build_engine_library

DECLARATIONS = """
typedef struct tile_axis { int32_t extent, size, count; } tile_axis;
typedef struct tiling { tile_axis rows, columns; } tiling;
typedef struct tile_place { int32_t y, x, h, w; } tile_place;
tile_axis tiles_axis(int32_t extent, int32_t size);
tile_place tiles_place(const tiling *t, int32_t index);
void tiles_add(float *whole, const float *tile, const tiling *t, int32_t index, int32_t factor,
               int32_t channels);
"""


@pytest.fixture(scope="module")
def library() -> tuple[Any, Any]:
    import cffi

    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    return ffi, ffi.dlopen(str(build_engine_library(("sampling/tiles.c",))))


@pytest.mark.parametrize("extent", [8, 16, 17, 40, 63, 64, 65, 100, 512])
@pytest.mark.parametrize("size", [0, 16, 33, 64])
def test_tiles_cover_all_and_overlap_by_a_quarter(
    library: tuple[Any, Any], extent: int, size: int
) -> None:
    ffi, lib = library
    axis = lib.tiles_axis(extent, size)
    plan = ffi.new("tiling *", {"rows": lib.tiles_axis(1, 0), "columns": axis})
    begins = [lib.tiles_place(plan, index).x for index in range(axis.count)]
    assert axis.size <= (min(size, extent) if size else extent)
    assert axis.size >= (0.75 * min(size, extent) if size and axis.count > 2 else 8)
    assert begins[0] == 0
    assert begins[-1] + axis.size == extent
    assert all(a + axis.size - b >= axis.size // 4 for a, b in pairwise(begins))


def test_what_was_cut_out_of_a_plane_is_that_plane_again(library: tuple[Any, Any]) -> None:
    ffi, lib = library
    rows, columns, factor, channels = 37, 61, 2, 3
    plane = np.random.default_rng(1).normal(size=(rows * factor, columns * factor, channels))
    plane = plane.astype(np.float32)
    plan = ffi.new(
        "tiling *", {"rows": lib.tiles_axis(rows, 16), "columns": lib.tiles_axis(columns, 24)}
    )
    whole = np.zeros_like(plane)
    for index in range(plan.rows.count * plan.columns.count):
        at = lib.tiles_place(plan, index)
        y, x = at.y * factor, at.x * factor
        tile = np.ascontiguousarray(plane[y : y + at.h * factor, x : x + at.w * factor])
        pointers = (ffi.cast("float *", array.ctypes.data) for array in (whole, tile))
        lib.tiles_add(*pointers, plan, index, factor, channels)
    assert np.abs(whole - plane).max() < 1e-5


def test_a_tile_that_is_brighter_fades_in_without_a_step(library: tuple[Any, Any]) -> None:
    ffi, lib = library
    plan = ffi.new("tiling *", {"rows": lib.tiles_axis(1, 0), "columns": lib.tiles_axis(28, 16)})
    whole = np.zeros((8, 28 * 8), np.float32)
    for index in range(2):
        tile = np.full((8, 16 * 8), float(index), np.float32)
        pointers = (ffi.cast("float *", array.ctypes.data) for array in (whole, tile))
        lib.tiles_add(*pointers, plan, index, 8, 1)
    steps = np.diff(whole)
    assert (whole == whole[0]).all()
    assert whole[0, 0] == 0
    assert whole[0, -1] == 1
    assert steps.min() >= 0
    assert steps.max() < 1.01 / (4 * 8)
