"""torch's products, in a Python that has torch.

python -m benchmarks.gemm_torch THREADS f32|bf16 ROWS DEPTH COLUMNS

Prints the least seconds of some runs. Needs torch alone.
"""

import sys
import time

import torch

from benchmarks.measurement import PRODUCT_RUNS, Shape


def torch_run(shape: Shape, dtype: str, threads: int) -> float:
    """Least seconds of torch's linear."""
    torch.set_num_threads(threads)
    kind = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
    rows, depth, columns = shape
    x, w = torch.rand(rows, depth, dtype=kind), torch.rand(columns, depth, dtype=kind)
    times = []
    for _ in range(PRODUCT_RUNS):
        start = time.perf_counter()
        torch.nn.functional.linear(x, w)
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    rows, depth, columns = map(int, sys.argv[3:6])
    print(torch_run((rows, depth, columns), sys.argv[2], int(sys.argv[1])))
