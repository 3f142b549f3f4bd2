"""Adapters against NumPy: a model with them draws what one with merged weights draws, bit for bit.

Factors are multiples of powers of two, so that every sum is exact in f32, whatever its order.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.engine import BadArgument, Cancelled, Engine, Model
from app.engine.types import AdapterFactor, AdapterKind, Dtype, EngineAdapter, Progress
from tests.engine.model_setup import open_model, request
from tests.graph.block_formats import BLOCK_FORMATS, quantised

LINEAR = "unet.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"  # [64, 192]
CONV = "unet.input_blocks.1.0.in_layers.2.weight"  # [64, 64, 3, 3]
GEGLU = "unet.input_blocks.1.1.transformer_blocks.0.ff.net.0.proj.weight"
TEXT = "text.encoder.layers.0.self_attn.q_proj.weight"
BIAS = "text.encoder.layers.0.mlp.fc1.bias"
NORM = "unet.out.0.weight"
TABLE = "text.embeddings.token_embedding.weight"

Array = NDArray[Any]
Random = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Made:
    """An adapter, the matrix that it adds before its scale, and the arrays that it points to."""

    adapter: EngineAdapter
    added: Array
    alive: tuple[Array, ...]


def draw(random: Random, *shape: int) -> NDArray[np.float16]:
    """Multiples of 1/8 up to 1/2 in size, mostly 0."""
    kept = random.random(shape) < 0.2
    return np.asarray(random.integers(-4, 5, shape) * kept / 8, np.float16)


def factor(up: Array, mid: Array | None, down: Array | None, **sizes: Any) -> AdapterFactor:
    """The factor of f16 arrays."""
    mid_at, down_at = (0 if part is None else part.ctypes.data for part in (mid, down))
    return AdapterFactor(dtype=Dtype.F16, up=up.ctypes.data, mid=mid_at, down=down_at, **sizes)


def product(random: Random, shape: tuple[int, ...], rank: int) -> tuple[AdapterFactor, Array, Any]:
    """up x down of a matrix or a convolution."""
    rows, columns, taps = shape[0], shape[1] if len(shape) > 1 else 1, math.prod(shape[2:])
    up, down = draw(random, rows, rank), draw(random, rank, columns, taps)
    made = factor(up, None, down, rows=rows, columns=columns, taps=taps, rank=rank)
    return made, np.einsum("op,pit->oit", up, down, dtype=np.float64), (up, down)


def tucker(
    random: Random, shape: tuple[int, ...], rank: int, *, transposed: bool
) -> tuple[AdapterFactor, Array, Any]:
    """up x mid x down, as LoCon (up is [rows][rank]) and LoHa (the other way) have it."""
    rows, columns, taps = shape[0], shape[1], math.prod(shape[2:])
    up = draw(random, *((rank, rows) if transposed else (rows, rank)))
    mid, down = draw(random, rank, rank, taps), draw(random, rank, columns)
    sizes = {"rows": rows, "columns": columns, "taps": taps, "rank": rank}
    made = factor(up, mid, down, up_is_transposed=transposed, **sizes)
    form = "po,pqt,qi->oit" if transposed else "op,pqt,qi->oit"
    return made, np.einsum(form, up, mid, down, dtype=np.float64), (up, mid, down)


def whole(random: Random, shape: tuple[int, ...]) -> tuple[AdapterFactor, Array, Any]:
    """The matrix itself."""
    rows, columns, taps = shape[0], shape[1] if len(shape) > 1 else 1, math.prod(shape[2:])
    up = draw(random, rows, columns, taps)
    made = factor(up, None, None, rows=rows, columns=columns, taps=taps, rank=0)
    return made, up.astype(np.float64), (up,)


def plain(name: str, part: tuple[AdapterFactor, Array, Any]) -> Made:
    """An adapter of one factor."""
    made, added, alive = part
    adapter = EngineAdapter(name=name, kind=AdapterKind.PLAIN, scale=0.25, first=made)
    return Made(adapter=adapter, added=added, alive=alive)


def paired(name: str, kind: AdapterKind, first: Any, second: Any) -> Made:
    """An adapter of two factors."""
    adapter = EngineAdapter(name=name, kind=kind, scale=-0.5, first=first[0], second=second[0])
    if kind is AdapterKind.HADAMARD:
        added = first[1] * second[1]
    else:
        left, right = first[1][..., 0], second[1]
        added = np.einsum("ab,cdt->acbdt", left, right).reshape(
            left.shape[0] * right.shape[0], -1, right.shape[2]
        )
    return Made(adapter=adapter, added=added, alive=(*first[2], *second[2]))


Build = Callable[[Random, tuple[int, ...]], Made]
CASES: dict[str, tuple[str, Build]] = {
    "linear": (LINEAR, lambda r, s: plain(LINEAR, product(r, s, 5))),
    "rank 1": (TEXT, lambda r, s: plain(TEXT, product(r, s, 1))),
    "values and gates": (GEGLU, lambda r, s: plain(GEGLU, product(r, s, 8))),
    "convolution": (CONV, lambda r, s: plain(CONV, product(r, s, 4))),
    "convolution, mid": (CONV, lambda r, s: plain(CONV, tucker(r, s, 6, transposed=False))),
    "difference": (CONV, lambda r, s: plain(CONV, whole(r, s))),
    "bias": (BIAS, lambda r, s: plain(BIAS, whole(r, s))),
    "norm": (NORM, lambda r, s: plain(NORM, whole(r, s))),
    "LoHa": (
        LINEAR,
        lambda r, s: paired(LINEAR, AdapterKind.HADAMARD, product(r, s, 3), product(r, s, 2)),
    ),
    "LoHa, mid": (
        CONV,
        lambda r, s: paired(
            *(CONV, AdapterKind.HADAMARD),
            tucker(r, s, 3, transposed=True),
            tucker(r, s, 3, transposed=True),
        ),
    ),
    "LoKr": (
        LINEAR,
        lambda r, s: paired(
            LINEAR, AdapterKind.KRONECKER, whole(r, (4, 8)), product(r, (16, 24), 3)
        ),
    ),
    "LoKr, convolution": (
        CONV,
        lambda r, s: paired(
            CONV, AdapterKind.KRONECKER, product(r, (16, 2), 8), whole(r, (4, 32, 3, 3))
        ),
    ),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all tests."""
    with Engine() as opened:
        yield opened


