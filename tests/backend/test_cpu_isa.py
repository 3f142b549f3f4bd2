"""Every instruction set that this processor has, against NumPy: products, short formats."""

import math
from typing import Any

import numpy as np
import pytest

from tests.backend.isa_library import COUNTS, GUARD, guarded, library, normal, pointer
from tests.graph.storages import packed, rounded, unpacked

ULP = 2.0**-23


# ---- products ----


by_start = pytest.mark.parametrize("start", ["zeros", "row", "tile"])


def begin(start: str, tile: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The row that sums begin with, if they begin with one, and what they begin with."""
    row = normal(columns, seed=300)
    beginnings = {"zeros": 0 * row, "row": row, "tile": tile[:, :columns]}
    return row, beginnings[start]


def run_block(
    isa: Any, a: np.ndarray, b: np.ndarray, tile: np.ndarray, start: str, row: np.ndarray
) -> np.ndarray:
    """Of a [segments, rows, length], b [segments * length, panel]; tile [rows, stride] changes."""
    ffi = library()[0]
    segments, rows, length = a.shape
    starts = [pointer(a[s, r]) for s in range(segments) for r in range(rows)]
    addresses = ffi.new("const float *[]", starts)
    block = ffi.new("cpu_block *")
    block.a, block.b, block.tile = addresses, pointer(b), pointer(tile)
    block.stride, block.rows, block.segments = tile.shape[1], rows, segments
    block.length, block.accumulate = length, start == "tile"
    block.first = pointer(row) if start == "row" else ffi.NULL
    isa.block(block)
    return tile


@by_start
@pytest.mark.parametrize(("segments", "length"), [(1, 1), (1, 37), (9, 4), (2, 128)])
def test_a_block_is_a_sum_of_products(isa: Any, segments: int, length: int, start: str) -> None:
    for rows in range(1, isa.rows + 1):
        a = normal(segments, rows, length, seed=rows)
        b = normal(segments * length, isa.panel, seed=100 + rows)
        before = normal(rows, isa.panel + 5, seed=200 + rows)
        row, beginning = begin(start, before, isa.panel)
        got = run_block(isa, a, b, before.copy(), start, row)
        wanted = np.einsum(
            "srk,skc->rc", a.astype(np.float64), b.reshape(segments, length, isa.panel)
        )
        wanted += beginning
        np.testing.assert_allclose(got[:, : isa.panel], wanted, rtol=1e-6, atol=2e-5)
        np.testing.assert_array_equal(got[:, isa.panel :], before[:, isa.panel :])


@by_start
@pytest.mark.parametrize(("segments", "depths"), [(1, 1), (9, 2), (2, 5)])
def test_a_block_of_pairs_is_a_sum_of_products(
    pairs_isa: Any, segments: int, depths: int, start: str
) -> None:
    """In bf16 with sums in f32; rows in two halves with gaps, panels and segments with gaps too."""
    ffi, engine = library()
    isa, length = pairs_isa, depths * pairs_isa.pair_depth
    panels, half = 3, engine.CPU_PAIR_HALF
    a = rounded(normal(segments, 2, half, length + 32))
    b = rounded(normal(panels, segments, length + 2, isa.panel, seed=1))
    pairs = b.reshape(panels, segments, -1, 2, isa.panel).swapaxes(3, 4)
    a_words, b_words = packed(a), packed(pairs)
    halves = [(pointer(x, "void *"), a_words.strides[2]) for s in a_words for x in s]
    rows = ffi.new("cpu_rows[]", halves)
    for count in (1, 7, 8, 9, 16, 17, 31, 32):
        before = normal(2 * half, panels * isa.panel + 5, seed=count)
        tile = before.copy()
        given = {"a": rows, "b": pointer(b_words, "uint16_t *"), "tile": pointer(tile)}
        strides = {"b_segment": b[0, 0].size, "b_panel": b[0].size, "stride": tile.shape[1]}
        counts = {"rows": count, "segments": segments, "length": length, "panels": panels}
        row, beginning = begin(start, before, panels * isa.panel)
        first = pointer(row) if start == "row" else ffi.NULL
        flags = {"accumulate": start == "tile", "first": first}
        isa.begin_pairs()
        isa.multiply_pairs(ffi.new("cpu_pairs *", given | strides | counts | flags))
        isa.end_pairs()
        wanted = np.einsum(
            "shrk,pskc->hrpc",
            a[..., :length].astype(np.float64),
            b[:, :, :length].astype(np.float64),
        ).reshape(2 * half, -1)
        wanted += beginning
        np.testing.assert_allclose(tile[:count, :-5], wanted[:count], rtol=1e-6, atol=5e-5)
        np.testing.assert_array_equal(tile[:, -5:], before[:, -5:])
        beyond = -(-count // half) * half  # rows of a half that was not wanted
        np.testing.assert_array_equal(tile[beyond:], before[beyond:])


@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize("length", [1, 8, 41])
def test_a_strip_is_a_sum_of_products(isa: Any, length: int, is_down: bool) -> None:
    """Of a's rows, beginning with what is given, or of its columns, added to the tile."""
    ffi, _ = library()
    for rows in range(1, 3 * isa.rows + 2):
        a = normal(length if is_down else rows, (rows if is_down else length) + 3, seed=rows)
        used = a[:, :rows].T if is_down else a[:, :length]
        b, before = normal(length, isa.panel, seed=100 + rows), normal(rows + 1, isa.panel, seed=2)
        tile = before.copy()
        first = normal(isa.panel, seed=3)
        given = {"a": pointer(a), "b": pointer(b), "tile": pointer(tile), "stride": a.shape[1]}
        given |= {"first": pointer(first)}
        function = isa.multiply_columns if is_down else isa.multiply_rows
        function(ffi.new("cpu_strip *", given | {"rows": rows, "length": length}))
        wanted = used.astype(np.float64) @ b + (before[:rows] if is_down else first)
        np.testing.assert_allclose(tile[:rows], wanted, rtol=1e-6, atol=2e-5)
        np.testing.assert_array_equal(tile[rows], before[rows])


@pytest.mark.parametrize("keys", [1, 16, 77])
def test_peaks_are_the_largest_scores(isa: Any, keys: int) -> None:
    scores, peaks = normal(keys, isa.panel) - 9, guarded(isa.panel)
    isa.find_peaks(pointer(peaks), pointer(scores), keys)
    np.testing.assert_array_equal(peaks, np.append(scores.max(axis=0), GUARD))


def weighed(
    isa: Any, function: Any, scores: np.ndarray, reference: np.ndarray, scale: float = 1
) -> tuple[np.ndarray, np.ndarray]:
    """What stands in the place of scores [keys, panel] afterwards, and the totals."""
    ffi, _ = library()
    out, totals = np.append(scores, np.float32(GUARD)), guarded(isa.panel)
    given = {"scores": pointer(out), "totals": pointer(totals), "reference": pointer(reference)}
    function(ffi.new("cpu_weights *", given | {"scale": scale, "keys": len(scores)}))
    assert out[-1] == totals[-1] == GUARD
    return out[:-1], totals[:-1]


def weights_of(isa: Any, *arguments: Any) -> tuple[np.ndarray, np.ndarray]:
    """In f32."""
    out, totals = weighed(isa, isa.weigh, *arguments)
    return out.reshape(-1, isa.panel), totals


def pairs_of(isa: Any, *arguments: Any) -> tuple[np.ndarray, np.ndarray]:
    """In bf16, taken apart."""
    out, totals = weighed(isa, isa.weigh_pairs, *arguments)
    words = out.view(np.uint16)[: out.size].reshape(-1, isa.panel, 2)
    return unpacked(words).swapaxes(1, 2).reshape(-1, isa.panel), totals


def scores_near_and_far(keys: int, panel: int) -> tuple[np.ndarray, np.ndarray]:
    """Far below, around and above their references; some are hidden."""
    scores, reference = normal(keys, panel) * 60, normal(panel, seed=1) * 9
    scores[keys // 2, ::3] = -1e30
    return scores, reference


@pytest.mark.parametrize("keys", [1, 32, 77])
def test_scores_become_weights(isa: Any, keys: int) -> None:
    """2^x; hidden ones weigh nothing."""
    scores, reference = scores_near_and_far(keys, isa.panel)
    weights, totals = weights_of(isa, scores, reference, 0.25)
    exponents = (0.25 * scores.astype(np.float64) - reference).astype(np.float32)
    wanted = np.exp2(exponents.astype(np.float64))
    np.testing.assert_allclose(weights, wanted, rtol=1e-5, atol=2.0**-125)
    np.testing.assert_allclose(totals, weights.astype(np.float64).sum(axis=0), rtol=1e-6)


def test_powers_of_two_are_right_to_two_units(isa: Any) -> None:
    x = np.linspace(-125.9, 127.9, 6_400 * isa.panel, dtype=np.float32).reshape(-1, isa.panel)
    weights = weights_of(isa, x, np.zeros(isa.panel, np.float32))[0]
    assert np.abs(weights / np.exp2(x.astype(np.float64)) - 1).max() < 2 * ULP


@pytest.mark.parametrize("keys", [2, 32, 78])
def test_scores_become_weights_in_pairs(pairs_isa: Any, keys: int) -> None:
    """The same in bf16; totals are of what was rounded."""
    scores, reference = scores_near_and_far(keys, pairs_isa.panel)
    weights, totals = pairs_of(pairs_isa, scores, reference, 0.3)
    exponents = 0.3 * scores.astype(np.float64) - reference
    # The error of rounding, of the polynomial and of exponents of up to 100 in f32.
    np.testing.assert_allclose(weights, 2**exponents, rtol=2.0**-8 + 1e-4, atol=2.0**-126)
    np.testing.assert_allclose(totals, weights.sum(axis=0), rtol=1e-5, atol=1e-5)


def test_a_bad_score_is_a_bad_weight(isa: Any) -> None:
    """NaN and what is far above reach the weights; what is far below weighs nothing."""
    scores = np.zeros((2, isa.panel), np.float32)
    scores[0, :6] = np.nan, np.inf, -np.inf, 1e30, 200, -200
    kinds = [(weights_of, 2 * ULP)]
    if isa.weigh_pairs != library()[0].NULL:
        kinds.append((pairs_of, 2.0**-8))
    for function, tolerance in kinds:
        weights, totals = function(isa, scores, np.zeros(isa.panel, np.float32))
        np.testing.assert_array_equal(weights[0, :6], [np.nan, np.inf, 0, np.inf, np.inf, 0])
        np.testing.assert_allclose(weights[:, 6:], 1, rtol=tolerance)
        assert np.isnan(totals[0])
        assert totals[1] == totals[3] == np.inf


# ---- short formats ----


def f8_value(byte: int, exponent_bits: int) -> float:
    """One number of the OCP 8-bit formats: e4m3 without infinity, e5m2 like IEEE."""
    mantissa_bits = 7 - exponent_bits
    bias = 2 ** (exponent_bits - 1) - 1
    sign = -1.0 if byte & 0x80 else 1.0
    exponent, mantissa = (byte & 0x7F) >> mantissa_bits, byte & (2**mantissa_bits - 1)
    if exponent_bits == 4 and byte & 0x7F == 0x7F:
        return math.nan
    if exponent_bits == 5 and exponent == 31:
        return math.nan if mantissa else sign * math.inf
    fraction = mantissa / 2**mantissa_bits + (exponent > 0)
    return sign * math.ldexp(fraction, max(exponent, 1) - bias)


def every_number(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """All bit patterns of a format, and what they stand for."""
    if dtype.startswith("F8"):
        bits = np.arange(256, dtype=np.uint8)
        return bits, np.array([f8_value(b, int(dtype[4])) for b in range(256)], dtype=np.float32)
    bits = np.arange(65536, dtype=np.uint16)
    if dtype == "F16":
        return bits, bits.view(np.float16).astype(np.float32)
    return bits, (bits.astype(np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F8_E4M3", "F8_E5M2"])
def test_every_short_number_is_unpacked(isa: Any, dtype: str) -> None:
    bits, wanted = every_number(dtype)
    for count in (len(bits), len(bits) - 1, *COUNTS):
        out = guarded(count)
        isa.unpack(
            pointer(out), pointer(bits, "void *"), getattr(library()[1], f"SD_{dtype}"), count
        )
        np.testing.assert_array_equal(out[:count], wanted[:count])
        zeros = wanted[:count] == 0
        np.testing.assert_array_equal(
            np.signbit(out[:count][zeros]), np.signbit(wanted[:count][zeros])
        )
        assert out[count] == GUARD


def test_f32_is_copied(isa: Any) -> None:
    source = normal(77)
    for function in (isa.unpack, isa.pack):
        out = guarded(77)
        function(pointer(out), pointer(source), library()[1].SD_F32, 77)
        np.testing.assert_array_equal(out, [*source, np.float32(GUARD)])


def test_f16_is_rounded_to_nearest_even(isa: Any) -> None:
    numbers = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    ties = (numbers[:-1] + numbers[1:]) / 2  # exact in f32
    beside = np.concatenate([np.nextafter(ties, np.float32(s)) for s in (-1e9, 1e9)])
    edges = np.array([65519.9, 65520, 1e30, np.inf, 2.0**-25, 1e-40, 0.0], dtype=np.float32)
    source = np.concatenate([numbers, ties, beside, edges])
    source = np.concatenate([source, -source])
    for count in (len(source), *COUNTS):
        out = guarded(count, np.float16)
        isa.pack(pointer(out, "void *"), pointer(source), library()[1].SD_F16, count)
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(
                out[:count].view(np.uint16), source[:count].astype(np.float16).view(np.uint16)
            )
        assert out[count] == GUARD


def test_bf16_is_rounded_to_nearest_even(isa: Any) -> None:
    """Subnormals may become zeros: AVX512_BF16's conversion does so."""
    numbers = (np.arange(0x7F80, dtype=np.uint32) << 16).view(np.float32)
    ties = (np.arange(0x7F7F, dtype=np.uint32) << 16 | 0x8000).view(np.float32)
    beside = np.concatenate([np.nextafter(ties, np.float32(s)) for s in (-1e9, 1e9)])
    source = np.concatenate([numbers, ties, beside, [np.inf]]).astype(np.float32)
    source = np.concatenate([source, -source])
    for count in (len(source), *COUNTS):
        out = guarded(count, np.uint16)
        isa.pack(pointer(out, "void *"), pointer(source), library()[1].SD_BF16, count)
        wanted = packed(rounded(source[:count]))
        is_zero = out[:count] == (np.signbit(source[:count]).astype(np.uint16) << 15)
        may_differ = is_zero & (np.abs(source[:count]) < np.finfo(np.float32).tiny)
        np.testing.assert_array_equal(out[:count][~may_differ], wanted[~may_differ])
        assert out[count] == GUARD


def test_nan_stays_nan_in_bf16(isa: Any) -> None:
    bits = np.array([0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00000] * 13, np.uint32)
    out = np.zeros(len(bits), np.uint16)
    numbers = bits.view(np.float32)
    isa.pack(pointer(out, "void *"), pointer(numbers), library()[1].SD_BF16, len(bits))
    assert np.isnan(unpacked(out)).all()
