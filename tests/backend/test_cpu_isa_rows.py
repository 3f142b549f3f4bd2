"""Every instruction set that this processor has, against NumPy: rows of numbers, and of sums."""

import math
from typing import Any

import numpy as np
import pytest

from tests.backend.isa_library import COUNTS, GUARD, STORAGES, library, normal, pointer, run_row
from tests.graph.storages import in_dtype, packed, unpacked

UNARY = ("silu", "gelu", "quick_gelu")


def unary_reference(name: str, x: np.ndarray) -> np.ndarray:
    """The function in double precision."""
    x = x.astype(np.float64)
    if name == "gelu":
        return x / 2 * np.array([math.erfc(-v / math.sqrt(2)) for v in x])
    with np.errstate(over="ignore"):
        return x / (1 + np.exp(-x * (1.702 if name == "quick_gelu" else 1.0)))


@pytest.mark.parametrize("name", UNARY)
def test_activations_are_right(isa: Any, name: str) -> None:
    x = np.concatenate([np.linspace(-30, 30, 60_001), [-1e4, 1e4, -80, 80, 0]]).astype(np.float32)
    got, wanted = run_row(getattr(isa, f"{name}_row"), x), unary_reference(name, x)
    assert (np.abs(got - wanted) / (1 + np.abs(wanted))).max() < 4e-7


@pytest.mark.parametrize("name", UNARY)
def test_rows_of_every_length_in_place(isa: Any, name: str) -> None:
    function = getattr(isa, f"{name}_row")
    for count in COUNTS:
        x = normal(count, seed=count)
        wanted = run_row(function, x)
        np.testing.assert_allclose(wanted, unary_reference(name, x), rtol=1e-5, atol=1e-6)
        function(pointer(x), pointer(x), count)
        np.testing.assert_array_equal(x, wanted)


@pytest.mark.parametrize("name", UNARY)
def test_nan_stays_nan(isa: Any, name: str) -> None:
    x = normal(50)
    x[[3, 20, 49]] = np.nan
    np.testing.assert_array_equal(np.isnan(run_row(getattr(isa, f"{name}_row"), x)), np.isnan(x))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(("rows", "channels"), [(1, 1), (70, 13), (33, 64), (300, 150), (2000, 7)])
def test_moments_are_added_in_double(isa: Any, storage: str, rows: int, channels: int) -> None:
    """Beside what is there, and not past the last channel."""
    ffi, engine = library()
    x = in_dtype(normal(rows, channels) + 100, storage)
    bits = packed(x) if storage == "bf16" else x
    shift = np.linspace(99, 101, channels, dtype=np.float32)
    sums = np.full((2, channels + 1), GUARD)
    fields = {
        "sum": pointer(sums[0], "double *"),
        "squares": pointer(sums[1], "double *"),
        "shift": pointer(shift),
        "in": pointer(bits, "void *"),
        "dtype": getattr(engine, f"SD_{storage.upper()}"),
        "rows": rows,
        "channels": channels,
    }
    isa.add_moments(ffi.new("cpu_moments *", fields))
    moved = x.astype(np.float64) - shift
    error = np.abs(sums[0, :-1] - GUARD - moved.sum(axis=0)) / np.abs(moved).sum(axis=0)
    assert error.max() < 1e-6
    np.testing.assert_allclose(sums[1, :-1] - GUARD, (moved**2).sum(axis=0), rtol=1e-6)
    assert (sums[:, -1] == GUARD).all()


@pytest.mark.parametrize("count", COUNTS)
def test_rows_channel_by_channel(isa: Any, count: int) -> None:
    x, y = normal(2, count)
    np.testing.assert_array_equal(run_row(isa.add_row, x, y), x + y)


# ---- a product's sums ----

SUM_ROWS, GAP = 3, 5


