"""What diffusers in f32 makes of the full-size random checkpoint: the reference of check.py.

Run by check.py with a Python that has torch, diffusers, transformers and k-diffusion:

    python -m tests.full_size.make_reference CHECKPOINT REFERENCE

REFERENCE is an .npz of some 2 MB: "unet/<timestep>" NHWC, "latents", "picture" (8 bit), "versions".
"""

import sys
from pathlib import Path

import numpy as np
import torch

from tests.full_size import picture
from tests.golden import torch_networks as reference
from tests.golden import torch_runs
from tests.networks.cases import tokens


def main() -> None:
    """Writes the reference file."""
    checkpoint, target = Path(sys.argv[1]), Path(sys.argv[2])
    networks = reference.open_networks(checkpoint)
    outputs = {"versions": np.array(reference.versions())}
    latents = reference.nchw(picture.unet_latents())
    context = torch.from_numpy(picture.unet_context())
    for timestep in picture.TIMESTEPS:
        with torch.no_grad():
            predicted = networks.unet(latents, torch.tensor(timestep), context).sample
        outputs[f"unet/{timestep}"] = reference.nhwc(predicted)
    run = torch_runs.Run(
        tokens=tokens(picture.TOKENS),
        negative_tokens=tokens(()),
        sampler="euler",
        schedule="normal",
        steps=picture.STEPS,
        seed=picture.SEED,
        width=picture.SIDE,
        height=picture.SIDE,
        batch_count=1,
        cfg_scale=picture.CFG_SCALE,
    )
    final = torch_runs.final_latents(networks, run)
    outputs["latents"] = reference.nhwc(final)
    outputs["picture"] = torch_runs.pixels(reference.vae_decode(networks.vae, final))[0]
    np.savez_compressed(target, **outputs)


if __name__ == "__main__":
    main()
