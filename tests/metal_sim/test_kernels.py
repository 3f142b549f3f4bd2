"""Kernels in the simulator against NumPy: plain, and checked in three orders."""

import struct

import numpy as np
import pytest

from tests.metal_sim.kernel_host import KernelHost, Library, MetalError
from tests.metal_sim.selftest.programs import KERNELS, RUNS

MODES = [(False, 1), (True, 1), (True, 2), (True, 3)]


@pytest.fixture(scope="module", params=MODES, ids=["plain", "seed 1", "seed 2", "seed 3"])
def library(request: pytest.FixtureRequest, host: KernelHost) -> Library:
    check, seed = request.param
    host.set_mode(check=check, seed=seed)
    return host.compile(KERNELS)


@pytest.mark.parametrize("name", RUNS)
def test_results(library: Library, name: str) -> None:
    RUNS[name](library)


def test_function_constants_may_be_left_out(library: Library) -> None:
    with pytest.raises(MetalError, match="function constant 'has_bias' \\(index 0\\) has no value"):
        library.kernel("matmul")
    with pytest.raises(MetalError, match="'has_bias' is a bool"):
        library.kernel("matmul", {0: np.uint32(1)})


def test_unknown_kernel(library: Library) -> None:
    with pytest.raises(MetalError, match="Function nothing was not found"):
        library.kernel("nothing", {0: True})


def test_static_threadgroup_memory(library: Library) -> None:
    assert library.kernel("row_norm_half", {0: False}).static_bytes == 32
    assert library.kernel("matmul", {0: False}).static_bytes == 1024
    assert library.kernel("add_one", {0: False}).static_bytes == 0


def test_a_guard_page_ends_the_command_buffer_and_no_more(host: KernelHost) -> None:
    host.set_mode(check=False)
    kernel = host.compile(KERNELS).kernel("add_one", {0: False})
    x = np.zeros(64, np.float32)
    with pytest.raises(MetalError, match="past the end of a buffer of 256 bytes"):
        kernel.run([x, np.zeros(4096, np.float32)], grid=(4096, 1, 1), group=(64, 1, 1))
    out, _ = kernel.run([x, x], grid=(64, 1, 1), group=(64, 1, 1))
    assert (out == 1).all()


def test_workers_give_the_same(host: KernelHost) -> None:
    x = np.random.default_rng(0).standard_normal((64, 96)).astype(np.float16)
    found = []
    for workers in (1, 2, 3):
        host.set_mode(check=False, workers=workers)
        kernel = host.compile(KERNELS).kernel("row_norm_half", {0: False})
        found.append(
            kernel.run(
                [struct.pack("If", 96, 1e-5), np.zeros_like(x), x],
                grid=(64 * 64, 1, 1),
                group=(64, 1, 1),
            )[0]
        )
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
