"""Kernels keep their numbers in registers, as LLVM's NVPTX target shows; Apple's is LLVM too.

A vector or an array of matrices that is indexed by a variable goes to memory, and with it each
product's sums. Needs clang and a CUDA toolkit, but no GPU.
"""

import re
from pathlib import Path

import pytest

from app.engine.metal_sources import metal_sources
from tests.metal_sim import simulator
from tests.metal_sim.nvidia.compile_ptx import CompileError, compile_ptx, libdevice

# The tables by which NVIDIA's sine takes whole turns off a large angle.
MAY_HAVE_A_STACK = {"timestep_embedding"}
TENSOR_LANGUAGE = 40


@pytest.mark.parametrize(
    "library", [s.library for s in metal_sources() if s.language < TENSOR_LANGUAGE]
)
def test_no_kernel_has_a_stack(tmp_path: Path, library: str) -> None:
    simulator.require()
    try:
        libdevice()
    except CompileError as lacks:
        pytest.skip(f"NO KERNEL IS LOOKED AT FOR A STACK: {lacks}")
    (source,) = (s for s in metal_sources() if s.library == library)
    ptx = compile_ptx(source.text, source.language * 10, tmp_path)
    names = dict(line.split()[1:] for line in ptx.with_suffix(".names").read_text().splitlines())
    entries = re.split(
        r"^\.visible \.entry msl_kernel_(\d+)\(", ptx.read_text(), flags=re.MULTILINE
    )
    bodies = dict(zip(entries[1::2], entries[2::2], strict=True))
    with_stack = {names[number] for number, body in bodies.items() if "\t.local " in body}
    assert len(bodies) == len(names) > 0
    assert with_stack <= MAY_HAVE_A_STACK
