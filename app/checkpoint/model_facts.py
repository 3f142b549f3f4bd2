"""What tensor shapes do not tell about a Stable Diffusion model, and where files say it.

Owns heads, prediction, betas, preview factors and generation defaults: the family's own, then a
diffusers folder's configs, then the metadata of the file. Metadata and configs come from strangers,
so every value is checked.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.checkpoint.description import Family, GenerationDefaults
from app.checkpoint.reader import Checkpoint
from app.checkpoint.stored import CheckpointError, shown
from app.engine.types import EngineTensor, ModelConfig, Prediction, Sampler, Schedule

BETA_START = 0.00085
BETA_END = 0.012
TRAINING_STEPS = 1000
TEXT_HEAD_SIZE = 64
TEXT_CONFIGS = {"text": "text_encoder/config.json", "text2": "text_encoder_2/config.json"}
HEAD_LIMIT = 1024
METADATA_LIMIT = 4096  # characters of a value that is parsed
FACTOR_LIMIT = 100.0
SIDE_MIN, SIDE_MAX, SIDE_STEP = 64, 2048, 8  # pixels

# Scaled latents to RGB in -1..1, found by experiment on SD 1.4; the last row is the bias. Source:
# https://discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204
LATENT_RGB = (
    (0.298, 0.207, 0.208),
    (0.187, 0.286, 0.173),
    (-0.158, 0.189, 0.264),
    (-0.184, -0.271, -0.473),
    (0.0, 0.0, 0.0),
)
# Likewise for SDXL, given there for RGB in 0..255. Source:
# https://huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space
SDXL_LATENT_RGB = (
    (0.471, 0.471, 0.471),
    (-0.471, -0.039, 0.078),
    (0.196, 0.118, -0.039),
    (-0.549, -0.392, -0.275),
    (0.176, 0.098, 0.02),
)
ZERO_SNR_NOTE = (
    "This model was trained with zero terminal SNR, which Aquatint does not apply yet: "
    "very dark and very bright pictures may come out flat."
)
PREDICTION_WORDS: Mapping[str, Prediction] = {
    "epsilon": Prediction.EPSILON,
    "eps": Prediction.EPSILON,
    "v": Prediction.V,
    "v_prediction": Prediction.V,
    "v-prediction": Prediction.V,
}
# what files of models with other scalings hold (CosXL, Playground 2.5)
EDM_TENSORS = ("edm_vpred.sigma_max", "edm_mean")
SD1_DEFAULTS = GenerationDefaults(
    width=512,
    height=512,
    steps=20,
    sampler=Sampler.DPMPP_2M,
    schedule=Schedule.KARRAS,
    cfg_scale=7.0,
)


@dataclass(frozen=True, kw_only=True)
class FamilyFacts:
    """What all models of a family have, where their files do not say otherwise.

    `unet_heads` 0: heads of `unet_head_size` channels. `vae_is_wide`: it leaves f16's range.
    """

    unet_heads: int
    unet_head_size: int
    latent_scale: float
    vae_is_wide: bool
    latent_rgb: tuple[tuple[float, float, float], ...]
    defaults: GenerationDefaults


SD1_FACTS = FamilyFacts(
    unet_heads=8,
    unet_head_size=0,
    latent_scale=0.18215,
    vae_is_wide=False,
    latent_rgb=LATENT_RGB,
    defaults=SD1_DEFAULTS,
)
FAMILY_FACTS: Mapping[Family, FamilyFacts] = {
    Family.SD1: SD1_FACTS,
    Family.SD1_INPAINTING: SD1_FACTS,
    Family.SDXL: FamilyFacts(
        unet_heads=0,
        unet_head_size=64,
        latent_scale=0.13025,
        vae_is_wide=True,
        latent_rgb=SDXL_LATENT_RGB,
        defaults=replace(SD1_DEFAULTS, width=1024, height=1024),
    ),
}
# models that want something else than their family, by `modelspec.title`
TITLE_DEFAULTS: Mapping[str, GenerationDefaults] = {
    "Aquatint Mini": GenerationDefaults(
        width=256,
        height=256,
        steps=20,
        sampler=Sampler.EULER_A,
        schedule=Schedule.NORMAL,
        cfg_scale=5.0,
    ),
}


def model_config(
    checkpoint: Checkpoint, tensors: Mapping[str, EngineTensor], family: Family
) -> ModelConfig:
    """The engine's config of a model whose tensors are given by the engine's names."""
    facts = FAMILY_FACTS[family]
    heads, head_size = _unet_heads(checkpoint, tensors, facts)
    beta_start, beta_end = _betas(checkpoint)
    return ModelConfig(
        unet_heads=heads,
        unet_head_size=head_size,
        text_heads=_text_heads(checkpoint, tensors, "text"),
        text2_heads=_text_heads(checkpoint, tensors, "text2"),
        prediction=_prediction(checkpoint),
        latent_scale=_latent_scale(checkpoint, facts),
        vae_is_wide=facts.vae_is_wide and _vae_config(checkpoint).get("force_upcast") is not False,
        beta_start=beta_start,
        beta_end=beta_end,
        latent_rgb=_latent_rgb(checkpoint, facts),
    )


def generation_defaults(
    checkpoint: Checkpoint, family: Family
) -> tuple[GenerationDefaults, tuple[str, ...]]:
    """What the model draws best with, and sentences on what could not be used as asked."""
    title = checkpoint.metadata.get("modelspec.title", "")
    defaults = TITLE_DEFAULTS.get(title, FAMILY_FACTS[family].defaults)
    notes = _noise_notes(checkpoint)
    resolution = checkpoint.metadata.get("modelspec.resolution")
    if resolution is None:
        return defaults, notes
    size = _size(resolution)
    if size is None:
        note = (
            f"The file names the resolution '{shown(resolution)}', which Aquatint does not use: "
            f"{defaults.width}x{defaults.height} is taken."
        )
        return defaults, (*notes, note)
    return replace(defaults, width=size[0], height=size[1]), notes


def _size(resolution: str) -> tuple[int, int] | None:
    """Width and height of "512x768" in pixels, or None if it is not a size to draw at."""
    match = re.fullmatch(r"([0-9]{2,4})x([0-9]{2,4})", resolution.strip())
    if match is None:
        return None
    sides = int(match[1]), int(match[2])
    if all(SIDE_MIN <= side <= SIDE_MAX and side % SIDE_STEP == 0 for side in sides):
        return sides
    return None


def _noise_notes(checkpoint: Checkpoint) -> tuple[str, ...]:
    """A sentence if the model was trained on a noise schedule that is not applied."""
    asked = _scheduler(checkpoint).get("rescale_betas_zero_snr") is True
    if asked or "ztsnr" in checkpoint.tensors:
        return (ZERO_SNR_NOTE,)
    return ()


def _scheduler(checkpoint: Checkpoint) -> Mapping[str, object]:
    return checkpoint.configs.get("scheduler/scheduler_config.json", {})


def _prediction(checkpoint: Checkpoint) -> Prediction:
    """What the UNet predicts: metadata, then NoobAI's empty `v_pred` tensor, then the config."""
    word: object = checkpoint.metadata.get("modelspec.prediction_type")
    if not word and "v_pred" in checkpoint.tensors:
        return Prediction.V
    if any(name in checkpoint.tensors for name in EDM_TENSORS):
        word = "edm"
    word = word or _scheduler(checkpoint).get("prediction_type") or Prediction.EPSILON
    prediction = PREDICTION_WORDS.get(word.lower()) if isinstance(word, str) else None
    if prediction is None:
        raise CheckpointError(
            f"{shown(checkpoint.path.name)} predicts '{shown(str(word))}', which Aquatint does not "
            "know: choose a model with epsilon or v prediction."
        )
    return prediction


