"""A whole picture with diffusers' networks and k-diffusion's samplers.

Owns: noise, guidance and the run from tokens to pixels, as a reference for goldens and for the
full-size check. Noise is torch's on the CPU, drawn picture by picture in [4, h, w] order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tests.golden import k_diffusion_parts
from tests.golden import torch_networks as reference

SAMPLING, EXTERNAL = k_diffusion_parts.load()


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one call makes; `init_picture` is [height, width, 3] in -1..1 or None.

    `weights` [77] are the prompt's, by A1111's rule: a token's row of the encoder's output times
    its weight, then all rows scaled so that the mean of their numbers is what it was.
    """

    tokens: np.ndarray[Any, Any]
    negative_tokens: np.ndarray[Any, Any]
    sampler: str
    schedule: str
    steps: int
    seed: int
    width: int
    height: int
    batch_count: int
    cfg_scale: float
    init_picture: np.ndarray[Any, Any] | None = None
    denoise_strength: float = 1.0
    weights: np.ndarray[Any, Any] | None = None
    is_v_prediction: bool = False


@torch.no_grad()
def final_latents(networks: reference.Networks, run: Run) -> torch.Tensor:
    """Scaled latents [batch, 4, height / 8, width / 8] at the end of the run."""
    denoiser = (_VDenoiser if run.is_v_prediction else _Denoiser)(_Unet(networks, run))
    sigmas = _sigmas(denoiser, run)
    noise = _noise_source(run)
    # k-diffusion's Euler draws noise that it does not use; the generators here are its own.
    x = noise() * sigmas[0]
    if run.init_picture is not None:
        picture = reference.nchw(run.init_picture[None])
        x = x + reference.vae_encode(networks.vae, picture)
    sample = {
        "euler": SAMPLING.sample_euler,
        "euler_a": SAMPLING.sample_euler_ancestral,
        "heun": SAMPLING.sample_heun,
        "dpmpp_2m": SAMPLING.sample_dpmpp_2m,
    }[run.sampler]
    options = {"noise_sampler": lambda *_: noise()} if run.sampler == "euler_a" else {}
    return sample(denoiser, x, sigmas, disable=True, **options)


def pixels(picture: torch.Tensor) -> np.ndarray[Any, Any]:
    """[N, 3, H, W] in -1..1 -> 8-bit [N, H, W, 3], rounded to nearest."""
    scaled = (picture / 2 + 0.5).clamp(0, 1) * 255
    return reference.nhwc(scaled).round().astype(np.uint8)


class _Unet:
    """x and timestep -> the network's prediction under classifier-free guidance."""

    def __init__(self, networks: reference.Networks, run: Run) -> None:
        self.unet, self.cfg_scale = networks.unet, run.cfg_scale
        chunks = np.stack([run.tokens, run.negative_tokens])
        self.context = reference.text_encode(networks.text, chunks, 1)
        if run.weights is not None and (run.weights != 1).any():
            self.context[0] = _weighted(self.context[0], torch.from_numpy(run.weights))

    def __call__(self, x: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """Both contexts in one batch."""
        context = self.context.repeat_interleave(len(x), dim=0)
        both = self.unet(torch.cat([x, x]), timestep.repeat(2), context).sample
        positive, negative = both.chunk(2)
        return negative + self.cfg_scale * (positive - negative)


def _weighted(encoded: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    weighted = encoded * weights[:, None]
    return weighted * (encoded.mean() / weighted.mean())


def _alphas() -> torch.Tensor:
    roots = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float32)
    return torch.cumprod(1 - roots**2, dim=0)


class _Denoiser(EXTERNAL.DiscreteEpsDDPMDenoiser):
    """x and sigma -> the estimate of x0 by a network that predicts the noise."""

    def __init__(self, unet: _Unet) -> None:
        super().__init__(None, _alphas(), quantize=False)
        self.unet = unet

    def get_eps(self, x: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """What the network says."""
        return self.unet(x, timestep)


class _VDenoiser(EXTERNAL.DiscreteVDDPMDenoiser):
    """x and sigma -> the estimate of x0 by a network that predicts v."""

    def __init__(self, unet: _Unet) -> None:
        super().__init__(None, _alphas(), quantize=False)
        self.unet = unet

    def get_v(self, x: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """What the network says."""
        return self.unet(x, timestep)


def _sigmas(denoiser: Any, run: Run) -> torch.Tensor:
    """The run's noise levels; image-to-image leaves out the first ones, by diffusers' rule."""
    if run.schedule == "normal":
        sigmas = denoiser.get_sigmas(run.steps)
    else:
        low, high = denoiser.sigma_min.item(), denoiser.sigma_max.item()
        sigmas = SAMPLING.get_sigmas_karras(run.steps, low, high)
    if run.init_picture is None:
        return sigmas
    return sigmas[run.steps - min(int(run.steps * run.denoise_strength), run.steps) :]


def _noise_source(run: Run) -> Callable[[], torch.Tensor]:
    """A function that draws the next noise of every picture from the picture's own generator."""
    shape = (4, run.height // 8, run.width // 8)
    generators = [torch.Generator().manual_seed(run.seed + i) for i in range(run.batch_count)]
    return lambda: torch.stack([torch.randn(shape, generator=g) for g in generators])
