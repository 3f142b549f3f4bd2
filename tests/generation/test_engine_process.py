"""The real engine with the mini model in its own process: pictures, cancel, crash, refusal."""

import dataclasses
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app.engine.engine import Engine
from app.engine.types import Phase
from app.generation import engine_client
from app.generation.add_ons import AddOns
from app.generation.engine_child import engine_command
from app.generation.engine_client import EngineClient
from app.generation.messages import Failed, Finished, Memory, Planned, Progress, Ready
from app.generation.picture_maker import PictureMaker
from app.generation.request import GenerationRequest, InpaintArea
from app.paths import resource_path
from tests.generation import breaking_engine
from tests.random_loras import Dialect, layer_shapes, lora_arrays, write_lora
from tests.random_weights import UNET

LIMIT_MS = 60_000
REQUEST = GenerationRequest(prompt="a red apple", steps=3, seed=7, width=128, height=128)
LONG = GenerationRequest(prompt="a red apple", steps=1000, seed=7)
CANCEL_LIMIT_SECONDS = 0.5  # 100 ms is the engine's promise; the machine of a test may be busy

Make = Callable[[Callable[[int], list[str]]], EngineClient]


@pytest.fixture
def make_client(qtbot: QtBot) -> Iterator[Make]:
    made: list[EngineClient] = []

    def make(command: Callable[[int], list[str]] = engine_command) -> EngineClient:
        made.append(EngineClient(command=command))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Make) -> EngineClient:
    return make_client(engine_command)


def end_of(
    client: EngineClient, qtbot: QtBot, job_id: str, request: GenerationRequest = REQUEST
) -> Finished | Failed:
    ends: list[Finished | Failed] = []
    client.finished.connect(ends.append)
    client.failed.connect(ends.append)
    client.start(job_id, request)
    qtbot.waitUntil(lambda: bool(ends), timeout=LIMIT_MS)
    client.finished.disconnect(ends.append)
    client.failed.disconnect(ends.append)
    return ends[0]


def first_step(client: EngineClient, qtbot: QtBot, request: GenerationRequest) -> None:
    """Begins the job "long" and waits until its first step is done."""
    with qtbot.waitSignal(
        client.progressed, timeout=LIMIT_MS, check_params_cb=lambda progress: progress.step > 0
    ):
        client.start("long", request)


def test_a_patched_picture_and_its_previews_have_the_first_one_s_size(
    client: EngineClient, qtbot: QtBot, tmp_path: Path
) -> None:
    Image.new("RGB", (150, 90), "green").save(tmp_path / "first.png")
    Image.new("L", (150, 90), 255).save(tmp_path / "mask.png")
    files = {"init_image": tmp_path / "first.png", "mask_image": tmp_path / "mask.png"}
    steps: list[Progress] = []
    client.progressed.connect(steps.append)
    request = dataclasses.replace(REQUEST, **files, inpaint_area=InpaintArea.ONLY_MASKED)
    end = end_of(client, qtbot, "job", request)
    assert isinstance(end, Finished)
    shown = [end.pictures, *(step.preview for step in steps if step.preview)]
    assert len(shown) > 1
    assert {(pixels.width, pixels.height) for pixels in shown} == {(150, 90)}
    assert {len(pixels.pictures[0]) for pixels in shown} == {150 * 90 * 3}


def test_ready_names_the_device_and_its_checks(client: EngineClient, qtbot: QtBot) -> None:
    with qtbot.waitSignal(client.ready, timeout=LIMIT_MS) as ready:
        pass
    message: Ready = ready.args[0]
    assert message.device.backend
    assert message.checks
    assert all(check.passed for check in message.checks)


