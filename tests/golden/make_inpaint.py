"""Makes tests/golden/inpaint/: whole runs of diffusers' StableDiffusionInpaintPipeline.

Run from the repository's root by a Python that has torch, diffusers and transformers:

    ATEN_CPU_CAPABILITY=default python -m tests.golden.make_inpaint

One <case>.npz a case of tests/engine/inpaint_cases.py with "latents" [batch, h / 8, w / 8, 4] (f32,
scaled) and "versions". The pipeline is used as it is but for two things: its VAE encodes to the
mean, as the engine does, and prompts come as embeddings.
"""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionInpaintPipeline
from PIL import Image

from tests.engine.inpaint_cases import INPAINT_CASES, STEPS, InpaintCase, mask, picture
from tests.engine.run_cases import MODEL_FILE
from tests.golden import torch_networks as reference
from tests.networks.cases import tokens
from tests.random_weights import INPAINT, WeightDtype, write_checkpoint

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "golden" / "inpaint"


def pipeline(networks: reference.Networks) -> StableDiffusionInpaintPipeline:
    """diffusers' pipeline over one checkpoint's networks."""
    encode = networks.vae.encode
    networks.vae.encode = lambda pixels: SimpleNamespace(latents=encode(pixels).latent_dist.mean)
    networks.unet.register_to_config(sample_size=64)  # it is asked for, and not used
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="linspace",
    )
    pipe = StableDiffusionInpaintPipeline(
        vae=networks.vae,
        text_encoder=None,
        tokenizer=None,
        unet=networks.unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def run(case: InpaintCase, networks: reference.Networks) -> torch.Tensor:
    """The case's final latents, scaled, [batch, 4, height / 8, width / 8]."""
    embeds = [
        reference.text_encode(networks.text, tokens(sequence)[None], 1)
        for sequence in (case.tokens, ())
    ]
    seeds = range(case.seed, case.seed + case.batch_count)
    return pipeline(networks)(
        prompt_embeds=embeds[0],
        negative_prompt_embeds=embeds[1],
        image=Image.fromarray(picture(case)),
        mask_image=Image.fromarray(mask(case)),
        height=case.height,
        width=case.width,
        strength=case.denoise_strength,
        num_inference_steps=STEPS,
        guidance_scale=case.cfg_scale,
        num_images_per_prompt=case.batch_count,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        output_type="latent",
    ).images


def main() -> None:
    """Writes every case's files."""
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":
        raise SystemExit("Set ATEN_CPU_CAPABILITY=default and run this again.")
    torch.set_num_threads(1)
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        random = Path(folder, "inpaint.safetensors")
        write_checkpoint(random, INPAINT, WeightDtype.F16)
        paths = {"mini": ROOT / "resources" / "models" / MODEL_FILE, "inpaint": random}
        for case in INPAINT_CASES:
            networks = reference.open_networks(paths[case.model])
            latents = run(case, networks)
            np.savez_compressed(
                TARGET / f"{case.name}.npz",
                latents=reference.nhwc(latents),
                versions=np.array(reference.versions()),
            )
            print(f"{case.name}: {latents.std():.3f}")


if __name__ == "__main__":
    main()
