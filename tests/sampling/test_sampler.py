"""Trajectories against k-diffusion and diffusers, and what a run promises to its caller."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.sampling.sampling_library import (
    BAD_ARGUMENT,
    CANCELLED,
    OK,
    SAMPLERS,
    floats,
    golden,
    open_library,
)

FFI, LIBRARY = open_library(
    """
    typedef int sd_sampler;
    typedef struct sampler_run {
      const float *sigmas;
      int32_t steps;
      size_t count;
      float *x;
      float *scratch;
      sd_status (*denoise)(void *user, float *denoised, const float *x, float sigma);
      void (*noise)(void *user, float *out);
      sd_status (*step_done)(void *user, int32_t step, const float *denoised);
      void *user;
    } sampler_run;
    size_t sampler_scratch(sd_sampler sampler, size_t count);
    sd_status sampler_run_all(sd_sampler sampler, const sampler_run *run);
    """
)
NOISY = ("euler_a", "dpmpp_2m_sde", "lcm")
GUARD = 8  # floats behind the scratch that must stay as they are


def estimate(x: np.ndarray, sigma: float) -> np.ndarray:
    """The stand-in for a network that make_sampling.py used."""
    signal = x.astype(np.float64) / np.sqrt(1 + sigma * sigma)
    result: np.ndarray = np.tanh(1.5 * signal) + 0.25 * signal * signal - 0.1
    return result


@dataclass(kw_only=True)
class Record:
    """What a run did: x at each first evaluation of a step, and its calls."""

    status: int = OK
    path: list[np.ndarray] = field(default_factory=list)
    evaluated: list[float] = field(default_factory=list)
    estimates: list[np.ndarray] = field(default_factory=list)
    steps_done: list[int] = field(default_factory=list)
    draws: int = 0
    scratch_kept: bool = False


def run(sampler: str, sigmas: np.ndarray, *, stop_at: int = -1, cancel_step: int = 0) -> Record:
    """Run from the golden start. `stop_at`: the evaluation (from 0) that answers "cancelled"."""
    record = Record()
    index = SAMPLERS.index(sampler)
    noise = golden("start")["noise"]
    x, x_pointer = floats(FFI, golden("start")["x"] * sigmas[0])
    scratch, scratch_pointer = floats(
        FFI, np.full(LIBRARY.sampler_scratch(index, x.size) + GUARD, np.nan)
    )
    held_sigmas, sigma_pointer = floats(FFI, sigmas)

    def array(pointer: Any) -> np.ndarray:
        return np.frombuffer(FFI.buffer(pointer, x.nbytes), np.float32)

    def denoise(_user: Any, denoised: Any, at: Any, sigma: float) -> int:
        record.evaluated.append(sigma)
        array(denoised)[:] = estimate(array(at), sigma)
        return CANCELLED if len(record.evaluated) == stop_at + 1 else OK

    def draw(_user: Any, out: Any) -> None:
        array(out)[:] = noise[record.draws]
        record.draws += 1

    def step_done(_user: Any, step: int, denoised: Any) -> int:
        record.steps_done.append(step)
        record.estimates.append(array(denoised).copy())
        record.path.append(x.copy())
        return CANCELLED if step == cancel_step else OK

    denoise_callback = FFI.callback("sd_status(void *, float *, const float *, float)", denoise)
    noise_callback = FFI.callback("void(void *, float *)", draw)
    step_callback = FFI.callback("sd_status(void *, int32_t, const float *)", step_done)
    request = FFI.new(
        "sampler_run *",
        {
            "sigmas": sigma_pointer,
            "steps": len(held_sigmas) - 1,
            "count": x.size,
            "x": x_pointer,
            "scratch": scratch_pointer,
            "denoise": denoise_callback,
            "noise": noise_callback if sampler in NOISY else FFI.NULL,
            "step_done": step_callback,
        },
    )
    record.path.append(x.copy())
    record.status = LIBRARY.sampler_run_all(index, request)
    record.scratch_kept = bool(np.isnan(scratch[-GUARD:]).all())
    return record


def assert_same_path(record: Record, expected: np.ndarray) -> None:
    """Within 1e-5 of the largest value at each step."""
    assert record.status == OK
    for ours, theirs in zip(record.path, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("key", golden("k_diffusion"))
def test_paths_of_k_diffusion(key: str) -> None:
    """Every step of a run, with the same noise in the same order."""
    sampler, schedule = key.split(":")
    expected = golden("k_diffusion")[key]
    assert_same_path(run(sampler, golden("schedule")[f"{schedule}:{len(expected) - 1}"]), expected)


@pytest.mark.parametrize("sampler", ["ddim", "lcm", "dpmpp_2m_sde"])
def test_paths_of_diffusers(sampler: str) -> None:
    """Every step of a run; diffusers drew the noise itself, one draw a step."""
    held = golden("diffusers")
    assert_same_path(run(sampler, held[f"{sampler}:levels"]), held[f"{sampler}:path"])


def evaluations(sampler: str, steps: int) -> int:
    """Of the network, in a run down to 0: Heun takes two a step, but one for the last."""
    return (2 if sampler == "heun" else 1) * (steps - 1) + 1


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_run_keeps_its_promises(sampler: str, steps: int) -> None:
    """No evaluation too many, steps counted from 1, scratch in bounds, the end is an estimate."""
    record = run(sampler, golden("schedule")[f"karras:{steps}"])
    assert len(record.evaluated) == evaluations(sampler, steps)
    assert record.steps_done == list(range(1, steps + 1))
    assert record.draws == (steps - 1 if sampler in NOISY else 0)
    assert record.scratch_kept
    np.testing.assert_allclose(record.path[-1], record.estimates[-1], rtol=1e-6)


def test_heun_evaluates_at_both_ends() -> None:
    """Each step's end is the next step's start; 0 is never evaluated."""
    sigmas = golden("schedule")["karras:3"]
    expected = [sigmas[0], sigmas[1], sigmas[1], sigmas[2], sigmas[2]]
    assert run("heun", sigmas).evaluated == [float(sigma) for sigma in expected]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_run_may_stop_above_zero(sampler: str) -> None:
    """The levels of a part of a schedule: x then still holds noise of the last level."""
    whole = golden("schedule")["karras:7"]
    part = run(sampler, whole[:4])
    np.testing.assert_array_equal(part.path, run(sampler, whole).path[:4])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_callbacks_status_stops_the_run(sampler: str) -> None:
    """At once, from each evaluation and after each step."""
    sigmas = golden("schedule")["karras:3"]
    for evaluation in range(evaluations(sampler, 3)):
        record = run(sampler, sigmas, stop_at=evaluation)
        assert (record.status, len(record.evaluated)) == (CANCELLED, evaluation + 1)
    for step in (1, 2, 3):
        record = run(sampler, sigmas, cancel_step=step)
        assert (record.status, record.steps_done[-1]) == (CANCELLED, step)


def test_bad_arguments_are_refused() -> None:
    """Unknown samplers and runs without a step; nothing is called."""
    request = FFI.new("sampler_run *", {"steps": 3})
    assert LIBRARY.sampler_run_all(len(SAMPLERS), request) == BAD_ARGUMENT
    assert LIBRARY.sampler_run_all(-1, request) == BAD_ARGUMENT
    request.steps = 0
    assert LIBRARY.sampler_run_all(0, request) == BAD_ARGUMENT
    assert LIBRARY.sampler_scratch(len(SAMPLERS), 10) == 0
