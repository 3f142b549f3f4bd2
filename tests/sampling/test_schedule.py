"""Noise levels, timesteps and scalings against k-diffusion and diffusers."""

from typing import Any

import numpy as np
import pytest

from tests.sampling.sampling_library import (
    BAD_ARGUMENT,
    OK,
    SCHEDULES,
    floats,
    golden,
    open_library,
)

FFI, LIBRARY = open_library(
    """
    typedef int sd_schedule;
    typedef struct sigma_table { float sigmas[1000]; float log_sigmas[1000]; } sigma_table;
    typedef struct schedule_scaling { float c_in, c_skip, c_out; } schedule_scaling;
    void schedule_table_init(sigma_table *table, double beta_start, double beta_end);
    float schedule_timestep(const sigma_table *table, float sigma);
    float schedule_sigma(const sigma_table *table, float timestep);
    sd_status schedule_sigmas(float *out, sd_schedule schedule, const sigma_table *table,
                              int32_t steps);
    schedule_scaling schedule_scalings(sd_prediction prediction, float sigma);
    """
)
EPSILON, V = 0, 1


@pytest.fixture(scope="module")
def table() -> Any:
    """The levels of SD 1.x."""
    table = FFI.new("sigma_table *")
    LIBRARY.schedule_table_init(table, 0.00085, 0.012)
    return table


def levels(table: Any, schedule: str, steps: int) -> np.ndarray:
    """All steps + 1 levels."""
    out, pointer = floats(FFI, np.full(steps + 1, np.nan))
    assert LIBRARY.schedule_sigmas(pointer, SCHEDULES.index(schedule), table, steps) == OK
    return out


def test_table_is_that_of_diffusers(table: Any) -> None:
    """Also at the low end, where 1 - alphas_cumprod cancels."""
    ours = np.frombuffer(FFI.buffer(FFI.addressof(table, "sigmas")), np.float32)
    np.testing.assert_allclose(ours, golden("table")["sigmas"], rtol=1e-6)


@pytest.mark.parametrize("key", golden("schedule"))
def test_levels(table: Any, key: str) -> None:
    """Every schedule and step count; diffusers reads between levels linearly: 1e-4 apart."""
    name, steps = key.split(":")
    ours = levels(table, name.removeprefix("diffusers_"), int(steps))
    tolerance = 1e-4 if name.startswith("diffusers") else 1e-6
    np.testing.assert_allclose(ours, golden("schedule")[key], rtol=tolerance)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 150, 999, 1000])
def test_levels_fall_to_zero(table: Any, schedule: str, steps: int) -> None:
    """From the table's top, each below the one before it, and exactly 0 at the end."""
    found = levels(table, schedule, steps)
    assert found[0] == pytest.approx(table.sigmas[999], rel=1e-6)
    assert np.all(np.diff(found) < 0)
    assert found[steps] == 0


@pytest.mark.parametrize(("schedule", "steps"), [(5, 10), (-1, 10), (0, 0), (0, -3), (0, 1001)])
def test_bad_arguments_are_refused(table: Any, schedule: int, steps: int) -> None:
    """And nothing is written."""
    out, pointer = floats(FFI, np.full(1002, np.nan))
    assert LIBRARY.schedule_sigmas(pointer, schedule, table, steps) == BAD_ARGUMENT
    assert np.isnan(out).all()


def test_timesteps_and_back(table: Any) -> None:
    """Fractions between entries, and the ends for levels outside the table."""
    held = golden("timestep")
    ours = [LIBRARY.schedule_timestep(table, sigma) for sigma in held["sigmas"]]
    np.testing.assert_allclose(ours, held["timestep_of_sigma"], rtol=1e-6, atol=2e-4)
    back = [LIBRARY.schedule_sigma(table, position) for position in held["positions"]]
    np.testing.assert_allclose(back, held["sigma_of_timestep"], rtol=1e-6)
    assert LIBRARY.schedule_sigma(table, -5.0) == pytest.approx(table.sigmas[0])
    assert LIBRARY.schedule_sigma(table, 2000.0) == pytest.approx(table.sigmas[999])


@pytest.mark.parametrize("prediction", [EPSILON, V])
@pytest.mark.parametrize("sigma", [0.0292, 0.7, 1.0, 14.61])
def test_scalings_recover_the_picture(prediction: int, sigma: float) -> None:
    """A network that answers perfectly gives back x0, and sees an input of unit variance.

    v = (noise - sigma * x0) / sqrt(1 + sigma^2) (Salimans and Ho 2022, appendix D).
    """
    generator = np.random.default_rng(1)
    x0, noise = generator.normal(size=(2, 100))
    x = x0 + sigma * noise
    v = (noise - sigma * x0) / np.sqrt(1 + sigma**2)
    scaling = LIBRARY.schedule_scalings(prediction, sigma)
    output = v if prediction == V else noise
    np.testing.assert_allclose(scaling.c_skip * x + scaling.c_out * output, x0, atol=4e-6)
    assert scaling.c_in == pytest.approx(1 / np.sqrt(1 + sigma**2), rel=1e-6)