def in_storage(numbers: np.ndarray, storage: str) -> np.ndarray:
    """As an array of what is stored."""
    numbers = in_dtype(numbers, storage)
    return packed(numbers) if storage == "bf16" else numbers


def stored(function: Any, sums: np.ndarray, count: int, storage: str, **inputs: Any) -> np.ndarray:
    """[SUM_ROWS, count] of sums [SUM_ROWS, stride]; gaps between rows must stay as they were."""
    ffi, engine = library()
    gaps = in_storage(np.full((SUM_ROWS, count + GAP), GUARD), storage)
    out = gaps.copy()
    fields = {
        "sums": pointer(sums),
        "stride": sums.shape[1],
        "out": pointer(out, "void *"),
        "out_dtype": getattr(engine, f"SD_{storage.upper()}"),
        "out_stride": count + GAP,
        "rows": SUM_ROWS,
        "count": count,
    }
    function(ffi.new("cpu_sums *", fields | inputs))
    np.testing.assert_array_equal(out[:, count:], gaps[:, count:])
    return out[:, :count]


@pytest.mark.parametrize("residual_storage", [None, *STORAGES])
@pytest.mark.parametrize("storage", STORAGES)
def test_sums_are_stored(isa: Any, storage: str, residual_storage: str | None) -> None:
    _, engine = library()
    for count in COUNTS:
        sums, base = normal(SUM_ROWS, 110, seed=count), normal(count, seed=1)
        wanted = sums[:, :count]
        np.testing.assert_array_equal(
            stored(isa.store_sums, sums, count, storage), in_storage(wanted, storage)
        )
        given: dict[str, Any] = {"base": pointer(base)}
        wanted = wanted + base
        if residual_storage:
            residual = in_dtype(normal(SUM_ROWS, count + 2, seed=2), residual_storage)
            kept = in_storage(residual, residual_storage)
            given["residual"] = pointer(kept, "void *")
            given["residual_dtype"] = getattr(engine, f"SD_{residual_storage.upper()}")
            given["residual_stride"] = count + 2
            wanted = wanted + np.asarray(residual[:, :count], np.float32)
        got = stored(isa.store_sums, sums, count, storage, **given)
        np.testing.assert_array_equal(got, in_storage(wanted, storage))


@pytest.mark.parametrize("has_base", [False, True])
@pytest.mark.parametrize("storage", STORAGES)
def test_values_are_stored_times_gelu_of_their_gates(
    isa: Any, storage: str, has_base: bool
) -> None:
    panel = isa.panel
    for count in (1, 3, panel - 1, panel):
        sums, base = normal(SUM_ROWS, 2 * panel + 7, seed=count), normal(2 * panel, seed=1)
        given = {"base": pointer(base)} if has_base else {}
        got = stored(isa.store_gated_sums, sums, count, storage, **given)
        x = sums[:, : 2 * panel] + has_base * base
        values, gates = x[:, :count], x[:, panel : panel + count]
        wanted = values * unary_reference("gelu", gates.ravel()).reshape(gates.shape)
        got = unpacked(got) if storage == "bf16" else got
        tolerance = {"f32": 1e-6, "f16": 2.0**-11, "bf16": 2.0**-8}[storage]
        np.testing.assert_allclose(got.astype(np.float32), wanted, rtol=tolerance, atol=1e-6)


def test_sums_may_be_stored_where_they_lie(isa: Any) -> None:
    _, engine = library()
    sums, base = normal(SUM_ROWS, 40), normal(37, seed=1)
    wanted = sums.copy()
    wanted[:, :37] += base
    given = {"sums": pointer(sums), "out": pointer(sums, "void *"), "base": pointer(base)}
    sizes = {"stride": 40, "out_stride": 40, "rows": SUM_ROWS, "count": 37}
    fields = given | sizes | {"out_dtype": engine.SD_F32}
    isa.store_sums(library()[0].new("cpu_sums *", fields))
    np.testing.assert_array_equal(sums, wanted)
