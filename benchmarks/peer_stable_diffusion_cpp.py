"""One picture by stable-diffusion.cpp (PyPI's stable-diffusion-cpp-python), measured.

python -m benchmarks.peer_stable_diffusion_cpp CHECKPOINT THREADS STEPS [PNG]
"""

import sys
import time
from statistics import median

from stable_diffusion_cpp import StableDiffusion

from benchmarks.measurement import CFG_SCALE, PROMPT, SIDE, Measurement, peak_mib, report


def main() -> None:
    """Loads, makes the picture, reports. Step 0 is told when the text is done."""
    checkpoint, threads, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    loading = time.monotonic()
    peer = StableDiffusion(model_path=checkpoint, n_threads=threads, vae_decode_only=True)
    started = time.monotonic()
    moments: list[float] = []
    step_times: list[float] = []

    def progressed(step: int, _steps: int, seconds: float) -> None:
        moments.append(time.monotonic())
        if step > 0:
            step_times.append(seconds)

    pictures = peer.generate_image(
        prompt=PROMPT,
        width=SIDE,
        height=SIDE,
        cfg_scale=CFG_SCALE,
        sample_method="euler",
        sample_steps=steps,
        seed=1,
        progress_callback=progressed,
    )
    decode_s = time.monotonic() - moments[-1]
    for png in sys.argv[4:]:
        pictures[0].save(png)
    report(
        Measurement(
            load_s=started - loading,
            text_s=moments[0] - started,
            step_s=median(step_times),
            decode_s=decode_s,
            peak_mib=peak_mib(),
        )
    )


if __name__ == "__main__":
    main()
