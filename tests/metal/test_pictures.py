"""The small model from end to end on the simulated GPU, beside the CPU backend."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.engine.types import (
    BackendName,
    Dtype,
    GenerationInput,
    Phase,
    Preview,
    Progress,
    PromptTokens,
    Sampler,
)
from tests.engine.model_setup import MINI, MINI_TAESD, open_model, prompt, psnr_db, request
from tests.metal import simulated_engine
from tests.metal.modes import BF16_FAMILY
from tests.metal.test_tuning import LINE
from tests.metal_sim import simulator
from tests.random_weights import PRUNED_XL, WeightDtype, write_checkpoint
from tests.tolerances import Q8_0_PSNR_DB

# As tests/engine/test_whole_runs.py has it: above 40 dB nothing is to be seen.
PSNR_DB = {Dtype.F16: 40.0, Dtype.F32: 60.0}
BF16_PSNR_DB = 24.0  # likewise: as the CPU's bf16
REQUESTS = {
    "text to picture": request(),
    "batch": request(batch_count=2, steps=1),
    "long prompt, other sampler": request(prompt=prompt(736, 3055, chunks=2), sampler=Sampler.LCM),
    "no guidance, odd size": request(cfg_scale=1.0, width=104, height=72),
    "init image": request(
        init_image=bytes(i * 7 % 251 for i in range(64 * 64 * 3)), denoise_strength=0.6, steps=3
    ),
}


@pytest.fixture(scope="module")
def bf16(engine_module: ModuleType) -> Iterator[Any]:
    """An engine on a simulated GPU that has bf16."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLSIM_FAMILY", str(BF16_FAMILY))  # read as the device is made
        engine = engine_module.Engine(backend=BackendName.METAL)
    with engine:
        yield engine


@pytest.mark.parametrize("precision", PSNR_DB)
@pytest.mark.parametrize("wished", REQUESTS.values(), ids=REQUESTS)
def test_the_picture_is_the_cpu_s(
    metal: Any, cpu: Any, wished: GenerationInput, precision: Dtype
) -> None:
    with open_model(cpu) as model:
        wanted = model.generate(wished)
    with open_model(metal) as model:
        got = model.generate(replace(wished, precision=precision))
    assert got.note == ""
    assert psnr_db(got, wanted) >= PSNR_DB[precision]
    assert metal.report().fallbacks == ()


def test_a_gguf_file_draws_what_the_file_in_f16_does(metal: Any, cpu: Any, mini_gguf: Path) -> None:
    """Its weights are unpacked by kernels; beside the CPU with it, and with the file in f16."""
    wished = request(width=128, height=128)
    with open_model(metal, mini_gguf) as model:
        got = model.generate(replace(wished, precision=Dtype.F16))
    assert metal.report().fallbacks == ()
    for path, bound in ((mini_gguf, PSNR_DB[Dtype.F16]), (MINI, Q8_0_PSNR_DB)):
        with open_model(cpu, path) as model:
            assert psnr_db(got, model.generate(wished)) >= bound


@pytest.mark.parametrize("wished", REQUESTS.values(), ids=REQUESTS)
def test_the_picture_in_bf16(bf16: Any, cpu: Any, wished: GenerationInput) -> None:
    """By the bf16 library."""
    with open_model(cpu) as model:
        wanted = model.generate(wished)
    with open_model(bf16) as model:
        got = model.generate(replace(wished, precision=Dtype.BF16))
    assert got.note == ""
    assert psnr_db(got, wanted) >= BF16_PSNR_DB
    assert bf16.report().fallbacks == ()


def test_bf16_between_two_pictures_in_f16(bf16: Any) -> None:
    """Weights are packed anew each time."""
    wished = request(precision=Dtype.F16)
    with open_model(bf16) as model:
        before = model.generate(wished)
        between = model.generate(replace(wished, precision=Dtype.BF16))
        after = model.generate(wished)
    assert between.pictures != before.pictures
    assert after.pictures == before.pictures


