"""The full-size check: a random SD 1.5 at 512x512, the engine against diffusers.

    python -m tests.full_size.check --folder FOLDER --torch-python PYTHON

FOLDER keeps the checkpoint (2.1 GB, made from tensor names) and the reference (2 MB); what is there
already is not made again. PYTHON has torch, diffusers, transformers and k-diffusion; it is needed
only while the reference is missing, and takes some minutes and 9 GB on two cores. Exit status 1: a
figure is out of bounds.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors
from app.checkpoint.reader import open_checkpoint
from app.engine.engine import Engine
from app.engine.types import (
    BackendName,
    Dtype,
    GenerationInput,
    GenerationOutput,
    Preview,
    PromptTokens,
    Rng,
    Sampler,
    Schedule,
)
from tests import engine_probe
from tests.full_size import picture
from tests.networks.cases import tokens

ROOT = Path(__file__).resolve().parents[2]
UNET_TOLERANCE = 2e-3
LEAST_PSNR_DB = 40.0


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number and whether it is within its bound."""

    label: str
    value: float
    bound: float
    is_good: bool

    def __str__(self) -> str:
        verdict = "good" if self.is_good else "OUT OF BOUNDS"
        return f"{self.label}: {self.value:.3g} (bound {self.bound:g}): {verdict}"


def prepare(folder: Path, torch_python: Path | None) -> tuple[Path, Path]:
    """The checkpoint and the reference, made where they are missing."""
    checkpoint, reference = picture.checkpoint_in(folder), folder / "reference.npz"
    if not reference.exists():
        if torch_python is None:
            raise SystemExit("Give --torch-python: the reference is not there yet.")
        command = [str(torch_python), "-m", "tests.full_size.make_reference"]
        command += [str(checkpoint), str(reference)]
        subprocess.run(command, check=True, cwd=ROOT)
    return checkpoint, reference


def unet_figures(checkpoint: Path, reference: Path) -> list[Figure]:
    """Relative error (Euclidean) of the UNet alone at each timestep."""
    figures = []
    with np.load(reference) as stored:
        for timestep in picture.TIMESTEPS:
            expected = stored[f"unet/{timestep}"].astype(np.float64)
            predicted = engine_probe.unet(
                checkpoint, picture.unet_latents(), timestep, picture.unet_context()
            )
            error = float(np.linalg.norm(predicted - expected) / np.linalg.norm(expected))
            figures.append(
                Figure(
                    label=f"unet at {timestep}, relative error",
                    value=error,
                    bound=UNET_TOLERANCE,
                    is_good=error <= UNET_TOLERANCE,
                )
            )
    return figures


def picture_figures(checkpoint: Path, reference: Path) -> list[Figure]:
    """PSNR of the finished picture; prints the run's times."""
    started = time.monotonic()
    output = generate(checkpoint)
    print(
        f"picture in {time.monotonic() - started:.1f} s: load {output.load_ms / 1e3:.1f}, "
        f"text {output.text_ms / 1e3:.2f}, a step {output.denoise_ms / 1e3 / picture.STEPS:.2f}, "
        f"decode {output.decode_ms / 1e3:.2f} s"
    )
    with np.load(reference) as stored:
        expected: NDArray[np.float64] = stored["picture"].astype(np.float64)
    pixels = np.frombuffer(output.pictures[0], np.uint8).reshape(expected.shape)
    error = float(np.mean((pixels - expected) ** 2))
    psnr = 10 * np.log10(255**2 / max(error, 1e-6))
    good = psnr >= LEAST_PSNR_DB
    return [Figure(label="picture, PSNR in dB", value=psnr, bound=LEAST_PSNR_DB, is_good=good)]


def generate(checkpoint: Path) -> GenerationOutput:
    """The picture of the check by the engine on the CPU, f32."""
    with (
        open_checkpoint(checkpoint) as opened,
        Engine(backend=BackendName.CPU, threads=0) as engine,
    ):
        description = describe(opened)
        model = engine.open_model(engine_tensors(opened, description), description.config)
        try:
            return model.generate(generation_input())
        finally:
            model.close()


def generation_input() -> GenerationInput:
    """One 512x512 picture under guidance."""
    return GenerationInput(
        prompt=prompt(picture.TOKENS),
        negative_prompt=prompt(()),
        width=picture.SIDE,
        height=picture.SIDE,
        steps=picture.STEPS,
        batch_count=1,
        clip_skip=1,
        sampler=Sampler.EULER,
        schedule=Schedule.NORMAL,
        rng=Rng.CPU,
        cfg_scale=picture.CFG_SCALE,
        denoise_strength=1.0,
        seed=picture.SEED,
        init_image=None,
        preview=Preview.NONE,
        precision=Dtype.F32,
        release_weights=False,
        mask=None,
        vae_tile=0,
    )


def prompt(sequence: tuple[int, ...]) -> PromptTokens:
    """One chunk in which nothing is weighted."""
    ids = tuple(int(token) for token in tokens(sequence))
    return PromptTokens(tokens=(ids,), weights=((1.0,) * len(ids),))


def main() -> int:
    """Makes what is missing, compares, prints; 0 where all is within bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--torch-python", type=Path)
    arguments = parser.parse_args()
    paths = prepare(arguments.folder, arguments.torch_python)
    figures = unet_figures(*paths) + picture_figures(*paths)
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_good for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
