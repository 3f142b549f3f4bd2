"""Every operator of ops.def on the Metal backend and the simulated GPU, against NumPy."""

from dataclasses import replace

import numpy as np
import pytest

from tests.graph.op_cases import CASES, Case, Maker, built, norm_chain
from tests.graph.op_probe import Op, Setting, metal_fallbacks, run_ops
from tests.metal.modes import BF16_FAMILY, MODES, Mode
from tests.metal.real_shapes import REAL_SHAPES
from tests.metal_sim import simulator
from tests.tolerances import metal_tolerance, relative_error

STORAGES = ("f32", "f16")
# Matrices are f16 on the GPU: what a file has as f32 is rounded, which the reference does not know.
WEIGHT_DTYPES = ("f16", "bf16", "f8_e4m3", "f8_e5m2")
CAPACITY = 1 << 25  # bytes of the largest output
LATE_MS = "5"
METAL_CASES = [case for case in CASES if "bf16" not in case.title]
BF16_WEIGHT_DTYPES = ("bf16", "f8_e4m3", "f8_e5m2")  # matrices are bf16: these are so exactly
BF16_MODES = [replace(mode, family=BF16_FAMILY) for mode in MODES]
IN_BF16 = Setting(storage="bf16", metal=Mode(family=BF16_FAMILY))
by_mode = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.title)
by_storage = pytest.mark.parametrize("storage", STORAGES)


@pytest.fixture(autouse=True)
def _simulator() -> None:
    simulator.require()


def _title(case: Case) -> str:
    return f"{case.op} {case.title}"


def _check(case: Case, setting: Setting, weight_dtype: str = "f16") -> None:
    op, wanted = built(case, setting.storage, weight_dtype)
    got = run_ops([op], setting, CAPACITY)
    tolerance = metal_tolerance(case.title, got.out)
    error = relative_error(got.out, wanted)
    assert error <= tolerance, f"off by {error:.2g}, allowed {tolerance:.2g}"
    assert got.bad_node == -1


@by_mode
def test_nothing_is_left_to_the_cpu(mode: Mode) -> None:
    """Every pipeline is there, and every operator passes its start-up check."""
    assert metal_fallbacks(mode) == {}


@by_mode
@by_storage
@pytest.mark.parametrize("case", METAL_CASES, ids=_title)
def test_numbers(case: Case, storage: str, mode: Mode) -> None:
    """Odd shapes, plain and in three orders under the checks."""
    _check(case, Setting(storage=storage, metal=mode))
    assert metal_fallbacks(mode) == {}


@by_storage
@pytest.mark.parametrize("case", REAL_SHAPES, ids=_title)
def test_real_shapes(case: Case, storage: str) -> None:
    """Shapes of Stable Diffusion."""
    _check(case, Setting(storage=storage, metal=Mode()))
    assert metal_fallbacks(Mode()) == {}


@pytest.mark.parametrize("dtype", WEIGHT_DTYPES)
@pytest.mark.parametrize("case", [case for case in METAL_CASES if case.has_weights], ids=_title)
def test_weight_formats(case: Case, dtype: str) -> None:
    """Weights in each format of a file stand for the numbers that the format says."""
    _check(case, Setting(metal=Mode()), dtype)


@pytest.mark.parametrize(
    "case", [case for case in METAL_CASES if case.has_weights or "norm" in case.op], ids=_title
)
def test_the_cpu_takes_over_in_the_middle(case: Case) -> None:
    """From the weights as Metal holds them, for the file's may be gone."""
    _check(case, Setting(metal=Mode(), leaves_metal=True))


@pytest.mark.parametrize("case", METAL_CASES[::5], ids=_title)
def test_late_command_buffers(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that starts late gives the same numbers to a host that waits for it."""
    monkeypatch.setenv("MTLSIM_LATE", LATE_MS)
    _check(case, Setting(metal=Mode()))


@pytest.mark.parametrize("mode", BF16_MODES, ids=lambda mode: mode.title)
@pytest.mark.parametrize("case", CASES, ids=_title)
def test_numbers_in_bf16(case: Case, mode: Mode) -> None:
    """As test_numbers, on a GPU that has bf16; casts to and from bf16 among them."""
    _check(case, Setting(storage="bf16", metal=mode), "bf16")
    assert metal_fallbacks(mode) == {}


@pytest.mark.parametrize("case", REAL_SHAPES, ids=_title)
def test_real_shapes_in_bf16(case: Case) -> None:
    """Shapes of Stable Diffusion."""
    _check(case, IN_BF16, "bf16")


@pytest.mark.parametrize("dtype", BF16_WEIGHT_DTYPES)
@pytest.mark.parametrize("case", [case for case in METAL_CASES if case.has_weights], ids=_title)
def test_weight_formats_in_bf16(case: Case, dtype: str) -> None:
    """And the CPU reads them as Metal packed them, where it takes over in the middle."""
    _check(case, IN_BF16, dtype)
    _check(case, replace(IN_BF16, leaves_metal=True), dtype)


@pytest.mark.parametrize("case", METAL_CASES[::5], ids=_title)
def test_late_command_buffers_in_bf16(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that waits gets the same numbers."""
    monkeypatch.setenv("MTLSIM_LATE", LATE_MS)
    _check(case, IN_BF16, "bf16")


@pytest.mark.parametrize("storage", [*STORAGES, "bf16"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [(12, 8), (7, 3)], ids=str)
@pytest.mark.parametrize("op", ["group_norm", "layer_norm"])
def test_first_norm_that_meets_a_bad_number_is_named(
    op: str, channels: tuple[int, int], bad: float, storage: str
) -> None:
    """The node is the first norm's, though the second norm meets the number too."""
    make = Maker(1, storage, "f16")
    x, y = (make.array(2, 40, 41, c) for c in channels)
    setting = Setting(storage=storage, metal=Mode(family=BF16_FAMILY))
    assert run_ops(norm_chain(x, y, op), setting).bad_node == -1
    x[1, 39, 40, channels[0] - 1] = bad
    assert run_ops(norm_chain(x, y, op), setting).bad_node == 1


@by_storage
def test_bad_number_reaches_the_output_of_attention(storage: str) -> None:
    """A NaN in a query spoils that query; one in a value spoils every query's channel."""
    make = Maker(2, storage, "f16")
    q, k, v = (make.array(1, 1, 50, 16) for _ in range(3))
    q[0, 0, 33, 3], v[0, 0, 7, 9] = np.nan, np.nan
    args = {"heads": 2, "causal": 0}
    setting = Setting(storage=storage, metal=Mode())
    out = run_ops([Op(name="attention", inputs=(q, k, v), args=args)], setting).out
    is_bad = np.isnan(out[0, 0])
    assert is_bad[33, :8].all()
    assert is_bad[:, 9].all()
