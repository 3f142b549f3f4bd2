"""Makes tests/golden/networks/*.npz: each network's outputs as diffusers computes them in f32.

Run from the repository's root by a Python that has torch, diffusers and transformers:

    python -m tests.golden.make_networks [CASE ...]

Without names, all. One file a case of tests/networks/cases.py, NHWC f32, keys
"text/<sequence>/<clip_skip>", "text_plain/<sequence>/<clip_skip>" (not normed),
"text2/<sequence>/<clip_skip>", "pooled/<sequence>", "unet/<size>/<timestep>", "vae_decode/<size>",
"vae_encode/<size>", "taesd_decode/<size>", "taesd_encode/<size>", and "versions" of what computed
them.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from tests.golden import torch_networks as reference
from tests.networks import cases
from tests.random_weights import (
    WeightDtype,
    taesd_encoder_specs,
    write_checkpoint,
    write_tensors,
)

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "resources" / "models"
Outputs = dict[str, np.ndarray]


def text_outputs(networks: reference.Networks, case: cases.Case) -> Outputs:
    """The stored rows of every sequence at clip_skip 1 and 2."""
    outputs = {}
    for index, sequence in enumerate(case.sequences):
        for clip_skip in (1, 2):
            tokens = cases.tokens(sequence)[None]
            encoded = reference.text_encode(networks.text, tokens, clip_skip)[0].numpy()
            outputs[f"text/{index}/{clip_skip}"] = encoded[list(cases.STORED_ROWS)]
    return outputs


def text2_outputs(networks: reference.Networks, case: cases.Case) -> Outputs:
    """What SDXL takes of both encoders: the layer before the last, without norm, and pooled."""
    outputs = {}
    for index, sequence in enumerate(case.sequences):
        states = networks.text(
            torch.from_numpy(cases.tokens(sequence)[None]).long(), output_hidden_states=True
        ).hidden_states
        rows, pooled = reference.text2_encode(
            networks.text2, cases.tokens(sequence, padding=0)[None], 2
        )
        outputs[f"text_plain/{index}/2"] = states[-2][0].detach().numpy()[list(cases.STORED_ROWS)]
        outputs[f"text2/{index}/2"] = rows[0].numpy()[list(cases.STORED_ROWS)]
        outputs[f"pooled/{index}"] = pooled[0].numpy()
    return outputs


@torch.no_grad()
def unet_outputs(networks: reference.Networks, case: cases.Case) -> Outputs:
    """Predictions for two pictures with contexts of their own."""
    outputs = {}
    context = torch.from_numpy(cases.unet_context(case))
    added = None
    if case.pooled_width:
        sizes = torch.tensor(cases.SIZES, dtype=torch.float32)
        added = {"text_embeds": torch.from_numpy(cases.unet_pooled(case)), "time_ids": sizes}
    for size in case.unet_sizes:
        latents = reference.nchw(cases.unet_latents(case, size))
        for timestep in case.timesteps:
            predicted = networks.unet(
                latents, torch.tensor(timestep), context, added_cond_kwargs=added
            ).sample
            outputs[f"unet/{size[0]}x{size[1]}/{timestep}"] = reference.nhwc(predicted)
    return outputs


def vae_outputs(networks: reference.Networks, case: cases.Case) -> Outputs:
    """Decoded and encoded pictures."""
    outputs = {}
    for size in case.vae_sizes:
        label = f"{size[0]}x{size[1]}"
        latents = reference.nchw(cases.vae_latents(size))
        picture = reference.nchw(cases.vae_picture(size))
        outputs[f"vae_decode/{label}"] = reference.nhwc(reference.vae_decode(networks.vae, latents))
        outputs[f"vae_encode/{label}"] = reference.nhwc(reference.vae_encode(networks.vae, picture))
    return outputs


def taesd_outputs(case: cases.Case, folder: Path) -> Outputs:
    """What the small preview coder makes of the case's VAE inputs; the encoder is a random one."""
    decoder = reference.open_taesd_decoder(MODELS / "aquatint-mini-taesd.safetensors")
    path = folder / "taesd_encoder.safetensors"
    write_tensors(path, list(taesd_encoder_specs()), WeightDtype.F16, {})
    encoder = reference.open_taesd_encoder(path)
    outputs = {}
    for size in case.vae_sizes:
        latents = reference.nchw(cases.vae_latents(size))
        picture = reference.taesd_decode(decoder, latents)
        label = f"{size[0]}x{size[1]}"
        outputs[f"taesd_decode/{label}"] = reference.nhwc(picture)
        coded = reference.taesd_encode(encoder, reference.nchw(cases.vae_picture(size)))
        outputs[f"taesd_encode/{label}"] = reference.nhwc(coded)
    return outputs


def make(case: cases.Case, folder: Path) -> Outputs:
    """All outputs of one case."""
    path = MODELS / "aquatint-mini.safetensors"
    if case.architecture is not None:
        path = folder / f"{case.name}.safetensors"
        write_checkpoint(path, case.architecture, case.dtype)
    networks = reference.open_networks(path)
    outputs = text_outputs(networks, case) | unet_outputs(networks, case)
    outputs |= vae_outputs(networks, case)
    if networks.text2 is not None:
        outputs |= text2_outputs(networks, case)
    if case.architecture is None:
        outputs |= taesd_outputs(case, folder)
    return outputs


def main() -> None:
    """Writes one file a case."""
    torch.set_num_threads(1)
    target = ROOT / "tests" / "golden" / "networks"
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for case in cases.CASES:
            if sys.argv[1:] and case.name not in sys.argv[1:]:
                continue
            outputs = make(case, Path(folder))
            path = target / f"{case.name}.npz"
            np.savez_compressed(path, versions=np.array(reference.versions()), **outputs)
            print(f"{path.name}: {len(outputs)} outputs, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
