"""The cases of test_ops.py: for each operator, a table of shapes and arguments.

A case's `build` makes the operator, with the numbers of a Maker, and what it should compute.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tests.graph import op_references as reference
from tests.graph.op_probe import Op, Weight
from tests.graph.storages import ARRAY_DTYPES, in_dtype

Built = tuple[Op, np.ndarray]
SHORT_FORMATS = {
    "f8_e4m3": (4, 3, 7),
    "f8_e5m2": (5, 2, 15),
}  # exponent, fraction bits, bias


@dataclass(frozen=True, kw_only=True)
class Case:
    """One operator at one shape. has_weights: it is worth running with each weight format."""

    op: str
    title: str
    build: Callable[["Maker"], Built]
    has_weights: bool = False


@lru_cache(maxsize=1)
def built(case: Case, storage: str, weight_dtype: str) -> Built:
    """The case's operator and what it should compute; not to be changed.

    The last one is kept, for a case is run in several modes, one after the other.
    """
    return case.build(Maker(7, storage, weight_dtype))


class Maker:
    """Random inputs in the storage of a run, and weights in a file's format."""

    def __init__(self, seed: int, storage: str, weight_dtype: str) -> None:
        """Numbers depend on the seed alone, up to rounding."""
        self.random = np.random.default_rng(seed)
        self.storage = storage
        self.weight_dtype = weight_dtype

    def array(self, *shape: int, scale: float = 1.0, offset: float = 0.0) -> np.ndarray:
        """Normal numbers [n, h, w, c]."""
        numbers = self.random.standard_normal(shape) * scale + offset
        return in_dtype(numbers, self.storage)

    def weight(self, *shape: int, offset: float = 0.0) -> Weight:
        """Normal numbers, as large as keeps a product's outputs near 1."""
        scale = 0.3 if len(shape) == 1 else float(np.prod(shape[1:])) ** -0.5
        return stored(self.random.standard_normal(shape) * scale + offset, self.weight_dtype)


def stored(numbers: np.ndarray, dtype: str) -> Weight:
    """Round the numbers to a file's format."""
    if dtype in ARRAY_DTYPES:
        bits = numbers.astype(ARRAY_DTYPES[dtype])
        return Weight(dtype=dtype, bits=bits, values=bits.astype(np.float64))
    if dtype == "bf16":
        words = numbers.astype(np.float32).view(np.uint32) + 0x8000 >> 16
        values = (words << 16).astype(np.uint32).view(np.float32)
        return Weight(dtype=dtype, bits=words.astype(np.uint16), values=values.astype(np.float64))
    codes = short_values(*SHORT_FORMATS[dtype])
    order = np.argsort(codes)
    at = np.clip(np.searchsorted(codes[order], numbers), 1, len(codes) - 1)
    lower, upper = codes[order[at - 1]], codes[order[at]]
    chosen = np.where(numbers - lower < upper - numbers, order[at - 1], order[at])
    return Weight(dtype=dtype, bits=chosen.astype(np.uint8), values=codes[chosen])


def short_values(exponent_bits: int, fraction_bits: int, bias: int) -> np.ndarray:
    """What each 8-bit code stands for; infinities and NaN are out of reach of any number."""
    codes = np.arange(256)
    top = (1 << exponent_bits) - 1
    exponent = codes >> fraction_bits & top
    fraction = (codes & (1 << fraction_bits) - 1) / (1 << fraction_bits)
    power = 2.0 ** (np.maximum(exponent, 1) - bias)
    values = np.where(exponent > 0, 1 + fraction, fraction) * power
    is_special = exponent == top if fraction_bits == 2 else codes & 127 == 127
    values[is_special] = np.inf
    return np.asarray(np.where(codes & 128, -values, values))


# ---- elementwise ----


def _arange(start: float, step: float, count: int, dtype: str) -> Callable[[Maker], Built]:
    def build(make: Maker) -> Built:
        args = {"start": start, "step": step, "count": count, "dtype": dtype}
        wanted = start + step * np.arange(count, dtype=np.float64)
        return Op(name="arange", args=args), wanted.reshape(1, 1, 1, count)

    return build


def _timestep(n: int, width: int) -> Callable[[Maker], Built]:
    def build(make: Maker) -> Built:
        t = make.random.uniform(0, 999, (n, 1, 1, 1)).astype(np.float32)
        op = Op(name="timestep_embedding", inputs=(t,), args={"count": width})
        return op, reference.timestep_embedding(t, width)

    return build


