"""Makes tests/golden/add_ons/: final latents of runs with LoRAs and an embedding, by diffusers.

Run from the repository's root by a Python that has torch, diffusers, transformers, peft and
k-diffusion:

    ATEN_CPU_CAPABILITY=default python -m tests.golden.make_add_ons

One <case>.npz a case of tests/engine/add_on_cases.py with "latents" [1, 16, 16, 4] (f32, scaled)
and "versions". LoRA files go through diffusers' load_lora_weights; the embedding's rows are joined
to the token table, which is what its load_textual_inversion does, and "red" is followed by them.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
from diffusers import StableDiffusionPipeline

from tests.engine.add_on_cases import (
    ADD_ON_CASES,
    CFG_SCALE,
    MODEL,
    PROMPT_TOKENS,
    SEED,
    SIDE,
    STEPS,
    AddOnCase,
    embedding_rows,
    write_case,
)
from tests.golden import torch_networks as reference
from tests.golden import torch_runs
from tests.networks.cases import tokens

TARGET = Path(__file__).with_name("add_ons")


def load_lora(networks: reference.Networks, case: AddOnCase, folder: Path) -> None:
    """Gives the networks the case's LoRA, as a pipeline of diffusers does."""
    parts: Any = {"vae": networks.vae, "text_encoder": networks.text, "unet": networks.unet}
    pipeline = StableDiffusionPipeline(
        **parts,
        tokenizer=None,
        scheduler=None,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.load_lora_weights(str(write_case(case, folder)), adapter_name="x")
    pipeline.set_adapters(["x"], [case.weight])
    for part, count in (("unet", 33), ("text_encoder", 6)):
        layers = [
            m
            for m in getattr(pipeline, part).modules()
            if isinstance(m, peft.tuners.lora.LoraLayer)
        ]
        assert len(layers) == count, (part, len(layers))


def join_rows(networks: reference.Networks) -> None:
    """Puts the embedding's rows behind the token table."""
    table = networks.text.get_input_embeddings()
    rows = torch.from_numpy(embedding_rows())
    joined = torch.cat([table.weight.detach(), rows])
    networks.text.set_input_embeddings(torch.nn.Embedding.from_pretrained(joined))


def run_of(case: AddOnCase) -> torch_runs.Run:
    """The case for the reference."""
    sequence = PROMPT_TOKENS if case.dialect else (PROMPT_TOKENS[0], 49408, 49409, 49410)
    return torch_runs.Run(
        tokens=tokens(sequence),
        negative_tokens=tokens(()),
        sampler="euler",
        schedule="normal",
        steps=STEPS,
        seed=SEED,
        width=SIDE,
        height=SIDE,
        batch_count=1,
        cfg_scale=CFG_SCALE,
    )


def main() -> None:
    """Writes every case's file."""
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":
        raise SystemExit("Set ATEN_CPU_CAPABILITY=default and run this again.")
    torch.set_num_threads(1)
    TARGET.mkdir(exist_ok=True)
    versions = json.dumps(json.loads(reference.versions()) | {"peft": peft.__version__})
    for case in ADD_ON_CASES:
        networks = reference.open_networks(MODEL)
        with tempfile.TemporaryDirectory() as folder:
            if case.dialect:
                load_lora(networks, case, Path(folder))
            else:
                join_rows(networks)
        latents = reference.nhwc(torch_runs.final_latents(networks, run_of(case)))
        np.savez_compressed(
            TARGET / f"{case.name}.npz", latents=latents, versions=np.array(versions)
        )
        print(f"{case.name}: {latents.std():.3f}")


if __name__ == "__main__":
    main()
