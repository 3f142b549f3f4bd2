"""100 jobs of a tiny random model leave nothing behind: no object of Metal's, no byte."""

import gc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.engine.types import BackendName, Dtype, Phase, Progress
from app.generation.process_memory import resident_bytes
from tests.engine.model_setup import open_model, request
from tests.metal_sim.simulator import Control
from tests.random_weights import Architecture, WeightDtype, write_checkpoint

JOBS, WARM_UP = 100, 10
LEAK_BYTES = 4 << 20  # of the process, in all: 42 KB a job would be more; it was 70 KB
TINY = Architecture(
    unet_channels=(32, 32, 32, 32),
    unet_blocks=1,
    unet_heads=1,
    text_width=32,
    text_layers=1,
    text_heads=1,
    text_mlp=32,
    vae_channels=(32, 32, 32, 32),
    vae_blocks=1,
)
WISHED = request(steps=1, cfg_scale=1.0, precision=Dtype.F16)
LIVE = [
    f"live_{name}"
    for name in ("buffers", "libraries", "functions", "pipelines", "queues", "command_buffers")
]
COUNTERS = (*LIVE, "live_encoders", "live_residency_sets", "allocated_bytes")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    write_checkpoint(path, TINY, WeightDtype.F16)
    return path


def stop_at_once(progress: Progress) -> bool:
    return progress.phase is Phase.DENOISE


def ordinary(model: Any, errors: type[Exception], control: Control) -> None:
    model.generate(WISHED)


def cancelled(model: Any, errors: type[Exception], control: Control) -> None:
    with pytest.raises(errors):
        model.generate(WISHED, stop_at_once)


def failed(model: Any, errors: type[Exception], control: Control) -> None:
    control.set_faults("timeout@5")
    with pytest.raises(errors):
        model.generate(WISHED)
    control.set_faults("")


def released(model: Any, errors: type[Exception], control: Control) -> None:
    model.release_weights()


Kind = Callable[[Any, type[Exception], Control], None]
KINDS: tuple[Kind, ...] = (ordinary, ordinary, cancelled, failed, ordinary, released)


def test_jobs_leave_nothing_behind(
    engine_module: ModuleType, control: Control, checkpoint: Path
) -> None:
    """Finished, cancelled and failed jobs, weights released and models opened again."""

    def run(engine: Any, jobs: int) -> None:
        for start in range(0, jobs, 10):
            with open_model(engine, checkpoint) as model:
                for job in range(start, start + 10):
                    KINDS[job % len(KINDS)](model, engine_module.EngineError, control)

    gc.collect()
    idle = {name: control.counter(name) for name in COUNTERS}
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        run(engine, WARM_UP)
        with open_model(engine, checkpoint) as model:
            model.release_weights()
        before = {name: control.counter(name) for name in COUNTERS}
        before_bytes = resident_bytes()
        run(engine, JOBS)
        with open_model(engine, checkpoint) as model:
            model.release_weights()
        assert {name: control.counter(name) for name in COUNTERS} == before
        assert resident_bytes() - before_bytes < LEAK_BYTES
        assert engine.report().fallbacks == ()
    assert {name: control.counter(name) for name in COUNTERS} == idle
