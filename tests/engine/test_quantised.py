"""A model whose weights are in block formats, in the engine."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.engine import BadModel, Engine
from app.engine.types import Dtype
from tests.engine.model_setup import MINI, Store, open_model, psnr_db, request
from tests.graph.block_formats import quantised
from tests.random_loras import layer_shapes
from tests.tolerances import Q8_0_PSNR_DB

TABLE = "text.embeddings.token_embedding.weight"
TEXT = "text.encoder.layers.0.self_attn.q_proj.weight"  # [192, 192]
NARROW = "unet.input_blocks.0.0.weight"  # [64, 4, 3, 3]
BLOCK = 32


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all tests."""
    with Engine() as opened:
        yield opened


def _stores(dtype: Dtype, is_read_back: bool) -> dict[str, Store]:
    """Each weight whose rows are whole blocks, in blocks, or in f16 with their numbers."""

    def in_blocks(values: NDArray[np.float16]) -> NDArray[np.uint8]:
        return quantised(dtype.name, np.atleast_2d(values)).bits

    def read_back(values: NDArray[np.float16]) -> NDArray[np.float16]:
        return quantised(dtype.name, np.atleast_2d(values)).values.astype(np.float16)

    store = (Dtype.F16, read_back) if is_read_back else (dtype, in_blocks)
    return {
        f"{name}.weight": store
        for name, shape in layer_shapes(MINI).items()
        if np.prod(shape[1:]) % BLOCK == 0 and len(shape) > 1
    }


@pytest.mark.parametrize("dtype", [Dtype.Q8_0, Dtype.Q4_1])
def test_picture_and_plan(engine: Engine, dtype: Dtype) -> None:
    """The latents of its numbers in f16, bit for bit, and their memory to the byte."""
    stores = [_stores(dtype, is_read_back) for is_read_back in (True, False)]
    assert len(stores[0]) > 100
    results = []
    for store in stores:
        with open_model(engine, store=store) as model:
            plan = model.plan(request())
            latents = model.generate(request()).latents
            weights = plan.text_weights + plan.unet_weights + plan.vae_weights
            arena = max(plan.text_activations, plan.denoise_activations, plan.decode_activations)
            assert engine.device().allocated_bytes == weights + arena + plan.workspace
            results.append((latents, plan))
    assert results[0] == results[1]


def test_a_gguf_file_draws_what_the_file_in_f16_does(engine: Engine, mini_gguf: Path) -> None:
    """The picture is that of the small model as it is, as far as Q8_0 lets it."""
    wished = request(width=128, height=128)
    with open_model(engine) as model:
        wanted = model.generate(wished)
    with open_model(engine, mini_gguf) as model:
        got = model.generate(wished)
    assert psnr_db(got, wanted) >= Q8_0_PSNR_DB


@pytest.mark.parametrize(("name", "dtype"), [(TEXT, Dtype.Q4_K), (NARROW, Dtype.Q8_0)])
def test_rows_that_are_no_whole_blocks_are_refused(engine: Engine, name: str, dtype: Dtype) -> None:
    """The engine would read past a row's end."""
    store: dict[str, Store] = {name: (dtype, lambda values: np.zeros(values.nbytes, np.uint8))}
    with (
        pytest.raises(BadModel, match=f"{name} has rows that are no whole blocks"),
        open_model(engine, store=store),
    ):
        pass
