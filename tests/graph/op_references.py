"""What the operators of ops.def compute, in NumPy and double precision."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_erf = np.vectorize(math.erf, otypes=[np.float64])  # NumPy has none


def _gelu(x: Array) -> Array:
    return np.asarray(x / 2 * (1 + _erf(x / math.sqrt(2))))


ACTIVATION: dict[str, Callable[[Array], Array]] = {
    "none": lambda x: x,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": _gelu,
    "quick_gelu": lambda x: x / (1 + np.exp(-1.702 * x)),
    "relu": lambda x: np.maximum(x, 0),
    "tanh3": lambda x: 3 * np.tanh(x / 3),
}


def timestep_embedding(t: Array, width: int) -> Array:
    """Cosines, then sines, of t times frequencies from 1 down to 1/10000."""
    half = width // 2
    angles = t.astype(np.float64) * np.exp(-math.log(10000) * np.arange(half) / half)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)


def layer_norm(x: Array, scale: Array, shift: Array, eps: float) -> Array:
    """Each row of channels to mean 0 and variance 1."""
    x = x.astype(np.float64)
    variance = x.var(axis=-1, keepdims=True)
    return np.asarray(
        (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(variance + eps) * scale + shift
    )


def group_norm(x: Array, scale: Array, shift: Array, groups: int, eps: float, act: str) -> Array:
    """Each group of channels of each picture to mean 0 and variance 1, then the activation."""
    n, h, w, c = x.shape
    parts = x.astype(np.float64).reshape(n, h * w, groups, c // groups)
    mean = parts.mean(axis=(1, 3), keepdims=True)
    variance = parts.var(axis=(1, 3), keepdims=True)
    normed = ((parts - mean) / np.sqrt(variance + eps)).reshape(x.shape)
    return ACTIVATION[act](normed * scale + shift)


def linear(x: Array, w: Array, bias: Array | None, residual: Array | None, act: str) -> Array:
    """Product x W^T and what is added; GEGLU: values times gelu of gates."""
    y = x.astype(np.float64) @ w.T + (0 if bias is None else bias)
    if act == "geglu":
        values, gates = np.split(y, 2, axis=-1)
        return np.asarray(values * _gelu(gates))
    return ACTIVATION[act](y if residual is None else y + residual)


def conv2d(
    x: Array, w: Array, *, size: tuple[int, int], stride: int, pad: int, upsample: bool
) -> Array:
    """Cross-correlation of x [n, h, w, in] with w [out, in, k, k], zeros outside, `size` out."""
    x = x.astype(np.float64)
    if upsample:
        rows = np.arange(size[0]) * x.shape[1] // size[0]
        columns = np.arange(size[1]) * x.shape[2] // size[1]
        x = x[:, rows][:, :, columns]
    kernel = w.shape[2]
    needed = [(out - 1) * stride + kernel for out in size]
    padded = np.zeros((x.shape[0], *needed, x.shape[3]))
    height, width = (min(have, need - pad) for have, need in zip(x.shape[1:3], needed, strict=True))
    padded[:, pad : pad + height, pad : pad + width] = x[:, :height, :width]
    out = np.zeros((x.shape[0], *size, w.shape[0]))
    for i in range(kernel):
        for j in range(kernel):
            seen = padded[:, i : i + needed[0] - kernel + 1, j : j + needed[1] - kernel + 1]
            out += seen[:, ::stride, ::stride] @ w[:, :, i, j].T
    return out


def attention(
    q: Array, k: Array, v: Array, counts: Array | None, heads: int, causal: bool
) -> Array:
    """softmax(q k^T / sqrt(d)) v by head; row i of q reads row i m / n of the m rows of k and v."""
    n, m, size = q.shape[0], k.shape[0], q.shape[3] // heads
    out = np.zeros((n, q.shape[1] * q.shape[2], q.shape[3]))
    for i in range(n):
        row = i * m // n
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            queries, keys, values = (
                t.astype(np.float64).reshape(t.shape[0], -1, t.shape[3])[at, :, part]
                for t, at in ((q, i), (k, row), (v, row))
            )
            scores = queries @ keys.T / math.sqrt(size)
            if counts is not None:
                scores[:, counts.reshape(-1)[row] :] = -np.inf
            if causal:
                scores[np.triu_indices(scores.shape[0], 1, scores.shape[1])] = -np.inf
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            out[i, :, part] = weights / weights.sum(axis=1, keepdims=True) @ values
    return out.reshape(q.shape)
