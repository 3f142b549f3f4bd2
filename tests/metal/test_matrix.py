"""Each variant of the product on the simulated GPU: tiles, slices of K, bands of rows, phases."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.graph.op_cases import CASES, Built, Case, Conv, Maker, linear
from tests.graph.op_probe import ProbeError, Setting, metal_fallbacks, metal_missing, run_ops
from tests.metal.modes import BF16_FAMILY, CHECK_SEEDS, TENSOR_FAMILY, Cut, Mode
from tests.metal_sim import simulator
from tests.tolerances import OP_TOLERANCE, relative_error

# matrix_variant of metal_matrix.h, and the kernels of its rows and taps.
VARIANTS = {
    "64x64": ("matrix_f16_64x64_rows", "matrix_f16_64x64_taps"),
    "64x32": ("matrix_f16_64x32_rows", "matrix_f16_64x32_taps"),
    "direct": ("matrix_f16_direct_rows", "matrix_f16_direct_taps"),
    "tensor": ("tensor_rows_f16", "tensor_taps_f16"),
}
MATRIX_FORMS = ("rows", "taps")
CUTS = {
    "whole": Cut(flops_per_second=1),
    "slices": Cut(flops_per_second=4e13),
    "bands": Cut(flops_per_second=1, pace=1e12),
}
Build = Callable[[Maker], Built]
PHASES_SHARE = 2  # weights are summed and rounded to f16 once more

# Of 64 channels and more, so that every variant takes them.
PRODUCTS: dict[str, Build] = {
    "rows": linear((1, 1, 128, 128), 64, bias=False),
    "ragged rows": linear((2, 1, 77, 64), 128, residual=True, act="silu"),
    "tiles": linear((1, 1, 384, 192), 192, residual=True),
    "geglu": linear((1, 1, 40, 64), 64, act="geglu"),
    "geglu rows": linear((1, 1, 256, 64), 96, act="geglu"),
    "deep": linear((1, 1, 130, 1024), 64, act="gelu"),
    "1x1 two": Conv(x=(1, 8, 16), channels=(64, 128), out=128, size=(8, 16), kernel=1, pad=0),
    "3x3 two": Conv(
        x=(2, 9, 7), channels=(64, 64), out=64, size=(9, 7), channel_add=-1, residual=True
    ),
    "3x3 lines": Conv(
        x=(1, 5, 24), channels=(64, 64), out=64, size=(5, 24), channel_add=1, act="silu"
    ),
    "stride lines": Conv(x=(1, 8, 32), channels=(64,), out=64, size=(4, 16), stride=2),
    "stride": Conv(x=(1, 9, 10), channels=(64,), out=64, size=(5, 5), stride=2, act="relu"),
    "upsample odd": Conv(x=(1, 4, 5), channels=(64,), out=64, size=(7, 9), upsample=1),
    "phases": Conv(x=(1, 8, 16), channels=(64,), out=64, size=(16, 32), upsample=1),
    "phases two": Conv(
        x=(2, 9, 17),
        channels=(64, 64),
        out=128,
        size=(18, 34),
        upsample=1,
        channel_add=-1,
        residual=True,
    ),
}
WAYS = [
    *((variant, "whole") for variant in VARIANTS),
    *((variant, cut) for variant in ("64x64", "direct") for cut in ("slices", "bands")),
]
SMALL = [case for case in CASES if case.op in ("linear", "conv2d")]

# A mistake in a kernel of a variant, and what a checked run says of it.
BARRIER = "  simdgroup_barrier(mem_flags::mem_threadgroup);"
MUTANTS = {
    "no barrier before gathering": (BARRIER + "  // all have read what was there", "", "race: "),
    "no barrier after gathering": (
        "  }\n" + BARRIER + "\n}\n\n// sums += pixels",
        "  }\n}\n\n// sums += pixels",
        "threadgroup memory",
    ),
    "pixels outside are read": (
        "if (pixels.under_tap[i] != MATRIX_OUTSIDE && own < channels)",
        "if (own < channels)",
        "out of bounds",
    ),
    "all blocks are read in place": (
        "simd_all(first != MATRIX_OUTSIDE && own == even)",
        "true",
        "out of bounds",
    ),
}

by_variant = pytest.mark.parametrize("variant", VARIANTS)
by_cut = pytest.mark.parametrize("cut", CUTS)


@pytest.fixture(autouse=True)
def _simulator() -> None:
    simulator.require()


def _mode(variant: str, seed: int = 0) -> Mode:
    """Plain, or checked with a seed, on a GPU that has the variant."""
    family = TENSOR_FAMILY if variant == "tensor" else Mode().family
    return Mode(check=seed > 0, seed=max(seed, 1), family=family)


def product_error(build: Build, mode: Mode, cut: Cut, storage: str = "f16") -> float:
    """Error of the product, in units of what is allowed."""
    op, wanted = build(Maker(3, storage, storage))
    got = run_ops([op], Setting(storage=storage, metal=mode, cut=cut)).out
    assert metal_fallbacks(mode) == {}
    x = op.inputs[0]
    assert isinstance(x, np.ndarray)
    is_phased = op.args.get("upsample") and wanted.shape[1] == 2 * x.shape[1]
    return relative_error(got, wanted) / OP_TOLERANCE[storage] / (PHASES_SHARE if is_phased else 1)


def _cut(variant: str, cut: str) -> Cut:
    return replace(CUTS[cut], variant=list(VARIANTS).index(variant))


@pytest.mark.parametrize(("variant", "cut"), WAYS)
@pytest.mark.parametrize("case", SMALL, ids=lambda case: f"{case.op} {case.title}")
def test_small_products(case: Case, variant: str, cut: str) -> None:
    """Shapes that a variant does not take go another way; all come out right."""
    assert product_error(case.build, _mode(variant), _cut(variant, cut)) <= 1


@by_cut
@by_variant
@pytest.mark.parametrize("title", PRODUCTS)
def test_products(title: str, variant: str, cut: str) -> None:
    """Shapes that each variant takes."""
    assert product_error(PRODUCTS[title], _mode(variant), _cut(variant, cut)) <= 1


@by_cut
@pytest.mark.parametrize("variant", ["64x64", "64x32", "direct"])
@pytest.mark.parametrize("title", PRODUCTS)
def test_products_in_bf16(title: str, variant: str, cut: str) -> None:
    """The same kernels in the library of bf16."""
    mode = replace(_mode(variant), family=BF16_FAMILY)
    assert product_error(PRODUCTS[title], mode, _cut(variant, cut), "bf16") <= 1


@pytest.mark.parametrize("seed", CHECK_SEEDS)
@pytest.mark.parametrize(("variant", "cut"), WAYS)
@pytest.mark.parametrize("title", ["rows", "geglu", "1x1 two", "phases"])
def test_checked(title: str, variant: str, cut: str, seed: int) -> None:
    """No race, no barrier too few, nothing out of bounds, whatever the order."""
    assert product_error(PRODUCTS[title], _mode(variant, seed), _cut(variant, cut)) <= 1


@pytest.mark.parametrize("seed", CHECK_SEEDS)
@pytest.mark.parametrize("title", ["3x3 lines", "stride lines"])
def test_checked_taps_in_place(title: str, seed: int) -> None:
    """Pictures whose lines are whole blocks of 8 pixels, so that most are read in place."""
    assert product_error(PRODUCTS[title], _mode("direct", seed), _cut("direct", "whole")) <= 1


@pytest.mark.parametrize("mistake", MUTANTS)
def test_a_mistake_is_found(mistake: str) -> None:
    """Taps straight from device memory, with one line of the kernel changed."""
    text, instead, words = MUTANTS[mistake]
    mode = replace(_mode("direct", seed=1), mutant=(text, instead))
    with pytest.raises(ProbeError, match=words):
        product_error(PRODUCTS["3x3 lines"], mode, _cut("direct", "whole"))


@pytest.mark.parametrize(
    ("variant", "form"), [(v, f) for v, kernels in VARIANTS.items() for f in range(len(kernels))]
)
def test_the_variant_is_what_ran(variant: str, form: int) -> None:
    """Damaged results of its kernel are damaged results of the product."""
    control = simulator.Control(simulator.build())
    build, cut = PRODUCTS[("rows", "3x3 two")[form]], _cut(variant, "whole")
    assert product_error(build, _mode(variant), cut) <= 1
    control.set_faults(f"wrong={VARIANTS[variant][form]}")
    damaged = product_error(build, _mode(variant), cut)
    control.set_faults("")
    assert damaged > 1


@pytest.mark.parametrize("form", MATRIX_FORMS)
@pytest.mark.parametrize("variant", ["64x64", "direct"])
def test_a_variant_that_computes_wrongly_in_bf16(variant: str, form: str) -> None:
    """It alone is refused: bf16 goes on with the plainest, f16 as before."""
    kernel = f"matrix_bf16_{variant}_{form}"
    mode = Mode(family=BF16_FAMILY, faults=f"wrong={kernel}")
    control = simulator.Control(simulator.build())
    assert metal_fallbacks(mode) == {}
    missing = {name: log for name, log in metal_missing(mode).items() if "tensor" not in name}
    assert list(missing) == [kernel]
    assert "64x32" in missing[kernel]
    control.set_faults(mode.faults)
    titles, storages = ("rows", "3x3 two", "phases"), ("f16", "bf16")
    cut = _cut(variant, "whole")
    errors = [product_error(PRODUCTS[title], mode, cut, s) for title in titles for s in storages]
    control.set_faults("")
    assert max(errors) <= 1


@pytest.mark.parametrize("kernel", [*VARIANTS["64x64"], *VARIANTS["direct"], *VARIANTS["tensor"]])
def test_a_variant_that_computes_wrongly_is_refused(kernel: str) -> None:
    """It differs from the plainest at opening, which then serves in its place, on the GPU too."""
    mode = Mode(family=TENSOR_FAMILY, faults=f"wrong={kernel}")
    control = simulator.Control(simulator.build())
    assert metal_fallbacks(mode) == {}
    assert "64x32" in metal_missing(mode)[kernel]
    control.set_faults(mode.faults)
    errors = [
        product_error(PRODUCTS[title], mode, Cut()) for title in ("rows", "3x3 two", "phases")
    ]
    control.set_faults("")
    assert max(errors) <= 1


def test_cuts_differ() -> None:
    """Slices and bands are more dispatches than the whole."""
    assert _dispatches("deep", "whole") < _dispatches("deep", "slices")
    assert _dispatches("tiles", "whole") < _dispatches("tiles", "bands")


def _dispatches(title: str, cut: str) -> int:
    control = simulator.Control(simulator.build())
    assert metal_fallbacks(_mode("64x64")) == {}  # it is open
    before = control.counter("dispatches")
    assert product_error(PRODUCTS[title], _mode("64x64"), _cut("64x64", cut)) <= 1
    return control.counter("dispatches") - before
