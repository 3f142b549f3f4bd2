"""What activations are stored as: the fastest that was measured (benchmarks/NOTES.md)."""

from app.engine.types import BackendName, DeviceInfo, Dtype

_OF_BACKENDS = {BackendName.METAL.value: Dtype.F16}
_OF_INSTRUCTIONS = {"avx512_amx": Dtype.BF16, "avx512_bf16": Dtype.BF16}


def fastest_precision(device: DeviceInfo) -> Dtype:
    """f32 where nothing shorter was measured to be faster."""
    of_processor = _OF_INSTRUCTIONS.get(device.instructions, Dtype.F32)
    return _OF_BACKENDS.get(device.backend, of_processor)
