"""Stable Diffusion 1.5 at 512x512 by our Metal kernels on an NVIDIA GPU, beside torch on the same.

    METAL_NVIDIA_KERNELS=kernels python -m tests.metal_sim.nvidia.full_size FOLDER

Needs torch, diffusers and transformers beside the engine's own needs. FOLDER takes the checkpoint
(random weights made from tensor names, f16, 2.1 GB). Printed: how far the UNet's prediction is
from torch's in f32, and how far the picture after ten steps; it ends with 1 if either is out of
bounds. One step of Euler down to 0 ends at x - sigma * prediction, which gives the prediction.
"""

import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from app.engine.types import BackendName, Dtype, GenerationInput, GenerationOutput
from tests.engine.model_setup import open_model, prompt, request
from tests.full_size import picture
from tests.golden import torch_networks as reference
from tests.metal import simulated_engine
from tests.metal_sim.nvidia.on_nvidia import nvidia_device
from tests.networks.cases import tokens

UNET_BOUND = 2e-3  # relative, of one half's prediction; guidance widens the guided one
PSNR_BOUND_DB = 40.0
Floats = NDArray[np.float32]


class TorchPicture:
    """The reference: diffusers' networks in f32 on the GPU, Euler on the normal schedule."""

    def __init__(self, checkpoint: Path) -> None:
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self.networks = reference.open_networks(checkpoint)
        chunks = np.stack([tokens(picture.TOKENS), tokens(())])
        self.context = reference.text_encode(self.networks.text, chunks, 1).cuda()
        self.unet = self.networks.unet.cuda()
        roots = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float32)
        alphas = torch.cumprod(1 - roots**2, dim=0)
        self.sigmas = ((1 - alphas) / alphas) ** 0.5

    @torch.no_grad()
    def predict(self, x: torch.Tensor, place: float, cfg_scale: float) -> torch.Tensor:
        """Guided noise of x [1, 4, h, w] at a place of the thousand steps."""
        sigma = self.sigma(place)
        both = (x / (sigma**2 + 1) ** 0.5).cuda().repeat(2, 1, 1, 1)
        halves = self.unet(both, torch.tensor(place).cuda(), self.context).sample
        positive, negative = halves.cpu().chunk(2)
        return negative + cfg_scale * (positive - negative)

    def sigma(self, place: float) -> torch.Tensor:
        """The noise level at a place; between two, on the line between their logarithms."""
        low, part = int(place), place - int(place)
        high = min(low + 1, 999)
        return ((1 - part) * self.sigmas[low].log() + part * self.sigmas[high].log()).exp()

    def latents(self, steps: int, cfg_scale: float) -> torch.Tensor:
        """Scaled latents at the end, [1, 4, h, w]."""
        places = np.linspace(999, 0, steps)
        x = self.noise() * self.sigma(999.0)
        for index, place in enumerate(places):
            sigma = self.sigma(float(place))
            following = self.sigma(float(places[index + 1])) if index + 1 < steps else 0.0
            x = x + self.predict(x, float(place), cfg_scale) * (following - sigma)
        return x

    def noise(self) -> torch.Tensor:
        """The picture's first noise, as torch draws it on the CPU."""
        side = picture.SIDE // 8
        return torch.randn(1, 4, side, side, generator=torch.Generator().manual_seed(picture.SEED))

    def pixels(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        """[1, h, w, 3]."""
        decoded = reference.vae_decode(self.networks.vae.cuda(), latents.cuda()).cpu()
        return reference.nhwc((decoded / 2 + 0.5).clamp(0, 1) * 255).round().astype(np.uint8)


def wished(steps: int, cfg_scale: float) -> GenerationInput:
    """The same picture for the engine."""
    return request(
        prompt=prompt(*picture.TOKENS),
        width=picture.SIDE,
        height=picture.SIDE,
        steps=steps,
        cfg_scale=cfg_scale,
        seed=picture.SEED,
        precision=Dtype.F16,
    )


def latents_of(output: GenerationOutput) -> Floats:
    """[1, h, w, 4]."""
    side = picture.SIDE // 8
    return np.frombuffer(output.latents, "<f4").reshape(1, side, side, 4)


def relative(got: Floats, wanted: Floats) -> float:
    """Euclidean."""
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def unet_error(ours: Any, theirs: TorchPicture, cfg_scale: float) -> float:
    """Of the prediction at the first step."""
    sigma = float(theirs.sigma(999.0))
    start = reference.nhwc(theirs.noise()) * np.float32(sigma)
    ended = latents_of(ours.generate(wished(1, cfg_scale)))
    predicted = (start - ended) / np.float32(sigma)
    wanted = theirs.predict(theirs.noise() * theirs.sigma(999.0), 999.0, cfg_scale)
    return relative(predicted, reference.nhwc(wanted))


def compare(engine_module: ModuleType, checkpoint: Path) -> bool:
    """Prints the figures; whether they are in bounds."""
    theirs = TorchPicture(checkpoint)
    with engine_module.Engine(backend=BackendName.METAL) as engine:
        print(engine.device().device)
        if left := engine.report().fallbacks:
            print(f"{left[0].op} and perhaps others are left to the CPU: {left[0].reason}")
            return False
        with open_model(engine, checkpoint) as ours:
            plain, guided = (unet_error(ours, theirs, scale) for scale in (1.0, picture.CFG_SCALE))
            print(
                f"UNet, relative: {plain:.2e}; under guidance of {picture.CFG_SCALE}: {guided:.2e}"
            )
            started = time.monotonic()
            output = ours.generate(wished(picture.STEPS, picture.CFG_SCALE))
            print(f"{picture.STEPS} steps and decode: {time.monotonic() - started:.1f} s")
    latents = theirs.latents(picture.STEPS, picture.CFG_SCALE)
    print(f"latents, relative: {relative(latents_of(output), reference.nhwc(latents)):.2e}")
    wanted = theirs.pixels(latents).astype(float)
    got = np.frombuffer(output.pictures[0], np.uint8).reshape(wanted.shape).astype(float)
    psnr_db = 10 * np.log10(255**2 / max(float(np.mean((got - wanted) ** 2)), 1e-9))
    print(f"picture: {psnr_db:.1f} dB; {reference.versions()}")
    return plain <= UNET_BOUND and psnr_db >= PSNR_BOUND_DB


def main() -> int:
    """The command line."""
    checkpoint = picture.checkpoint_in(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as scratch, nvidia_device(Path(scratch)):
        return 0 if compare(simulated_engine.load(), checkpoint) else 1


if __name__ == "__main__":
    sys.exit(main())
