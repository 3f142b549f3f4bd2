"""The client against a process that dies, hangs and refuses on command."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.generation import engine_client
from app.generation.engine_client import EngineClient
from app.generation.messages import Failed, Finished, Planned, Progress
from app.generation.request import GenerationRequest
from tests import fake_engine

Script = Callable[..., EngineClient]
PARENT = """
import sys
from PySide6.QtCore import QCoreApplication
from app.generation.engine_client import EngineClient
from app.generation.request import GenerationRequest
from tests import fake_engine
app = QCoreApplication([])
client = EngineClient(command=fake_engine.command)
client.progressed.connect(lambda _: print(client._child._process.pid, flush=True))
client.start("job", GenerationRequest(prompt="step wait"))
app.exec()
"""


@pytest.fixture
def make_client(qtbot: QtBot) -> Iterator[Script]:
    made: list[EngineClient] = []

    def make(command: Callable[[int], list[str]] = fake_engine.command) -> EngineClient:
        made.append(EngineClient(command=command))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Script) -> EngineClient:
    return make_client()


def run(client: EngineClient, qtbot: QtBot, script: str) -> Finished | Failed:
    """What the job with this prompt ends with."""
    ends: list[Finished | Failed] = []
    client.finished.connect(ends.append)
    client.failed.connect(ends.append)
    client.start(script, GenerationRequest(prompt=script, seed=7))
    qtbot.waitUntil(lambda: bool(ends), timeout=15_000)
    client.finished.disconnect(ends.append)
    client.failed.disconnect(ends.append)
    assert len(ends) == 1
    assert ends[0].job_id == script
    assert not client.is_busy
    return ends[0]


def process_id(client: EngineClient) -> int:
    assert client._child
    assert client._child._process
    return client._child._process.pid


def test_a_job_comes_back_with_its_pixels(client: EngineClient, qtbot: QtBot) -> None:
    steps: list[Progress] = []
    client.progressed.connect(steps.append)
    end = run(client, qtbot, "a red apple")
    assert isinstance(end, Finished)
    assert end.pictures.pictures == (bytes([7, 128, 64]) * 64 * 64,)
    assert [(step.step, step.steps) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert steps[1].preview
    assert steps[1].preview.pictures == (bytes([2, 0, 0]) * 64,)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("step crash", "The engine crashed"),
        ("step exit", "The engine crashed"),
        ("step kill", "The system stopped the engine, perhaps for want of memory"),
    ],
)
def test_a_death_costs_one_job_and_one_sentence(
    client: EngineClient, qtbot: QtBot, script: str, words: str
) -> None:
    sentences: list[str] = []
    client.restarted.connect(sentences.append)
    end = run(client, qtbot, script)
    assert isinstance(end, Failed)
    assert end.sentence.startswith(words)
    assert not end.cancelled
    assert isinstance(run(client, qtbot, "the next one"), Finished)
    assert sentences == [end.sentence]


def test_a_lost_gpu_gets_a_new_process(client: EngineClient, qtbot: QtBot) -> None:
    sentences: list[str] = []
    client.restarted.connect(sentences.append)
    run(client, qtbot, "one")
    first = process_id(client)
    end = run(client, qtbot, "step lost")
    assert isinstance(end, Failed)
    assert end.sentence == fake_engine.LOSS
    assert isinstance(run(client, qtbot, "the next one"), Finished)
    assert process_id(client) != first
    assert sentences == [fake_engine.LOSS]


def test_a_refusal_keeps_the_process(client: EngineClient, qtbot: QtBot) -> None:
    run(client, qtbot, "one")
    first = process_id(client)
    end = run(client, qtbot, "step refuse")
    assert isinstance(end, Failed)
    assert end.sentence == fake_engine.REFUSAL
    assert process_id(client) == first


def test_a_process_that_stands_still_is_replaced(
    make_client: Script, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_client, "TICK_MS", 100)
    client = make_client()
    end = run(client, qtbot, "step hang")
    assert isinstance(end, Failed)
    assert end.sentence == "The engine no longer answered, so it was started again."
    assert isinstance(run(client, qtbot, "the next one"), Finished)


def test_a_step_that_never_ends_is_given_up(
    make_client: Script, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process lives and reports memory, but no step ends."""
    monkeypatch.setattr(engine_client, "TICK_MS", 50)
    monkeypatch.setattr(engine_client, "STEP_TICKS", 10)
    end = run(make_client(), qtbot, "step wait")
    assert isinstance(end, Failed)
    assert end.sentence.startswith("The engine no longer answered")


