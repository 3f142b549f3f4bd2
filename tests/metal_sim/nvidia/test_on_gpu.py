"""Every operator through the engine's Metal backend on an NVIDIA GPU, against NumPy.

The unmodified kernels of metal/ as PTX, under the engine's own encoders. Runs where
$METAL_NVIDIA_KERNELS names a folder of compile_ptx.py and a GPU is there, by itself:

    python -m pytest tests/metal_sim/nvidia
"""

import ctypes
import os
from collections.abc import Iterator

import pytest

from tests.graph.op_cases import Case, Maker
from tests.graph.op_probe import Setting, metal_fallbacks, run_ops
from tests.metal.modes import BF16_FAMILY, Cut, Mode
from tests.metal.test_matrix import PRODUCTS, VARIANTS, product_error
from tests.metal.test_operators import METAL_CASES
from tests.metal_sim.nvidia.on_nvidia import nvidia_device
from tests.tolerances import metal_tolerance, relative_error


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
def on_gpu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The engine's library has the NVIDIA device where the simulator's would be, one with bf16."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METAL_NVIDIA_FAMILY", str(BF16_FAMILY))
        with nvidia_device(tmp_path_factory.mktemp("nvidia")):
            yield


def test_nothing_is_left_to_the_cpu() -> None:
    assert metal_fallbacks(Mode()) == {}


@pytest.mark.parametrize("storage", ["f16", "f32", "bf16"])
@pytest.mark.parametrize("case", METAL_CASES, ids=lambda case: f"{case.op} {case.title}")
def test_numbers(case: Case, storage: str) -> None:
    op, wanted = case.build(Maker(7, storage, "bf16" if storage == "bf16" else "f16"))
    out = run_ops([op], Setting(storage=storage, metal=Mode(), threads=2))
    assert relative_error(out.out, wanted) <= metal_tolerance(case.title, out.out)


@pytest.mark.parametrize("storage", ["f16", "bf16"])
@pytest.mark.parametrize("variant", ["64x64", "64x32", "direct"])
@pytest.mark.parametrize("title", PRODUCTS)
def test_products(title: str, variant: str, storage: str) -> None:
    """Each variant, whichever the GPU was found to be fastest with."""
    cut = Cut(variant=list(VARIANTS).index(variant))
    assert product_error(PRODUCTS[title], Mode(), cut, storage) <= 1
