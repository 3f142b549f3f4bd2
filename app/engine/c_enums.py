"""What the C enums call the names of types.py."""

from app.engine._engine import lib
from app.engine.types import (
    AdapterKind,
    BackendName,
    Dtype,
    MaskedContent,
    Phase,
    Prediction,
    Preview,
    Rng,
    Sampler,
    Schedule,
)

DTYPES = {
    Dtype.F32: lib.SD_F32,
    Dtype.F16: lib.SD_F16,
    Dtype.BF16: lib.SD_BF16,
    Dtype.F8_E4M3: lib.SD_F8_E4M3,
    Dtype.F8_E5M2: lib.SD_F8_E5M2,
    Dtype.Q4_0: lib.SD_Q4_0,
    Dtype.Q4_1: lib.SD_Q4_1,
    Dtype.Q5_0: lib.SD_Q5_0,
    Dtype.Q5_1: lib.SD_Q5_1,
    Dtype.Q8_0: lib.SD_Q8_0,
    Dtype.Q2_K: lib.SD_Q2_K,
    Dtype.Q3_K: lib.SD_Q3_K,
    Dtype.Q4_K: lib.SD_Q4_K,
    Dtype.Q5_K: lib.SD_Q5_K,
    Dtype.Q6_K: lib.SD_Q6_K,
}
BACKENDS = {
    BackendName.AUTO: lib.SD_BACKEND_AUTO,
    BackendName.CPU: lib.SD_BACKEND_CPU,
    BackendName.METAL: lib.SD_BACKEND_METAL,
}
PREDICTIONS = {
    Prediction.EPSILON: lib.SD_PREDICT_EPSILON,
    Prediction.V: lib.SD_PREDICT_V,
}
SAMPLERS = {
    Sampler.EULER: lib.SD_EULER,
    Sampler.EULER_A: lib.SD_EULER_A,
    Sampler.HEUN: lib.SD_HEUN,
    Sampler.DPMPP_2M: lib.SD_DPMPP_2M,
    Sampler.DPMPP_2M_SDE: lib.SD_DPMPP_2M_SDE,
    Sampler.DDIM: lib.SD_DDIM,
    Sampler.LCM: lib.SD_LCM,
}
SCHEDULES = {
    Schedule.NORMAL: lib.SD_NORMAL,
    Schedule.KARRAS: lib.SD_KARRAS,
    Schedule.EXPONENTIAL: lib.SD_EXPONENTIAL,
    Schedule.SGM_UNIFORM: lib.SD_SGM_UNIFORM,
    Schedule.SIMPLE: lib.SD_SIMPLE,
}
RNGS = {Rng.CPU: lib.SD_RNG_CPU, Rng.NV: lib.SD_RNG_NV}
PREVIEWS = {
    Preview.NONE: lib.SD_PREVIEW_NONE,
    Preview.LATENT_RGB: lib.SD_PREVIEW_LATENT_RGB,
    Preview.TAESD: lib.SD_PREVIEW_TAESD,
}
MASKED_CONTENTS = {
    MaskedContent.ORIGINAL: lib.SD_CONTENT_ORIGINAL,
    MaskedContent.FILL: lib.SD_CONTENT_FILL,
    MaskedContent.LATENT_NOISE: lib.SD_CONTENT_LATENT_NOISE,
    MaskedContent.LATENT_NOTHING: lib.SD_CONTENT_LATENT_NOTHING,
}
ADAPTER_KINDS = {
    AdapterKind.PLAIN: lib.SD_ADAPTER_PLAIN,
    AdapterKind.HADAMARD: lib.SD_ADAPTER_HADAMARD,
    AdapterKind.KRONECKER: lib.SD_ADAPTER_KRONECKER,
}
PHASES = {
    lib.SD_PHASE_TEXT: Phase.TEXT,
    lib.SD_PHASE_DENOISE: Phase.DENOISE,
    lib.SD_PHASE_DECODE: Phase.DECODE,
}
