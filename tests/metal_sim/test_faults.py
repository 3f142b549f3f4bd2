"""Faults on demand: each comes once, as Metal would say it, and the device goes on."""

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from tests.metal_sim.kernel_host import Kernel, KernelHost, MetalError
from tests.metal_sim.selftest.programs import KERNELS

ZEROS = np.zeros(64, np.float32)
LIVE = ("buffers", "libraries", "functions", "pipelines", "command_buffers", "encoders")
LATE = """
import numpy as np
from tests.metal_sim.kernel_host import KernelHost
from tests.metal_sim.selftest.programs import KERNELS
host = KernelHost()
kernel = host.compile(KERNELS).kernel("add_one", {0: False})
out = kernel.run([np.zeros(64, "f"), np.zeros(64, "f")], grid=(64, 1, 1), group=(32, 1, 1))[0]
assert (out == 1).all()
"""


@pytest.fixture
def kernel(host: KernelHost) -> Iterator[Kernel]:
    host.set_mode(check=False)
    yield host.compile(KERNELS).kernel("add_one", {0: False})
    host.control.set_faults("")


def run(kernel: Kernel) -> np.ndarray:
    return kernel.run([ZEROS, ZEROS], grid=(64, 1, 1), group=(32, 1, 1))[0]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("internal", "Internal Error"),
        ("timeout", "Caused GPU Timeout Error"),
        ("page_fault", "Caused GPU Address Fault Error"),
        ("access_revoked", "SubmissionsIgnored"),
        ("out_of_memory", "Insufficient Memory"),
        ("device_removed", "GPU was removed"),
    ],
)
def test_command_buffers(host: KernelHost, kernel: Kernel, fault: str, words: str) -> None:
    host.control.set_faults(f"{fault}@2")
    assert (run(kernel) == 1).all()
    with pytest.raises(MetalError, match=words):
        run(kernel)
    assert (run(kernel) == 1).all()


def test_from_one_time_on(host: KernelHost, kernel: Kernel) -> None:
    host.control.set_faults("access_revoked@2+")
    run(kernel)
    for _ in range(3):
        with pytest.raises(MetalError, match="Ignored"):
            run(kernel)


def test_compiling(host: KernelHost, kernel: Kernel) -> None:
    host.control.set_faults("compile@1;compile_warning@1")
    with pytest.raises(MetalError, match="program_source:1:1: error"):
        host.compile(KERNELS)
    assert "warning" in host.compile(KERNELS).warnings
    assert host.compile(KERNELS).warnings == ""


def test_pipelines(host: KernelHost, kernel: Kernel) -> None:
    library = host.compile(KERNELS)
    host.control.set_faults("pipeline=lanes;pipeline_threads=256")
    with pytest.raises(MetalError, match="internal error"):
        library.kernel("lanes", {0: False})
    assert library.kernel("add_one", {0: False}).max_threads == 256
    host.control.set_faults("")
    assert library.kernel("add_one", {0: False}).max_threads == 1024


def test_memory(host: KernelHost, kernel: Kernel) -> None:
    host.control.set_faults("allocation@1;allocation_over=256")
    for _ in range(2):
        with pytest.raises(MetalError, match="no memory"):
            host.buffer(np.zeros(65, np.float32))
    host.buffer(ZEROS)


def test_wrong_results(host: KernelHost, kernel: Kernel) -> None:
    host.control.set_faults("wrong=add_one@1")
    assert (run(kernel) != 1).any()
    assert (run(kernel) == 1).all()


@pytest.mark.parametrize("faults", ["nonsense", "timeout@0", "timeout@x"])
def test_unreadable_faults(host: KernelHost, faults: str) -> None:
    with pytest.raises(ValueError, match="not faults"):
        host.control.set_faults(faults)


def test_nothing_is_left_behind(host: KernelHost, kernel: Kernel) -> None:
    def live() -> list[int]:
        return [
            *(host.control.counter(f"live_{name}") for name in LIVE),
            host.control.counter("allocated_bytes"),
        ]

    run(kernel)
    before = live()
    for _ in range(10):
        host.compile(KERNELS).kernel("add_one", {0: False})
        run(kernel)
    assert live() == before


def test_dispatches_are_counted(host: KernelHost, kernel: Kernel) -> None:
    names = ("dispatches", "threadgroups", "barriers", "command_buffers")
    before = [host.control.counter(name) for name in names]
    run(kernel)
    after = [host.control.counter(name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 2, 0, 1]


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, for what the simulator reads when it starts."""
    return subprocess.run(
        [sys.executable, "-c", LATE],
        env={**os.environ, "PYTHONPATH": ".", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_environment(host: KernelHost) -> None:
    assert start(MTLSIM_LATE="50").returncode == 0
    failed = start(MTLSIM_FAULT="timeout@1")
    assert "Timeout" in failed.stderr
    assert "MTLSIM_FAULT cannot be read" in start(MTLSIM_FAULT="?").stderr