def shape_of(engine: Engine, name: str) -> tuple[int, ...]:
    """The shape of a weight of the mini model."""
    found: list[tuple[int, ...]] = []

    def look(seen: str, stored: Array) -> Array:
        if seen == name:
            found.append(stored.shape)
        return stored

    with open_model(engine, edit=look):
        return found[0]


def latents(model: Model, **changes: Any) -> bytes:
    """What a quick picture's latents are."""
    return model.generate(request(steps=1, **changes)).latents


def merged(engine: Engine, *made: Made) -> bytes:
    """The latents of a model whose weights NumPy has merged."""

    def edit(name: str, stored: Array) -> Array:
        added = [m.adapter.scale * m.added for m in made if m.adapter.name == name]
        total = sum(part.reshape(stored.shape) for part in added)
        return (stored.astype(np.float32) + total).astype(np.float16) if added else stored

    with open_model(engine, edit=edit) as model:
        return latents(model)


@pytest.mark.parametrize("title", CASES)
def test_each_kind_is_what_numpy_adds(engine: Engine, title: str) -> None:
    """A merged model's latents, bit for bit; and not the model's own."""
    name, build = CASES[title]
    made = build(np.random.default_rng(7), shape_of(engine, name))
    with open_model(engine) as model:
        before = latents(model)
        model.set_adapters([made.adapter])
        assert latents(model) == merged(engine, made) != before


