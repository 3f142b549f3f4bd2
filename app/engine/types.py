"""The values that cross between Python and the engine.

Owns the words of the field as enumerations and the frozen inputs and outputs of a model.
Knows nothing of files, prompts or windows.
"""

from dataclasses import dataclass
from enum import StrEnum

TOKENS_PER_CHUNK = 77


class Dtype(StrEnum):
    """How a number is stored; the order is that of `sd_dtype` in engine.h.

    From Q4_0 on they are ggml's block formats, of weights alone.
    """

    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"
    F8_E4M3 = "f8_e4m3"
    F8_E5M2 = "f8_e5m2"
    Q4_0 = "Q4_0"
    Q4_1 = "Q4_1"
    Q5_0 = "Q5_0"
    Q5_1 = "Q5_1"
    Q8_0 = "Q8_0"
    Q2_K = "Q2_K"
    Q3_K = "Q3_K"
    Q4_K = "Q4_K"
    Q5_K = "Q5_K"
    Q6_K = "Q6_K"


class BackendName(StrEnum):
    """Where the engine computes."""

    AUTO = "auto"
    CPU = "cpu"
    METAL = "metal"


class Prediction(StrEnum):
    """What the UNet predicts."""

    EPSILON = "epsilon"
    V = "v"


class Sampler(StrEnum):
    """How a step goes from one sigma to the next."""

    EULER = "euler"
    EULER_A = "euler_a"
    HEUN = "heun"
    DPMPP_2M = "dpmpp_2m"
    DPMPP_2M_SDE = "dpmpp_2m_sde"
    DDIM = "ddim"
    LCM = "lcm"


class Schedule(StrEnum):
    """Which sigmas are visited."""

    NORMAL = "normal"
    KARRAS = "karras"
    EXPONENTIAL = "exponential"
    SGM_UNIFORM = "sgm_uniform"
    SIMPLE = "simple"


class Rng(StrEnum):
    """Where noise comes from: torch's CPU generator, or Philox as on CUDA."""

    CPU = "cpu"
    NV = "nv"


class Preview(StrEnum):
    """What the progress callback is shown after each step."""

    NONE = "none"
    LATENT_RGB = "latent_rgb"
    TAESD = "taesd"


class MaskedContent(StrEnum):
    """What stands where a mask paints before the first step."""

    ORIGINAL = "original"
    FILL = "fill"
    LATENT_NOISE = "latent_noise"
    LATENT_NOTHING = "latent_nothing"


class Phase(StrEnum):
    """The part of a generation that is running."""

    TEXT = "text"
    DENOISE = "denoise"
    DECODE = "decode"


@dataclass(frozen=True, kw_only=True)
class EngineTensor:
    """One weight where it lies.

    `name` is the engine's (see `sd_tensor` in engine.h), `shape` the file's, `address` that of the
    first byte (0: the model can be planned but not run), and `mapping` holds the addresses of the
    read-only file mapping that the bytes lie in, whole (None: other memory). The bytes must stay
    readable until the model is closed.
    """

    name: str
    dtype: Dtype
    shape: tuple[int, ...]
    address: int
    mapping: range | None


class AdapterKind(StrEnum):
    """How an adapter's factors become what is added to a weight; see `sd_adapter_kind`."""

    PLAIN = "plain"
    HADAMARD = "hadamard"
    KRONECKER = "kronecker"


@dataclass(frozen=True, kw_only=True)
class AdapterFactor:
    """A matrix rows x columns x taps as a product, or with rank 0 as it is; see `sd_factor`.

    `up`, `mid` and `down` are addresses, 0 where there is none; the bytes must stay readable while
    a model has the adapter.
    """

    dtype: Dtype
    rows: int
    columns: int
    taps: int
    rank: int
    up: int
    mid: int = 0
    down: int = 0
    up_is_transposed: bool = False


@dataclass(frozen=True, kw_only=True)
class EngineAdapter:
    """What is added to the weight `name`: `scale` times the matrix of `kind`.

    `second` is None for a plain one.
    """

    name: str
    kind: AdapterKind
    scale: float
    first: AdapterFactor
    second: AdapterFactor | None = None


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What tensor shapes do not tell about a model; see `sd_model_config` in engine.h."""

    unet_heads: int
    unet_head_size: int
    text_heads: int
    text2_heads: int
    prediction: Prediction
    latent_scale: float
    vae_is_wide: bool
    beta_start: float
    beta_end: float
    latent_rgb: tuple[tuple[float, float, float], ...] | None


@dataclass(frozen=True, kw_only=True)
class PromptTokens:
    """A prompt as chunks of 77 token ids, and the attention weight of each token.

    `tokens2` are the same for a second text encoder, where the model has one.
    """

    tokens: tuple[tuple[int, ...], ...]
    weights: tuple[tuple[float, ...], ...]
    tokens2: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class GenerationInput:
    """All that the engine needs for one batch of pictures; see `sd_request` in engine.h.

    `width` and `height` are pixels, `init_image` RGB bytes of height x width x 3; `mask`, which
    needs one, has a byte a pixel: 255 paints, 0 keeps. With `is_patch` it does not keep pixels of
    the finished pictures: the caller does. `vae_tile` is the side of the VAE's tiles in latents, 0
    for none, `preview_tile` that of TAESD's previews. `extra_rows` are the f32 bytes of rows of the
    text encoder's width, which token ids from the model's vocabulary on stand for.
    """

    prompt: PromptTokens
    negative_prompt: PromptTokens
    width: int
    height: int
    steps: int
    batch_count: int
    clip_skip: int
    sampler: Sampler
    schedule: Schedule
    rng: Rng
    cfg_scale: float
    denoise_strength: float
    seed: int
    init_image: bytes | None
    mask: bytes | None
    preview: Preview
    precision: Dtype
    release_weights: bool
    vae_tile: int
    extra_rows: bytes = b""
    masked_content: MaskedContent = MaskedContent.ORIGINAL
    is_patch: bool = False
    preview_tile: int = 0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a generation stands: step `step` of `steps` of the denoise phase is done.

    `preview` is RGB bytes of batch x preview_height x preview_width x 3, or None.
    """

    phase: Phase
    step: int
    steps: int
    preview: bytes | None
    preview_width: int
    preview_height: int


