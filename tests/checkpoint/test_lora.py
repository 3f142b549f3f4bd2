"""LoRA files of every dialect and kind, read against formulas in NumPy and against hostile ones."""

import ctypes
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.checkpoint.diffusers_names import unet_names
from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors
from app.checkpoint.lora import Lora, read_lora
from app.checkpoint.lora_names import diffusers_unet_names
from app.checkpoint.reader import CheckpointError, open_checkpoint
from app.engine.types import AdapterFactor, AdapterKind, Dtype, EngineAdapter, EngineTensor
from tests.checkpoint.model_files import MINI, golden_names
from tests.random_loras import (
    ATTENTION_LAYERS,
    OTHER_LAYERS,
    TEXT_LAYERS,
    Dialect,
    added,
    layer_shapes,
    lora_arrays,
    spelled,
    write_lora,
)
from tests.random_weights import TEXT, UNET, normal

ALL_LAYERS = ATTENTION_LAYERS + OTHER_LAYERS + TEXT_LAYERS
LINEAR = f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k"
CONV = f"{UNET}input_blocks.1.0.in_layers.2"
NORM = f"{UNET}input_blocks.1.0.in_layers.0"
SHAPES = layer_shapes(MINI)
NUMPY_TYPES = {Dtype.F16: np.float16, Dtype.F32: np.float32}

Array = NDArray[Any]
Arrays = dict[str, Array]


@pytest.fixture(scope="module")
def weights() -> Iterator[dict[str, EngineTensor]]:
    """The mini model's weights by the engine's names."""
    with open_checkpoint(MINI) as checkpoint:
        tensors = engine_tensors(checkpoint, describe(checkpoint))
        yield {tensor.name: tensor for tensor in tensors}


def engine_name(layer: str) -> str:
    """The engine's name of a layer's weight."""
    return layer.replace(UNET, "unet.").replace(TEXT, "text.") + ".weight"


def numbers(address: int, dtype: Dtype, *shape: int) -> Array:
    """The numbers at an address, as f64."""
    kind = np.dtype(NUMPY_TYPES[dtype])
    data = ctypes.string_at(address, math.prod(shape) * kind.itemsize)
    return np.frombuffer(data, kind).reshape(shape).astype(np.float64)


def matrix(f: AdapterFactor) -> Array:
    """A factor, [rows][columns][taps], as engine.h says."""
    if f.rank == 0:
        return numbers(f.up, f.dtype, f.rows, f.columns, f.taps)
    up = (
        numbers(f.up, f.dtype, f.rank, f.rows).T
        if f.up_is_transposed
        else numbers(f.up, f.dtype, f.rows, f.rank)
    )
    if not f.mid:
        return np.einsum("op,pit->oit", up, numbers(f.down, f.dtype, f.rank, f.columns, f.taps))
    mid = numbers(f.mid, f.dtype, f.rank, f.rank, f.taps)
    return np.einsum("op,pqt,qi->oit", up, mid, numbers(f.down, f.dtype, f.rank, f.columns))


def evaluated(adapter: EngineAdapter) -> Array:
    """What an adapter adds, [rows][columns][taps], as engine.h says."""
    first = matrix(adapter.first)
    if adapter.second is None:
        return adapter.scale * first
    second = matrix(adapter.second)
    if adapter.kind is AdapterKind.HADAMARD:
        return adapter.scale * first * second
    outer = np.einsum("ab,cdt->acbdt", first[..., 0], second)
    rows, columns = first.shape[0] * second.shape[0], first.shape[1] * second.shape[1]
    return adapter.scale * outer.reshape(rows, columns, -1)


def read(path: Path, weights: dict[str, EngineTensor], check: Callable[[Lora], None]) -> None:
    """Reads a file and looks at it while it is open."""
    with open_checkpoint(path) as checkpoint:
        check(read_lora(checkpoint, weights))


