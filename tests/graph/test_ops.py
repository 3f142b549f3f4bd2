"""Every operator of ops.def on the CPU backend, against NumPy in double precision."""

import numpy as np
import pytest

from tests.graph import op_cases
from tests.graph.block_cases import BLOCK_CASES
from tests.graph.op_cases import Case, Maker, norm_chain
from tests.graph.op_probe import (
    CANCELLED,
    OPS,
    Op,
    ProbeError,
    Setting,
    run_ops,
    usable_isas,
)
from tests.tolerances import cpu_tolerance, relative_error

CASES = (*op_cases.CASES, *BLOCK_CASES)
STORAGES = ("f32", "f16", "bf16")
WEIGHT_DTYPES = ("f16", "bf16", *op_cases.SHORT_FORMATS)
by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op} {case.title}")


def _check(case: Case, setting: Setting, weight_dtype: str = "f32") -> None:
    op, wanted = op_cases.built(case, setting.storage, weight_dtype)
    out = run_ops([op], setting)
    tolerance = cpu_tolerance(case.title, out.out)
    error = relative_error(out.out, wanted)
    assert error <= tolerance, f"off by {error:.2g}, allowed {tolerance:.2g}"
    assert out.bad_node == -1


def test_every_operator_has_cases() -> None:
    """A row of ops.def without a case is a row without a test."""
    assert {case.op for case in CASES} == set(OPS)


@pytest.mark.parametrize("isa", usable_isas().values(), ids=usable_isas().keys())
@pytest.mark.parametrize("storage", STORAGES)
@by_case
def test_numbers(case: Case, storage: str, isa: int) -> None:
    """Each case in each storage on each instruction set of this processor.

    Matrices are bf16 beside bf16: what a file has as f32 is rounded, which the reference does not
    know.
    """
    weights = "bf16" if storage == "bf16" else "f32"
    _check(case, Setting(storage=storage, isa=isa, threads=2), weights)


@pytest.mark.parametrize("isa", usable_isas().values(), ids=usable_isas().keys())
@pytest.mark.parametrize("dtype", WEIGHT_DTYPES)
@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.has_weights],
    ids=lambda case: f"{case.op} {case.title}",
)
def test_weight_formats(case: Case, dtype: str, isa: int) -> None:
    """Weights in each format of a file stand for the numbers that the format says."""
    _check(case, Setting(isa=isa), dtype)


@pytest.mark.parametrize("storage", ["f32", "bf16"])
@by_case
def test_threads_change_no_bit(case: Case, storage: str) -> None:
    """1, 2 and 5 threads give the same bits, so a seed gives the same picture anywhere."""
    op, _ = case.build(Maker(3, storage, storage))
    alone = run_ops([op], Setting(storage=storage, threads=1)).out
    for threads in (2, 5):
        shared = run_ops([op], Setting(storage=storage, threads=threads)).out
        assert shared.tobytes() == alone.tobytes()


@pytest.mark.parametrize("threads", [1, 5])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("op", ["group_norm", "layer_norm"])
def test_first_norm_that_meets_a_bad_number_is_named(
    op: str, bad: float, storage: str, threads: int
) -> None:
    """The node is the first norm's, though the second norm meets the number too."""
    make = Maker(1, storage, "f32")
    x, y = make.array(2, 40, 41, 12), make.array(2, 40, 41, 8)
    setting = Setting(storage=storage, threads=threads)
    assert run_ops(norm_chain(x, y, op), setting).bad_node == -1
    x[1, 39, 40, 11] = bad
    assert run_ops(norm_chain(x, y, op), setting).bad_node == 1


def test_bad_number_in_the_second_source_is_noticed() -> None:
    """Group norm looks at both sources."""
    make = Maker(1, "f32", "f32")
    x, y = make.array(1, 3, 4, 12), make.array(1, 3, 4, 8)
    y[0, 0, 0, 7] = np.nan
    assert run_ops(norm_chain(x, y, "group_norm"), Setting()).bad_node == 1


def test_bad_number_reaches_the_output_of_attention() -> None:
    """A NaN in one query spoils that query alone; one in a value spoils every query's channel."""
    make = Maker(2, "f32", "f32")
    q, k, v = (make.array(1, 1, 50, 16) for _ in range(3))
    q[0, 0, 33, 3], v[0, 0, 7, 9] = np.nan, np.nan
    args = {"heads": 2, "causal": 0}
    out = run_ops([Op(name="attention", inputs=(q, k, v), args=args)], Setting()).out
    is_bad = np.isnan(out[0, 0])
    assert is_bad[33, :8].all()
    assert is_bad[:, 9].all()
    assert is_bad.sum() == 8 + 50


@pytest.mark.parametrize("case", CASES[::7], ids=lambda case: f"{case.op} {case.title}")
def test_stop_flag_cancels(case: Case) -> None:
    """A raised flag ends the run with SD_CANCELLED."""
    op, _ = case.build(Maker(1, "f32", "f32"))
    with pytest.raises(ProbeError) as caught:
        run_ops([op], Setting(stop=True, threads=2))
    assert caught.value.status == CANCELLED
