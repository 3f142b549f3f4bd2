"""Runs operators of ops.def through graph, plan and a backend, with NumPy arrays in and out."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.metal_sources import metal_sources
from app.engine.types import MetalSource
from tests.engine_library import ENGINE_FOLDER, load_probe
from tests.graph.storages import ARRAY_DTYPES, Bf16, packed, unpacked
from tests.metal.modes import Cut, Mode
from tests.metal_sim import simulator

SOURCE = Path(__file__).with_name("op_probe.c")
DTYPES = ("f32", "f16", "bf16", "f8_e4m3", "f8_e5m2", "i32")  # the order of engine.h
DTYPES += ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K")
ACTIVATIONS = (
    "none",
    "silu",
    "gelu",
    "quick_gelu",
    "relu",
    "tanh3",
    "geglu",
)  # of ops.h
OPS = tuple(re.findall(r"^OP\((\w+),", (ENGINE_FOLDER / "graph/ops.def").read_text(), re.MULTILINE))
CANCELLED = 1


@dataclass(frozen=True, kw_only=True)
class Weight:
    """A weight as a file has it: `bits` in `dtype`, and the numbers they stand for."""

    dtype: str
    bits: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operator.

    inputs: by role as in ops.h: arrays [n, h, w, c], None, or the index of an earlier operator
    whose output is meant. args: fields of probe_op.
    """

    name: str
    inputs: Sequence[np.ndarray | int | None] = ()
    weights: Sequence[Weight | None] = ()
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a run is done: storage of activations, threads, instruction set, raised stop flag.

    metal: on the simulated GPU, which must be there (tests/metal_sim/simulator.py), in this mode.
    cut: how it cuts products. leaves_metal: the CPU takes over once the weights are packed.
    """

    storage: str = "f32"
    threads: int = 1
    isa: int = -1
    stop: bool = False
    leaves_metal: bool = False
    metal: Mode | None = None
    cut: Cut = field(default_factory=Cut)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Output of the last operator, and the first norm that met a non-finite number or -1.

    read_bytes, written_bytes: of device memory, as the encoders of the Metal backend say.
    """

    out: np.ndarray
    bad_node: int
    read_bytes: float
    written_bytes: float


class ProbeError(Exception):
    """The engine refused or stopped: its status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        """Keep the status beside the sentence."""
        super().__init__(sentence)
        self.status = status


def run_ops(ops: Sequence[Op], setting: Setting, capacity: int = 1 << 22) -> Outcome:
    """Run the operators in order; raise ProbeError. capacity: bytes of the largest output."""
    ffi, library = _probe(setting.metal is not None)
    device = _open_device(setting)
    alive: list[Any] = []
    rows = ffi.new("probe_op[]", len(ops))
    weights = [
        (_weight_name(i, k), w) for i, op in enumerate(ops) for k, w in enumerate(op.weights) if w
    ]
    for row, (index, op) in zip(rows, enumerate(ops), strict=True):
        _fill_op(ffi, row, op, index, alive)
    tensors = ffi.new("sd_tensor[]", max(1, len(weights)))
    for tensor, (name, weight) in zip(tensors, weights, strict=False):
        _fill_weight(ffi, tensor, name, weight, alive)
    run = ffi.new(
        "probe_run *",
        {
            "ops": rows,
            "weights": tensors,
            "op_count": len(ops),
            "weight_count": len(weights),
            "storage": DTYPES.index(setting.storage),
            "stop": int(setting.stop),
            "leaves_metal": int(setting.leaves_metal),
        },
    )
    buffer = ffi.new("char[]", capacity)
    result = ffi.new("probe_result *", {"data": buffer, "capacity_bytes": capacity})
    error = ffi.new("sd_error *")
    status = library.probe_start(result, device, run, error)
    if status:
        raise ProbeError(status, ffi.string(error.text).decode())
    return Outcome(
        out=_array(ffi, result),
        bad_node=result.bad_node,
        read_bytes=result.read_bytes,
        written_bytes=result.written_bytes,
    )


def usable_isas() -> dict[str, int]:
    """Names and indexes of the instruction sets that this processor has."""
    ffi, library = _probe(False)
    usable, found, index = ffi.new("int32_t *"), {}, 0
    while (name := library.probe_isa(usable, index)) != ffi.NULL:
        if usable[0]:
            found[ffi.string(name).decode()] = index
        index += 1
    return found


def _fill_op(ffi: Any, row: Any, op: Op, index: int, alive: list[Any]) -> None:
    row.op = OPS.index(op.name)
    for key, value in op.args.items():
        names = {"act": ACTIVATIONS, "dtype": DTYPES}.get(key)
        setattr(row, key, names.index(value) if names else value)
    for role in range(4):
        row.inputs[role].source = -1
    for role, given in enumerate(op.inputs):
        _fill_input(ffi, row.inputs[role], given, alive)
    for role, weight in enumerate(op.weights):
        if weight:
            row.weights[role] = _kept(alive, ffi.new("char[]", _weight_name(index, role)))


def _fill_input(ffi: Any, target: Any, given: np.ndarray | int | None, alive: list[Any]) -> None:
    if isinstance(given, int):
        target.source = given
    elif given is not None:
        is_bf16 = isinstance(given, Bf16)
        array = packed(given) if is_bf16 else np.ascontiguousarray(given)
        target.data = _kept(alive, ffi.from_buffer(array))
        target.n, target.h, target.w, target.c = array.shape
        dtypes = {np.dtype(array_dtype): dtype for dtype, array_dtype in ARRAY_DTYPES.items()}
        target.dtype = DTYPES.index("bf16" if is_bf16 else dtypes[array.dtype])


def _fill_weight(ffi: Any, target: Any, name: bytes, weight: Weight, alive: list[Any]) -> None:
    target.name = _kept(alive, ffi.new("char[]", name))
    target.data = _kept(alive, ffi.from_buffer(np.ascontiguousarray(weight.bits)))
    target.rank = weight.values.ndim
    target.shape[0 : weight.values.ndim] = weight.values.shape
    target.dtype = DTYPES.index(weight.dtype)


def _weight_name(index: int, role: int) -> bytes:
    return f"{index}.{role}".encode()


def _kept(alive: list[Any], value: Any) -> Any:
    """Keep what C holds a pointer to until the run is over."""
    alive.append(value)
    return value


def _array(ffi: Any, result: Any) -> np.ndarray:
    shape = (result.n, result.h, result.w, result.c)
    is_bf16 = DTYPES[result.dtype] == "bf16"
    dtype = np.dtype(np.uint16 if is_bf16 else ARRAY_DTYPES[DTYPES[result.dtype]])
    size = int(np.prod(shape)) * dtype.itemsize
    array = np.frombuffer(bytes(ffi.buffer(result.data, size)), dtype).reshape(shape)
    return unpacked(array) if is_bf16 else array


def metal_fallbacks(mode: Mode) -> dict[str, str]:
    """The operators that the simulated GPU's backend leaves to the CPU, and why."""
    ffi, library = _probe(True)
    report = ffi.new("sd_report *")
    library.probe_report(report, _open_device(Setting(metal=mode)))
    found = report.fallbacks[0 : report.fallback_count]
    return {ffi.string(r.op).decode(): ffi.string(r.reason).decode() for r in found}