def assert_adds(lora: Lora, wanted: dict[str, Array]) -> None:
    """The file adds these, by the engine's names of the weights, and nothing else."""
    assert sorted(adapter.name for adapter in lora.adapters) == sorted(wanted)
    for adapter in lora.adapters:
        value = wanted[adapter.name]
        np.testing.assert_allclose(evaluated(adapter).ravel(), value.ravel(), atol=1e-12)


@pytest.mark.parametrize("key", ["unet", "unet_one_block", "unet_three_levels", "unet_xl"])
def test_names_lead_back_to_diffusers(key: str) -> None:
    """The way back from the original names is the way that diffusers' converter went."""
    golden = {str(name): str(original) for name, original, *_ in golden_names()[key]}
    assert unet_names(golden) == golden
    assert diffusers_unet_names(golden.values()) == {v: k for k, v in golden.items()}


@pytest.mark.parametrize(
    ("dialect", "layers"),
    [
        (Dialect.KOHYA, ALL_LAYERS),
        (Dialect.KOHYA_LDM, ALL_LAYERS),
        (Dialect.PEFT, ALL_LAYERS),
        (Dialect.PROCESSOR, ATTENTION_LAYERS + TEXT_LAYERS),
    ],
)
@pytest.mark.parametrize("alpha", [None, 2.0])
def test_every_dialect_reaches_every_layer(
    dialect: Dialect,
    layers: tuple[str, ...],
    alpha: float | None,
    weights: dict[str, EngineTensor],
    tmp_path: Path,
) -> None:
    """Linear layers and convolutions of all places; alpha over rank, or 1 without alpha."""
    arrays = lora_arrays(SHAPES, layers, dialect, rank=4, alpha=alpha)
    path = write_lora(tmp_path / "x.safetensors", arrays)
    scale = 1.0 if alpha is None else alpha / 4

    def check(lora: Lora) -> None:
        assert (lora.layers, lora.left_out) == (len(layers), ())
        assert_adds(lora, {engine_name(name): added(SHAPES, name, 4, scale) for name in layers})

    read(path, weights, check)


@pytest.mark.parametrize(
    "respell",
    [
        lambda key: f"base_model.model.{key.removeprefix('unet.').removeprefix('text_encoder.')}",
        lambda key: key.replace(".lora_A.weight", ".lora_A.default.weight"),
        lambda key: key.replace("text_model.", ""),
        lambda key: key.replace(".lora_A.", ".lora.down.").replace(".lora_B.", ".lora.up."),
    ],
)
def test_other_spellings(
    respell: Callable[[str], str], weights: dict[str, EngineTensor], tmp_path: Path
) -> None:
    """PEFT's own files, named adapters, a text encoder without text_model, `.lora.up`."""
    layers = (LINEAR, *TEXT_LAYERS)
    arrays = lora_arrays(SHAPES, layers, Dialect.PEFT, rank=2, alpha=None)
    path = write_lora(tmp_path / "x.safetensors", {respell(k): v for k, v in arrays.items()})
    read(
        path,
        weights,
        lambda lora: assert_adds(lora, {engine_name(k): added(SHAPES, k, 2, 1) for k in layers}),
    )


def random(name: str, *shape: int) -> Array:
    """f16 numbers of a name."""
    return normal(name, shape).astype(np.float16)


def loha(rank: int) -> tuple[Arrays, Array]:
    """LoHa of a linear layer."""
    rows, columns = SHAPES[LINEAR]
    parts = {
        "hada_w1_a": random("1a", rows, rank),
        "hada_w1_b": random("1b", rank, columns),
        "hada_w2_a": random("2a", rows, rank),
        "hada_w2_b": random("2b", rank, columns),
    }
    w = {key: value.astype(np.float64) for key, value in parts.items()}
    delta = (w["hada_w1_a"] @ w["hada_w1_b"]) * (w["hada_w2_a"] @ w["hada_w2_b"])
    return parts, delta


