"""The forecast is what is taken, and what is taken is given back."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.engine import Engine, OutOfMemory
from app.engine.types import Preview
from tests.engine.model_setup import MINI, MINI_TAESD, open_model, request

SCRIPT = Path(__file__).with_name("measure_memory.py")
ROOT = SCRIPT.parents[2]


def test_the_arena_takes_what_was_forecast() -> None:
    source = request(width=256, height=192, preview=Preview.TAESD, batch_count=2)
    with Engine() as engine, open_model(engine, taesd=MINI_TAESD) as model:
        plan = model.plan(source)
        model.generate(source)
        arena = max(plan.text_activations, plan.denoise_activations, plan.decode_activations)
        weights = plan.text_weights + plan.unet_weights + plan.vae_weights + plan.taesd_weights
        assert engine.device().allocated_bytes == weights + arena + plan.workspace
        model.release_weights()
        assert engine.device().allocated_bytes == plan.workspace


@pytest.mark.parametrize("init_image", [None, bytes(512 * 384 * 3)])
def test_tiles_take_what_was_forecast_and_less_than_the_whole(init_image: bytes | None) -> None:
    whole = request(width=512, height=384, init_image=init_image, denoise_strength=0.5, steps=2)
    tiled = replace(whole, vae_tile=24)
    with Engine() as engine, open_model(engine) as model:
        plan = model.plan(tiled)
        assert plan.decode_activations < model.plan(whole).decode_activations / 3
        model.generate(tiled)
        arena = max(plan.text_activations, plan.denoise_activations, plan.decode_activations)
        weights = plan.text_weights + plan.unet_weights + plan.vae_weights
        assert engine.device().allocated_bytes == weights + arena + plan.workspace


def test_previews_in_tiles_take_what_was_forecast_and_less_than_whole_ones() -> None:
    whole = request(width=512, height=512, preview=Preview.TAESD, steps=1, cfg_scale=1.0)
    tiled = replace(whole, preview_tile=24, vae_tile=24)
    with Engine() as engine, open_model(engine, taesd=MINI_TAESD) as model:
        plan = model.plan(tiled)
        assert plan.denoise_activations < model.plan(whole).denoise_activations
        model.generate(tiled)
        arena = max(plan.text_activations, plan.denoise_activations, plan.decode_activations)
        weights = plan.text_weights + plan.unet_weights + plan.vae_weights + plan.taesd_weights
        assert engine.device().allocated_bytes == weights + arena + plan.workspace


def test_planning_reads_no_weight() -> None:
    with Engine() as engine, open_model(engine) as model:
        before = engine.device().allocated_bytes
        plan = model.plan(request(width=2048, height=2048))
        assert engine.device().allocated_bytes == before
        assert plan.peak > 1 << 30


@pytest.mark.parametrize("batch_count", [1, 2])
def test_activations_grow_with_the_picture_and_weights_do_not(batch_count: int) -> None:
    with Engine() as engine, open_model(engine) as model:
        small = model.plan(request(width=256, height=256, batch_count=batch_count))
        large = model.plan(request(width=512, height=512, batch_count=batch_count))
    assert large.unet_weights == small.unet_weights
    assert 3.5 < large.decode_activations / small.decode_activations < 4.5


def test_releasing_weights_lowers_the_peak() -> None:
    with Engine() as engine, open_model(engine) as model:
        kept = model.plan(request(width=256, height=256))
        released = model.plan(request(width=256, height=256, release_weights=True))
    assert released.peak < kept.peak


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("options", [(), ("--release",), ("--release", "--tiles")])
def test_resident_growth_is_within_5_percent_of_the_forecast(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    """Of a file written at once: it lies in large folios, which a fault maps as a whole."""
    model = tmp_path / MINI.name
    model.write_bytes(MINI.read_bytes())
    command = [sys.executable, str(SCRIPT), str(model), *options]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    figures = json.loads(printed.stdout)
    assert figures["measured"] == pytest.approx(figures["forecast"], rel=0.05)


def test_no_room_for_the_result_is_a_sentence_and_the_model_stays() -> None:
    with Engine() as engine, open_model(engine) as model:
        with pytest.raises(OutOfMemory, match=r"no memory for a picture of this size \(.* MB\)"):
            model.generate(request(width=1 << 30, height=1 << 30))
        assert model.generate(request()).pictures