def test_several_adapters_add_up_and_leave_no_trace(engine: Engine) -> None:
    """Two on one weight and one on another; without them the model is what it was."""
    random = np.random.default_rng(3)
    first, second = (plain(LINEAR, product(random, (64, 192), rank)) for rank in (2, 9))
    third = plain(CONV, product(random, (64, 64, 3, 3), 4))
    with open_model(engine) as model:
        before = latents(model)
        model.set_adapters([first.adapter, third.adapter, second.adapter])
        assert latents(model) == merged(engine, first, third, second)
        model.set_adapters([third.adapter])
        assert latents(model) == merged(engine, third)
        model.set_adapters([])
        assert latents(model) == before


@pytest.mark.parametrize("name", [LINEAR, NORM])
@pytest.mark.parametrize("dtype", [Dtype.F32, Dtype.BF16, Dtype.F8_E5M2, Dtype.Q8_0, Dtype.Q5_1])
def test_other_storage_is_merged_too(engine: Engine, dtype: Dtype, name: str) -> None:
    """f32 stays f32; bf16, f8 and blocks become f16 where something is added."""
    shape = shape_of(engine, name)
    random = np.random.default_rng(5)
    made = plain(name, whole(random, shape) if len(shape) == 1 else product(random, shape, 4))

    def stored_as(values: NDArray[np.float16]) -> tuple[Array, Array]:
        if dtype is Dtype.F32:
            return values.astype(np.float32), values.astype(np.float32)
        if dtype is Dtype.BF16:
            bits = (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
            return bits, (bits.astype(np.uint32) << 16).view(np.float32)
        if dtype.name in BLOCK_FORMATS:
            blocks = quantised(dtype.name, values.reshape(1, -1))
            return blocks.bits, blocks.values.reshape(shape)
        bits = (values.view(np.uint16) >> 8).astype(np.uint8)
        return bits, (bits.astype(np.uint16) << 8).view(np.float16).astype(np.float32)

    wide, number = (Dtype.F32, np.float32) if dtype is Dtype.F32 else (Dtype.F16, np.float16)

    def as_merged(values: NDArray[np.float16]) -> Array:
        added = np.asarray(0.25 * made.added, np.float32).reshape(shape)
        return (stored_as(values)[1] + added).astype(number)

    with open_model(engine, store={name: (wide, as_merged)}) as model:
        wanted = latents(model)
    with open_model(engine, store={name: (dtype, lambda v: stored_as(v)[0])}) as model:
        own = latents(model)
        model.set_adapters([made.adapter])
        assert latents(model) == wanted != own
        model.set_adapters([])
        assert latents(model) == own


def test_what_does_not_change_stays_packed(engine: Engine) -> None:
    """The same adapters again free nothing; another strength frees one weight and the arena."""
    made = plain(LINEAR, product(np.random.default_rng(5), (64, 192), 4))
    with open_model(engine) as model:
        model.set_adapters([made.adapter])
        latents(model)
        held = engine.device().allocated_bytes
        model.set_adapters([made.adapter])
        assert engine.device().allocated_bytes == held
        model.set_adapters([replace(made.adapter, scale=0.5)])
        assert engine.device().allocated_bytes < held
        latents(model)
        assert engine.device().allocated_bytes == held


def test_what_cannot_be_added_is_refused_and_changes_nothing(engine: Engine) -> None:
    """A weight that is not there, of another shape, a table, a factor that is none."""
    made = plain(LINEAR, product(np.random.default_rng(5), (64, 192), 4))
    good, first = made.adapter, made.adapter.first
    with open_model(engine) as model:
        model.set_adapters([good])
        wanted = latents(model)
        for bad, words in (
            (replace(good, name="unet.nothing.weight"), "no weight unet.nothing.weight"),
            (replace(good, name=GEGLU), "another shape"),
            (replace(good, name=TABLE), "table"),
            (replace(good, scale=math.inf), "finite"),
            (replace(good, first=replace(first, rows=63)), "another shape"),
            (replace(good, first=replace(first, down=0)), "another shape"),
            (replace(good, first=replace(first, rank=-1)), "another shape"),
            (replace(good, kind=AdapterKind.KRONECKER, second=first), "another shape"),
        ):
            with pytest.raises(BadArgument, match=words):
                model.set_adapters([good, bad])
        assert latents(model) == wanted


def test_extra_rows_are_tokens(engine: Engine) -> None:
    """A row of the table given once more, past its end, is the same word."""
    rows: list[Array] = []

    def look(name: str, stored: Array) -> Array:
        if name == TABLE:
            rows.append(stored[[736, 3055]].astype(np.float32))
        return stored

    with open_model(engine, edit=look) as model:
        end = model.describe().text_vocabulary
        assert end == 49408
        base = request()
        tokens = tuple({736: end, 3055: end + 1}.get(t, t) for t in base.prompt.tokens[0])
        extra = replace(base.prompt, tokens=(tokens,))
        given = model.generate(replace(base, prompt=extra, extra_rows=rows[0].tobytes()))
        assert given.latents == model.generate(base).latents
        with pytest.raises(BadArgument, match="no token 49409"):
            model.generate(replace(base, prompt=extra, extra_rows=rows[0][:1].tobytes()))
        with pytest.raises(BadArgument, match="192 numbers"):
            model.generate(replace(base, extra_rows=rows[0].tobytes()[:-4]))
        rows[0][1, 3] = math.nan
        with pytest.raises(BadArgument, match="not finite"):
            model.plan(replace(base, prompt=extra, extra_rows=rows[0].tobytes()))


def test_the_plan_counts_merging(engine: Engine) -> None:
    """A peak while a weight is merged is in the forecast."""
    made = plain(LINEAR, product(np.random.default_rng(5), (64, 192), 4))
    with open_model(engine) as model:
        assert model.plan(request()).merging == 0
        model.set_adapters([made.adapter])
        assert model.plan(request()).merging >= 64 * 192 * 2
        model.set_adapters([])
        assert model.plan(request()).merging == 0


def test_a_cancelled_merge_leaves_nothing_behind(engine: Engine) -> None:
    """Stopped before the weights are packed, the next picture is right."""
    made = plain(LINEAR, product(np.random.default_rng(5), (64, 192), 4))

    def stop(progress: Progress) -> bool:
        engine.cancel()
        return False

    with open_model(engine) as model:
        model.set_adapters([made.adapter])
        with pytest.raises(Cancelled):
            model.generate(request(), stop)
        assert latents(model) == merged(engine, made)


def test_factors_may_lie_anywhere(engine: Engine) -> None:
    """A file need not align its tensors."""
    made = plain(LINEAR, product(np.random.default_rng(5), (64, 192), 4))
    first, parts = made.adapter.first, made.alive
    shifted = [np.frombuffer(b"x" + part.tobytes(), np.uint8) for part in parts]
    up, down = (part.ctypes.data + 1 for part in shifted)
    odd = replace(made.adapter, first=replace(first, up=up, down=down))
    with open_model(engine) as model:
        model.set_adapters([odd])
        assert latents(model) == merged(engine, made)


def test_merging_uses_the_engine_s_threads() -> None:
    """Each has rows of its own, which the plan counts."""
    made = plain(LINEAR, product(np.random.default_rng(5), (64, 192), 4))
    figures = []
    for threads in (1, 3):
        with Engine(threads=threads) as engine, open_model(engine) as model:
            model.set_adapters([made.adapter])
            figures.append(model.plan(request()).merging)
    rows_of_a_thread = 3 * 192 * 4
    assert figures[1] - figures[0] == 2 * rows_of_a_thread