def metal_missing(mode: Mode) -> dict[str, str]:
    """The pipelines that the simulated GPU's backend does not use, and why."""
    ffi, library = _probe(True)
    report = ffi.new("sd_report *")
    library.probe_report(report, _open_device(Setting(metal=mode)))
    rows = report.pipelines[0 : report.pipeline_count]
    return {
        ffi.string(r.name).decode(): ffi.string(r.log).decode() for r in rows if not r.max_threads
    }


def _open_device(setting: Setting) -> Any:
    mode, cut = setting.metal, setting.cut
    if mode is None:
        return _device(None, setting.threads, setting.isa)
    # also for the buffers of a device that is open
    simulator.Control(simulator.build()).set_mode(check=mode.check, seed=mode.seed)
    device = _device(mode, setting.threads, setting.isa)
    _probe(True)[1].probe_tune(device, cut.variant, cut.flops_per_second, cut.pace)
    return device


def _sources(mode: Mode) -> list[MetalSource]:
    """The app's kernels, with the mode's mistake in the libraries that have the place."""
    sources = metal_sources()
    text, instead = mode.mutant
    if not text:
        return sources
    counts = [source.text.count(text) for source in sources]
    assert max(counts) == 1, f"{counts} times in the libraries: {text}"
    return [replace(source, text=source.text.replace(text, instead)) for source in sources]


@cache
def _device(metal: Mode | None, threads: int, isa: int) -> Any:
    """A backend that stays open: Metal compiles and checks its kernels as it opens."""
    ffi, library = _probe(metal is not None)
    sources = _sources(metal) if metal else []
    texts = [
        (ffi.new("char[]", s.library.encode()), ffi.new("char[]", s.text.encode())) for s in sources
    ]
    rows = [[*texts[i], source.language] for i, source in enumerate(sources)]
    options = ffi.new("sd_engine_options *", [2 if metal else 1, threads, isa])
    structs = ffi.new("sd_metal_source[]", rows)
    options.metal_sources, options.metal_source_count = structs, len(sources)
    out, error = ffi.new("probe_device **"), ffi.new("sd_error *")
    with _simulated(metal) if metal else nullcontext():
        status = library.probe_open(out, options, error)
    if status:
        raise ProbeError(status, ffi.string(error.text).decode())
    return out[0]


@contextmanager
def _simulated(mode: Mode) -> Iterator[None]:
    """The mode's GPU, and its faults while it is opened."""
    control = simulator.Control(simulator.build())
    control.set_faults(mode.faults)
    os.environ["MTLSIM_FAMILY"] = str(mode.family)
    try:
        yield
    finally:
        del os.environ["MTLSIM_FAMILY"]
        control.set_faults("")


@cache
def _probe(metal: bool) -> tuple[Any, Any]:
    """Build the probe against the engine's library, and load it."""
    simulated = simulator.build() if metal else None
    return load_probe(SOURCE, ("base", "graph", "backend"), simulated)
