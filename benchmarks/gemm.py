"""The CPU backend's products, in GFLOP/s, for each instruction set that this processor has.

    python -m benchmarks.gemm [--threads N] [--torch]

Rows of pixels or tokens times a weight, as a linear layer: 4096 cubed and shapes of SD 1.5 at
512x512. With --torch (in a Python that has torch) the same products by torch, in turn.
"""

import argparse
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cffi

from benchmarks.measurement import PRODUCT_RUNS, Shape
from tests.engine_library import ENGINE_FOLDER, build_probe

SOURCE = Path(__file__).with_name("gemm.c")
SHAPES = (  # rows, depth, columns
    (4096, 4096, 4096),
    (8192, 320, 320),
    (8192, 320, 2560),
    (2048, 640, 640),
    (512, 1280, 1280),
    (154, 768, 320),
)
DTYPES = {"f32": 0, "bf16": 2}  # of engine.h


@cache
def library() -> tuple[Any, Any]:
    """gemm.c beside the engine's lower rooms."""
    ffi: Any = cffi.FFI()
    for path in (ENGINE_FOLDER / "engine.h", SOURCE):
        text = path.read_text(encoding="utf-8")
        ffi.cdef(text.split("/* binding begins */")[1].split("/* binding ends */")[0])
    return ffi, ffi.dlopen(str(build_probe(SOURCE, ("base", "graph", "backend"))))


def instruction_sets() -> dict[str, int]:
    """Names and indexes of those that this processor has."""
    ffi, engine = library()
    usable, found, index = ffi.new("int32_t *"), {}, 0
    while (name := engine.gemm_isa(usable, index)) != ffi.NULL:
        if usable[0]:
            found[ffi.string(name).decode()] = index
        index += 1
    return found


def engine_run(shape: Shape, dtype: str, threads: int, isa: int) -> tuple[float, float]:
    """Least seconds and largest error."""
    ffi, engine = library()
    seconds, worst = ffi.new("double[]", PRODUCT_RUNS), ffi.new("double *")
    error = ffi.new("sd_error *")
    rows, depth, columns = shape
    request = ffi.new(
        "gemm_request *", [threads, isa, rows, depth, columns, PRODUCT_RUNS, DTYPES[dtype]]
    )
    if engine.gemm_run(seconds, worst, request, error):
        raise SystemExit(ffi.string(error.text).decode())
    return min(seconds), worst[0]


def lines(threads: int, has_torch: bool) -> Iterator[str]:
    """One line of the table for each shape, storage and program."""
    yield "| rows x depth x columns | storage | by | GFLOP/s | largest error |"
    yield "|---|---|---|---|---|"
    for shape in SHAPES:
        work = 2e-9 * shape[0] * shape[1] * shape[2]
        title = " x ".join(map(str, shape))
        for dtype in DTYPES:
            for name, isa in instruction_sets().items():
                seconds, error = engine_run(shape, dtype, threads, isa)
                yield f"| {title} | {dtype} | {name} | {work / seconds:.0f} | {error:.1e} |"
            if has_torch:
                from benchmarks.gemm_torch import torch_run  # only where there is torch

                rate = work / torch_run(shape, dtype, threads)
                yield f"| {title} | {dtype} | torch | {rate:.0f} | |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--torch", action="store_true")
    arguments = parser.parse_args()
    for line in lines(arguments.threads, arguments.torch):
        print(line, flush=True)


if __name__ == "__main__":
    main()
