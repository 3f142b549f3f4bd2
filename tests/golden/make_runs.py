"""Makes tests/golden/runs/: final latents and pictures of whole runs of the mini model.

Run from the repository's root by a Python that has torch, diffusers, transformers and k-diffusion:

    ATEN_CPU_CAPABILITY=default python -m tests.golden.make_runs

One <run>.npz a case of tests/engine/run_cases.py with "latents" [batch, h / 8, w / 8, 4] (f32,
scaled) and "versions", and one <run>_<index>.png a picture. The environment variable makes torch
draw noise by its portable code, which is alike on all machines.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from app.engine.types import Prediction
from tests.engine.run_cases import CFG_SCALE, MODEL_FILE, RUN_CASES, RunCase, token_weights
from tests.golden import torch_networks as reference
from tests.golden import torch_runs
from tests.networks.cases import tokens

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "golden" / "runs"


def run_of(case: RunCase) -> torch_runs.Run:
    """The case for the reference; its init picture is read back from an earlier case's PNG."""
    init = None
    if case.init_case:
        with Image.open(TARGET / f"{case.init_case}_0.png") as picture:
            init = np.asarray(picture, np.float32) / 127.5 - 1
    return torch_runs.Run(
        tokens=tokens(case.tokens),
        negative_tokens=tokens(()),
        weights=token_weights(case),
        sampler=case.sampler.value,
        schedule=case.schedule.value,
        steps=case.steps,
        seed=case.seed,
        width=case.width,
        height=case.height,
        batch_count=case.batch_count,
        cfg_scale=CFG_SCALE,
        init_picture=init,
        denoise_strength=case.denoise_strength,
        is_v_prediction=case.prediction is Prediction.V,
    )


def main() -> None:
    """Writes every run's files."""
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":
        raise SystemExit("Set ATEN_CPU_CAPABILITY=default and run this again.")
    torch.set_num_threads(1)
    TARGET.mkdir(exist_ok=True)
    networks = reference.open_networks(ROOT / "resources" / "models" / MODEL_FILE)
    for case in RUN_CASES:
        latents = torch_runs.final_latents(networks, run_of(case))
        np.savez_compressed(
            TARGET / f"{case.name}.npz",
            latents=reference.nhwc(latents),
            versions=np.array(reference.versions()),
        )
        pictures = torch_runs.pixels(reference.vae_decode(networks.vae, latents))
        for index, picture in enumerate(pictures):
            Image.fromarray(picture).save(TARGET / f"{case.name}_{index}.png", optimize=True)
        print(f"{case.name}: {latents.std():.3f}")


if __name__ == "__main__":
    main()
