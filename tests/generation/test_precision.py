"""Which storage a device gets."""

import pytest

from app.engine.types import DeviceInfo, Dtype
from app.generation.precision import fastest_precision


@pytest.mark.parametrize(
    ("backend", "instructions", "wanted"),
    [
        ("metal", "avx2", Dtype.F16),
        ("cpu", "avx512_amx", Dtype.BF16),
        ("cpu", "avx512_bf16", Dtype.BF16),
        ("cpu", "avx512", Dtype.F32),
        ("cpu", "generic", Dtype.F32),
    ],
)
def test_short_numbers_where_they_are_faster(
    backend: str, instructions: str, wanted: Dtype
) -> None:
    device = DeviceInfo(
        backend=backend, device="", instructions=instructions, threads=1, allocated_bytes=0
    )
    assert fastest_precision(device) is wanted
