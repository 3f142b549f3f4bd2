"""The engine on the simulated device, for tests of the host, and faults on demand."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from app.engine.types import BackendName
from tests.metal import simulated_engine
from tests.metal_sim import simulator


@pytest.fixture(scope="session")
def engine_module() -> ModuleType:
    """app.engine.engine with the simulated device behind it."""
    return simulated_engine.load()


@pytest.fixture
def control() -> Iterator[simulator.Control]:
    """Faults and counters; no fault outlives its test."""
    found = simulator.Control(simulator.require())
    yield found
    found.set_faults("")


@pytest.fixture(scope="session")
def metal(engine_module: ModuleType) -> Iterator[Any]:
    """An engine on the simulated GPU, opened without faults."""
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        yield engine


@pytest.fixture(scope="session")
def cpu(engine_module: ModuleType) -> Iterator[Any]:
    """An engine on the CPU, to compare with."""
    with engine_module.Engine(backend=BackendName.CPU) as engine:
        yield engine
