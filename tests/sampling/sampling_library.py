"""The three leaf files of engine_c/sampling as a library, and what other programs say of them."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from tests.engine_library import build_engine_library

GOLDEN_FILE = Path(__file__).parents[1] / "golden" / "sampling.npz"
SOURCES = ("sampling/noise.c", "sampling/schedule.c", "sampling/sampler.c")
ENUMS = "typedef int sd_status; typedef int sd_rng; typedef int sd_prediction;"

# The orders of engine.h's enums; statuses that tests need.
OK, CANCELLED, BAD_ARGUMENT = 0, 1, 2
RNGS = ("cpu", "nv")
SCHEDULES = ("normal", "karras", "exponential", "sgm_uniform", "simple")
SAMPLERS = ("euler", "euler_a", "heun", "dpmpp_2m", "dpmpp_2m_sde", "ddim", "lcm")


def open_library(declarations: str) -> tuple[cffi.FFI, Any]:
    """Build the library if needed and load it with the declarations of one header."""
    ffi = cffi.FFI()
    ffi.cdef(ENUMS + declarations)
    return ffi, ffi.dlopen(str(build_engine_library(SOURCES)))


@cache
def golden(group: str) -> dict[str, np.ndarray]:
    """Arrays of one group of sampling.npz by their key; make_sampling.py says what they are."""
    with np.load(GOLDEN_FILE) as file:
        prefix = f"{group}/"
        return {k.removeprefix(prefix): file[k] for k in file.files if k.startswith(prefix)}


def floats(ffi: cffi.FFI, values: Sequence[float] | np.ndarray) -> tuple[np.ndarray, Any]:
    """Copy values to a new float32 array; return it with its pointer, valid while it lives."""
    array = np.array(values, dtype=np.float32)
    return array, ffi.cast("float *", ffi.from_buffer(array))
