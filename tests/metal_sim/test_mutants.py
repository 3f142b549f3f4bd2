"""A checked run must find each mistake of selftest/mutants.py, and say which it is."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.metal_sim.kernel_host import KernelHost, Library, MetalError
from tests.metal_sim.selftest.mutants import MUTANTS
from tests.metal_sim.selftest.programs import KERNELS, RUNS

PAIR = np.zeros(64, np.float32)


@pytest.fixture(scope="module")
def libraries(host: KernelHost) -> dict[str, Library]:
    """Each mutant by its name, all compiled at once."""

    def mutant(text: str, instead: str) -> Library:
        assert text in KERNELS
        return host.compile(KERNELS.replace(text, instead, 1))

    host.set_mode(check=True)
    with ThreadPoolExecutor(2) as pool:
        built = pool.map(lambda row: mutant(row[2], row[3]), MUTANTS)
        return dict(zip([row[0] for row in MUTANTS], built, strict=True))


@pytest.mark.parametrize(
    ("name", "kernel", "words"),
    [(row[0], row[1], row[4]) for row in MUTANTS],
    ids=[row[0] for row in MUTANTS],
)
def test_is_found(
    host: KernelHost, libraries: dict[str, Library], name: str, kernel: str, words: str
) -> None:
    host.set_mode(check=True, seed=1)
    with pytest.raises(MetalError) as found:
        RUNS[kernel](libraries[name])
    assert words in str(found.value)
    assert "program_source:" in str(found.value)


@pytest.mark.parametrize("barrier", [False, True])
@pytest.mark.parametrize("concurrent", [False, True])
def test_concurrent_dispatches_need_a_barrier(
    host: KernelHost, concurrent: bool, barrier: bool
) -> None:
    host.set_mode(check=True)
    kernel = host.compile(KERNELS).kernel("add_one", {0: False})
    a, b, c = (host.buffer(PAIR) for _ in range(3))
    host.begin(concurrent=concurrent)
    kernel.encode([b, a], grid=(64, 1, 1), group=(32, 1, 1))
    if barrier:
        host.barrier()
    kernel.encode([c, b], grid=(64, 1, 1), group=(32, 1, 1))
    if concurrent and not barrier:
        with pytest.raises(MetalError, match=r"race: buffer 'in'.* dispatch wrote with no barrier"):
            host.end()
    else:
        host.end()
        assert (c.read() == 2).all()


@pytest.mark.parametrize("tracked", [False, True])
def test_encoders_order_what_is_tracked(host: KernelHost, tracked: bool) -> None:
    host.set_mode(check=True)
    kernel = host.compile(KERNELS).kernel("add_one", {0: False})
    a, b, c = (host.buffer(PAIR, tracked=tracked) for _ in range(3))
    host.begin(concurrent=True)
    kernel.encode([b, a], grid=(64, 1, 1), group=(32, 1, 1))
    host.next_encoder(concurrent=True)
    kernel.encode([c, b], grid=(64, 1, 1), group=(32, 1, 1))
    if tracked:
        host.end()
        assert (c.read() == 2).all()
    else:
        with pytest.raises(MetalError, match="race: buffer 'in'"):
            host.end()


@pytest.mark.parametrize("tracked", [False, True])
def test_waiting_orders_command_buffers(host: KernelHost, tracked: bool) -> None:
    host.set_mode(check=True)
    kernel = host.compile(KERNELS).kernel("add_one", {0: False})
    a, b = host.buffer(PAIR, tracked=tracked), host.buffer(PAIR, tracked=tracked)
    for out, into in ((b, a), (a, b)):
        host.begin(concurrent=True)
        kernel.encode([out, into], grid=(64, 1, 1), group=(32, 1, 1))
        host.end()
        assert host.control.counter("live_command_buffers") == 0
    assert (a.read() == 2).all()
