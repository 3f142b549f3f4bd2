"""A run of each kernel of kernels.metal, with its result held against NumPy."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.metal_sim.kernel_host import Library

KERNELS = (Path(__file__).parent / "kernels.metal").read_text(encoding="utf-8")
CONSTANTS = {0: False}


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape[0]).standard_normal(shape)


def row_norm(library: Library, dtype: type, name: str) -> None:
    x = random(5, 70).astype(dtype)
    args = struct.pack("If", 70, 1e-5)
    kernel = library.kernel(name, CONSTANTS)
    out, _ = kernel.run([args, np.zeros_like(x), x], grid=(5 * 64, 1, 1), group=(64, 1, 1))
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(out, expected, atol=2e-3 if dtype is np.float16 else 1e-5)


def histogram(library: Library) -> None:
    values = np.random.default_rng(1).integers(0, 16, 300).astype(np.uint8)
    counts, _ = library.kernel("histogram", CONSTANTS).run(
        [struct.pack("I", 300), np.zeros(16, np.uint32), values],
        grid=(320, 1, 1),
        group=(64, 1, 1),
    )
    assert (counts == np.bincount(values, minlength=16)).all()


def matmul(library: Library, constants: dict[int, bool | np.uint32]) -> None:
    rows, columns, depth = 45, 37, 20
    a, b = random(rows, depth).astype(np.float16), random(columns, depth).astype(np.float16)
    bias = random(columns).astype(np.float32)
    args = struct.pack("3I", rows, columns, depth)
    out = library.kernel("matmul", constants).run(
        [args, np.zeros((rows, columns), np.float32), a, b, bias if constants[0] else None],
        grid=(2 * 128, 2, 1),
        group=(128, 1, 1),
        threadgroup={0: 1024},
    )[0]
    expected = a.astype(np.float64) @ b.astype(np.float64).T + (bias if constants[0] else 0)
    np.testing.assert_allclose(out, -expected if 1 in constants else expected, atol=1e-4)


def elements(library: Library) -> None:
    a, b = random(8, 8).astype(np.float16), random(8, 8, 1)[..., 0].astype(np.float16)
    out = library.kernel("elements", CONSTANTS).run(
        [np.zeros((2, 8, 8), np.float32), a, b, struct.pack("I", 3)],
        grid=(32, 1, 1),
        group=(32, 1, 1),
    )[0]
    product = a.astype(np.float64) @ b.astype(np.float64)
    expected = 2 * product + 2 * product + 1  # the first part twice, then two more
    np.testing.assert_allclose(out, np.stack([expected, expected]), atol=1e-4)


def lanes(library: Library) -> None:
    v = random(64).astype(np.float32)
    out, _ = library.kernel("lanes", CONSTANTS).run(
        [np.zeros((64, 8), np.float32), v], grid=(64, 1, 1), group=(64, 1, 1)
    )
    for start in (0, 32):
        s, lane = v[start : start + 32], np.arange(32)
        below = np.append(s[1:], s[31]).astype(np.float16).astype(np.float32)
        expected = [
            *(np.full(32, s.sum()), np.full(32, s.max()), s[::-1], s[lane ^ 5], np.full(32, s[7])),
            *(np.cumsum(s), below + 0.5 + 2.25, -s),
        ]
        np.testing.assert_allclose(out[start : start + 32], np.stack(expected, 1), atol=4e-3)


def add_one(library: Library) -> None:
    x = random(100).astype(np.float32)
    out, _ = library.kernel("add_one", CONSTANTS).run(
        [np.zeros_like(x), x], grid=(100, 1, 1), group=(32, 1, 1)
    )
    assert (out == x + 1).all()


def packed_length(library: Library) -> None:
    p = random(10, 3).astype(np.float32)
    out, _ = library.kernel("packed_length", CONSTANTS).run(
        [np.zeros(10, np.float32), p], grid=(10, 1, 1), group=(10, 1, 1)
    )
    np.testing.assert_allclose(out, np.linalg.norm(p, axis=1) + 2.75, rtol=1e-6)


RUNS: dict[str, Callable[[Library], None]] = {
    "row_norm_half": lambda library: row_norm(library, np.float16, "row_norm_half"),
    "row_norm_float": lambda library: row_norm(library, np.float32, "row_norm_float"),
    "histogram": histogram,
    "matmul": lambda library: matmul(library, {0: False}),
    "matmul with bias": lambda library: matmul(library, {0: True}),
    "matmul negated": lambda library: matmul(library, {0: True, 1: np.uint32(1)}),
    "elements": elements,
    "lanes": lanes,
    "add_one": add_one,
    "packed_length": packed_length,
}
