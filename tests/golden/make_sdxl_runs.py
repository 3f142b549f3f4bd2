"""Makes tests/golden/sdxl_runs/: whole runs of a small random SDXL by diffusers' own pipeline.

Run from the repository's root by a Python that has torch, diffusers and transformers:

    ATEN_CPU_CAPABILITY=default python -m tests.golden.make_sdxl_runs

One <run>.npz a case of tests/engine/sdxl_cases.py with "latents" [batch, h / 8, w / 8, 4] (f32,
scaled), "pictures" [batch, h, w, 3] (8 bit) and "versions". Text, noise, sizes, steps and decoding
are StableDiffusionXLPipeline's; the environment variable is as in make_runs.py.
"""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
from transformers import CLIPTokenizer

from tests.engine.sdxl_cases import SDXL_CASES, SdxlCase
from tests.golden import torch_networks as reference
from tests.golden import torch_runs
from tests.golden.make_tokenizer import RESOURCE, vocabulary
from tests.random_weights import TINY_XL, WeightDtype, write_checkpoint

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "golden" / "sdxl_runs"
LATENT_SCALE = 0.13025


def pipeline_of(networks: reference.Networks) -> StableDiffusionXLPipeline:
    """The networks as a pipeline, with the tokenizers and the noise levels of SDXL."""
    lines = gzip.decompress(RESOURCE.read_bytes()).decode().splitlines()
    merges = [tuple(line.split(" ")) for line in lines]
    first, second = (
        CLIPTokenizer(vocab=vocabulary(merges), merges=merges, pad_token=pad, model_max_length=77)
        for pad in ("<|endoftext|>", "!")
    )
    networks.vae.register_to_config(scaling_factor=LATENT_SCALE)
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="linspace",
    )
    pipeline = StableDiffusionXLPipeline(
        vae=networks.vae,
        text_encoder=networks.text,
        text_encoder_2=networks.text2,
        tokenizer=first,
        tokenizer_2=second,
        unet=networks.unet,
        scheduler=scheduler,
        add_watermarker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def run(pipeline: StableDiffusionXLPipeline, case: SdxlCase) -> torch.Tensor:
    """Scaled latents [batch, 4, h / 8, w / 8] at the end."""
    seeds = range(case.seed, case.seed + case.batch_count)
    return pipeline(
        case.prompt,
        # None, not an empty text, is what the pipeline takes for no negative prompt.
        negative_prompt=case.negative_prompt or None,
        width=case.width,
        height=case.height,
        num_inference_steps=case.steps,
        guidance_scale=case.cfg_scale,
        num_images_per_prompt=case.batch_count,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        output_type="latent",
    ).images


@torch.no_grad()
def main() -> None:
    """Writes every run's file."""
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":
        raise SystemExit("Set ATEN_CPU_CAPABILITY=default and run this again.")
    torch.set_num_threads(1)
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny_xl.safetensors"
        write_checkpoint(path, TINY_XL, WeightDtype.F16)
        pipeline = pipeline_of(reference.open_networks(path))
    for case in SDXL_CASES:
        latents = run(pipeline, case)
        decoded = pipeline.vae.decode(latents / LATENT_SCALE).sample
        np.savez_compressed(
            TARGET / f"{case.name}.npz",
            latents=reference.nhwc(latents),
            pictures=torch_runs.pixels(decoded),
            versions=np.array(reference.versions()),
        )
        print(f"{case.name}: {latents.std():.3f}, picture {decoded.std():.3f}")


if __name__ == "__main__":
    main()
