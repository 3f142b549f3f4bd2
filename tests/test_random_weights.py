"""The numbers that all goldens rest on: if these move, so does every golden."""

import hashlib
import json
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import pytest

from tests.random_weights import (
    SD15,
    SDXL,
    TEXT2,
    TEXT_XL,
    TINY,
    UNET,
    VAE,
    WeightDtype,
    checkpoint_specs,
    normal,
    to_stored,
    write_checkpoint,
    write_empty_checkpoint,
)


def test_numbers_depend_on_the_name_alone() -> None:
    first = normal("a name", (5,))
    assert np.array_equal(normal("a name", (7,))[:5], first)
    assert not np.array_equal(normal("another", (5,)), first)
    digest = hashlib.sha256(normal("a name", (1000,)).astype("<f4").tobytes()).hexdigest()
    assert digest.startswith("0e38a2eb9e3e08df")


def test_numbers_are_nearly_normal() -> None:
    values = normal("many", (100_000,)).astype(np.float64)
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.01
    assert abs((np.abs(values) < 1).mean() - 0.683) < 0.02


@pytest.mark.parametrize(
    ("dtype", "value", "bits"),
    [
        (WeightDtype.BF16, 1.0, 0x3F80),
        (WeightDtype.BF16, 1.00390625, 0x3F80),  # half way, to even
        (WeightDtype.BF16, 1.01171875, 0x3F82),
        (WeightDtype.F8_E4M3, 1.0, 0x38),
        (WeightDtype.F8_E4M3, -448.0, 0xFE),
        (WeightDtype.F8_E4M3, 2.0**-9, 0x01),
        (WeightDtype.F8_E4M3, 1.0625, 0x38),  # half way, to even
        (WeightDtype.F8_E4M3, 1.1875, 0x3A),
        (WeightDtype.F8_E5M2, 1.0, 0x3C),
        (WeightDtype.F8_E5M2, -57344.0, 0xFB),
        (WeightDtype.F8_E5M2, 0.0, 0x00),
    ],
)
def test_rounding(dtype: WeightDtype, value: float, bits: int) -> None:
    assert to_stored(np.array([value], np.float32), dtype)[0] == bits


def test_default_sizes_are_those_of_stable_diffusion_1() -> None:
    specs = list(checkpoint_specs(SD15))
    unet = [spec for spec in specs if spec.name.startswith("model.")]
    text = [spec for spec in specs if spec.name.startswith("cond_stage_model.")]
    assert (len(unet), len(text), len(specs)) == (686, 196, 1130)
    assert sum(prod(spec.shape) for spec in unet) == 859_520_964
    assert sum(prod(spec.shape) for spec in text) == 123_060_480
    assert sum(prod(spec.shape) for spec in specs) == 859_520_964 + 123_060_480 + 83_653_863


def test_sizes_of_sdxl_are_those_of_its_base_model() -> None:
    counts = {UNET: 2_567_463_684, TEXT_XL: 123_060_480, TEXT2: 694_659_840, VAE: 83_653_863}
    specs = list(checkpoint_specs(SDXL))
    for prefix, count in counts.items():
        assert sum(prod(spec.shape) for spec in specs if spec.name.startswith(prefix)) == count
    assert len(specs) == 1680 + 196 + 389 + 248
    assert (SDXL.context_width, SDXL.vector_width) == (2048, 2816)


def test_an_empty_checkpoint_is_as_long_as_a_full_one(tmp_path: Path) -> None:
    full, empty = tmp_path / "full.safetensors", tmp_path / "empty.safetensors"
    write_checkpoint(full, replace(TINY, vocabulary=100), WeightDtype.F16)
    write_empty_checkpoint(empty, replace(TINY, vocabulary=100))
    data, zeros = full.read_bytes(), empty.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    assert zeros[:start] == data[:start]
    assert zeros[start:] == bytes(len(data) - start)


@pytest.mark.parametrize(("dtype", "size"), [(WeightDtype.F32, 4), (WeightDtype.F8_E5M2, 1)])
def test_file_is_as_long_as_its_header_says(dtype: WeightDtype, size: int, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, replace(TINY, vocabulary=100), dtype)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert header.pop("__metadata__")["aquatint.unet_heads"] == "8"
    assert len(data) == 8 + length + max(entry["data_offsets"][1] for entry in header.values())
    assert sum(size * prod(entry["shape"]) for entry in header.values()) == len(data) - 8 - length