def _betas(checkpoint: Checkpoint) -> tuple[float, float]:
    """Ends of the scaled-linear betas; other schedules than that of 1000 steps are refused."""
    config = _scheduler(checkpoint)
    if config.get("beta_schedule", "scaled_linear") != "scaled_linear":
        raise _bad_config(checkpoint, "beta_schedule", config["beta_schedule"], "scaled_linear")
    if config.get("num_train_timesteps", TRAINING_STEPS) != TRAINING_STEPS:
        steps = config["num_train_timesteps"]
        raise _bad_config(checkpoint, "num_train_timesteps", steps, str(TRAINING_STEPS))
    start = _config_number(checkpoint, config, "beta_start", BETA_START, 1.0)
    return start, _config_number(checkpoint, config, "beta_end", BETA_END, 1.0)


def _vae_config(checkpoint: Checkpoint) -> Mapping[str, object]:
    return checkpoint.configs.get("vae/config.json", {})


def _latent_scale(checkpoint: Checkpoint, facts: FamilyFacts) -> float:
    config, default = _vae_config(checkpoint), facts.latent_scale
    return _config_number(checkpoint, config, "scaling_factor", default, FACTOR_LIMIT)


def _config_number(
    checkpoint: Checkpoint, config: Mapping[str, object], key: str, default: float, limit: float
) -> float:
    """A number of a config above 0 and below `limit`, or the default where it is absent."""
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < limit:
        raise _bad_config(checkpoint, key, value, f"a number between 0 and {limit:g}")
    return float(value)


def _bad_config(checkpoint: Checkpoint, key: str, value: object, wanted: str) -> CheckpointError:
    return CheckpointError(
        f"{shown(checkpoint.path.name)} says in its config that {key} is {shown(str(value))}, "
        f"where Aquatint needs {wanted}: choose a Stable Diffusion 1.x model."
    )


