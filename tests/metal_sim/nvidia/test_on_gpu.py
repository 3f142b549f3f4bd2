"""Every operator through the engine's Metal backend on an NVIDIA GPU, against NumPy.

The unmodified kernels of metal/ as PTX, under the engine's own encoders. Runs where
$METAL_NVIDIA_KERNELS names a folder of compile_ptx.py and a GPU is there, by itself:

    python -m pytest tests/metal_sim/nvidia
"""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests import engine_library
from tests.graph.op_cases import CASES, Case, Maker
from tests.graph.op_probe import Setting, run_ops
from tests.metal_sim import simulator
from tests.tolerances import OP_TOLERANCE, relative_error

HERE = Path(__file__).resolve().parent


def _has_gpu() -> bool:
    try:
        return ctypes.CDLL("libcuda.so.1").cuInit(0) == 0
    except OSError:
        return False


pytestmark = [
    pytest.mark.skipif("METAL_NVIDIA_KERNELS" not in os.environ, reason="no kernels for NVIDIA"),
    pytest.mark.skipif(not _has_gpu(), reason="no NVIDIA GPU"),
]


@pytest.fixture(scope="module", autouse=True)
def nvidia_device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The engine's library has the NVIDIA device where the simulator's would be."""
    folder = tmp_path_factory.mktemp("nvidia")
    (folder / "compile.rsp").write_text(f"-I{HERE}\n")
    (folder / "link.rsp").write_text("-ldl\n")
    tools = simulator.Tools(clang="cc", objc_headers=Path(), objc_library=Path())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_library, "DEVICE", HERE / "metal_device_nvidia.c")
        patch.setattr(engine_library, "find_tools", lambda: tools)
        patch.setattr(simulator, "build", lambda: folder)
        yield


@pytest.mark.parametrize("storage", ["f16", "f32"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op} {case.title}")
def test_numbers(case: Case, storage: str) -> None:
    op, wanted = case.build(Maker(7, storage, "f16"))
    out = run_ops([op], Setting(storage=storage, metal=True, threads=2))
    error = relative_error(out.out, wanted)
    assert error <= OP_TOLERANCE["f16" if out.out.dtype == np.float16 else "f32"]