def test_sdxl_is_the_cpu_s(metal: Any, cpu: Any, tmp_path: Path) -> None:
    """Two text encoders, a vector, heads of 64 channels; its VAE stays in f32."""
    path = tmp_path / "pruned_xl.safetensors"
    write_checkpoint(path, PRUNED_XL, WeightDtype.F16)
    words = prompt(736, 3055)
    wished = request(
        prompt=replace(words, tokens2=words.tokens),
        negative_prompt=PromptTokens(tokens=(), weights=()),
        batch_count=2,
        steps=1,
    )
    with open_model(cpu, path) as model:
        wanted = model.generate(wished)
    for precision, least_db in PSNR_DB.items():
        with open_model(metal, path) as model:
            got = model.generate(replace(wished, precision=precision))
        assert got.note == ""
        assert psnr_db(got, wanted) >= least_db
    assert metal.report().fallbacks == ()


def test_a_late_gpu_is_waited_for(metal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_model(metal) as model:
        wanted = model.generate(request(precision=Dtype.F16))
        monkeypatch.setenv("MTLSIM_LATE", "3")
        got = model.generate(request(precision=Dtype.F16))
    assert got.pictures == wanted.pictures


def test_the_first_job_takes_few_command_buffers(
    engine_module: ModuleType, control: simulator.Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some 900 weights go by 64; a fast GPU takes a part of the network as one portion.

    One that need not be timed first.
    """
    monkeypatch.setenv("MTLSIM_SPEED", "1000")
    wished = request(precision=Dtype.F16, steps=1, cfg_scale=1.0)
    opened = engine_module.Engine(backend=BackendName.METAL, tuning=LINE)
    with opened as engine, open_model(engine) as model:
        counts = [control.counter("command_buffers")]
        for _ in range(2):
            model.generate(wished)
            counts.append(control.counter("command_buffers"))
    first, second = np.diff(counts)
    assert second <= 8
    assert first - second <= 24


def previews(engine: Any, wished: GenerationInput) -> list[np.ndarray]:
    """What is shown after each step."""
    seen: list[Progress] = []
    with open_model(engine, taesd=MINI_TAESD) as model:
        model.generate(wished, seen.append)
    steps = [progress for progress in seen if progress.phase is Phase.DENOISE and progress.step]
    assert [progress.step for progress in steps] == [1, 2]
    return [np.frombuffer(progress.preview or b"", np.uint8).astype(float) for progress in steps]


@pytest.mark.parametrize("preview", [Preview.LATENT_RGB, Preview.TAESD])
def test_previews_are_the_cpu_s(metal: Any, cpu: Any, preview: Preview) -> None:
    """Of each picture; by as much as the pictures may differ."""
    wished = request(preview=preview, batch_count=2)
    for precision, least_db in PSNR_DB.items():
        shown = previews(metal, replace(wished, precision=precision))
        for got, wanted in zip(shown, previews(cpu, wished), strict=True):
            assert wanted.std() > 10  # a picture, not one grey
            assert 10 * np.log10(255**2 / max(np.mean((got - wanted) ** 2), 1e-9)) >= least_db
    assert metal.report().fallbacks == ()


def test_the_cpu_makes_previews_where_the_gpu_cannot(
    engine_module: ModuleType, control: simulator.Control, cpu: Any
) -> None:
    control.set_faults("pipeline=latent_rgb")
    wished = request(preview=Preview.LATENT_RGB)
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        assert [row.op for row in engine.report().fallbacks] == ["latent_rgb"]
        for got, wanted in zip(previews(engine, wished), previews(cpu, wished), strict=True):
            assert np.abs(got - wanted).max() <= 1


def test_a_cancel_is_answered_soon(engine_module: ModuleType, metal: Any) -> None:
    """The real bound is 100 ms of a GPU; here the simulator's slowness is in it."""
    began = threading.Event()
    asked_at = 0.0

    def cancel() -> None:
        nonlocal asked_at
        began.wait()
        asked_at = time.monotonic()
        metal.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()

    def show(progress: Progress) -> None:
        if progress.phase is Phase.DENOISE:
            began.set()

    with open_model(metal) as model:
        with pytest.raises(engine_module.Cancelled):
            model.generate(request(width=256, height=256, steps=30, precision=Dtype.F16), show)
        answered_s = time.monotonic() - asked_at
        thread.join()
        assert answered_s < 3.0
        assert model.generate(request(precision=Dtype.F16)).pictures


def test_the_forecast_is_what_is_held(
    engine_module: ModuleType, control: simulator.Control
) -> None:
    """By the engine's count, and by the device's, where small weights round up to whole MiB."""
    wished = request(precision=Dtype.F16)
    others = control.counter("allocated_bytes")
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        idle = control.counter("allocated_bytes")
        assert idle - others < 1 << 12
        with open_model(engine) as model:
            plan = model.plan(wished)
            model.generate(wished)
            arena = max(plan.text_activations, plan.denoise_activations, plan.decode_activations)
            weights = plan.text_weights + plan.unet_weights + plan.vae_weights
            held = engine.device().allocated_bytes
            assert held == weights + arena + plan.workspace
            assert control.counter("allocated_bytes") - idle <= held + (2 << 20)
            model.release_weights()
            assert engine.device().allocated_bytes == 0
            assert control.counter("allocated_bytes") == idle


def test_least_memory_gives_each_part_back(metal: Any, control: simulator.Control) -> None:
    most = 0

    def look(progress: Progress) -> None:
        nonlocal most
        most = max(most, metal.device().allocated_bytes)

    wished = request(precision=Dtype.F16, release_weights=True)
    with open_model(metal) as model:
        plan = model.plan(wished)
        kept = model.plan(request(precision=Dtype.F16))
        model.generate(wished, look)
        assert metal.device().allocated_bytes == 0
    assert plan.peak < kept.peak
    assert most <= plan.peak


def test_a_forecast_needs_no_device(engine_module: ModuleType, metal: Any) -> None:
    wished = request(precision=Dtype.F16)
    with open_model(metal) as model:
        wanted = model.plan(wished)
    planner = engine_module.Engine(backend=BackendName.METAL, plans_only=True)
    with planner, open_model(planner) as model:
        assert model.plan(wished) == wanted
        with pytest.raises(engine_module.BadArgument, match="only plans"):
            model.generate(wished)


def test_a_part_that_overflows_is_rerun_in_f32(metal: Any) -> None:
    """As on the CPU: a convolution whose outputs leave f16, before a norm that undoes it."""

    def enlarge(name: str, values: np.ndarray) -> np.ndarray:
        if name.startswith("unet.input_blocks.1.0.in_layers.2"):
            return np.clip(values.astype(np.float32) * 60000, -65000, 65000).astype(np.float16)
        return values

    with open_model(metal, edit=enlarge) as model:
        wide = model.generate(request(precision=Dtype.F32))
        rerun = model.generate(request(precision=Dtype.F16))
    assert "unet.input_blocks.1.0.out_layers.0" in rerun.note
    assert psnr_db(rerun, wide) > PSNR_DB[Dtype.F32]


def test_the_command_line_makes_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "apple.png"
    wish = ["red apple", "--steps", "2", "--width", "64", "--height", "64", "--seed", "3"]
    made = simulated_engine.run(
        ["-m", "app", "generate", *wish, "--backend", "metal", "--output", str(picture)],
        {"AQUATINT_HOME": os.environ["AQUATINT_HOME"]},
    )
    assert made.returncode == 0, made.stderr
    with Image.open(picture) as opened:
        assert opened.size == (64, 64)


def test_the_command_line_tells_of_the_gpu() -> None:
    told = simulated_engine.run(["-m", "app", "diagnose", "--backend", "auto"])
    assert told.returncode == 0, told.stderr
    for words in ("GPU family Apple7", "library core (MSL 3.0) ready", "pipeline attention_f16_40"):
        assert words in told.stdout
    assert "All 12 passed." in told.stdout