def _latent_rgb(
    checkpoint: Checkpoint, facts: FamilyFacts
) -> tuple[tuple[float, float, float], ...]:
    """Preview factors: 4 latent channels and a bias, by RGB in -1..1."""
    text = checkpoint.metadata.get("aquatint.latent_rgb")
    if text is None:
        return facts.latent_rgb
    try:
        rows = json.loads(text) if len(text) <= METADATA_LIMIT else []
        factors = tuple((float(r), float(g), float(b)) for r, g, b in rows)
    except (ValueError, TypeError, OverflowError, RecursionError):
        factors = ()
    fits = all(math.isfinite(v) and abs(v) <= FACTOR_LIMIT for row in factors for v in row)
    if len(factors) != len(LATENT_RGB) or not fits:
        raise _bad_metadata(checkpoint, "aquatint.latent_rgb", text, "5 rows of 3 small numbers")
    return factors


def _unet_heads(
    checkpoint: Checkpoint, tensors: Mapping[str, EngineTensor], facts: FamilyFacts
) -> tuple[int, int]:
    """Attention heads of every level and 0, or 0 and the channels of one head."""
    heads = _metadata_heads(checkpoint, "aquatint.unet_heads")
    head_size = 0
    if heads is None:
        heads, head_size = _config_heads(checkpoint.configs.get("unet/config.json", {}), facts)
    for name, tensor in tensors.items():
        if name.startswith("unet.") and name.endswith(".attn1.to_q.weight"):
            width = tensor.shape[0]
            if width % (heads or head_size) != 0:
                raise CheckpointError(
                    f"{shown(checkpoint.path.name)} has an attention of {width} channels, which "
                    f"{heads or head_size} does not divide: the number of heads is not known, so "
                    "choose another file."
                )
    return heads, head_size


def _config_heads(config: Mapping[str, object], facts: FamilyFacts) -> tuple[int, int]:
    """Heads and head size from unet/config.json, or the family's where it says nothing.

    Historically diffusers' `attention_head_dim` is the NUMBER of heads where `num_attention_heads`
    is absent (https://github.com/huggingface/diffusers/issues/2011). A list has one a level.
    """
    stated: Any = config.get("num_attention_heads") or config.get("attention_head_dim")
    if stated is None:
        return facts.unet_heads, facts.unet_head_size
    widths = config.get("block_out_channels")
    counts = stated if isinstance(stated, list) else [stated]
    if all(type(count) is int and 1 <= count <= HEAD_LIMIT for count in counts):
        if len(set(counts)) == 1:
            return counts[0], 0
        if isinstance(widths, list) and len(widths) == len(counts):
            pairs = list(zip(widths, counts, strict=True))
            if all(
                type(width) is int and width >= count and width % count == 0
                for width, count in pairs
            ):
                sizes = {width // count for width, count in pairs}
                if len(sizes) == 1:
                    return 0, sizes.pop()
    raise CheckpointError(
        f"unet/config.json states the heads {shown(str(stated))}, which Aquatint cannot use: "
        "choose a Stable Diffusion 1.x model."
    )


def _text_heads(checkpoint: Checkpoint, tensors: Mapping[str, EngineTensor], encoder: str) -> int:
    """Attention heads of a text encoder: as stated, else one for 64 channels; 0: there is none."""
    table = tensors.get(f"{encoder}.embeddings.token_embedding.weight")
    if table is None:
        return 0
    width = table.shape[-1]
    stated: object = _metadata_heads(checkpoint, f"aquatint.{encoder}_heads")
    if stated is None:
        config = checkpoint.configs.get(TEXT_CONFIGS[encoder], {})
        stated = config.get("num_attention_heads", width // TEXT_HEAD_SIZE)
    if type(stated) is not int or not 1 <= stated <= HEAD_LIMIT or width % stated != 0:
        raise CheckpointError(
            f"{shown(checkpoint.path.name)} has a text encoder of width {width}, which "
            f"{shown(str(stated))} heads do not fit: choose another file."
        )
    return stated


def _metadata_heads(checkpoint: Checkpoint, key: str) -> int | None:
    """A head count of the metadata, or None where it says nothing."""
    text = checkpoint.metadata.get(key)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= HEAD_LIMIT:
        raise _bad_metadata(checkpoint, key, text, f"a whole number from 1 to {HEAD_LIMIT}")
    return int(text)


def _bad_metadata(checkpoint: Checkpoint, key: str, text: str, wanted: str) -> CheckpointError:
    return CheckpointError(
        f"{shown(checkpoint.path.name)} says in its metadata that {key} is '{shown(text)}', which "
        f"is not {wanted}: download it again or choose another file."
    )