def test_cancel_is_answered(client: EngineClient, qtbot: QtBot) -> None:
    client.progressed.connect(lambda step: client.cancel(step.job_id))
    end = run(client, qtbot, "step wait")
    assert isinstance(end, Failed)
    assert end.cancelled
    assert isinstance(run(client, qtbot, ""), Finished)


def test_a_cancel_that_is_not_heard_restarts(client: EngineClient, qtbot: QtBot) -> None:
    sentences: list[str] = []
    client.restarted.connect(sentences.append)
    client.progressed.connect(lambda step: client.cancel(step.job_id))
    end = run(client, qtbot, "step deaf")
    assert isinstance(end, Failed)
    assert end.cancelled
    assert sentences == ["Cancelled; the engine did not answer, so it was started again."]
    assert isinstance(run(client, qtbot, ""), Finished)


def test_cancel_before_the_engine_is_ready(client: EngineClient, qtbot: QtBot) -> None:
    client.start("early", GenerationRequest(prompt="step"))
    with qtbot.waitSignal(client.failed) as failed:
        client.cancel("early")
    assert failed.args[0].cancelled
    assert isinstance(run(client, qtbot, "step"), Finished)


def test_a_killed_idle_engine_is_replaced(client: EngineClient, qtbot: QtBot) -> None:
    run(client, qtbot, "one")
    with qtbot.waitSignal(client.restarted):
        os.kill(process_id(client), signal.SIGKILL)
    assert isinstance(run(client, qtbot, "two"), Finished)


def test_a_plan_is_answered_while_a_job_runs(client: EngineClient, qtbot: QtBot) -> None:
    client.start("job", GenerationRequest(prompt="wait"))
    with qtbot.waitSignal(client.planned) as planned:
        client.plan(5, GenerationRequest(prompt="x", width=64, height=64))
    answer: Planned = planned.args[0]
    assert answer.plan_id == 5
    assert answer.needs[0].figures.peak == 64 * 64 * 10_000


def test_what_kills_it_is_not_planned_again(client: EngineClient, qtbot: QtBot) -> None:
    """A plan that was under way when the process died is answered with the sentence."""
    run(client, qtbot, "one")
    os.kill(process_id(client), signal.SIGSTOP)
    os.waitpid(process_id(client), os.WUNTRACED)  # until it has stopped
    client.plan(6, GenerationRequest(prompt="x"))
    with qtbot.waitSignal(client.planned) as planned:
        os.kill(process_id(client), signal.SIGKILL)
    assert planned.args[0].needs == ()
    assert planned.args[0].sentence.startswith("The system stopped the engine")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/program"], "The engine cannot be started: No such file or directory."),
        ([sys.executable, "-c", "raise SystemExit(1)"], "The engine ended while it started"),
    ],
)
def test_an_engine_that_cannot_start_is_told_once(
    make_client: Script, qtbot: QtBot, command: list[str], words: str
) -> None:
    failures: list[Failed] = []
    client = make_client(lambda _: command)
    client.failed.connect(failures.append)
    with qtbot.waitSignal(client.unavailable) as unavailable:
        client.start("job", GenerationRequest(prompt="x"))
    assert unavailable.args[0].startswith(words)
    assert not client.is_busy
    assert failures == []  # the job was never begun, so the queue keeps it


def test_close_ends_a_deaf_process_in_time(client: EngineClient, qtbot: QtBot) -> None:
    with qtbot.waitSignal(client.progressed):
        client.start("job", GenerationRequest(prompt="step hang"))
    child = client._child
    assert child
    assert child._process
    client.close()
    assert child._process.returncode == -signal.SIGKILL


def test_the_engine_ends_when_the_window_is_killed(qtbot: QtBot, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    qtbot.waitUntil(lambda: has_ended(child), timeout=5_000)


def has_ended(process: int) -> bool:
    """Gone, or a zombie that nobody waits for."""
    if not shutil.which("ps"):  # a bare Linux
        stat = Path(f"/proc/{process}/stat")
        return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return not done.stdout.strip() or done.stdout.strip().startswith("Z")


def test_the_command_line_and_the_engine_load_no_qt() -> None:
    script = (
        "import json, sys, app.cli, app.cli_commands, app.generation.engine_process;"
        "print(json.dumps([name for name in sys.modules if name.startswith('PySide6')]))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=root)
    assert json.loads(done.stdout) == []
