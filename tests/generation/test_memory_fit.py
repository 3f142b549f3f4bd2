"""What is done where memory is short: which savings, in which order, and that they really save."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.engine import Engine, OutOfMemory
from app.engine.types import BackendName, Dtype, Phase, Preview, Progress
from app.generation.fitted_run import choose
from app.generation.memory_fit import (
    Need,
    Saving,
    Way,
    savings_note,
    smaller_requests,
    usable_bytes,
    ways,
)
from app.generation.picture_maker import PictureMaker
from app.generation.request import GenerationRequest, VaeTiling
from app.machine_memory import MachineMemory
from tests import fake_engine
from tests.engine.model_setup import MINI_TAESD, open_model, request

SCRIPT = Path(__file__).with_name("make_under_limit.py")
ROOT = SCRIPT.parents[2]
LARGE = request(width=768, height=512, batch_count=3, preview=Preview.TAESD)
MIB = 1 << 20


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(backend=BackendName.CPU, threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def found(engine: Engine) -> list[Way]:
    """All ways of a request that is large in every phase."""
    with open_model(engine, taesd=MINI_TAESD) as model:
        return list(ways(LARGE, model.plan, VaeTiling.AUTO))


def test_each_way_needs_less_than_the_one_before(found: list[Way]) -> None:
    peaks = [way.need.figures.peak for way in found]
    assert peaks == sorted(set(peaks), reverse=True)
    assert found[0].need.savings == ()
    assert found[0].source == LARGE
    assert peaks[-1] < peaks[0] / 4


def test_every_saving_is_made_in_the_end_in_the_order_of_its_cost(found: list[Way]) -> None:
    assert found[-1].need.savings == tuple(Saving)
    last = found[-1].source
    assert (last.batch_count, last.release_weights) == (1, True)
    assert (last.preview, last.precision) == (Preview.LATENT_RGB, Dtype.F16)
    assert 32 <= last.vae_tile < 64
    kept = ("width", "height", "steps", "seed", "sampler", "prompt")
    assert all(getattr(last, name) == getattr(LARGE, name) for name in kept)


def test_a_saving_that_helps_nothing_is_not_made(engine: Engine) -> None:
    small = request(width=64, height=64, release_weights=True, precision=Dtype.F16)
    with open_model(engine) as model:
        assert [way.need.savings for way in ways(small, model.plan, VaeTiling.AUTO)] == [()]


def test_tiles_are_left_alone_where_they_are_off(engine: Engine) -> None:
    with open_model(engine, taesd=MINI_TAESD) as model:
        off = list(ways(LARGE, model.plan, VaeTiling.OFF))
    assert all(not way.source.vae_tile for way in off)


@pytest.mark.parametrize(
    ("free", "place"), [(None, 0), (1112, 0), (1110, 1), (555, 2), (112, 2), (1, 2)]
)
def test_the_first_way_that_fits_with_some_to_spare_is_taken(free: int | None, place: int) -> None:
    needs = fake_engine.needs(1000, 500, 100)
    found = [Way(need=need, source=LARGE) for need in needs]
    memory = MachineMemory(total_bytes=10_000, available_bytes=None if free is None else free - 1)
    assert choose(iter(found), memory, 1, 0) is found[place]
    plenty = MachineMemory(total_bytes=10_000, available_bytes=None if free is None else 9_000)
    assert choose(iter(found), plenty, 1, free or 0) is found[place]


@pytest.mark.parametrize(
    ("available", "held", "working_set", "wanted"),
    [
        (None, 5, 0, None),
        (None, 5, 70, 70),
        (100, 5, 0, 105),
        (100, 5, 70, 70),
        (60, 5, 70, 65),
        (0, 0, 70, 0),
    ],
)
def test_a_gpu_s_working_set_bounds_what_a_picture_can_have(
    available: int | None, held: int, working_set: int, wanted: int | None
) -> None:
    assert usable_bytes(available, held, working_set) == wanted


def test_smaller_requests_only_shrink() -> None:
    request = GenerationRequest(prompt="x", width=64, height=768, batch_count=2)
    tried = list(smaller_requests(request.resolve(fake_engine.DEFAULTS)))
    assert [(r.batch_count, r.width, r.height) for r in tried] == [
        (1, 64, 768),
        (1, 64, 576),
        (1, 64, 384),
        (1, 64, 192),
    ]


# ---------------------------------------------------------------- with the real engine

WISH = GenerationRequest(
    prompt="red apple",
    width=448,
    height=256,
    steps=1,
    cfg_scale=1.0,
    seed=7,
    batch_count=3,
    preview=Preview.NONE,
)


def maker(engine: Engine, folder: Path, free: int, total: int = 1 << 40) -> PictureMaker:
    """A maker on a machine with so much to spare."""
    memory = MachineMemory(total_bytes=total, available_bytes=free)
    return PictureMaker(engine, cache=folder, memory=lambda: memory)


def needs(engine: Engine, folder: Path) -> tuple[Need, ...]:
    with maker(engine, folder, 1 << 40) as planner:
        return planner.needs(WISH)[1]


def test_what_was_forecast_is_what_is_done_and_told(engine: Engine, tmp_path: Path) -> None:
    with maker(engine, tmp_path, 1 << 40) as plenty:
        whole = plenty.generate(WISH).output
    assert whole.note == ""
    for need in needs(engine, tmp_path)[1:]:
        held = engine.device().allocated_bytes
        free = int(need.figures.peak / 0.9) + 1 - held
        with maker(engine, tmp_path, free) as short:
            output = short.generate(WISH).output
        assert ("unloaded" in output.note) == (Saving.RELEASE_WEIGHTS in need.savings)
        assert ("smaller batches" in output.note) == (Saving.SPLIT_BATCH in need.savings)
        assert ("in tiles" in output.note) == (Saving.TILE_VAE in need.savings)
        assert ("half precision" in output.note) == (Saving.HALF_PRECISION in need.savings)
        if not {Saving.TILE_VAE, Saving.HALF_PRECISION} & set(need.savings):
            assert output.pictures == whole.pictures
        assert len(output.pictures) == 3


def test_a_gpu_that_may_use_little_is_given_little(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = replace(engine.condition(), working_set_bytes=100 * MIB)
    monkeypatch.setattr(engine, "condition", lambda: gpu)
    with maker(engine, tmp_path, 1 << 40) as bounded:
        assert "Memory was short" in bounded.generate(WISH).output.note


def test_progress_of_a_split_batch_is_that_of_one(engine: Engine, tmp_path: Path) -> None:
    seen: list[Progress] = []
    wish = replace(WISH, steps=2, width=64, height=64)
    with maker(engine, tmp_path, 1) as short:
        short.generate(wish, seen.append)
    phases = [progress.phase for progress in seen]
    assert phases[0] is Phase.TEXT
    assert phases[-1] is Phase.DECODE
    assert phases.count(Phase.TEXT) == phases.count(Phase.DECODE) == 1
    steps = [progress.step for progress in seen if progress.phase is Phase.DENOISE]
    assert steps == sorted(steps)
    assert {progress.steps for progress in seen} == {6}
    assert steps[-1] == 6


def test_what_is_more_than_the_machine_has_is_refused_with_what_would_fit(
    engine: Engine, tmp_path: Path
) -> None:
    wish = replace(WISH, width=2048, height=2048)
    with maker(engine, tmp_path, 1, total=100 * MIB) as tiny, pytest.raises(OutOfMemory) as caught:
        tiny.generate(wish)
    assert str(caught.value).startswith("This takes at least 0.")
    assert "more than the 0.1 GB of this machine: one picture of" in str(caught.value)
    assert "would fit." in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to the limit")
@pytest.mark.parametrize(
    ("spare_mib", "side", "ends"),
    [(4000, 512, "whole"), (100, 512, "saved"), (70, 2048, "refused")],
)
def test_refused_memory_is_met_once_by_saving_and_then_by_a_sentence(
    spare_mib: int, side: int, ends: str, tmp_path: Path
) -> None:
    command = [sys.executable, str(SCRIPT), str(spare_mib), str(side), str(tmp_path)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    told = json.loads(printed.stdout)
    if ends == "refused":
        assert "no memory for" in told["error"]
        assert told["made_after"]
    else:
        assert told["error"] == ""
        assert ("in tiles" in told["note"]) == (ends == "saved")


def test_small_previews_are_not_told_of_as_tiled() -> None:
    note = savings_note((Saving.TILE_PREVIEWS, Saving.SMALL_PREVIEWS))
    assert note == "Memory was short: previews were small."
    assert savings_note((Saving.TILE_PREVIEWS,)) == "Memory was short: previews were made in tiles."
