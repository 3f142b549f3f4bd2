"""The start-up check: it passes on every instruction set, and it finds what is wrong."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.engine.engine import Engine, instruction_sets
from tests.engine_library import ENGINE_FOLDER, load_probe

SOURCE = Path(__file__).with_name("self_test_probe.c")
OPS = re.findall(r"^OP\((\w+),", (ENGINE_FOLDER / "graph/ops.def").read_text(), re.M)
USABLE = [row for row in instruction_sets() if row.is_usable]
FLOATS = ("SD_F32", "SD_F16")
CANCELLED, OUT_OF_MEMORY, BACKEND_FAILED = 1, 4, 6  # of sd_status

# What a backend may fail to heed, and the operators where that must be seen.
ARGUMENTS = {
    "ACT": ("activation", "group_norm", "linear", "conv2d"),
    "GROUPS": ("group_norm",),
    "HEADS": ("attention",),
    "CAUSAL": ("attention",),
    "STRIDE": ("conv2d",),
    "PAD": ("conv2d",),
    "UPSAMPLE": ("conv2d",),
    "Y": ("group_norm", "conv2d"),
    "RESIDUAL": ("linear", "conv2d"),
    "CHANNEL_ADD": ("conv2d",),
    "KEY_COUNTS": ("attention",),
    "BIAS": ("linear", "conv2d"),
}


def probe() -> tuple[Any, Any]:
    """The probe, built against the engine's library."""
    return load_probe(SOURCE, ("base", "graph", "backend"))


def _text(ffi: Any, data: Any) -> str:
    return str(ffi.string(data).decode())


class Check:
    """One start-up check of a backend with a fault: its status and ratios by operator."""

    def __init__(self, fault: str = "NO_FAULT", op: str = OPS[0], **fields: Any) -> None:
        """`fields`: of probe_check; a capacity short of all operators leaves rows out."""
        ffi, library = probe()
        check = ffi.new("probe_check *", {"isa": -1, "threads": 1, "capacity": len(OPS)})
        check.fault, check.op = getattr(library, f"PROBE_{fault}"), OPS.index(op)
        for name, value in fields.items():
            setattr(check, name, value)
        rows, count = ffi.new("sd_op_check[]", len(OPS)), ffi.new("int32_t *")
        error = ffi.new("sd_error *")
        self.status = library.probe_self_test(rows, count, check, error)
        self.sentence = _text(ffi, error.text)
        self.count = count[0]
        self.held_bytes = (check.before, check.after)
        named = [row for row in rows if row.op[0] != b"\0"]
        self.ratios = {_text(ffi, row.op): row.error_ratio for row in named}
        self.failed = [_text(ffi, row.op) for row in named if not row.passed]


@pytest.fixture(params=USABLE, ids=lambda row: row.name)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine on each instruction set that this processor has."""
    with Engine(isa=request.param.index, threads=2) as opened:
        yield opened


def test_every_operator_passes(engine: Engine) -> None:
    rows = engine.self_test()
    assert [row.op for row in rows] == OPS
    assert [row for row in rows if not row.passed or row.error_ratio > 1] == []
    assert {row.served_by for row in rows} == {"cpu"}
    assert all(row.elapsed_ms >= 0 for row in rows)


def test_two_checks_see_the_same_numbers() -> None:
    first, second = Check(), Check()
    assert first.ratios == second.ratios
    assert any(ratio > 0 for ratio in first.ratios.values())


def test_nothing_is_held_afterwards() -> None:
    before, after = Check().held_bytes
    assert before == after


def test_rows_past_the_capacity_are_left_alone() -> None:
    check = Check(capacity=3)
    assert (check.count, list(check.ratios)) == (len(OPS), OPS[:3])


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("storage", FLOATS)
def test_one_wrong_number_is_found(op: str, storage: str) -> None:
    library = probe()[1]
    dtype = getattr(library, storage)
    if (op, storage) == ("arange", "SD_F16"):
        dtype = library.SD_I32  # arange is never stored in f16
    if op == "latent_rgb":
        dtype = library.SD_F32  # nor are a preview's colours
    check = Check("NUMBER", op, storage=dtype)
    assert check.failed == [op]
    assert check.status == 0


@pytest.mark.parametrize("op", ["linear", "conv2d", "attention"])
def test_one_wrong_number_of_a_product_in_bf16_is_found(op: str) -> None:
    assert Check("NUMBER", op, storage=probe()[1].SD_BF16).failed == [op]


@pytest.mark.parametrize("op", OPS)
def test_a_number_that_is_none_is_found(op: str) -> None:
    check = Check("NAN", op, storage=0)
    assert check.failed == [op]
    assert math.isinf(check.ratios[op])


@pytest.mark.parametrize(
    ("fault", "op"), [(fault, op) for fault, ops in ARGUMENTS.items() for op in ops]
)
def test_an_argument_that_is_not_heeded_is_found(fault: str, op: str) -> None:
    assert Check(fault, op).failed == [op]


def test_an_operator_that_does_not_run_is_a_row_that_fails() -> None:
    check = Check("STATUS", "linear", status=BACKEND_FAILED)
    assert (check.status, check.failed) == (0, ["linear"])


def test_want_of_memory_ends_the_check() -> None:
    assert Check("STATUS", "linear", status=OUT_OF_MEMORY).status == OUT_OF_MEMORY


def test_a_cancel_ends_the_check() -> None:
    check = Check(stop=1)
    assert (check.status, check.sentence) == (CANCELLED, "cancelled")
