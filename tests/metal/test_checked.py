"""Whole pictures under the simulator's checks: bounds, memory, and races between dispatches.

A host that goes by the simulator's time puts one dispatch into a command buffer, and then nothing
can race. So its clock is slowed down until the host has learnt to put in as many as for a GPU.
"""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from app.engine.types import BackendName, Dtype
from tests.engine.model_setup import open_model, request
from tests.metal.test_leaks import TINY
from tests.metal_sim.simulator import Control
from tests.random_weights import WeightDtype, write_checkpoint

SPEED = "10"
COUNTERS = ("dispatches", "command_buffers", "barriers")
MOST_DIFFERENCE = 4  # levels of 256


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    write_checkpoint(path, TINY, WeightDtype.F16)
    return path


@pytest.mark.usefixtures("metal")
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_races_in_a_picture(
    engine_module: ModuleType,
    cpu: Any,
    control: Control,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """With guidance, so that the UNet's batch is two; the picture is the CPU backend's."""
    wished = request(steps=1)
    with open_model(cpu, checkpoint) as model:
        wanted = np.frombuffer(model.generate(wished).pictures[0], np.uint8)
    control.set_mode(check=True, seed=seed)  # the simulator is there since `metal` was opened
    try:
        with engine_module.Engine(backend=BackendName.METAL) as engine:
            assert engine.report().fallbacks == ()
            monkeypatch.setenv("MTLSIM_SPEED", SPEED)
            before = {name: control.counter(name) for name in COUNTERS}
            with open_model(engine, checkpoint) as model:
                made = model.generate(replace(wished, precision=Dtype.F16))
            spent = {name: control.counter(name) - before[name] for name in COUNTERS}
    finally:
        control.set_mode(check=False)
    got = np.frombuffer(made.pictures[0], np.uint8)
    assert np.abs(got.astype(int) - wanted).max() <= MOST_DIFFERENCE
    assert spent["barriers"] > 100
    assert spent["dispatches"] > 1.5 * spent["command_buffers"]
