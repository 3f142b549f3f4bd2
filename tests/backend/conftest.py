"""A test of cpu_isa runs once for each row that this processor has."""

from typing import Any

import pytest

from tests.backend.isa_library import library, usable_rows


@pytest.fixture(params=usable_rows())
def isa(request: pytest.FixtureRequest) -> Any:
    return usable_rows()[request.param]


@pytest.fixture
def pairs_isa(isa: Any) -> Any:
    """Of those that multiply bf16 numbers."""
    if isa.multiply_pairs == library()[0].NULL:
        pytest.skip("this row computes bf16 in f32")
    return isa
