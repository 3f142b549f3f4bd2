from collections.abc import Callable
from dataclasses import replace

from pytestqt.qtbot import QtBot

from app.checkpoint.description import GenerationDefaults
from app.engine.types import Condition, Pressure, Thermal
from app.generation.messages import Memory, Plan, Planned
from app.generation.request import GenerationRequest
from app.ui.draft.forecast import Level, judge
from app.ui.draft.forecaster import Forecaster
from app.ui.draft.plan_asker import PlanAsker
from app.ui.draft.request_draft import RequestDraft
from tests import fake_engine
from tests.fake_engine_client import FakeEngineClient

GIB = 1 << 30
GPU = Condition(
    allocated_bytes=0,
    working_set_bytes=12 * GIB,
    pressure=Pressure.NORMAL,
    thermal=Thermal.NOMINAL,
    is_low_power=False,
)


class Asked:
    """A draft, its forecaster, and an engine that answers when it is told to."""

    def __init__(self, **fields: object) -> None:
        defaults: GenerationDefaults = fake_engine.DEFAULTS
        self.draft = RequestDraft(GenerationRequest(prompt="x", **fields), defaults)  # type: ignore[arg-type]
        self.plans: list[tuple[int, GenerationRequest]] = []
        self.answers: list[Callable[[Planned], None]] = []
        self.forecaster = Forecaster(self.draft, self._note)

    def _note(self, request: GenerationRequest, answer: Callable[[Planned], None]) -> None:
        self.plans.append((len(self.plans), request))
        self.answers.append(answer)

    def answer(self) -> None:
        number, request = self.plans[-1]
        self.answers[-1](fake_engine.planned(Plan(plan_id=number, request=request)))

    def answer_all(self) -> None:
        count = -1
        while count != len(self.plans):
            count = len(self.plans)
            self.answer()


def machine(*, total: int, free: int) -> Memory:
    return Memory(
        engine_bytes=0,
        resident_bytes=0,
        machine_total_bytes=total,
        machine_available_bytes=free,
    )


def test_it_asks_when_the_draft_rests_and_says_what_is_needed(qtbot: QtBot) -> None:
    asked = Asked(width=512, height=512)
    asked.forecaster.take_memory(machine(total=16 * GIB, free=8 * GIB))
    asked.draft.set(prompt="a")
    asked.draft.set(prompt="ab")
    qtbot.waitUntil(lambda: bool(asked.plans))
    assert [request.prompt for _, request in asked.plans] == ["ab"]
    asked.answer()
    forecast = asked.forecaster.forecast
    assert forecast is not None
    assert forecast.text == "Needs 2.4 GB of 8.0 GB free"
    assert forecast.level is Level.OK


def test_what_does_not_fit_comes_with_the_least_change_that_does(qtbot: QtBot) -> None:
    asked = Asked(width=512, height=512, batch_count=4)
    asked.forecaster.take_memory(machine(total=16 * GIB, free=4 * GIB))
    asked.forecaster.ask()
    asked.answer_all()
    forecast = asked.forecaster.forecast
    assert forecast is not None
    assert forecast.level is Level.WARNING
    assert forecast.text == (
        "Needs 9.8 GB, but only 4.0 GB are free. One picture at a time needs 2.4 GB."
    )


def test_the_gpu_s_share_is_all_that_is_free(qtbot: QtBot) -> None:
    share = replace(GPU, working_set_bytes=2 * GIB)
    memory = replace(machine(total=16 * GIB, free=8 * GIB), condition=share)
    asked = Asked(width=512, height=512)
    asked.forecaster.take_memory(memory)
    asked.forecaster.ask()
    asked.answer_all()
    forecast = asked.forecaster.forecast
    assert forecast is not None
    assert forecast.level is Level.WARNING
    assert forecast.text.startswith("Needs 2.4 GB, but only 2.0 GB are free")


def test_more_than_the_machine_has_is_refused(qtbot: QtBot) -> None:
    asked = Asked(width=2048, height=2048)
    asked.forecaster.take_memory(machine(total=16 * GIB, free=8 * GIB))
    asked.forecaster.ask()
    asked.answer_all()
    forecast = asked.forecaster.forecast
    assert forecast is not None
    assert forecast.level is Level.REFUSED
    assert forecast.text.startswith("Needs 39.1 GB, more than the 16.0 GB of this machine.")
    assert "One picture of 512 x 512 needs 2.4 GB." in forecast.text


def test_a_plan_that_cannot_be_made_says_why(qtbot: QtBot) -> None:
    asked = Asked()
    asked.draft.set(prompt="refuse")
    asked.forecaster.ask()
    asked.answer()
    forecast = asked.forecaster.forecast
    assert forecast is not None
    assert (forecast.text, forecast.level) == (fake_engine.REFUSAL, Level.REFUSED)


def test_freed_memory_makes_it_fit(qtbot: QtBot) -> None:
    asked = Asked(width=512, height=512)
    asked.forecaster.take_memory(machine(total=16 * GIB, free=1 * GIB))
    asked.forecaster.ask()
    asked.answer_all()
    assert asked.forecaster.forecast is not None
    assert asked.forecaster.forecast.level is Level.WARNING
    asked.forecaster.take_memory(machine(total=16 * GIB, free=8 * GIB))
    assert asked.forecaster.forecast.level is Level.OK


def test_askers_take_turns_and_only_the_newest_question_of_each_is_asked(qtbot: QtBot) -> None:
    client = FakeEngineClient()
    asker = PlanAsker(client)
    heard: list[str] = []
    for who, prompt in (("draft", "a"), ("draft", "b"), ("models", "c"), ("draft", "d")):
        request = GenerationRequest(prompt=prompt)
        asker.ask(who, request, lambda _planned, prompt=prompt: heard.append(prompt))
    for _ in range(3):
        number, request = client.plans[-1]
        client.planned.emit(fake_engine.planned(Plan(plan_id=number, request=request)))
    assert [request.prompt for _, request in client.plans] == ["a", "d", "c"]
    assert heard == ["d", "c"]


def test_it_says_what_will_be_done_and_what_it_costs() -> None:
    needs = fake_engine.needs(*(gigabytes * GIB for gigabytes in (11, 10, 9, 8, 7, 4, 3)))
    few = judge(needs, machine(total=16 * GIB, free=5 * GIB))
    assert few.level is Level.OK
    assert few.text == (
        "Needs 4.0 GB of 5.0 GB free; will show small previews, unload each network after its"
        " part (it loads again next time), make smaller batches, tile the decoder (up to half as"
        " long again)"
    )
    none = judge(needs, machine(total=16 * GIB, free=2 * GIB))
    assert none.level is Level.WARNING
    assert none.text.startswith("Needs 3.0 GB, but only 2.0 GB are free; will show")
    assert none.text.endswith("compute in half precision")
    refused = judge(needs, machine(total=2 * GIB, free=1 * GIB))
    assert refused.level is Level.REFUSED
    assert refused.text == "Needs 3.0 GB, more than the 2.0 GB of this machine"
