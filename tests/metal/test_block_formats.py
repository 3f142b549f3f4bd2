"""Weights in ggml's block formats on the Metal backend: unpacked by its kernels, never the CPU."""

import numpy as np
import pytest

from tests.graph.block_formats import BLOCK_FORMATS, LARGEST, random_weight, unit_rows
from tests.graph.op_probe import Op, Setting, metal_fallbacks, run_ops
from tests.graph.storages import rounded
from tests.metal.modes import BF16_FAMILY, MODES, Mode
from tests.metal_sim import simulator

LATE_MS = "5"


@pytest.fixture(autouse=True)
def _simulator() -> None:
    simulator.require()


def _matrix(name: str, **setting: bool) -> tuple[np.ndarray, np.ndarray]:
    """What a product gives of a packed matrix with a bias, and what the weights say."""
    w, bias = random_weight(name, 29, 256, largest=4), random_weight(name, 256, largest=4)
    x = unit_rows(256)
    op = Op(name="linear", inputs=(x,), weights=(w, None), args={"act": "none"})
    norm = (bias, bias)
    shift = Op(name="layer_norm", inputs=(np.zeros_like(x),), weights=norm, args={"eps": 1e-5})
    got = [run_ops([each], Setting(metal=Mode(), **setting)).out[0, 0] for each in (op, shift)]
    wanted = w.values.astype(np.float16).T, np.broadcast_to(bias.values, (256, 256))
    return np.concatenate(got, axis=1), np.concatenate(wanted, axis=1)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.title)
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_table(name: str, mode: Mode) -> None:
    """Rows of an embedding are read as the file has them, with scales as large as a half is."""
    table = random_weight(name, 9, 768, largest=LARGEST)
    ids = np.array([4, 0, 8, 8, 3], np.int32).reshape(1, 1, 5, 1)
    op = Op(name="embedding", inputs=(ids,), weights=(table,))
    got = run_ops([op], Setting(metal=mode)).out
    np.testing.assert_array_equal(got[0, 0], table.values[ids.reshape(-1)])
    assert metal_fallbacks(mode) == {}


@pytest.mark.parametrize("leaves_metal", [False, True], ids=["stays", "leaves"])
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_matrix_and_vector(name: str, leaves_metal: bool) -> None:
    """Rounded to f16 once, norms to f32; the CPU takes over what Metal has unpacked."""
    got, wanted = _matrix(name, leaves_metal=leaves_metal)
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("leaves_metal", [False, True], ids=["stays", "leaves"])
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_matrix_in_bf16(name: str, leaves_metal: bool) -> None:
    """By the library of that storage: rounded to bf16 from f32, not from f16."""
    w = random_weight(name, 29, 256)
    op = Op(name="linear", inputs=(rounded(unit_rows(256)),), weights=(w,), args={"act": "none"})
    setting = Setting(storage="bf16", metal=Mode(family=BF16_FAMILY), leaves_metal=leaves_metal)
    got = run_ops([op], setting).out[0, 0]
    np.testing.assert_array_equal(got, rounded(w.values).T)


@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_late_command_buffers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that starts late gives the same numbers to a host that waits for it."""
    monkeypatch.setenv("MTLSIM_LATE", LATE_MS)
    got, wanted = _matrix(name)
    np.testing.assert_array_equal(got, wanted)