@dataclass(frozen=True, kw_only=True)
class GenerationOutput:
    """Finished pictures.

    `pictures` are RGB bytes of height x width x 3 each, `latents` the little-endian f32 bytes of
    batch x height/8 x width/8 x 4. `load_ms` (packing of weights) is part of the other times.
    `note` is a sentence where a part was rerun in f32, else empty.
    """

    pictures: tuple[bytes, ...]
    latents: bytes
    load_ms: float
    text_ms: float
    denoise_ms: float
    decode_ms: float
    note: str


@dataclass(frozen=True, kw_only=True)
class PlanFigures:
    """Forecast in bytes; a phase's peak holds resident weights, arena and workspace.

    `merging` is what adding LoRAs to the largest weight takes for a while; peaks hold it.
    """

    text_weights: int
    unet_weights: int
    vae_weights: int
    taesd_weights: int
    text_activations: int
    denoise_activations: int
    decode_activations: int
    workspace: int
    merging: int
    text_peak: int
    denoise_peak: int
    decode_peak: int
    peak: int


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """Sizes that the engine read off the tensors."""

    text_parameters: int
    unet_parameters: int
    vae_parameters: int
    taesd_parameters: int
    text_width: int
    text_layers: int
    text_vocabulary: int
    unet_in_channels: int
    unet_channels: int
    unet_levels: int
    context_width: int
    text2_width: int
    text2_layers: int
    text2_vocabulary: int
    pooled_width: int
    vector_width: int
    has_text: bool
    has_unet: bool
    has_vae_encoder: bool
    has_vae_decoder: bool
    has_taesd_encoder: bool
    has_taesd_decoder: bool


@dataclass(frozen=True, kw_only=True)
class DeviceInfo:
    """The backend that is in use."""

    backend: str
    device: str
    instructions: str
    threads: int
    allocated_bytes: int


@dataclass(frozen=True, kw_only=True)
class MetalSource:
    """A library of Metal kernels as the engine compiles it; `language` 30 is MSL 3.0."""

    library: str
    text: str
    language: int


@dataclass(frozen=True, kw_only=True)
class LibraryReport:
    """How a library of Metal kernels compiled; `log` is all that the compiler said."""

    name: str
    language: int
    is_ready: bool
    elapsed_ms: float
    log: str


@dataclass(frozen=True, kw_only=True)
class PipelineReport:
    """One kernel on the GPU: most threads of a threadgroup, 0 where it is not there."""

    name: str
    library: str
    max_threads: int
    threadgroup_bytes: int
    log: str


@dataclass(frozen=True, kw_only=True)
class FallbackReport:
    """An operator that the CPU serves in the GPU's place, and why."""

    op: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OpCheck:
    """One operator's start-up check; `error_ratio` up to 1 passes."""

    op: str
    served_by: str
    error_ratio: float
    elapsed_ms: float
    passed: bool


@dataclass(frozen=True, kw_only=True)
class EngineReport:
    """What opening the engine found.

    `family` is the GPU's ("Apple7" is an M1), empty on the CPU; `refusal` says why Metal was not
    taken where it might have been; `tuning` is one line on which kernels are this GPU's fastest,
    empty where it was not timed; `checks` are those that opening made, none on the CPU.
    """

    family: str = ""
    refusal: str = ""
    tuning: str = ""
    libraries: tuple[LibraryReport, ...] = ()
    pipelines: tuple[PipelineReport, ...] = ()
    fallbacks: tuple[FallbackReport, ...] = ()
    checks: tuple[OpCheck, ...] = ()


class Pressure(StrEnum):
    """What the system says of its memory; the order is that of `sd_pressure`."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"


class Thermal(StrEnum):
    """What the system says of its heat; the order is that of `sd_thermal`."""

    NOMINAL = "nominal"
    FAIR = "fair"
    SERIOUS = "serious"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How the device fares now.

    `allocated_bytes` of this process are in its reach; staying under `working_set_bytes` is the
    system's advice, 0 where it gives none.
    """

    allocated_bytes: int
    working_set_bytes: int
    pressure: Pressure
    thermal: Thermal
    is_low_power: bool
