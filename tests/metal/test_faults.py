"""What goes wrong on a GPU costs one job and one sentence; the process and the next job are well.

The simulator's faults (tests/metal_sim/include/metal_sim/metal_sim.h) stand for Apple's.
"""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from app.engine.types import BackendName, Dtype, Pressure, Thermal
from tests.engine.model_setup import open_model, request
from tests.metal.modes import BF16_FAMILY
from tests.metal_sim.simulator import Control

WISHED = request(precision=Dtype.F16, steps=1, cfg_scale=1.0)
GPU_MEMORY = {"allocation@3": "no memory", "allocation_over=2000000": "no memory"}
# Fault, the exception, words of its sentence.
FAULTS = {
    "internal": ("BackendFailed", "driver failed"),
    "timeout": ("BackendFailed", "took too long"),
    "page_fault": ("BackendFailed", "memory that was not there"),
    "access_revoked": ("BackendLost", "must be restarted"),
    "out_of_memory": ("OutOfMemory", "make the picture smaller"),
    "device_removed": ("BackendLost", "must be restarted"),
}
# At the n-th command buffer of a first job. Of its 21 or more most pack weights.
FIRST_JOB = [
    ("internal", 1),
    ("timeout", 1),
    ("out_of_memory", 2),
    ("page_fault", 10),
    ("device_removed", 15),
    ("timeout", 18),
    ("access_revoked", 20),
    ("out_of_memory", 20),
]


def fails(module: ModuleType, model: Any, control: Control, fault: str, number: int) -> None:
    """The job ends with the fault's sentence."""
    error, words = FAULTS[fault]
    control.set_faults(f"{fault}@{number}")
    with pytest.raises(module.EngineError) as caught:
        model.generate(WISHED)
    assert type(caught.value).__name__ == error
    assert words in str(caught.value)
    assert " faulted; " in str(caught.value)
    control.set_faults("")


@pytest.mark.parametrize(("fault", "number"), FIRST_JOB)
def test_a_command_buffer_that_fails(
    engine_module: ModuleType, metal: Any, control: Control, fault: str, number: int
) -> None:
    with open_model(metal) as model:
        fails(engine_module, model, control, fault, number)
        after = model.generate(WISHED)
    with open_model(metal) as model:
        assert model.generate(WISHED).pictures == after.pictures


@pytest.mark.parametrize("fault", FAULTS)
def test_a_command_buffer_that_fails_once_the_weights_are_there(
    engine_module: ModuleType, metal: Any, control: Control, fault: str
) -> None:
    """The next job takes them as they are."""
    with open_model(metal) as model:
        before = model.generate(WISHED)
        held = metal.device().allocated_bytes
        fails(engine_module, model, control, fault, 2)
        assert metal.device().allocated_bytes == held
        assert model.generate(WISHED).pictures == before.pictures


@pytest.mark.parametrize("fault", GPU_MEMORY)
def test_memory_that_is_refused(engine_module: ModuleType, control: Control, fault: str) -> None:
    with engine_module.Engine(backend=BackendName.METAL) as engine, open_model(engine) as model:
        control.set_faults(fault)
        with pytest.raises(engine_module.OutOfMemory, match=GPU_MEMORY[fault]):
            model.generate(WISHED)
        control.set_faults("")
        assert model.generate(WISHED).pictures