def test_the_pictures_are_those_of_the_command_line(client: EngineClient, qtbot: QtBot) -> None:
    steps: list[Progress] = []
    client.progressed.connect(steps.append)
    end = end_of(client, qtbot, "job")
    with Engine() as engine, PictureMaker(engine) as maker:
        made = maker.generate(REQUEST)
    assert isinstance(end, Finished)
    assert end.pictures.pictures == made.output.pictures
    assert end.request == made.request
    assert (end.model, end.model_sha256) == (made.model, made.model_sha256)
    denoise = [step for step in steps if step.phase is Phase.DENOISE]
    assert [step.step for step in denoise] == [0, 1, 2, 3]
    assert denoise[-1].preview
    assert len(denoise[-1].preview.pictures[0]) == 128 * 128 * 3
    assert denoise[-1].it_per_second
    assert denoise[-1].seconds_left


def test_the_time_left_is_known_from_an_earlier_job(client: EngineClient, qtbot: QtBot) -> None:
    first: list[Progress] = []
    end_of(client, qtbot, "one")
    client.progressed.connect(first.append)
    end_of(client, qtbot, "two")
    assert first[0].seconds_left


def test_cancel_is_answered_at_once(client: EngineClient, qtbot: QtBot) -> None:
    first_step(client, qtbot, LONG)
    begin = time.monotonic()
    with qtbot.waitSignal(client.failed) as failed:
        client.cancel("long")
    assert time.monotonic() - begin < CANCEL_LIMIT_SECONDS
    assert failed.args[0] == Failed(job_id="long", sentence="Cancelled.", cancelled=True)
    assert isinstance(end_of(client, qtbot, "next"), Finished)


def test_cancel_before_the_first_step(client: EngineClient, qtbot: QtBot) -> None:
    with qtbot.waitSignal(client.ready, timeout=LIMIT_MS):
        pass
    client.start("long", LONG)
    with qtbot.waitSignal(client.failed) as failed:
        client.cancel("long")
    assert failed.args[0].cancelled
    assert isinstance(end_of(client, qtbot, "next"), Finished)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("crash", "The engine crashed and was started again"),
        ("kill", "The system stopped the engine"),
        ("stop", "The engine no longer answered"),
    ],
)
def test_a_death_in_the_middle_costs_one_job(
    make_client: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, way: str, words: str
) -> None:
    if way == "stop":
        monkeypatch.setattr(engine_client, "TICK_MS", 150)
    client = make_client(breaking_engine.command(way))
    before = set(leftovers())
    end = end_of(client, qtbot, "broken")
    assert isinstance(end, Failed)
    assert end.sentence.startswith(words)
    assert isinstance(end_of(client, qtbot, "next"), Finished)
    assert set(leftovers()) <= before


def leftovers() -> list[str]:
    """Shared memory that is there; on a Mac it has no folder, and nothing can be listed."""
    folder = Path("/dev/shm")
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def test_a_kill_from_outside_in_the_middle(client: EngineClient, qtbot: QtBot) -> None:
    first_step(client, qtbot, LONG)
    assert client._child
    assert client._child._process
    with qtbot.waitSignal(client.failed) as failed:
        client._child._process.send_signal(signal.SIGKILL)
    assert failed.args[0].sentence.startswith("The system stopped the engine")
    assert isinstance(end_of(client, qtbot, "next"), Finished)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="macOS does not limit address space")
def test_refused_memory_is_a_sentence(make_client: Make, qtbot: QtBot) -> None:
    limited = 'ulimit -v 900000 && exec "$@"'
    client = make_client(lambda end: ["/bin/sh", "-c", limited, "sh", *engine_command(end)])
    restarts: list[str] = []
    client.restarted.connect(restarts.append)
    huge = GenerationRequest(prompt="x", width=4096, height=4096, batch_count=4, steps=1)
    end = end_of(client, qtbot, "huge", huge)
    assert isinstance(end, Failed)
    assert "memory" in end.sentence
    assert isinstance(end_of(client, qtbot, "next"), Finished)
    assert restarts == []


