"""Weights in ggml's block formats: random blocks, and the numbers that the gguf package reads."""

import gguf
import numpy as np

from tests.graph.op_probe import Weight

# Where the halves of a block stand: they are the only bytes that may not be anything.
HALVES = {
    "Q4_0": (0,),
    "Q4_1": (0, 2),
    "Q5_0": (0,),
    "Q5_1": (0, 2),
    "Q8_0": (0,),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
}
BLOCK_FORMATS = tuple(HALVES)
SMALLEST, LARGEST_SUBNORMAL, LARGEST = 2.0**-24, 1023 * 2.0**-24, 65504.0
# Of numbers that a half can hold, whatever the codes: a scale is multiplied by 63 * 31 + 63 at most
# (Q5_K), 128 * 32 in Q6_K.
LARGEST_OF_HALVES = 15.0


def numbers_of_a_block(name: str) -> int:
    """32 or 256."""
    return gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][0]


def random_weight(
    name: str, *shape: int, seed: int = 4, largest: float = LARGEST_OF_HALVES
) -> Weight:
    """Every bit of the codes is random; a third of the scales is extreme: 0, subnormal, largest."""
    kind = gguf.GGMLQuantizationType[name]
    numbers, size = gguf.GGML_QUANT_SIZES[kind]
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (int(np.prod(shape)) // numbers, size), dtype=np.uint8)
    extremes = np.array([0, SMALLEST, -SMALLEST, LARGEST_SUBNORMAL, largest, -largest])
    for at in HALVES[name]:
        usual = random.uniform(-0.01, 0.01, len(blocks))
        is_extreme = random.random(len(blocks)) < 1 / 3
        scales = np.where(is_extreme, random.choice(extremes, len(blocks)), usual)
        blocks[:, at : at + 2] = scales.astype(np.float16)[:, None].view(np.uint8)
    return _weight(name, blocks, shape)


def quantised(name: str, numbers: np.ndarray) -> Weight:
    """The numbers as the gguf package quantises them; it has no K formats."""
    kind = gguf.GGMLQuantizationType[name]
    rows = np.ascontiguousarray(numbers, np.float32).reshape(len(numbers), -1)
    return _weight(name, gguf.quantize(rows, kind), numbers.shape)


def unit_rows(count: int) -> np.ndarray:
    """An x whose product with a weight [out][count] is the weight, turned about."""
    return np.eye(count, dtype=np.float32).reshape(1, 1, count, count)


def _weight(name: str, blocks: np.ndarray, shape: tuple[int, ...]) -> Weight:
    values = gguf.dequantize(blocks, gguf.GGMLQuantizationType[name]).reshape(shape)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    return Weight(dtype=name, bits=blocks, values=values)