def test_more_than_the_working_set_is_not_asked_for(
    engine_module: ModuleType, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = control.counter("allocated_bytes") + (100 << 20)
    monkeypatch.setenv("MTLSIM_WORKING_SET", str(limit))
    with engine_module.Engine(backend=BackendName.METAL) as engine, open_model(engine) as model:
        with pytest.raises(engine_module.OutOfMemory):
            model.generate(request(width=512, height=512, precision=Dtype.F16))
        assert engine.condition().allocated_bytes <= limit


def picture(engine: Any) -> np.ndarray:
    with open_model(engine) as model:
        made = model.generate(WISHED)
    return np.frombuffer(made.pictures[0], np.uint8).astype(int)


@pytest.fixture(scope="module")
def right(metal: Any) -> np.ndarray:
    """The picture of a GPU without a fault."""
    return picture(metal)


@pytest.mark.parametrize(
    ("fault", "left", "words"),
    [
        ("pipeline=attention_f16_40", {"attention"}, "attention_f16_40 is not there"),
        ("pipeline=layer_norm", {"layer_norm"}, "layer_norm is not there"),
        (
            "pipeline_threads=matrix_f16_64x32_rows:64",
            {"linear", "conv2d"},
            "no more than 64 threads",
        ),
        ("pipeline_threads=elementwise:32", {"activation", "add", "cast"}, "more than 32 threads"),
        ("pipeline=unpack", {"*"}, "unpack is not there"),
        ("wrong=group_norm_apply", {"group_norm"}, "start-up check failed"),
        ("wrong=matrix_f16_64x32_rows", {"linear", "conv2d"}, "start-up check failed"),
    ],
)
def test_what_a_kernel_cannot_do_the_cpu_does(
    engine_module: ModuleType,
    control: Control,
    right: np.ndarray,
    fault: str,
    left: set[str],
    words: str,
) -> None:
    """The picture is right all the same, and the report says what is done elsewhere and why."""
    control.set_faults(fault)
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        control.set_faults("" if not fault.startswith("wrong") else fault)
        fallbacks = {row.op: row.reason for row in engine.report().fallbacks}
        if left != {"*"}:
            assert set(fallbacks) == left
        assert all(words in reason for reason in fallbacks.values())
        checks = engine.self_test()
        at_opening = {check.op: check.served_by for check in engine.report().checks}
        served = {check.op: check.served_by for check in checks}
        assert {op for op, place in served.items() if place == "cpu"} == set(fallbacks)
        assert at_opening == served
        assert np.abs(picture(engine) - right).max() <= 8


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("compile=bf16.metal", "its kernels did not compile"),
        ("pipeline=attention_bf16_160", "attention_bf16_160 is not there"),
        ("pipeline_threads=matrix_bf16_64x32_taps:128", "no more than 128 threads"),
        ("wrong=matrix_bf16_64x32_rows", "linear fails its check"),
        ("wrong=attention_bf16_64", "attention fails its check"),
    ],
)
def test_bf16_that_fails_costs_bf16_alone(
    engine_module: ModuleType,
    control: Control,
    right: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    words: str,
) -> None:
    """The library is not used, its report says why, and a request for it gets that sentence."""
    monkeypatch.setenv("MTLSIM_FAMILY", str(BF16_FAMILY))
    control.set_faults(fault)
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        report = engine.report()
        library = next(library for library in report.libraries if library.name == "bf16")
        assert not library.is_ready
        assert not any(row.max_threads for row in report.pipelines if row.library == "bf16")
        assert report.fallbacks == ()
        with open_model(engine) as model, pytest.raises(engine_module.BadArgument, match=words):
            model.generate(replace(WISHED, precision=Dtype.BF16))
        assert (picture(engine) == right).all()


def test_a_gpu_without_bf16_says_so(engine_module: ModuleType, metal: Any) -> None:
    with open_model(metal) as model, pytest.raises(engine_module.BadArgument, match="M3 or later"):
        model.generate(replace(WISHED, precision=Dtype.BF16))


def test_a_library_that_does_not_compile(
    engine_module: ModuleType, control: Control, right: np.ndarray
) -> None:
    """Metal where it was asked for, all by the CPU; the CPU where it was not, with the reason."""
    control.set_faults("compile")
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        report = engine.report()
        core = next(library for library in report.libraries if library.name == "core")
        assert not core.is_ready
        assert core.log
        assert {check.served_by for check in engine.self_test()} == {"cpu"}
        assert np.abs(picture(engine) - right).max() <= 8
    with engine_module.Engine(backend=BackendName.AUTO) as engine:
        assert engine.device().backend == "cpu"
        assert "its library did not compile" in engine.report().refusal
        assert np.abs(picture(engine) - right).max() <= 8


def test_a_warning_is_kept(engine_module: ModuleType, control: Control) -> None:
    control.set_faults("compile_warning")
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        core = next(library for library in engine.report().libraries if library.name == "core")
        assert core.is_ready
        assert core.log


def test_no_device(engine_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLSIM_NO_DEVICE", "1")
    with pytest.raises(engine_module.BackendFailed, match="no GPU"):
        engine_module.Engine(backend=BackendName.METAL)
    with engine_module.Engine() as engine:
        assert engine.device().backend == "cpu"
        assert "no GPU" in engine.report().refusal


def test_the_machine_s_condition_is_told(metal: Any, control: Control) -> None:
    control.press_memory(2)
    control.set_power(thermal_state=2, low_power=True)
    found = metal.condition()
    assert found.pressure is Pressure.WARNING
    assert found.thermal is Thermal.SERIOUS
    assert found.is_low_power
    assert found.working_set_bytes > found.allocated_bytes > 0
    control.press_memory(1)
    control.set_power(thermal_state=0, low_power=False)
    calm = metal.condition()
    assert (calm.pressure, calm.thermal, calm.is_low_power) == (
        Pressure.NORMAL,
        Thermal.NOMINAL,
        False,
    )
