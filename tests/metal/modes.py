"""How the simulator runs kernels in tests: plain for speed, checked for mistakes."""

from dataclasses import dataclass

CHECK_SEEDS = (1, 2, 3)  # orders in which threads and threadgroups are taken


@dataclass(frozen=True, kw_only=True)
class Mode:
    """check: races, bounds, barriers and uninitialised memory are looked for, in order `seed`."""

    check: bool = False
    seed: int = 1

    @property
    def title(self) -> str:
        """Name of a test's case."""
        return f"checked {self.seed}" if self.check else "plain"


MODES = (Mode(), *(Mode(check=True, seed=seed) for seed in CHECK_SEEDS))
