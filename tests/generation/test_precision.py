"""Which storage a device gets."""

import pytest

from app.engine.types import DeviceInfo, Dtype
from app.generation.precision import Precision, stored_as


@pytest.mark.parametrize(
    ("backend", "instructions", "wanted"),
    [
        ("metal", "avx2", Dtype.F16),
        ("cpu", "avx512_amx", Dtype.BF16),
        ("cpu", "avx512_bf16", Dtype.F32),
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
    assert stored_as(Precision.AUTO, device) is wanted
    for wish in (Precision.F32, Precision.F16, Precision.BF16):
        assert stored_as(wish, device) == wish.value
