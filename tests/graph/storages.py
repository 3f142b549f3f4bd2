"""Arrays in the storages of activations.

NumPy lacks bf16: such an array has f32 numbers that bf16 has, and a type of its own.
"""

import numpy as np

ARRAY_DTYPES = {"f32": np.float32, "f16": np.float16, "i32": np.int32}


class Bf16(np.ndarray):
    """An f32 array whose numbers are all exact in bf16; only `rounded` and `unpacked` make one."""


def rounded(numbers: np.ndarray) -> Bf16:
    """To nearest even; no NaN."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32)
    kept = bits + (0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return kept.astype(np.uint32).view(np.float32).view(Bf16)


def packed(numbers: np.ndarray) -> np.ndarray:
    """The upper halves, as they are stored."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32)
    return (bits >> 16).astype(np.uint16)


def unpacked(words: np.ndarray) -> Bf16:
    """What the stored halves stand for."""
    return (words.astype(np.uint32) << 16).view(np.float32).view(Bf16)


def in_dtype(numbers: np.ndarray, dtype: str) -> np.ndarray:
    """Round the numbers to a storage of activations."""
    if dtype == "bf16":
        return rounded(numbers)
    return np.asarray(numbers).astype(ARRAY_DTYPES[dtype])
