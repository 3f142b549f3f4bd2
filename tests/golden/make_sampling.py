"""Makes sampling.npz: what torch, k-diffusion and diffusers say about noise, sigmas and steps.

Run from the root of the repository by a Python that has torch, diffusers, k-diffusion:

    ATEN_CPU_CAPABILITY=default python -m tests.golden.make_sampling

The variable selects torch's portable path, the one that runs on Apple silicon. The same noise by
this processor's best path is stored beside it, to bound how far apart the two are.
The test reads the file with NumPy alone. All latents are float32 and flat.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch

from tests.golden import k_diffusion_parts

TARGET = Path(__file__).with_name("sampling.npz")
SEEDS = (0, 1, 12345, 2**32 - 1, 2**32 + 5, 2**63)
DRAWS = ((1,), (3,), (15,), (16,), (17,), (24,), (64,), (100,), (256,), (3, 5, 17, 1, 16, 100, 2))
STEP_COUNTS = (1, 2, 3, 7, 20, 50)
COUNT = 32  # latents of a trajectory
STEPS = 6
START_SEED = 2024
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
Arrays = dict[str, np.ndarray]


def estimate(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Stand in for a network: x0 by a smooth non-linear function; the test has it in NumPy."""
    signal = x / torch.sqrt(1.0 + sigma * sigma)
    return torch.tanh(1.5 * signal) + 0.25 * signal * signal - 0.1


def cpu_noise() -> Arrays:
    """Successive torch.randn calls on one CPU generator, joined; key "seed:count,count,..."."""
    found = {}
    for seed in SEEDS:
        for counts in DRAWS:
            generator = torch.Generator("cpu").manual_seed(seed)
            parts = [torch.randn(count, generator=generator) for count in counts]
            found[f"{seed}:{','.join(map(str, counts))}"] = torch.cat(parts).numpy()
    latents = torch.randn((1, 4, 8, 6), generator=torch.Generator("cpu").manual_seed(7))
    found["latents"] = latents[0].permute(1, 2, 0).contiguous().numpy()
    return found


def best_cpu_noise() -> Arrays:
    """The same by this processor's best path, in a process of its own: torch picks at start."""
    code = (
        "import numpy, sys; from tests.golden import make_sampling;"
        "numpy.savez(sys.stdout.buffer, **make_sampling.cpu_noise())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ATEN_CPU_CAPABILITY"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    )
    return dict(np.load(io.BytesIO(result.stdout)))


def philox(seed: int, call: int, count: int) -> np.ndarray:
    """Philox 4x32-10 and Box-Muller over whole arrays: a second writing of what CUDA draws."""
    low32 = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    a, b, c, d = (np.zeros(count, np.uint64) for _ in range(4))
    a += np.uint64(call)
    c += np.arange(count, dtype=np.uint64)
    keys = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first, second = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (
            (second >> shift) ^ b ^ np.uint64(keys[0]),
            second & low32,
            (first >> shift) ^ d ^ np.uint64(keys[1]),
            first & low32,
        )
        keys = [(keys[0] + 0x9E3779B9) % 2**32, (keys[1] + 0xBB67AE85) % 2**32]
    step = float(np.float32(2.3283064e-10))
    angle_step = float(np.float32(2.3283064e-10 * 6.2831855))
    radius = np.sqrt(-2.0 * np.log(a.astype(np.float64) * step + step / 2))
    return (radius * np.sin(b.astype(np.float64) * angle_step + angle_step / 2)).astype(np.float32)


def nv_noise() -> Arrays:
    """Three calls on one Philox generator, joined; key "seed:count,count,count"."""
    counts = (4, 17, 100)
    return {
        f"{seed}:{','.join(map(str, counts))}": np.concatenate(
            [philox(seed, call, count) for call, count in enumerate(counts)]
        )
        for seed in SEEDS
    }


