"""Whole pictures by the mini model whose latents and pixels are kept as goldens.

Owns: the list of runs, shared by the script that makes the goldens and the test that reads them.
Knows neither torch nor the engine.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.types import Prediction, Sampler, Schedule

MODEL_FILE = "aquatint-mini.safetensors"
CFG_SCALE = 5.0


@dataclass(frozen=True, kw_only=True)
class RunCase:
    """One call of the engine; picture i of the batch has seed + i.

    `tokens` are the prompt's between start and end; the negative prompt is empty. `init_case`
    names the run whose first picture is the start of image-to-image, which then runs
    int(steps * denoise_strength) of the steps. `weights` are those of the tokens, () all 1. Under v
    prediction the model's noise is taken for v: no picture, but every step of its arithmetic.
    """

    name: str
    tokens: tuple[int, ...]
    sampler: Sampler
    schedule: Schedule
    steps: int
    seed: int
    width: int = 256
    height: int = 256
    batch_count: int = 1
    init_case: str = ""
    denoise_strength: float = 1.0
    weights: tuple[float, ...] = ()
    prediction: Prediction = Prediction.EPSILON


RUN_CASES = (
    RunCase(
        name="euler",
        tokens=(736, 3055),  # red apple
        sampler=Sampler.EULER,
        schedule=Schedule.NORMAL,
        steps=10,
        seed=7,
    ),
    RunCase(
        name="dpmpp_2m_karras",
        tokens=(2368, 3309, 12906),  # cat wearing sunglasses
        sampler=Sampler.DPMPP_2M,
        schedule=Schedule.KARRAS,
        steps=8,
        seed=2**32 + 11,
    ),
    RunCase(
        name="euler_a_batch",
        tokens=(
            320,
            8922,
            525,
            320,
            7506,
            5994,
            267,
            6313,
            5646,
        ),  # a banana on a mint background, flat icon
        sampler=Sampler.EULER_A,
        schedule=Schedule.NORMAL,
        steps=10,
        seed=3,
        width=320,
        height=192,
        batch_count=2,
    ),
    RunCase(
        name="image_to_image",
        tokens=(320, 1901, 3055, 525, 518, 2117),  # a green apple on the beach
        sampler=Sampler.EULER,
        schedule=Schedule.NORMAL,
        steps=9,
        seed=5,
        init_case="euler",
        denoise_strength=0.6,
    ),
    RunCase(
        name="weighted_prompt",
        tokens=(736, 3055, 525, 320, 5994),  # (red:1.4) (apple:0.8) on a (mint:0)
        weights=(1.4, 0.8, 1.0, 1.0, 0.0),
        sampler=Sampler.EULER,
        schedule=Schedule.KARRAS,
        steps=6,
        seed=21,
        width=192,
    ),
    RunCase(
        name="v_prediction",
        tokens=(736, 3055),
        sampler=Sampler.HEUN,
        schedule=Schedule.NORMAL,
        steps=5,
        seed=13,
        width=128,
        height=192,
        prediction=Prediction.V,
    ),
)


def token_weights(case: RunCase) -> NDArray[np.float32]:
    """The weights of the prompt's chunk of 77 tokens."""
    weights = np.ones(77, np.float32)
    weights[1 : 1 + len(case.weights)] = case.weights
    return weights
