"""One picture by this project's engine on the CPU, measured.

    python -m benchmarks.peer_aquatint CHECKPOINT THREADS STEPS keep|release

"release" frees each network's weights after its phase. Times are those of a second picture, as
the engine packs a network's weights when it first needs them; the packing counts as loading.
"""

import sys
import time
from pathlib import Path

from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors
from app.checkpoint.reader import open_checkpoint
from app.engine.engine import Engine
from app.engine.types import (
    BackendName,
    Dtype,
    GenerationInput,
    Preview,
    Rng,
    Sampler,
    Schedule,
)
from app.prompt.conditioning import prompt_tokens
from app.prompt.tokenizer import Tokenizer
from benchmarks.measurement import CFG_SCALE, PROMPT, SIDE, Measurement, peak_mib, report


def generation_input(steps: int, *, release_weights: bool) -> GenerationInput:
    """The picture that every peer makes."""
    tokenizer = Tokenizer()
    return GenerationInput(
        prompt=prompt_tokens(PROMPT, tokenizer),
        negative_prompt=prompt_tokens("", tokenizer),
        width=SIDE,
        height=SIDE,
        steps=steps,
        batch_count=1,
        clip_skip=1,
        sampler=Sampler.EULER,
        schedule=Schedule.NORMAL,
        rng=Rng.CPU,
        cfg_scale=CFG_SCALE,
        denoise_strength=1.0,
        seed=1,
        init_image=None,
        preview=Preview.NONE,
        precision=Dtype.F32,
        release_weights=release_weights,
    )


def main() -> None:
    """Loads, makes two pictures, reports."""
    path, threads, steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    release_weights = sys.argv[4] == "release"
    loading = time.monotonic()
    with (
        open_checkpoint(path) as checkpoint,
        Engine(backend=BackendName.CPU, threads=threads) as engine,
    ):
        description = describe(checkpoint)
        model = engine.open_model(engine_tensors(checkpoint, description), description.config)
        open_s = time.monotonic() - loading
        wanted = generation_input(steps, release_weights=release_weights)
        first, second = model.generate(wanted), model.generate(wanted)
        model.close()
    report(
        Measurement(
            load_s=open_s + first.load_ms / 1e3,
            text_s=second.text_ms / 1e3,
            step_s=second.denoise_ms / 1e3 / steps,
            decode_s=second.decode_ms / 1e3,
            peak_mib=peak_mib(),
        )
    )


if __name__ == "__main__":
    main()
