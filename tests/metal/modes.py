"""How the simulator runs kernels in tests: plain for speed, checked for mistakes."""

from dataclasses import dataclass

BF16_FAMILY, TENSOR_FAMILY = 9, 10  # the first Apple GPUs that have these
CHECK_SEEDS = (1, 2, 3)  # orders in which threads and threadgroups are taken


@dataclass(frozen=True, kw_only=True)
class Mode:
    """check: races, bounds, barriers and uninitialised memory are looked for, in order `seed`.

    family: of the GPU, as Apple counts. faults: as MTLSIM_FAULT, at opening.
    mutant: a text of the kernels, once there, and what stands in its place.
    """

    check: bool = False
    seed: int = 1
    family: int = 7
    faults: str = ""
    mutant: tuple[str, str] = ("", "")

    @property
    def title(self) -> str:
        """Name of a test's case."""
        return f"checked {self.seed}" if self.check else "plain"


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How the backend cuts a product, whatever the GPU's speed.

    variant: of metal_matrix.h by number, -1 as found. flops_per_second: a fast GPU gets slices of K
    where tiles are few; 0 as found. pace: one so many times slower than 1 TFLOP/s gets short bands.
    """

    variant: int = -1
    flops_per_second: float = 0
    pace: float = 1.0


MODES = (Mode(), *(Mode(check=True, seed=seed) for seed in CHECK_SEEDS))