def loha_mid(rank: int) -> tuple[Arrays, Array]:
    """LoHa of a convolution with its middles (LyCORIS: use_tucker)."""
    rows, columns, *kernel = SHAPES[CONV]
    parts: Arrays = {}
    for n in (1, 2):
        parts[f"hada_t{n}"] = random(f"t{n}", rank, rank, *kernel)
        parts[f"hada_w{n}_a"] = random(f"{n}a", rank, rows)
        parts[f"hada_w{n}_b"] = random(f"{n}b", rank, columns)
    w = {key: value.astype(np.float64) for key, value in parts.items()}
    form = "ijkl,jr,ip->prkl"  # LyCORIS' own
    first, second = (
        np.einsum(form, w[f"hada_t{n}"], w[f"hada_w{n}_b"], w[f"hada_w{n}_a"]) for n in (1, 2)
    )
    return parts, first * second


def lokr_whole(rank: int) -> tuple[Arrays, Array]:
    """LoKr of two whole matrices: alpha counts for nothing."""
    rows, columns = SHAPES[LINEAR]
    parts = {"lokr_w1": random("w1", 8, 4), "lokr_w2": random("w2", rows // 8, columns // 4)}
    w = {key: value.astype(np.float64) for key, value in parts.items()}
    return parts, np.kron(w["lokr_w1"], w["lokr_w2"]) * (rank / 2.0)


def lokr_split(rank: int) -> tuple[Arrays, Array]:
    """LoKr whose second matrix is a product."""
    rows, columns = SHAPES[LINEAR]
    parts = {
        "lokr_w1": random("w1", 8, 4),
        "lokr_w2_a": random("w2a", rows // 8, rank),
        "lokr_w2_b": random("w2b", rank, columns // 4),
    }
    w = {key: value.astype(np.float64) for key, value in parts.items()}
    return parts, np.kron(w["lokr_w1"], w["lokr_w2_a"] @ w["lokr_w2_b"])


def lokr_mid(rank: int) -> tuple[Arrays, Array]:
    """LoKr of a convolution, both matrices products, the second with its middle."""
    rows, columns, *kernel = SHAPES[CONV]
    parts = {
        "lokr_w1_a": random("w1a", 4, rank),
        "lokr_w1_b": random("w1b", rank, 8),
        "lokr_t2": random("t2", rank, rank, *kernel),
        "lokr_w2_a": random("w2a", rank, rows // 4),
        "lokr_w2_b": random("w2b", rank, columns // 8),
    }
    w = {key: value.astype(np.float64) for key, value in parts.items()}
    second = np.einsum("ijkl,jr,ip->prkl", w["lokr_t2"], w["lokr_w2_b"], w["lokr_w2_a"])
    first = (w["lokr_w1_a"] @ w["lokr_w1_b"])[:, :, None, None]
    return parts, np.kron(first, second)


def locon_mid(rank: int) -> tuple[Arrays, Array]:
    """LoCon of a convolution: 1x1 down, a middle with the kernel, 1x1 up."""
    rows, columns, *kernel = SHAPES[CONV]
    parts = {
        "lora_down.weight": random("down", rank, columns, 1, 1),
        "lora_mid.weight": random("mid", rank, rank, *kernel),
        "lora_up.weight": random("up", rows, rank, 1, 1),
    }
    down, mid, up = (value.astype(np.float64) for value in parts.values())
    return parts, np.einsum("op,pqkl,qi->oikl", up[..., 0, 0], mid, down[..., 0, 0])


@pytest.mark.parametrize(
    ("layer", "build"),
    [
        (LINEAR, loha),
        (CONV, loha_mid),
        (LINEAR, lokr_whole),
        (LINEAR, lokr_split),
        (CONV, lokr_mid),
        (CONV, locon_mid),
    ],
)
def test_other_kinds(
    layer: str,
    build: Callable[[int], tuple[Arrays, Array]],
    weights: dict[str, EngineTensor],
    tmp_path: Path,
) -> None:
    """LoHa, LoKr and LoCon with a middle; their numbers times alpha 2 over rank 3."""
    parts, delta = build(3)
    name = spelled(layer, Dialect.KOHYA)
    arrays = {f"{name}.{part}": value for part, value in parts.items()}
    arrays[f"{name}.alpha"] = np.array(2, np.float32)
    path = write_lora(tmp_path / "x.safetensors", arrays)
    read(path, weights, lambda lora: assert_adds(lora, {engine_name(layer): delta * 2 / 3}))


def test_whole_differences(weights: dict[str, EngineTensor], tmp_path: Path) -> None:
    """Weights and biases, of a convolution and, by LyCORIS' names, of a norm."""
    conv, norm = (spelled(layer, Dialect.KOHYA) for layer in (CONV, NORM))
    parts = {
        f"{conv}.diff": random("d", *SHAPES[CONV]),
        f"{conv}.diff_b": random("b", SHAPES[CONV][0]),
        f"{norm}.w_norm": random("w", *SHAPES[NORM]),
        f"{norm}.b_norm": random("n", *SHAPES[NORM]),
    }
    path = write_lora(tmp_path / "x.safetensors", parts)
    names = [
        engine_name(layer).replace(".weight", ending)
        for layer in (CONV, NORM)
        for ending in (".weight", ".bias")
    ]
    values = (part.astype(np.float64) for part in parts.values())
    wanted = dict(zip(names, values, strict=True))
    read(path, weights, lambda lora: assert_adds(lora, wanted))


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({"unet.lora_alpha": 8, "text_encoder.lora_alpha": 8, "unet.r": 4}, (2.0, 2.0)),
        ({"unet.lora_alpha": 6, "unet.use_rslora": True}, (3.0, 1.0)),
        ({"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn2.to_k": 2}}, (0.5, 1.0)),
        ({"unet.lora_alpha": "8"}, (1.0, 1.0)),
    ],
)
def test_strength_from_the_metadata_of_diffusers(
    config: dict[str, object],
    scale: tuple[float, float],
    weights: dict[str, EngineTensor],
    tmp_path: Path,
) -> None:
    """Alpha, rank-stabilised or a layer's own; what is no number counts for nothing."""
    layers = (LINEAR, TEXT_LAYERS[0])
    arrays = lora_arrays(SHAPES, layers, Dialect.PEFT, rank=4, alpha=None)
    metadata = {"lora_adapter_metadata": json.dumps(config)}
    path = write_lora(tmp_path / "x.safetensors", arrays, metadata)
    wanted = {
        engine_name(layer): added(SHAPES, layer, 4, own)
        for layer, own in zip(layers, scale, strict=True)
    }
    read(path, weights, lambda lora: assert_adds(lora, wanted))


def test_strength_from_the_configuration_beside_the_file(
    weights: dict[str, EngineTensor], tmp_path: Path
) -> None:
    """PEFT's folder."""
    arrays = lora_arrays(SHAPES, (LINEAR,), Dialect.PEFT, rank=4, alpha=None)
    path = write_lora(tmp_path / "adapter_model.safetensors", arrays)
    (tmp_path / "adapter_config.json").write_text('{"lora_alpha": 16, "r": 4}')
    wanted = {engine_name(LINEAR): added(SHAPES, LINEAR, 4, 4.0)}
    read(path, weights, lambda lora: assert_adds(lora, wanted))


def test_strengths_of_the_networks(weights: dict[str, EngineTensor], tmp_path: Path) -> None:
    """Each network has its own; strength 0 leaves its adapters out."""
    layers = (LINEAR, TEXT_LAYERS[0])
    arrays = lora_arrays(SHAPES, layers, Dialect.KOHYA, rank=4, alpha=4.0)

    def check(lora: Lora) -> None:
        scales = {adapter.name: adapter.scale for adapter in lora.scaled(0.5, -0.25)}
        assert scales == {engine_name(LINEAR): 0.5, engine_name(TEXT_LAYERS[0]): -0.25}
        assert [a.name for a in lora.scaled(1, 0)] == [engine_name(LINEAR)]
        assert lora.scaled(0, 0) == []

    read(write_lora(tmp_path / "x.safetensors", arrays), weights, check)


def test_what_is_left_out_is_counted(weights: dict[str, EngineTensor], tmp_path: Path) -> None:
    """Layers that the model lacks and kinds that are not known; the rest is used."""
    arrays = lora_arrays(SHAPES, (LINEAR,), Dialect.KOHYA, rank=4, alpha=4.0)
    stray = lora_arrays(SHAPES, TEXT_LAYERS[:3], Dialect.KOHYA, rank=4, alpha=4.0)
    arrays |= {name.replace("layers_0", "layers_11"): array for name, array in stray.items()}
    arrays["lora_unet_out_2.oft_blocks"] = random("oft", 2, 4, 4)

    def check(lora: Lora) -> None:
        assert (len(lora.adapters), lora.layers) == (1, 5)
        missing, unknown = lora.left_out
        assert missing.startswith("3 layers which this model does not have (lora_te_text_model_")
        assert unknown == "1 layer of a kind not known (lora_unet_out_2)"

    read(write_lora(tmp_path / "x.safetensors", arrays), weights, check)


KOHYA_LINEAR = spelled(LINEAR, Dialect.KOHYA)
DOWN, UP = f"{KOHYA_LINEAR}.lora_down.weight", f"{KOHYA_LINEAR}.lora_up.weight"


def fine() -> Arrays:
    """A LoRA that is in order."""
    return dict(lora_arrays(SHAPES, (LINEAR,), Dialect.KOHYA, rank=4, alpha=4.0))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"lora_te2_text_model_x.lora_up.weight": random("x", 2, 2)}, "for Stable Diffusion XL"),
        ({"lora_unet_double_blocks_0_x.lora_up.weight": random("x", 2, 2)}, "for FLUX"),
        (fine() | {DOWN: random("x", 4, 2048)}, "another model .*4x2048.*this model's is 64x192"),
        (fine() | {UP: random("x", 320, 4)}, "another model"),
        (fine() | {UP: random("x", 4, 64)}, "another model"),
        (fine() | {DOWN: random("x", 0, 192)}, "another model"),
        (fine() | {DOWN: random("x", 4, 192).astype(np.float32)}, "number format"),
        (fine() | {DOWN: np.zeros((4, 192), np.int32), UP: np.zeros((64, 4), np.int32)}, "number"),
        ({DOWN: fine()[DOWN]}, "lacks the part up"),
        (fine() | {f"{KOHYA_LINEAR}.alpha": np.array([1, 2], np.float16)}, "is not a number"),
        (fine() | {f"{KOHYA_LINEAR}.alpha": np.array(np.nan, np.float16)}, "no number"),
        (fine() | {f"{KOHYA_LINEAR}.dora_scale": random("x", 64, 1)}, "is a DoRA"),
        ({"weird.tensor": random("x", 3)}, "no LoRA of a kind"),
        ({"lora_unet_nothing.lora_up.weight": random("x", 3, 3)}, "none of its layers"),
        ({f"{KOHYA_LINEAR}.diff_b": random("x", 64)}, "changes unet.*bias, which is not there"),
        ({f"{KOHYA_LINEAR}.lokr_w1": random("x", 5, 7)}, "another model"),
        ({f"{KOHYA_LINEAR}.lokr_w1": random("x", 8, 4)}, "lacks the part w2_a"),
    ],
)
def test_files_that_do_not_fit(
    arrays: Arrays, words: str, weights: dict[str, EngineTensor], tmp_path: Path
) -> None:
    """Each is refused with one printable sentence."""
    path = write_lora(tmp_path / "x.safetensors", arrays)
    with open_checkpoint(path) as checkpoint, pytest.raises(CheckpointError, match=words) as caught:
        read_lora(checkpoint, weights)
    assert str(caught.value).isprintable() and str(caught.value).endswith(".")
