"""One picture by diffusers' and transformers' networks on torch, measured.

    python -m benchmarks.peer_torch CHECKPOINT THREADS STEPS f32|bf16 [PNG]

f32 runs in torch's ordinary layout and bf16 in channels_last, which is the fastest of each.
"""

import sys
import time
from pathlib import Path
from statistics import median

import torch
from PIL import Image

from benchmarks.measurement import CFG_SCALE, SIDE, Measurement, peak_mib, report
from tests.golden import torch_networks as reference
from tests.networks.cases import tokens


def opened(checkpoint: Path, dtype: torch.dtype) -> reference.Networks:
    """The networks in the layout that suits the dtype."""
    networks = reference.open_networks(checkpoint, dtype)
    if dtype is torch.bfloat16:
        networks.unet.to(memory_format=torch.channels_last)
        networks.vae.to(memory_format=torch.channels_last)
    return networks


@torch.no_grad()
def main() -> None:
    """Loads, makes the picture by Euler's steps, reports."""
    checkpoint, threads, steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    dtype = torch.bfloat16 if sys.argv[4] == "bf16" else torch.float32
    png = sys.argv[5] if len(sys.argv) > 5 else None
    torch.set_num_threads(threads)
    loading = time.monotonic()
    networks = opened(checkpoint, dtype)
    started = time.monotonic()
    prompts = torch.from_numpy(tokens(tuple(range(320, 335)))), torch.from_numpy(tokens(()))
    context = networks.text(torch.stack(prompts).long()).last_hidden_state
    encoded = time.monotonic()
    x = torch.randn(1, 4, SIDE // 8, SIDE // 8, dtype=dtype) * 14.6
    sigmas = torch.linspace(14.6, 0, steps + 1).tolist()
    step_times = []
    for index, sigma in enumerate(sigmas[:-1]):
        step_started = time.monotonic()
        scaled = x / (sigma**2 + 1) ** 0.5
        timestep = torch.tensor(999.0 * (1 - index / steps))
        positive, negative = networks.unet(torch.cat([scaled, scaled]), timestep, context).sample
        x = x + (negative + CFG_SCALE * (positive - negative)) * (sigmas[index + 1] - sigma)
        step_times.append(time.monotonic() - step_started)
    decoding = time.monotonic()
    decoded = reference.vae_decode(networks.vae, x)
    pixels = (decoded.clamp(-1, 1) * 127.5 + 127.5).to(torch.uint8)
    finished = time.monotonic()
    if png:
        Image.fromarray(pixels[0].permute(1, 2, 0).contiguous().numpy()).save(png)
    report(
        Measurement(
            load_s=started - loading,
            text_s=encoded - started,
            step_s=median(step_times),
            decode_s=finished - decoding,
            peak_mib=peak_mib(),
        )
    )


if __name__ == "__main__":
    main()
