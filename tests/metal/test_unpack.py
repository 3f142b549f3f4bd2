"""The unpack kernel: weights of a file, in every format, to the order that kernels read."""

import struct
from functools import cache

import numpy as np
import pytest

from app.engine.metal_sources import metal_sources
from tests.graph.block_formats import BLOCK_FORMATS, random_weight
from tests.graph.op_cases import SHORT_FORMATS, short_values, stored
from tests.graph.op_probe import DTYPES
from tests.metal.modes import MODES, Mode
from tests.metal_sim.kernel_host import Kernel, KernelHost

# As in metal/kernel_args.h.
FORMATS = {"f32": 0, "f16": 1, "bf16": 2, "f8_e4m3": 3, "f8_e5m2": 4}
OUT = {np.float32: 0, np.float16: 1}
THREADS = 256
by_mode = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.title)


@cache
def _host() -> KernelHost:
    return KernelHost()


@cache
def _compiled(mode: Mode) -> Kernel:
    (core,) = (source for source in metal_sources() if source.library == "core")
    return _host().compile(core.text, core.language * 10).kernel("unpack")


def _kernel(mode: Mode) -> Kernel:
    _host().set_mode(check=mode.check, seed=mode.seed)
    return _compiled(mode)


def _unpack(
    mode: Mode, bits: np.ndarray, number_format: int, shape: tuple[int, int, int], rows: int = 0
) -> np.ndarray:
    """[rows][in][taps] of the file to f16 [packed rows][taps][in]; rows: of a packed GEGLU."""
    out = np.full((rows or shape[0], shape[2], shape[1]), np.nan, np.float16)
    args = struct.pack("6i", number_format, *shape, bool(rows), OUT[np.float16])
    grid = (-(-shape[1] // THREADS) * THREADS, out.shape[0], 1)
    source = np.frombuffer(bits.tobytes(), np.uint8)
    return _kernel(mode).run([args, out, source], grid=grid, group=(THREADS, 1, 1))[0]


@by_mode
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("shape", [(5, 300, 1), (3, 7, 9), (1, 1, 1)], ids=str)
def test_matrix(mode: Mode, dtype: str, shape: tuple[int, int, int]) -> None:
    """Taps come before inputs; every format stands for its numbers, rounded to f16 once."""
    weight = stored(np.random.default_rng(1).standard_normal(shape) * 0.1, dtype)
    got = _unpack(mode, weight.bits, FORMATS[dtype], shape)
    wanted = weight.values.astype(np.float32).astype(np.float16).transpose(0, 2, 1)
    np.testing.assert_array_equal(got, wanted)


def _every_code(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """All bit patterns of a short format and what they stand for."""
    if dtype in SHORT_FORMATS:
        return np.arange(256, dtype=np.uint8), short_values(*SHORT_FORMATS[dtype])
    codes = np.arange(65536, dtype=np.uint16)
    if dtype == "bf16":
        return codes, (codes.astype(np.uint32) << 16).view(np.float32)
    return codes, codes.view(np.float16)


@pytest.mark.parametrize("dtype", [*SHORT_FORMATS, "bf16", "f16"])
def test_every_code_of_a_short_format(dtype: str) -> None:
    """Subnormal numbers among them; what f16 cannot hold is left out."""
    codes, values = _every_code(dtype)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        is_held = np.abs(values) < 65504
    got = _unpack(Mode(), codes, FORMATS[dtype], (1, len(codes), 1)).reshape(-1)
    np.testing.assert_array_equal(got[is_held], values[is_held].astype(np.float16))


@by_mode
@pytest.mark.parametrize("half_rows", [5, 8, 19])
def test_geglu(mode: Mode, half_rows: int) -> None:
    """Values and gates stand in groups of 8 in turn, zeros up to a full group."""
    weight = np.random.default_rng(2).standard_normal((2 * half_rows, 33)).astype(np.float16)
    groups = -(-half_rows // 8)
    padded = np.zeros((2, groups * 8, 33), np.float16)
    padded[:, :half_rows] = weight.reshape(2, half_rows, 33)
    wanted = padded.reshape(2, groups, 8, 33).transpose(1, 0, 2, 3).reshape(-1, 1, 33)
    got = _unpack(mode, weight, FORMATS["f16"], (2 * half_rows, 33, 1), rows=16 * groups)
    np.testing.assert_array_equal(got, wanted)


@by_mode
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_block_formats(mode: Mode, name: str) -> None:
    """The numbers that the gguf package reads, rounded to f16 once, whatever the scales."""
    weight = random_weight(name, 3, 512)
    got = _unpack(mode, weight.bits, DTYPES.index(name), (3, 512, 1))
    np.testing.assert_array_equal(got[:, 0], weight.values.astype(np.float16))


@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_blocks_that_go_over_taps(name: str) -> None:
    """A block is numbers of one output, inputs with all their taps."""
    weight = random_weight(name, 2, 256, 9)
    got = _unpack(Mode(), weight.bits, DTYPES.index(name), (2, 256, 9))
    wanted = weight.values.astype(np.float16).transpose(0, 2, 1)
    np.testing.assert_array_equal(got, wanted)
