"""How near an operator has to come to NumPy in double precision: one table, by storage."""

import numpy as np

from tests.graph.storages import Bf16

# Largest |got - wanted| / (1 + |wanted|). f32: rounding of sums of a few thousand products. f16:
# half a unit in the last place of the result, 2^-11, and a little for sums that fall near a tie.
# bf16: likewise, 2^-8.
OP_TOLERANCE = {"f32": 1e-5, "f16": 5.5e-4, "bf16": 4.0e-3}

# Pictures of the small model in Q8_0 beside f16, in dB: 46 was measured at 128 x 128. In Q5_1 they
# have 33 and in Q4_0 21, so that a wrong scale would show.
Q8_0_PSNR_DB = 42.0

# The 2 x 2 phases of an enlarging convolution: sums of weights are rounded once more.
PHASES, PHASES_SHARE = {"f16": ("upsample wide",), "bf16": ("upsample wide", "upsample two")}, 2
PHASES_ON_CPU = "upsample wide in phases"  # in bf16, where the processor multiplies it

# Attention in products of bf16 numbers: weights are rounded before they multiply values, which is
# seen where few keys share all weight. torch's own is off by 3.5e-3 there, ours by 5e-3.
PEAKED, PEAKED_SHARE = "peaked", 1.5


def op_tolerance(got: np.ndarray) -> float:
    """That of an operator's result, by its storage."""
    if isinstance(got, Bf16):
        return OP_TOLERANCE["bf16"]
    return OP_TOLERANCE["f16" if got.dtype == np.float16 else "f32"]


def cpu_tolerance(title: str, got: np.ndarray) -> float:
    """That of an operator's case on a processor, by the result's storage."""
    shares = {PEAKED: PEAKED_SHARE, PHASES_ON_CPU: PHASES_SHARE}
    share = shares.get(title, 1) if isinstance(got, Bf16) else 1
    return share * op_tolerance(got)


def metal_tolerance(title: str, got: np.ndarray) -> float:
    """That of an operator's case (tests/graph/op_cases.py) on a GPU, by the result's storage."""
    phased = PHASES["bf16" if isinstance(got, Bf16) else "f16"]
    return (PHASES_SHARE if title.startswith(phased) else 1) * op_tolerance(got)


def relative_error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Largest |got - wanted| / (1 + |wanted|); infinite if shapes differ or one is not finite."""
    if got.shape != wanted.shape or not np.isfinite(got).all():
        return float("inf")
    difference = np.abs(got.astype(np.float64) - wanted)
    return float((difference / (1.0 + np.abs(wanted))).max())