def _embedding(
    shape: tuple[int, int, int, int], rows: int, c: int, extra_rows: int = 0
) -> Callable[[Maker], Built]:
    def build(make: Maker) -> Built:
        last = rows + extra_rows - 1
        ids = make.random.integers(-1, last + 2, shape).astype(np.int32)  # one past either end
        table = make.weight(rows, c)
        extra = make.random.standard_normal((1, 1, extra_rows, c)).astype(np.float32)
        every = np.concatenate([table.values, extra[0, 0]])
        wanted = every[np.clip(ids, 0, last).reshape(shape[0], 1, -1)]
        inputs = (ids, extra) if extra_rows else (ids,)
        return Op(name="embedding", inputs=inputs, weights=(table,)), wanted

    return build


def _add(x_shape: tuple[int, ...], y_n: int) -> Callable[[Maker], Built]:
    def build(make: Maker) -> Built:
        x, y = make.array(*x_shape), make.array(y_n, *x_shape[1:])
        return Op(name="add", inputs=(x, y)), x.astype(np.float64) + y

    return build


def _activation(act: str, *shape: int) -> Callable[[Maker], Built]:
    def build(make: Maker) -> Built:
        x = make.array(*shape, scale=4)
        x.reshape(-1)[:4] = (0, -60, 60, -15)
        wanted = reference.ACTIVATION[act](x.astype(np.float64))
        return Op(name="activation", inputs=(x,), args={"act": act}), wanted

    return build


def _latent_rgb(*shape: int) -> Callable[[Maker], Built]:
    def build(make: Maker) -> Built:
        x = make.array(*shape)
        rows = make.random.standard_normal((1, 1, shape[-1] + 1, 3)).astype(np.float32)
        wanted = x.astype(np.float64) @ rows[0, 0, :-1] + rows[0, 0, -1]
        return Op(name="latent_rgb", inputs=(x, rows)), wanted

    return build


def _cast(dtype_in: str, dtype_out: str, *shape: int) -> Callable[[Maker], Built]:
    def build(make: Maker) -> Built:
        x = in_dtype(make.array(*shape), dtype_in)
        op = Op(name="cast", inputs=(x,), args={"dtype": dtype_out})
        return op, x.astype(np.float64)

    return build


# ---- norms ----


def layer_norm(
    *shape: int,
    scale: float = 1,
    offset: float = 0,
    first: float = 0,
    source_dtype: str | None = None,
) -> Callable[[Maker], Built]:
    """x [n, h, w, c]; first: added to a row's first; source_dtype: if not the storage's."""

    def build(make: Maker) -> Built:
        x = make.array(*shape, scale=scale, offset=offset)
        x = in_dtype(x + first * (np.arange(shape[3]) == 0), source_dtype or make.storage)
        weights = make.weight(shape[3], offset=1), make.weight(shape[3])
        op = Op(name="layer_norm", inputs=(x,), weights=weights, args={"eps": 1e-5})
        return op, reference.layer_norm(x, weights[0].values, weights[1].values, 1e-5)

    return build


def group_norm(
    n: int,
    h: int,
    w: int,
    channels: tuple[int, ...],
    groups: int,
    *,
    act: str = "none",
    scale: float = 1,
    offset: float = 0,
    first: float = 0,
    source_dtype: str | None = None,
) -> Callable[[Maker], Built]:
    """channels: of each source; first: added to its first pixel; source_dtype: of the first one."""

    def build(make: Maker) -> Built:
        sources = [make.array(n, h, w, c, scale=scale, offset=offset) for c in channels]
        corner = first * (np.arange(h * w) == 0).reshape(h, w, 1)
        sources = [in_dtype(x + corner, make.storage) for x in sources]
        if source_dtype:
            sources[0] = in_dtype(sources[0], source_dtype)
        weights = make.weight(sum(channels), offset=1), make.weight(sum(channels))
        args = {"groups": groups, "eps": 1e-6, "act": act}
        op = Op(name="group_norm", inputs=sources, weights=weights, args=args)
        joined = np.concatenate([s.astype(np.float64) for s in sources], axis=3)
        by = weights[0].values, weights[1].values
        return op, reference.group_norm(joined, *by, groups, 1e-6, act)

    return build


def norm_chain(x: np.ndarray, y: np.ndarray, op: str) -> list[Op]:
    """add, the norm `op` (node 1), layer norm (node 2), all of x + x; group norm of y too."""
    make = Maker(5, "f32", "f32")
    channels = x.shape[3] + (y.shape[3] if op == "group_norm" else 0)
    first = make.weight(channels, offset=1), make.weight(channels)
    second = make.weight(x.shape[3], offset=1), make.weight(x.shape[3])
    args = {"groups": 2, "eps": 1e-5} if op == "group_norm" else {"eps": 1e-5}
    inputs = (0, y) if op == "group_norm" else (0,)
    return [
        Op(name="add", inputs=(x, x)),
        Op(name=op, inputs=inputs, weights=first, args=args),
        Op(name="layer_norm", inputs=(0,), weights=second, args={"eps": 1e-5}),
    ]