def test_a_missing_model_is_a_sentence(client: EngineClient, qtbot: QtBot) -> None:
    request = GenerationRequest(prompt="x", model=Path("/no/such/model.safetensors"))
    end = end_of(client, qtbot, "missing", request)
    assert isinstance(end, Failed)
    assert end.sentence.startswith("model.safetensors cannot be opened (No such file")


def test_a_plan_and_the_memory_come_while_a_job_runs(client: EngineClient, qtbot: QtBot) -> None:
    first_step(client, qtbot, LONG)
    with qtbot.waitSignal(client.planned, timeout=LIMIT_MS) as planned:
        client.plan(1, REQUEST)
    answer: Planned = planned.args[0]
    assert client.is_busy
    with Engine() as engine, PictureMaker(engine) as maker:
        assert answer.needs == maker.needs(REQUEST)[1]
        assert (answer.description, answer.model) == maker.describe(REQUEST)
    with qtbot.waitSignal(client.memory_changed) as changed:
        pass
    memory: Memory = changed.args[0]
    assert 0 < memory.engine_bytes < memory.machine_total_bytes
    assert memory.resident_bytes > 0


def test_close_in_the_middle_ends_in_order(client: EngineClient, qtbot: QtBot) -> None:
    first_step(client, qtbot, LONG)
    child = client._child
    assert child
    assert child._process
    client.close()
    assert child._process.returncode == 0


def test_ctrl_c_in_a_terminal_is_not_the_engines(client: EngineClient, qtbot: QtBot) -> None:
    with qtbot.waitSignal(client.ready, timeout=LIMIT_MS):
        pass
    assert client._child
    process = client._child._process
    assert process
    assert os.getpgid(process.pid) != os.getpgid(0)
    process.send_signal(signal.SIGINT)
    assert isinstance(end_of(client, qtbot, "after"), Finished)


def test_the_log_tells_of_jobs_and_not_of_words(
    make_client: Make, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AQUATINT_HOME", str(tmp_path))
    client = make_client(engine_command)
    request = dataclasses.replace(REQUEST, negative_prompt="a secret pear")
    assert isinstance(end_of(client, qtbot, "job", request), Finished)
    text = (tmp_path / "logs" / "engine.log").read_text()
    assert "INFO engine: ready on cpu" in text
    assert "INFO engine: begins width 128, height 128, steps 3" in text
    assert "INFO engine: ends as Finished" in text
    assert "apple" not in text
    assert "pear" not in text


def test_prompts_may_name_what_was_set(client: EngineClient, qtbot: QtBot, tmp_path: Path) -> None:
    """Unknown before, used after, by jobs and forecasts; and again after a restart."""
    layers = (f"{UNET}middle_block.1.transformer_blocks.0.attn2.to_q",)
    shapes = layer_shapes(resource_path("models/aquatint-mini.safetensors"))
    arrays = lora_arrays(shapes, layers, Dialect.KOHYA, rank=2, alpha=None)
    path = write_lora(tmp_path / "ink.safetensors", arrays)
    request = dataclasses.replace(REQUEST, prompt="a red apple <lora:ink>", steps=1)
    refused = end_of(client, qtbot, "one", request)
    assert isinstance(refused, Failed) and "no LoRA named ink" in refused.sentence
    client.set_add_ons(AddOns.of([path], []))
    made = end_of(client, qtbot, "two", request)
    assert isinstance(made, Finished)
    assert [(lora.name, lora.applied) for lora in made.loras] == [("ink", 1)]
    with qtbot.waitSignal(client.planned, timeout=LIMIT_MS) as planned:
        client.plan(1, request)
    assert planned.args[0].needs[0].figures.merging > 0
    process = client._child._process if client._child else None
    assert process
    with qtbot.waitSignal(client.ready, timeout=LIMIT_MS):
        os.kill(process.pid, signal.SIGKILL)
    assert isinstance(end_of(client, qtbot, "three", request), Finished)
