"""The rows of cpu_isa that this processor has, and what tests hand to them.

AMX's tiles are run by a model in plain C (tile_model.h) where the processor has none.
"""

from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from tests.engine_library import ENGINE_FOLDER, build_engine_library

GUARD = 123.0  # stands after every result and must stand there still
COUNTS = (1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100)  # every vector width, and tails
STORAGES = ("f32", "f16", "bf16")
TILE_MODEL = Path(__file__).with_name("tile_model.h")


@cache
def library() -> tuple[cffi.FFI, Any]:
    """The engine's rooms base and cpu_isa, with the declarations of cpu_isa.h as they stand."""
    ffi = cffi.FFI()
    binding = (ENGINE_FOLDER / "engine.h").read_text().split("/* binding begins */")[1]
    header = (ENGINE_FOLDER / "backend/cpu/cpu_isa.h").read_text()
    ffi.cdef(binding.split("/* binding ends */")[0])
    ffi.cdef(header[header.index("typedef struct cpu_block") : header.rindex("#endif")])
    ffi.cdef("extern cpu_isa cpu_isa_avx512_amx;")
    folder = ENGINE_FOLDER / "backend/cpu"
    sources = [str(path.relative_to(ENGINE_FOLDER)) for path in folder.glob("cpu_isa*.c")]
    return ffi, ffi.dlopen(str(build_engine_library(("base", *sources))))


@cache
def modelled_amx() -> Any:
    """The row for AMX on the model of its tiles."""
    rooms = ("base/half.c", "base/blocks.c", "backend/cpu/cpu_isa_avx512_amx.c")
    path = build_engine_library(rooms, included=TILE_MODEL)
    return library()[0].dlopen(str(path)).cpu_isa_avx512_amx


@cache
def usable_rows() -> dict[str, Any]:
    ffi, engine = library()
    rows, index = {}, 0
    while (row := engine.cpu_isa_row(index)) != ffi.NULL:
        if row.usable():
            rows[ffi.string(row.name).decode()] = row
        index += 1
    if "avx512_bf16" in rows and "avx512_amx" not in rows:
        rows["modelled avx512_amx"] = modelled_amx()
    return rows


def pointer(array: np.ndarray, kind: str = "float *") -> Any:
    ffi = library()[0]
    return ffi.cast(kind, ffi.from_buffer(array))


def guarded(count: int, dtype: type = np.float32) -> np.ndarray:
    return np.full(count + 1, GUARD, dtype=dtype)


def run_row(function: Any, *inputs: np.ndarray) -> np.ndarray:
    """A row function's result; the inputs keep their address until it is there."""
    count = len(inputs[0])
    out = guarded(count)
    function(pointer(out), *(pointer(x) for x in inputs), count)
    assert out[count] == GUARD
    return out[:count]


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
