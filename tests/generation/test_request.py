"""A request is checked as it is made, and resolved with the model's defaults."""

import dataclasses
from typing import Any

import pytest

from app.checkpoint.description import GenerationDefaults
from app.engine.types import Rng, Sampler, Schedule
from app.generation.request import (
    RANDOM_SEED_LIMIT,
    SEED_LIMIT,
    GenerationRequest,
    RequestError,
    ResolvedRequest,
)

DEFAULTS = GenerationDefaults(
    width=256,
    height=320,
    steps=20,
    sampler=Sampler.EULER_A,
    schedule=Schedule.NORMAL,
    cfg_scale=5.0,
)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 100}, "width must be a multiple of 8: try 96, not 100"),
        ({"height": 56}, "height must be from 64 to 4096, not 56"),
        ({"width": 4104}, "width must be from 64 to 4096"),
        ({"steps": 0}, "steps must be from 1 to 1000, not 0"),
        ({"cfg_scale": float("nan")}, "CFG scale must be from 0 to 100, not nan"),
        ({"cfg_scale": float("inf")}, "CFG scale"),
        ({"batch_count": 65}, "batch count must be from 1 to 64, not 65"),
        ({"clip_skip": 0}, "clip skip must be from 1 to 12, not 0"),
        ({"denoise_strength": 1.01}, "denoise strength must be from 0 to 1, not 1.01"),
        ({"seed": -2}, "or -1 for a random one, not -2"),
        ({"seed": SEED_LIMIT}, "seed must be from 0 to"),
        ({"seed": SEED_LIMIT - 1, "batch_count": 2}, "seed must be from 0 to"),
        ({"steps": 10**400}, "steps must be from 1 to 1000"),
        ({"prompt": "a\0b"}, "prompt holds a NUL"),
        ({"negative_prompt": "\udc80"}, "negative prompt is not valid Unicode"),
    ],
)
def test_bad_value_gives_one_sentence(values: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=r"^The [^\n]*\.$") as error:
        GenerationRequest(**{"prompt": "", **values})
    assert words in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        {"width": 64, "height": 4096},
        {"width": 520},
        {"steps": 1, "cfg_scale": 0.0},
        {"seed": SEED_LIMIT - 1},
        {"seed": 0, "batch_count": 64},
        {"denoise_strength": 0.0},
        {"denoise_strength": 1.0},
    ],
)
def test_limits_are_allowed(values: dict[str, Any]) -> None:
    request = GenerationRequest(prompt="x", **values)
    assert {name: getattr(request, name) for name in values} == values


def test_resolve_fills_only_what_was_left_open() -> None:
    request = GenerationRequest(prompt="fox", width=512, sampler=Sampler.LCM, seed=7, rng=Rng.NV)
    resolved = request.resolve(DEFAULTS)
    assert (resolved.width, resolved.height, resolved.steps) == (512, 320, 20)
    assert (resolved.sampler, resolved.schedule) == (Sampler.LCM, Schedule.NORMAL)
    assert (resolved.cfg_scale, resolved.seed, resolved.rng) == (5.0, 7, Rng.NV)
    assert resolved.prompt == "fox"


def test_resolving_again_changes_nothing() -> None:
    resolved = GenerationRequest(prompt="fox").resolve(DEFAULTS)
    other = dataclasses.replace(DEFAULTS, width=64, steps=3, cfg_scale=1.0)
    assert resolved.resolve(other) == resolved


def test_random_seeds_differ_and_leave_room_for_the_batch() -> None:
    request = GenerationRequest(prompt="", batch_count=64)
    seeds = {request.resolve(DEFAULTS).seed for _ in range(20)}
    assert len(seeds) > 1
    assert all(0 <= seed < RANDOM_SEED_LIMIT - 64 for seed in seeds)


def test_resolved_request_has_no_default_for_open_fields() -> None:
    with pytest.raises(TypeError, match="width"):
        ResolvedRequest(prompt="")  # type: ignore[call-arg]


def test_request_is_frozen() -> None:
    request = GenerationRequest(prompt="")
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.steps = 3  # type: ignore[misc]