def schedules(sampling: Any, model: Any) -> Arrays:
    """Levels of every schedule; key "schedule:steps"."""
    table = model.sigmas
    low, high = table[0].item(), table[-1].item()
    found = {}
    for n in STEP_COUNTS:
        found[f"normal:{n}"] = model.get_sigmas(n)
        found[f"karras:{n}"] = sampling.get_sigmas_karras(n, low, high)
        found[f"exponential:{n}"] = sampling.get_sigmas_exponential(n, low, high)
        trailing = torch.linspace(999, 0, n + 1)[:-1]
        found[f"sgm_uniform:{n}"] = sampling.append_zero(model.t_to_sigma(trailing))
        picks = [table[-(1 + int(i * len(table) / n))] for i in range(n)]
        found[f"simple:{n}"] = sampling.append_zero(torch.stack(picks))
        if n > 1:  # for one step diffusers begins at timestep 0
            scheduler = diffusers.EulerDiscreteScheduler(**BETAS, timestep_spacing="linspace")
            scheduler.set_timesteps(n)
            found[f"diffusers_normal:{n}"] = scheduler.sigmas
    return {key: value.numpy().astype(np.float32) for key, value in found.items()}


def timesteps(model: Any) -> Arrays:
    """k-diffusion's fractional timesteps of some levels, and the levels of some timesteps."""
    sigmas = torch.tensor([0.001, 0.0292, 0.03, 0.1, 0.5, 1.0, 2.5, 7.0, 14.0, 14.6, 20.0])
    positions = torch.tensor([0.0, 0.25, 1.0, 10.5, 499.5, 500.0, 998.9, 999.0])
    return {
        "sigmas": sigmas.numpy(),
        "timestep_of_sigma": model.sigma_to_t(sigmas).numpy(),
        "positions": positions.numpy(),
        "sigma_of_timestep": model.t_to_sigma(positions).numpy(),
    }


def start_and_noise() -> tuple[torch.Tensor, torch.Tensor]:
    """One draw for the start (unit variance) and one for each step, from one generator."""
    generator = torch.Generator("cpu").manual_seed(START_SEED)
    start = torch.randn(COUNT, generator=generator)
    return start, torch.stack([torch.randn(COUNT, generator=generator) for _ in range(STEPS)])


def run_k_diffusion(
    sample: Callable[..., torch.Tensor], sigmas: torch.Tensor, takes_noise: bool
) -> np.ndarray:
    """Latents before each step and at the end, [steps + 1, COUNT]."""
    start, noise = start_and_noise()
    draws = iter(noise)
    path: list[torch.Tensor] = []
    options = {"noise_sampler": lambda sigma, following: next(draws)} if takes_noise else {}
    end = sample(
        estimate,
        start * sigmas[0],
        sigmas,
        callback=lambda info: path.append(info["x"].clone()),
        disable=True,
        **options,
    )
    whole: np.ndarray = torch.stack([*path, end]).numpy()
    return whole


def k_diffusion_paths(sampling: Any, levels: Arrays) -> Arrays:
    """Trajectories of k-diffusion's samplers; key "sampler:schedule"."""
    rows = {
        "euler": (sampling.sample_euler, False),
        "euler_a": (sampling.sample_euler_ancestral, True),
        "heun": (sampling.sample_heun, False),
        "dpmpp_2m": (sampling.sample_dpmpp_2m, False),
        "dpmpp_2m_sde": (sampling.sample_dpmpp_2m_sde, True),
    }
    return {
        f"{name}:{schedule}": run_k_diffusion(sample, torch.tensor(levels[schedule]), takes_noise)
        for name, (sample, takes_noise) in rows.items()
        for schedule in levels
    }


class WholeEstimate(diffusers.LCMScheduler):  # type: ignore[misc]
    """LCM without its blend at the boundary, which samplers in sigma space leave out."""

    def get_scalings_for_boundary_condition_discrete(self, timestep: object) -> tuple[float, float]:
        """Return (c_skip, c_out): all of the estimate, nothing of the sample."""
        return 0.0, 1.0