# ---- products ----


def linear(
    shape: tuple[int, int, int, int],
    out: int,
    *,
    bias: bool = True,
    residual: bool = False,
    act: str = "none",
) -> Callable[[Maker], Built]:
    """x [n, h, w, c]; out: channels, of a GEGLU half as many as the weight's."""

    def build(make: Maker) -> Built:
        x, w = (
            make.array(*shape),
            make.weight(out * (2 if act == "geglu" else 1), shape[3]),
        )
        b = make.weight(w.bits.shape[0]) if bias else None
        r = make.array(*shape[:3], out) if residual else None
        op = Op(name="linear", inputs=(x, None, r), weights=(w, b), args={"act": act})
        return op, reference.linear(x, w.values, b.values if b else None, r, act)

    return build


@dataclass(frozen=True, kw_only=True)
class Conv:
    """A row of the table of convolutions. channel_add: 0 none, else its n (-1: that of x)."""

    x: tuple[int, int, int]
    channels: tuple[int, ...]
    out: int
    size: tuple[int, int]
    kernel: int = 3
    stride: int = 1
    pad: int = 1
    upsample: int = 0
    bias: bool = True
    residual: bool = False
    channel_add: int = 0
    act: str = "none"

    def __call__(self, make: Maker) -> Built:
        """Make the operator and its result."""
        n = self.x[0]
        sources = [make.array(*self.x, c) for c in self.channels]
        w = make.weight(self.out, sum(self.channels), self.kernel, self.kernel)
        b = make.weight(self.out) if self.bias else None
        residual = make.array(n, *self.size, self.out) if self.residual else None
        add_n = n if self.channel_add < 0 else self.channel_add
        add = make.array(add_n, 1, 1, self.out) if add_n else None
        y = reference.conv2d(
            np.concatenate(sources, axis=3),
            w.values,
            size=self.size,
            stride=self.stride,
            pad=self.pad,
            upsample=bool(self.upsample),
        )
        for term in (b.values if b else None, residual, add):
            y = y if term is None else y + term
        inputs = (sources[0], sources[1] if len(sources) > 1 else None, residual, add)
        args: dict[str, Any] = {
            "stride": self.stride,
            "pad": self.pad,
            "act": self.act,
            "upsample": self.upsample,
            "out_h": self.size[0],
            "out_w": self.size[1],
        }
        op = Op(name="conv2d", inputs=inputs, weights=(w, b), args=args)
        return op, reference.ACTIVATION[self.act](y)


def attention(
    n: int,
    queries: tuple[int, int],
    keys: int,
    heads: int,
    size: int,
    *,
    k_n: int | None = None,
    causal: int = 0,
    counts: tuple[int, ...] | None = None,
    scale: float = 1,
    ramp: float = 0,
) -> Callable[[Maker], Built]:
    """ramp: the last key is that many times the first, so that the largest score moves on."""

    def build(make: Maker) -> Built:
        q = make.array(n, *queries, heads * size, scale=scale)
        k, v = (make.array(k_n or n, 1, keys, heads * size, scale=scale) for _ in range(2))
        if ramp:
            k = in_dtype(k * np.linspace(1, ramp, keys)[:, None], make.storage)
        key_counts = np.array(counts, np.int32).reshape(1, 1, 1, -1) if counts else None
        args = {"heads": heads, "causal": causal}
        op = Op(name="attention", inputs=(q, k, v, key_counts), args=args)
        return op, reference.attention(q, k, v, key_counts, heads, bool(causal))

    return build


