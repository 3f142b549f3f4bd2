"""One simulated device for all tests of a process."""

import pytest

from tests.metal_sim.kernel_host import KernelHost


@pytest.fixture(scope="session")
def host() -> KernelHost:
    return KernelHost()
