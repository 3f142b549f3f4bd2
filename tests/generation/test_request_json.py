"""A request comes back from JSON, and from what is no longer quite a request."""

import json
from pathlib import Path

import pytest

from app.engine.types import Preview, Rng, Sampler, Schedule
from app.generation.request import GenerationRequest, LoraUse
from app.generation.request_json import read_request, request_json

FULL = GenerationRequest(
    prompt="赤い fox",
    negative_prompt="dogs",
    model=Path("/models/ink.safetensors"),
    vae=Path("/models/vae.safetensors"),
    taesd=Path("/models/t.safetensors"),
    loras=(
        LoraUse(path=Path("/loras/ink.safetensors"), weight=-0.5, text_weight=0.0),
        LoraUse(path=Path("/loras/墨.safetensors")),
    ),
    width=512,
    height=768,
    steps=20,
    sampler=Sampler.EULER_A,
    schedule=Schedule.KARRAS,
    cfg_scale=7.5,
    seed=2**64 - 4,
    batch_count=4,
    clip_skip=2,
    rng=Rng.NV,
    init_image=Path("sketch.png"),
    denoise_strength=0.5,
    preview=Preview.NONE,
)


@pytest.mark.parametrize("request_", [FULL, GenerationRequest(prompt="")])
def test_request_comes_back(request_: GenerationRequest) -> None:
    text = json.dumps(request_json(request_))
    assert read_request(json.loads(text)) == (request_, ())


def test_whole_number_is_a_scale_too() -> None:
    assert read_request({"prompt": "x", "cfg_scale": 7})[0].cfg_scale == 7.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loras", {}),
        ("loras", ["/loras/ink.safetensors"]),
        ("loras", [{"weight": 1}]),
        ("loras", [{"path": "x", "weight": 1e9}]),
        ("loras", [{"path": "x", "strength": 1}]),
        ("loras", [{"path": 3}]),
        ("prompt", None),
        ("prompt", "a\0"),
        ("steps", 9.5),
        ("steps", True),
        ("steps", 0),
        ("width", "512"),
        ("sampler", "none such"),
        ("cfg_scale", float("nan")),
        ("seed", 2**64),
        ("model", 5),
        ("rng", None),
        ("later", 1),
    ],
)
def test_bad_field_has_its_default_and_is_named(name: str, value: object) -> None:
    expected = GenerationRequest(prompt="", height=64)
    assert read_request({name: value, "height": 64}) == (expected, (name,))


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_what_is_no_object_is_an_empty_request(value: object) -> None:
    assert read_request(value) == (GenerationRequest(prompt=""), ())
