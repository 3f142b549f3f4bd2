"""Weights in ggml's block formats on the CPU backend: bit for bit what the gguf package reads."""

import numpy as np
import pytest

from tests.graph import op_references as reference
from tests.graph.block_formats import (
    BLOCK_FORMATS,
    LARGEST,
    numbers_of_a_block,
    random_weight,
    unit_rows,
)
from tests.graph.op_probe import Op, Setting, run_ops, usable_isas
from tests.graph.storages import rounded
from tests.tolerances import op_tolerance, relative_error

by_format = pytest.mark.parametrize("name", BLOCK_FORMATS)
by_isa = pytest.mark.parametrize("isa", usable_isas().values(), ids=usable_isas().keys())


@by_isa
@by_format
def test_table(name: str, isa: int) -> None:
    """Rows of an embedding are read in place; scales are as large as a half is."""
    table = random_weight(name, 9, 1280, largest=LARGEST)
    ids = np.array([4, 0, 8, 8, 3], np.int32).reshape(1, 1, 5, 1)
    got = run_ops([Op(name="embedding", inputs=(ids,), weights=(table,))], Setting(isa=isa)).out
    np.testing.assert_array_equal(got[0, 0], table.values[ids.reshape(-1)])


@by_isa
@pytest.mark.parametrize("out", [40, 29], ids=str)
@by_format
def test_matrix(name: str, out: int, isa: int) -> None:
    """Packed once, rounded to f16 once; with and without columns in eights."""
    w = random_weight(name, out, 768)
    op = Op(name="linear", inputs=(unit_rows(768),), weights=(w,), args={"act": "none"})
    got = run_ops([op], Setting(isa=isa, threads=3)).out
    np.testing.assert_array_equal(got[0, 0], w.values.astype(np.float16).T)


@by_format
def test_matrix_in_bf16(name: str) -> None:
    """Where products are of bf16 numbers, it is rounded to bf16 from f32, not from f16."""
    w = random_weight(name, 48, 512)
    op = Op(name="linear", inputs=(rounded(unit_rows(512)),), weights=(w,), args={"act": "none"})
    got = run_ops([op], Setting(storage="bf16", threads=3)).out
    np.testing.assert_array_equal(got[0, 0], rounded(w.values).T)


@by_format
def test_vector_and_geglu(name: str) -> None:
    """A bias is f32; values and gates of a GEGLU lie apart."""
    size = numbers_of_a_block(name)
    w = random_weight(name, 512, size, largest=0.01)
    bias = random_weight(name, 512, seed=5, largest=0.01)
    x = np.random.default_rng(1).standard_normal((1, 1, 7, size)).astype(np.float32) / 64
    op = Op(name="linear", inputs=(x,), weights=(w, bias), args={"act": "geglu"})
    wanted = reference.linear(x, w.values.astype(np.float16), bias.values, None, "geglu")
    got = run_ops([op], Setting()).out
    assert relative_error(got, wanted) <= op_tolerance(got)
    x[:] = 0  # what is left is the bias
    zeros = Op(name="linear", inputs=(x,), weights=(w, bias), args={"act": "none"})
    np.testing.assert_array_equal(run_ops([zeros], Setting()).out[0, 0, 3], bias.values)


@by_isa
@by_format
def test_convolution(name: str, isa: int) -> None:
    """Blocks go over the taps and over channels; more channels than are unpacked at a time."""
    w = random_weight(name, 3, 2048, 3, 3, largest=0.01)
    x = np.random.default_rng(2).standard_normal((1, 4, 5, 2048)).astype(np.float32) / 1024
    args = {"act": "none", "stride": 1, "pad": 1, "upsample": 0, "out_h": 4, "out_w": 5}
    got = run_ops([Op(name="conv2d", inputs=(x,), weights=(w,), args=args)], Setting(isa=isa)).out
    wanted = reference.conv2d(
        x, w.values.astype(np.float16), size=(4, 5), stride=1, pad=1, upsample=False
    )
    assert relative_error(got, wanted) <= op_tolerance(got)
