"""What activations are stored as: what is wished for, else what suits the device."""

from enum import StrEnum

from app.engine.types import BackendName, DeviceInfo, Dtype

_OF_BACKENDS = {BackendName.METAL.value: Dtype.F16}
_OF_INSTRUCTIONS = {"avx512_amx": Dtype.BF16}


class Precision(StrEnum):
    """How numbers are stored between the engine's operators; AUTO: what suits the device."""

    AUTO = "auto"
    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"


def stored_as(wish: Precision, device: DeviceInfo) -> Dtype:
    """What is wished for; AUTO: f32, and less only where that is twice as fast.

    bf16 moves a picture where one can see it, so AVX512_BF16's 1.5 times do not make it the rule.
    """
    if wish is not Precision.AUTO:
        return Dtype(wish.value)
    of_processor = _OF_INSTRUCTIONS.get(device.instructions, Dtype.F32)
    return _OF_BACKENDS.get(device.backend, of_processor)
