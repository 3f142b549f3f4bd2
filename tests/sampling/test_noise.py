"""Noise against torch (CPU generator), Philox written a second time, and published numbers."""

import platform
import sys
from typing import Any

import numpy as np
import pytest

from tests.sampling.sampling_library import RNGS, floats, golden, open_library

FFI, LIBRARY = open_library(
    """
    typedef struct noise_source {
      sd_rng rng;
      int32_t has_spare;
      double spare;
      uint64_t seed;
      uint32_t call;
      uint32_t mt_next;
      uint32_t mt_words[624];
    } noise_source;
    void noise_init(noise_source *source, sd_rng rng, uint64_t seed);
    void noise_draw(noise_source *source, float *out, size_t count);
    void noise_latents(noise_source *source, float *out, float *scratch, int32_t height,
                       int32_t width, int32_t channels);
    """
)

# The reference was made with this C library; another one may round logf, sinf and cosf otherwise.
SAME_LIBM = sys.platform == "linux" and platform.machine() == "x86_64"

# torch.randn(16) after torch.manual_seed(0) on an Apple M1, as published with other software.
APPLE_M1_BITS = (
    "bf901b85 bf93808a be804bd6 bede255e 3f594515 3f312784 bea1cc6d c0075fc2"
    " 3ea50138 bfa1b4f4 3eb330ff 3e9dc3ba 3df56f77 3f9e6b93 3f8ef28e be7d365a"
)


def source_of(rng: str, seed: int) -> Any:
    """A generator at its start."""
    source = FFI.new("noise_source *")
    LIBRARY.noise_init(source, RNGS.index(rng), seed)
    return source


def draw(source: Any, *counts: int) -> np.ndarray:
    """One call for each count, joined."""
    parts = []
    for count in counts:
        array, pointer = floats(FFI, np.full(count, np.nan))
        LIBRARY.noise_draw(source, pointer, count)
        parts.append(array)
    return np.concatenate(parts)


def replay(rng: str, key: str) -> np.ndarray:
    """What a key "seed:count,count,..." of the reference asks for."""
    seed, counts = key.split(":")
    return draw(source_of(rng, int(seed)), *map(int, counts.split(",")))


CPU_KEYS = [key for key in golden("cpu") if ":" in key]


@pytest.mark.parametrize("key", CPU_KEYS)
def test_cpu_noise_has_torchs_bits(key: str) -> None:
    """Single and successive draws, on both sides of 16 numbers and with remainders."""
    ours, theirs = replay("cpu", key), golden("cpu")[key]
    if SAME_LIBM or all(int(count) < 16 for count in key.split(":")[1].split(",")):
        np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32))
    else:
        np.testing.assert_allclose(ours, theirs, rtol=3e-7, atol=3e-7)


@pytest.mark.parametrize("key", CPU_KEYS)
def test_cpu_noise_is_near_torchs_avx2_bits(key: str) -> None:
    """Torch's AVX2 polynomials stay within what noise.h says."""
    np.testing.assert_allclose(replay("cpu", key), golden("best")[key], rtol=0, atol=4e-6)


def test_cpu_noise_has_the_bits_of_an_apple_m1() -> None:
    """The published bits of torch on Apple silicon."""
    assert " ".join(f"{bits:08x}" for bits in replay("cpu", "0:16").view(np.uint32)) == (
        APPLE_M1_BITS
    )


def test_cpu_seed_counts_by_its_low_32_bits_and_nv_by_all_64() -> None:
    """Torch seeds MT19937 with 32 bits; Philox has a key of 64."""
    low, high = 5, 5 + (1 << 32)
    assert np.array_equal(draw(source_of("cpu", low), 20), draw(source_of("cpu", high), 20))
    assert not np.array_equal(draw(source_of("nv", low), 20), draw(source_of("nv", high), 20))


@pytest.mark.parametrize("key", golden("nv"))
def test_nv_noise_has_the_bits_of_the_formula(key: str) -> None:
    """Three successive calls; double arithmetic rounded once hides the C library's differences."""
    ours, theirs = replay("nv", key), golden("nv")[key]
    np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32))


def test_nv_noise_is_cudas() -> None:
    """The numbers that torch.randn draws on CUDA for seed 0, to float's last bits."""
    published = [
        *(-0.92466259, -0.42534415, -2.6438457, 0.14518388),
        *(-0.12086647, -0.57972564, -0.62285122, -0.32838709),
        *(-1.07454231, -0.36314407, -1.67105067, 2.26550497),
    ]
    np.testing.assert_allclose(replay("nv", "0:12"), published, rtol=0, atol=5e-7)


@pytest.mark.parametrize("rng", RNGS)
def test_noise_is_normal(rng: str) -> None:
    """Mean, variance and kurtosis of many numbers, within five standard errors."""
    numbers = draw(source_of(rng, 3), 100_000).astype(np.float64)
    assert abs(numbers.mean()) < 5 / np.sqrt(1e5)
    assert abs(numbers.var() - 1) < 5 * np.sqrt(2 / 1e5)
    assert abs((numbers**4).mean() - 3) < 5 * np.sqrt(96 / 1e5)


@pytest.mark.parametrize("rng", RNGS)
def test_latents_are_drawn_by_plane_and_stored_by_pixel(rng: str) -> None:
    """[height][width][channels] from one draw in the order [channels][height][width]."""
    height, width, channels = 8, 6, 4
    out, out_pointer = floats(FFI, np.zeros((height, width, channels)))
    _scratch, scratch_pointer = floats(FFI, np.zeros(out.size))
    LIBRARY.noise_latents(source_of(rng, 7), out_pointer, scratch_pointer, height, width, channels)
    drawn = draw(source_of(rng, 7), out.size).reshape(channels, height, width)
    np.testing.assert_array_equal(out, drawn.transpose(1, 2, 0))
    if rng == "cpu":
        np.testing.assert_allclose(out, golden("cpu")["latents"], rtol=3e-7, atol=3e-7)
