"""Runs with LoRAs and an embedding against diffusers' own loading of the same files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from app.engine.engine import Engine
from app.engine.types import BackendName, Preview, Sampler, Schedule
from app.generation.add_ons import AddOns
from app.generation.picture_maker import PictureMaker
from app.generation.precision import Precision
from app.generation.request import GenerationRequest, LoraUse
from tests.engine.add_on_cases import (
    ADD_ON_CASES,
    CFG_SCALE,
    EMBEDDING,
    MODEL,
    SEED,
    SIDE,
    STEPS,
    AddOnCase,
    write_case,
    write_embedding,
)

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "add_ons"
TOLERANCE = 5e-4  # as in test_whole_runs


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PictureMaker]:
    """The mini model on the CPU."""
    cache = tmp_path_factory.mktemp("cache")
    with Engine(backend=BackendName.CPU) as engine, PictureMaker(engine, cache=cache) as maker:
        yield maker


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mini model in f32, so that merging rounds nothing: diffusers computes in f32."""
    path = tmp_path_factory.mktemp("model") / "wide.safetensors"
    with safe_open(MODEL, "numpy") as file:
        metadata = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file({name: array.astype(np.float32) for name, array in arrays.items()}, path, metadata)
    return path


@pytest.mark.parametrize("case", ADD_ON_CASES, ids=lambda case: case.name)
def test_run_ends_where_diffusers_does(
    case: AddOnCase, maker: PictureMaker, model: Path, tmp_path: Path
) -> None:
    """The relative error of the final latents; without the file it would be of the order of 1."""
    loras: tuple[LoraUse, ...] = ()
    if case.dialect:
        loras = (LoraUse(path=write_case(case, tmp_path), weight=case.weight),)
    maker.add_ons = AddOns.of([], [] if case.dialect else [write_embedding(tmp_path)])
    request = GenerationRequest(
        prompt="red apple" if case.dialect else f"red {EMBEDDING}",
        model=model,
        loras=loras,
        width=SIDE,
        height=SIDE,
        steps=STEPS,
        sampler=Sampler.EULER,
        schedule=Schedule.NORMAL,
        cfg_scale=CFG_SCALE,
        seed=SEED,
        precision=Precision.F32,
        preview=Preview.NONE,
    )
    made = maker.generate(request)
    with np.load(GOLDEN / f"{case.name}.npz") as golden:
        expected = golden["latents"]
    latents = np.frombuffer(made.output.latents, "<f4").reshape(expected.shape)
    error = np.linalg.norm(latents - expected) / np.linalg.norm(expected)
    assert error <= TOLERANCE
    assert [lora.applied for lora in made.loras] == ([len(case.layers)] if case.dialect else [])
