"""The engine's process on the simulated GPU, as the window has it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.generation.engine_client import EngineClient
from app.generation.messages import Failed, Finished, Memory, Planned, Ready
from app.generation.request import GenerationRequest
from tests.metal import simulated_engine

REQUEST = GenerationRequest(prompt="a red apple", seed=7, steps=1, width=64, height=64)
LIMIT_MS = 120_000


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Children that are started from now on have the simulated GPU."""
    for name, value in simulated_engine.environment().items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def client(qtbot: QtBot, environment: pytest.MonkeyPatch) -> Iterator[EngineClient]:
    made = EngineClient()
    yield made
    made.close()


def end_of(
    client: EngineClient, qtbot: QtBot, job_id: str, wished: GenerationRequest = REQUEST
) -> Finished | Failed:
    ends: list[Finished | Failed] = []
    client.finished.connect(ends.append)
    client.failed.connect(ends.append)
    client.start(job_id, wished)
    qtbot.waitUntil(lambda: bool(ends), timeout=LIMIT_MS)
    client.finished.disconnect(ends.append)
    client.failed.disconnect(ends.append)
    return ends[0]


def test_the_window_s_engine_computes_on_the_gpu(client: EngineClient, qtbot: QtBot) -> None:
    """Metal is what `auto` takes; the report, a forecast and the GPU's figures come with it."""
    memories: list[Memory] = []
    client.memory_changed.connect(memories.append)
    with qtbot.waitSignal(client.ready, timeout=LIMIT_MS) as waited:
        pass
    ready: Ready = waited.args[0]
    assert ready.device.backend == "metal"
    assert ready.report.family == "Apple7"
    assert ready.report.fallbacks == ()
    assert all(check.passed and check.served_by == "metal" for check in ready.checks)
    with qtbot.waitSignal(client.planned, timeout=LIMIT_MS) as waited:
        client.plan(1, REQUEST)
    planned: Planned = waited.args[0]
    assert planned.needs, planned.sentence
    assert planned.needs[0].figures.workspace == 64 << 20
    end = end_of(client, qtbot, "job")
    assert isinstance(end, Finished), end
    qtbot.waitUntil(lambda: any(memory.condition for memory in memories), timeout=LIMIT_MS)
    condition = next(memory.condition for memory in reversed(memories) if memory.condition)
    assert condition.working_set_bytes > 0


def test_a_gpu_that_refuses_gets_a_new_process(
    qtbot: QtBot, environment: pytest.MonkeyPatch
) -> None:
    """All work after the 400th command buffer, which is in a long job: only a restart helps."""
    environment.setenv("MTLSIM_FAULT", "access_revoked@400+")
    client = EngineClient()
    sentences: list[str] = []
    client.restarted.connect(sentences.append)
    try:
        with qtbot.waitSignal(client.ready, timeout=LIMIT_MS):
            pass
        environment.delenv("MTLSIM_FAULT")
        lost = end_of(client, qtbot, "lost", replace(REQUEST, steps=400))
        assert isinstance(lost, Failed)
        assert lost.needs_restart
        assert "must be restarted" in lost.sentence
        assert isinstance(end_of(client, qtbot, "next"), Finished)
        assert sentences == [lost.sentence]
    finally:
        client.close()