CASES = (
    Case(op="arange", title="f32", build=_arange(0.5, -2, 7, "f32")),
    Case(op="arange", title="positions", build=_arange(0, 1, 77, "i32")),
    Case(op="timestep_embedding", title="320", build=_timestep(2, 320)),
    Case(op="timestep_embedding", title="tiny", build=_timestep(3, 6)),
    Case(op="embedding", title="tokens", build=_embedding((2, 1, 77, 1), 50, 37), has_weights=True),
    Case(op="embedding", title="positions", build=_embedding((1, 1, 1, 9), 9, 1100)),
    Case(
        op="embedding",
        title="extra rows",
        build=_embedding((2, 1, 77, 1), 20, 300, extra_rows=7),
        has_weights=True,
    ),
    Case(op="add", title="same", build=_add((2, 3, 5, 7), 2)),
    Case(op="add", title="broadcast", build=_add((3, 1, 77, 64), 1)),
    Case(op="add", title="large", build=_add((1, 61, 67, 33), 1)),
    *(
        Case(op="activation", title=act, build=_activation(act, 2, 3, 11, 19))
        for act in reference.ACTIVATION
    ),
    Case(op="activation", title="large", build=_activation("silu", 1, 64, 40, 41)),
    Case(op="cast", title="to f16", build=_cast("f32", "f16", 1, 3, 5, 1001)),
    Case(op="cast", title="to f32", build=_cast("f16", "f32", 2, 3, 5, 7)),
    Case(op="cast", title="to bf16", build=_cast("f32", "bf16", 1, 3, 5, 1001)),
    Case(op="cast", title="from bf16", build=_cast("bf16", "f32", 2, 3, 5, 7)),
    Case(op="latent_rgb", title="4 channels", build=_latent_rgb(2, 17, 23, 4)),
    Case(op="latent_rgb", title="16 channels", build=_latent_rgb(1, 1, 300, 16)),
    Case(op="latent_rgb", title="one pixel", build=_latent_rgb(1, 1, 1, 1)),
    Case(op="layer_norm", title="768", build=layer_norm(2, 1, 77, 768), has_weights=True),
    Case(op="layer_norm", title="odd", build=layer_norm(1, 3, 5, 13)),
    Case(op="layer_norm", title="one", build=layer_norm(1, 2, 2, 1)),
    Case(op="layer_norm", title="mean", build=layer_norm(1, 1, 40, 320, scale=2, offset=5000)),
    Case(op="layer_norm", title="far first", build=layer_norm(1, 1, 40, 320, first=300)),
    Case(op="layer_norm", title="f32 in", build=layer_norm(1, 2, 3, 40, source_dtype="f32")),
    Case(op="group_norm", title="plain", build=group_norm(2, 5, 7, (64,), 32), has_weights=True),
    Case(op="group_norm", title="silu", build=group_norm(1, 8, 8, (40,), 4, act="silu")),
    Case(op="group_norm", title="straddle", build=group_norm(2, 3, 5, (10, 26), 4, act="silu")),
    Case(op="group_norm", title="odd", build=group_norm(3, 1, 1, (3, 6), 3)),
    Case(op="group_norm", title="splits", build=group_norm(1, 70, 71, (48, 16), 32, act="silu")),
    Case(op="group_norm", title="mean", build=group_norm(1, 16, 17, (64,), 32, offset=5000)),
    Case(op="group_norm", title="far first", build=group_norm(1, 33, 35, (64,), 32, first=300)),
    Case(op="group_norm", title="wide", build=group_norm(1, 150, 151, (20, 12), 4, offset=5000)),
    Case(op="group_norm", title="big", build=group_norm(1, 32, 33, (64,), 32, scale=3000)),
    Case(
        op="group_norm",
        title="f32 in",
        build=group_norm(1, 4, 5, (16, 8), 4, source_dtype="f32"),
    ),
    Case(op="linear", title="plain", build=linear((2, 1, 77, 64), 96), has_weights=True),
    Case(op="linear", title="one row", build=linear((1, 1, 1, 320), 130)),
    Case(op="linear", title="odd", build=linear((1, 3, 5, 33), 7, bias=False)),
    Case(op="linear", title="narrow", build=linear((1, 1, 9, 1), 1)),
    Case(op="linear", title="residual", build=linear((2, 4, 5, 40), 40, residual=True)),
    Case(op="linear", title="long", build=linear((1, 1, 300, 700), 65, residual=True)),
    Case(
        op="linear",
        title="geglu",
        build=linear((2, 1, 17, 40), 50, act="geglu"),
        has_weights=True,
    ),
    Case(op="linear", title="geglu odd", build=linear((1, 1, 3, 19), 5, act="geglu", bias=False)),
    *(
        Case(
            op="linear",
            title=act,
            build=linear((1, 1, 13, 24), 35, act=act, residual=act == "silu"),
        )
        for act in reference.ACTIVATION
        if act != "none"
    ),
    *(
        Case(op="conv2d", title=title, build=conv, has_weights=title in ("3x3", "1x1"))
        for title, conv in {
            "3x3": Conv(x=(2, 6, 8), channels=(32,), out=40, size=(6, 8)),
            "3x3 odd": Conv(x=(1, 7, 5), channels=(13,), out=11, size=(7, 5), bias=False),
            "3x3 wide, odd edges": Conv(
                x=(2, 7, 11),
                channels=(72, 19),
                out=130,
                size=(7, 11),
                residual=True,
                channel_add=-1,
                act="silu",
            ),
            "upsample wide, odd edges": Conv(
                x=(2, 5, 7), channels=(45, 20), out=70, size=(10, 14), upsample=1, residual=True
            ),
            "1x1": Conv(x=(2, 5, 6), channels=(24,), out=33, size=(5, 6), kernel=1, pad=0),
            "1x1 two": Conv(x=(1, 5, 6), channels=(24, 9), out=16, size=(5, 6), kernel=1, pad=0),
            "no pad": Conv(x=(1, 7, 6), channels=(8,), out=8, size=(5, 4), pad=0),
            "stride": Conv(x=(2, 8, 6), channels=(16,), out=16, size=(4, 3), stride=2),
            "stride odd": Conv(x=(1, 7, 9), channels=(5,), out=16, size=(4, 5), stride=2),
            "stride 1x1": Conv(
                x=(1, 6, 8),
                channels=(5,),
                out=9,
                size=(3, 4),
                kernel=1,
                pad=0,
                stride=2,
            ),
            "end pad": Conv(x=(1, 8, 6), channels=(16,), out=16, size=(4, 3), pad=0, stride=2),
            "two": Conv(x=(2, 5, 4), channels=(32, 16), out=24, size=(5, 4), residual=True),
            "two odd": Conv(x=(1, 5, 4), channels=(7, 10), out=24, size=(5, 4), act="silu"),
            "upsample": Conv(x=(1, 4, 5), channels=(16,), out=16, size=(8, 10), upsample=1),
            "upsample odd": Conv(x=(2, 4, 5), channels=(9,), out=6, size=(7, 9), upsample=1),
            "upsample wide": Conv(
                x=(2, 9, 17),
                channels=(40,),
                out=35,
                size=(18, 34),
                upsample=1,
                channel_add=-1,
                residual=True,
            ),
            "upsample two": Conv(
                x=(1, 16, 16), channels=(24, 8), out=16, size=(32, 32), upsample=1, act="silu"
            ),
            "add 1": Conv(x=(2, 5, 4), channels=(16,), out=20, size=(5, 4), channel_add=1),
            "add n": Conv(
                x=(3, 5, 4),
                channels=(16,),
                out=20,
                size=(5, 4),
                channel_add=-1,
                residual=True,
                act="silu",
            ),
            "first": Conv(x=(1, 9, 9), channels=(4,), out=64, size=(9, 9)),
            "last": Conv(x=(1, 9, 10), channels=(64,), out=4, size=(9, 10)),
            "4 to 3": Conv(x=(2, 5, 5), channels=(4,), out=3, size=(5, 5)),
            "one pixel": Conv(x=(1, 1, 1), channels=(20,), out=33, size=(1, 1)),
            "wide": Conv(x=(1, 20, 30), channels=(48,), out=70, size=(20, 30), residual=True),
            "deep": Conv(x=(1, 4, 4), channels=(320,), out=48, size=(4, 4)),
            **{
                act: Conv(x=(1, 4, 5), channels=(12,), out=18, size=(4, 5), act=act)
                for act in reference.ACTIVATION
            },
        }.items()
    ),
    *(
        Case(op="attention", title=title, build=build)
        for title, build in {
            "40": attention(2, (9, 8), 72, 8, 40),
            "64 causal": attention(2, (1, 77), 77, 3, 64, causal=1),
            "80": attention(1, (10, 10), 300, 2, 80),
            "160": attention(1, (4, 4), 16, 2, 160),
            "512": attention(1, (7, 9), 63, 1, 512),
            "odd": attention(3, (5, 13), 33, 3, 7),
            "one channel": attention(1, (1, 3), 5, 4, 1),
            "one key": attention(2, (1, 3), 1, 2, 40),
            "one query": attention(1, (1, 1), 200, 2, 24),
            "shared": attention(4, (3, 11), 77, 2, 40, k_n=2),
            "counts": attention(4, (3, 11), 154, 2, 40, k_n=2, counts=(154, 77)),
            "counts small": attention(2, (1, 40), 300, 1, 16, counts=(1, 129)),
            "causal long": attention(1, (1, 300), 300, 1, 16, causal=1),
            "peaked": attention(1, (8, 8), 300, 2, 40, scale=2),
            "rising": attention(1, (8, 9), 700, 1, 40, ramp=20),
            "long": attention(1, (20, 20), 1000, 1, 40),
        }.items()
    ),
)
