"""What is known of a model once its file is understood: plain frozen values.

Owns the words for families and key dialects. Knows nothing of how they are found out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.engine.types import Dtype, ModelConfig, Sampler, Schedule


class Family(StrEnum):
    """Which kind of model a file is; family.py's `OPENED` are those that can generate."""

    SD1 = "sd1"
    SD1_INPAINTING = "sd1_inpainting"
    SD2 = "sd2"
    SDXL = "sdxl"
    SDXL_REFINER = "sdxl_refiner"
    SD3 = "sd3"
    FLUX = "flux"
    VIDEO = "video"
    LCM = "lcm"
    QUANTIZED = "quantized"
    INSTRUCT_PIX2PIX = "instruct_pix2pix"
    LORA = "lora"
    TEXTUAL_INVERSION = "textual_inversion"
    CONTROLNET = "controlnet"
    MOTION_MODULE = "motion_module"
    IP_ADAPTER = "ip_adapter"
    UPSCALER = "upscaler"
    VAE = "vae"
    TAESD = "taesd"
    TEXT_ENCODER = "text_encoder"
    UNET_ONLY = "unet_only"
    UNKNOWN = "unknown"


class KeyDialect(StrEnum):
    """How a whole model's file names its tensors."""

    LDM = "ldm"
    DIFFUSERS = "diffusers"


@dataclass(frozen=True, kw_only=True)
class GenerationDefaults:
    """What a model draws best with; `width` and `height` are pixels."""

    width: int
    height: int
    steps: int
    sampler: Sampler
    schedule: Schedule
    cfg_scale: float


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """One network's size and the storage of its weights, the most used dtype first."""

    parameters: int
    dtypes: tuple[Dtype, ...]


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """A model that can be opened for generation.

    `networks` has the keys "text", "unet" and "vae", SDXL's "text2" besides. `config` holds heads,
    prediction, betas and preview factors as the engine wants them. `notes` are sentences to show
    beside the model.
    """

    family: Family
    title: str
    dialect: KeyDialect
    networks: Mapping[str, NetworkFacts]
    config: ModelConfig
    defaults: GenerationDefaults
    notes: tuple[str, ...]

    @property
    def dtype_label(self) -> str:
        """The weights' storage in a few letters, such as "f16" or "f16, f32"."""
        dtypes = [dtype for facts in self.networks.values() for dtype in facts.dtypes]
        return ", ".join(dict.fromkeys(dtypes))
