"""Makes gguf_blocks.npz: blocks of GGUF's formats, and the numbers that the `gguf` package reads.

Run from the root of the repository by a Python that has gguf:

    python -m tests.golden.make_gguf_blocks

For each format: `<name>.blocks`, bytes as a file has them, and `<name>.numbers`, f32 [rows][512].
"""

from pathlib import Path

import gguf
import numpy as np

TARGET = Path(__file__).with_name("gguf_blocks.npz")
ROWS, COLUMNS = 6, 512
# Where the halves of a block stand: they are the only bytes that may not be anything.
HALVES = {"Q8_0": (0,), "Q4_0": (0,), "Q4_K": (0, 2)}


def make_blocks(name: str, random: np.random.Generator) -> np.ndarray:
    """Random blocks whose scales are of the size that weights have."""
    elements, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    blocks = random.integers(0, 256, (ROWS, COLUMNS // elements, size), dtype=np.uint8)
    for at in HALVES[name]:
        scales = random.uniform(-0.01, 0.01, blocks.shape[:2]).astype(np.float16)
        blocks[:, :, at : at + 2] = scales[:, :, None].view(np.uint8)
    return blocks.reshape(ROWS, -1)


def main() -> None:
    """Write the file."""
    random = np.random.default_rng(4)
    arrays = {}
    for name in HALVES:
        blocks = make_blocks(name, random)
        arrays[f"{name}.blocks"] = blocks
        arrays[f"{name}.numbers"] = gguf.dequantize(blocks, gguf.GGMLQuantizationType[name])
    np.savez_compressed(TARGET, **arrays)


if __name__ == "__main__":
    main()