def run_diffusers(scheduler: Any, takes_noise: bool) -> Arrays:
    """Levels [steps + 1] and x at them [steps + 1, COUNT] of a scheduler of diffusers.

    Its samples are x / sqrt(1 + sigma^2). A scheduler that takes noise draws it itself from the
    generator that has just drawn the start.
    """
    generator = torch.Generator("cpu").manual_seed(START_SEED)
    start = torch.randn(COUNT, generator=generator)
    options = {"generator": generator} if takes_noise else {}
    alphas = scheduler.alphas_cumprod
    levels = getattr(scheduler, "sigmas", None)
    if levels is None:
        levels = torch.tensor([((1 - alphas[t]) / alphas[t]).sqrt() for t in scheduler.timesteps])
        levels = torch.cat([levels, torch.zeros(1)])
    path = [start * levels[0]]
    sample = path[0] / (1 + levels[0] ** 2).sqrt()
    for i, t in enumerate(scheduler.timesteps):
        x = sample * (1 + levels[i] ** 2).sqrt()
        epsilon = (x - estimate(x, levels[i])) / levels[i]
        sample = scheduler.step(epsilon, t, sample, **options).prev_sample
        path.append(sample * (1 + levels[i + 1] ** 2).sqrt())
    return {"levels": levels.numpy(), "path": torch.stack(path).numpy()}


def diffusers_paths() -> Arrays:
    """DDIM, LCM and SDE-DPM-Solver++; keys "sampler:levels" and "sampler:path"."""
    ddim = diffusers.DDIMScheduler(
        **BETAS, timestep_spacing="trailing", clip_sample=False, set_alpha_to_one=True
    )
    lcm = WholeEstimate(**BETAS)
    sde = diffusers.DPMSolverMultistepScheduler(
        **BETAS, algorithm_type="sde-dpmsolver++", use_karras_sigmas=True
    )
    found: Arrays = {}
    for name, scheduler, takes_noise in (
        ("ddim", ddim, False),
        ("lcm", lcm, True),
        ("dpmpp_2m_sde", sde, True),
    ):
        # A divisor of 1000 for DDIM, which otherwise rounds its timesteps in two ways.
        scheduler.set_timesteps(5 if name == "ddim" else STEPS)
        result = run_diffusers(scheduler, takes_noise)
        found |= {f"{name}:{key}": value for key, value in result.items()}
    return found


def main() -> None:
    """Write the file."""
    assert torch.backends.cpu.get_cpu_capability() == "DEFAULT", "set ATEN_CPU_CAPABILITY=default"
    torch.set_num_threads(1)
    sampling, external = k_diffusion_parts.load()
    alphas = diffusers.EulerDiscreteScheduler(**BETAS).alphas_cumprod
    model = external.DiscreteEpsDDPMDenoiser(None, alphas, quantize=False)
    levels = schedules(sampling, model)
    walked = {name: levels[f"{name}:{STEPS + 1}"] for name in ("normal", "karras")}
    start, noise = start_and_noise()
    groups = {
        "cpu": cpu_noise(),
        "best": best_cpu_noise(),
        "nv": nv_noise(),
        "schedule": levels,
        "timestep": timesteps(model),
        "table": {"sigmas": model.sigmas.numpy()},
        "k_diffusion": k_diffusion_paths(sampling, walked),
        "diffusers": diffusers_paths(),
        "start": {"x": start.numpy(), "noise": noise.numpy()},
    }
    names = ("torch", "diffusers", "k-diffusion", "numpy")
    versions = {name: metadata.version(name) for name in names}
    arrays = {
        f"{group}/{key}": value for group, held in groups.items() for key, value in held.items()
    }
    np.savez_compressed(TARGET, versions=np.array(json.dumps(versions)), **arrays)


if __name__ == "__main__":
    main()
