"""Numbers that run out of range: rerun in f32 where f16 was the cause, else one sentence."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.engine import Engine, NonFinite
from app.engine.types import Dtype
from tests.engine.model_setup import Edit, open_model, request

Half = NDArray[np.float16]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The CPU backend at its best."""
    with Engine() as opened:
        yield opened


def enlarge(layer: str) -> Edit:
    """An edit that makes one convolution's outputs overflow f16; the norm behind it undoes it."""

    def edit(name: str, values: Half) -> Half:
        if name.startswith(layer) and name.endswith(("weight", "bias")):
            return np.clip(values.astype(np.float32) * 60000, -65000, 65000).astype(np.float16)
        return values

    return edit


def poison(layer: str) -> Edit:
    """An edit that puts one NaN into a weight."""

    def edit(name: str, values: Half) -> Half:
        if name != f"{layer}.weight":
            return values
        changed = values.copy()
        changed.flat[0] = np.nan
        return changed

    return edit


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        ("unet.input_blocks.1.0.in_layers.2", "unet.input_blocks.1.0.out_layers.0"),
        ("vae.decoder.mid.block_1.conv1", "vae.decoder.mid.block_1.norm2"),
    ],
)
def test_overflow_in_f16_is_rerun_in_f32(engine: Engine, layer: str, named: str) -> None:
    with open_model(engine, edit=enlarge(layer)) as model:
        wide = model.generate(request())
        rerun = model.generate(request(precision=Dtype.F16))
    assert wide.note == ""
    assert named in rerun.note
    assert "rerun in f32" in rerun.note
    difference = np.frombuffer(wide.pictures[0], np.uint8).astype(float) - np.frombuffer(
        rerun.pictures[0], np.uint8
    )
    assert np.abs(difference).mean() < 3


def test_f16_alone_gives_nearly_the_same_picture_without_a_note(engine: Engine) -> None:
    with open_model(engine) as model:
        wide, short = (model.generate(request(precision=p)) for p in (Dtype.F32, Dtype.F16))
    assert short.note == ""
    a, b = (np.frombuffer(output.latents, "<f4") for output in (wide, short))
    assert 0 < np.linalg.norm(a - b) / np.linalg.norm(a) < 2e-2


@pytest.mark.parametrize("precision", [Dtype.F32, Dtype.F16])
@pytest.mark.parametrize(
    ("layer", "named"),
    [
        ("text.encoder.layers.2.mlp.fc1", "text.encoder.layers.3.layer_norm1"),
        ("unet.middle_block.0.in_layers.2", "unet.middle_block.0.out_layers.0"),
        ("unet.out.2", "unet.out.2"),
        ("vae.decoder.conv_out", "vae.decoder.conv_out"),
    ],
)
def test_a_broken_weight_gives_a_sentence_and_no_picture(
    engine: Engine, layer: str, named: str, precision: Dtype
) -> None:
    with (
        open_model(engine, edit=poison(layer)) as model,
        pytest.raises(NonFinite, match=named.replace(".", r"\.")),
    ):
        model.generate(request(precision=precision))


def test_the_engine_goes_on_after_a_broken_model(engine: Engine) -> None:
    with open_model(engine, edit=poison("unet.out.2")) as model, pytest.raises(NonFinite):
        model.generate(request())
    with open_model(engine) as model:
        assert np.isfinite(np.frombuffer(model.generate(request()).latents, "<f4")).all()
