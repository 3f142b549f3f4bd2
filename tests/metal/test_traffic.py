"""The bytes that encoders say are the kernels': portions are cut, and chips modelled, by them."""

import numpy as np
import pytest

from tests.graph.op_cases import CASES, Case, built
from tests.graph.op_probe import Setting, metal_fallbacks, run_ops
from tests.metal.modes import Cut, Mode
from tests.metal_sim import simulator

CUTS = {"slices": Cut(flops_per_second=1e14), "bands": Cut(pace=1e5)}
CUT_CASES = {"conv2d wide", "conv2d upsample wide", "linear plain", "attention long"}
LEAST_READ = 0.9  # of what is said: some taps see the border alone
MASKED = ("causal", "counts")  # keys that are not looked at


def _title(case: Case) -> str:
    return f"{case.op} {case.title}"


# On a GPU without bf16.
ROWS = [(_title(case), case, Cut()) for case in CASES if "bf16" not in case.title] + [
    (f"{_title(case)}, {name}", case, cut)
    for case in CASES
    for name, cut in CUTS.items()
    if _title(case) in CUT_CASES
]


def _traffic(control: simulator.Control) -> np.ndarray:
    return np.array([control.counter("bytes_read"), control.counter("bytes_written")])


@pytest.mark.parametrize(("case", "cut"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_bytes(control: simulator.Control, case: Case, cut: Cut) -> None:
    """A result is written once, as said; an operand is read so often at least, for caches help."""
    op, _ = built(case, "f16", "f16")
    mode = Mode(check=True)
    setting = Setting(storage="f16", metal=mode, cut=cut)
    assert metal_fallbacks(mode) == {}  # opens the device, whose start-up check counts too
    before = _traffic(control)
    said = run_ops([op], setting)
    read, written = _traffic(control) - before
    assert said.written_bytes == pytest.approx(written, rel=1e-9)
    if not any(word in case.title for word in MASKED):
        assert read >= LEAST_READ * said.read_bytes
