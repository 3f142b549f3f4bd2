"""Which family a file belongs to, and the description of those that Aquatint opens.

Owns the tables of telltales and of what to say of files that are not opened as a model. A telltale
is a key that only this kind of file has, so pruned, narrow and widened relatives are known too.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from app.checkpoint.description import Family, KeyDialect, ModelDescription, NetworkFacts
from app.checkpoint.key_names import dialect_tensors
from app.checkpoint.model_facts import generation_defaults, model_config
from app.checkpoint.reader import Checkpoint
from app.checkpoint.stored import CheckpointError, shown
from app.engine.types import Dtype, EngineTensor

CHOOSE_MODEL = "choose a Stable Diffusion 1.x or XL checkpoint"

# (family, telltale key); the first row that fits decides, so add-ons stand before whole models
TELLTALES: tuple[tuple[Family, re.Pattern[str]], ...] = tuple(
    (family, re.compile(pattern))
    for family, pattern in (
        (Family.LORA, r"lora_(?:up|down|mid|A|B|unet_|te_|te[123]_|transformer_)"),
        (Family.LORA, r"[._]lora\.(?:up|down)\.|\.(?:hada_w|lokr_w|oft_|dora_scale)"),
        (Family.TEXTUAL_INVERSION, r"^(?:emb_params|clip_[lg]|string_to_param.*)$"),
        (Family.IP_ADAPTER, r"^(?:image_proj|ip_adapter)\."),
        (Family.MOTION_MODULE, r"motion_modules\.|temporal_transformer\."),
        (
            Family.CONTROLNET,
            r"^control_model\.|input_hint_block\.|controlnet_(?:cond|down|mid)|zero_convs\.",
        ),
        (
            Family.QUANTIZED,
            r"\.(?:quant_state|absmax|qweight|scale_weight|weight_scale)|(?:^|\.)scaled_fp8$",
        ),
        (Family.VIDEO, r"\.time_stack\.|(?:^|\.)blocks\.0\.cross_attn\."),
        (Family.FLUX, r"(?:^|\.)double_blocks\.0\.|^single_transformer_blocks\."),
        (Family.SD3, r"(?:^|\.)joint_blocks\."),
        (Family.SDXL, r"^conditioner\.embedders\.1\.|^unet\.add_embedding\."),
        (Family.SDXL_REFINER, r"^conditioner\.embedders\.0\.model\."),
        (Family.SDXL, r"(?:^|\.)label_emb\.0\.0\.|^add_embedding\."),
        (Family.SD2, r"^cond_stage_model\.model\."),
        (Family.LCM, r"time_embed(?:ding)?\.cond_proj\."),
    )
)
# likewise, for files that are no whole model
PART_TELLTALES: tuple[tuple[Family, re.Pattern[str]], ...] = tuple(
    (family, re.compile(pattern))
    for family, pattern in (
        (Family.UNET_ONLY, r"^(?:model\.diffusion_model\.)?input_blocks\.0\.0\.weight$"),
        (Family.UNET_ONLY, r"^(?:unet\.)?(?:time|add)_embedding\.linear_1\.weight$"),
        (Family.UNET_ONLY, r"(?:^|\.)label_emb\.0\.0\."),
        (Family.UPSCALER, r"\.rdb1\.|\.RDB1\.|^conv_first\.weight$|^params(?:_ema)?\."),
        (
            Family.TAESD,
            r"^(?:(?:taesd_)?(?:de|en)coder\.(?:layers\.)?)?[0-9]+\.conv\.[024]\.weight$",
        ),
        (Family.VAE, r"^(?:first_stage_model\.|vae\.)?(?:de|en)coder\.conv_in\.weight$"),
        (
            Family.TEXT_ENCODER,
            r"embeddings\.token_embedding\.|transformer\.resblocks\.|^conditioner\.embedders\."
            r"|^encoder\.block\.0\.layer\.0\.",
        ),
    )
)
# first letters of `_class_name` in model_index.json
PIPELINES: tuple[tuple[str, Family], ...] = (
    ("StableDiffusionXL", Family.SDXL),
    ("StableDiffusion3", Family.SD3),
    ("Flux", Family.FLUX),
    ("StableVideo", Family.VIDEO),
    ("Wan", Family.VIDEO),
)
WHOLE_MODELS: tuple[tuple[KeyDialect, str, tuple[str, ...]], ...] = (
    (
        KeyDialect.LDM,
        "model.diffusion_model.input_blocks.",
        ("cond_stage_model.", "conditioner.", "first_stage_model."),
    ),
    (KeyDialect.DIFFUSERS, "unet.", ("text_encoder.", "vae.")),
)
# UNet input channels: 4 latents; mask and masked picture besides; picture to edit besides
INPUT_CHANNELS: Mapping[int, Family] = {
    4: Family.SD1,
    9: Family.SD1_INPAINTING,
    8: Family.INSTRUCT_PIX2PIX,
}
OPENED = (Family.SD1, Family.SD1_INPAINTING, Family.SDXL)

# what the other files are, and what to do
NOT_OPENED: Mapping[Family, tuple[str, str]] = {
    Family.SD2: ("a Stable Diffusion 2 model, which Aquatint does not open yet", CHOOSE_MODEL),
    Family.SDXL_REFINER: ("a Stable Diffusion XL refiner, not a model by itself", CHOOSE_MODEL),
    Family.SD3: ("a Stable Diffusion 3 model, which Aquatint does not open yet", CHOOSE_MODEL),
    Family.FLUX: ("a FLUX model, which Aquatint does not open yet", CHOOSE_MODEL),
    Family.VIDEO: ("a video model, which Aquatint does not open", CHOOSE_MODEL),
    Family.LCM: (
        "a guidance-distilled (LCM) model, which Aquatint does not open yet",
        CHOOSE_MODEL,
    ),
    Family.QUANTIZED: (
        "a quantized model with scales of its own, which Aquatint does not open yet",
        "use the f16 version",
    ),
    Family.INSTRUCT_PIX2PIX: (
        "an InstructPix2Pix model, which Aquatint does not open yet",
        CHOOSE_MODEL,
    ),
    Family.LORA: ("a LoRA, an addition to a model and not a model by itself", CHOOSE_MODEL),
    Family.TEXTUAL_INVERSION: (
        "a textual inversion, a word for a model and not a model by itself",
        CHOOSE_MODEL,
    ),
    Family.CONTROLNET: ("a ControlNet, an addition to a model and not a model", CHOOSE_MODEL),
    Family.MOTION_MODULE: ("a motion module, an addition to a model and not a model", CHOOSE_MODEL),
    Family.IP_ADAPTER: ("an IP-Adapter, an addition to a model and not a model", CHOOSE_MODEL),
    Family.UPSCALER: ("an upscaler and draws nothing from words", CHOOSE_MODEL),
    Family.VAE: ("a VAE alone, one part of a model", f"{CHOOSE_MODEL} and add the VAE to it"),
    Family.TAESD: (
        "a TAESD preview decoder, not a model by itself",
        f"{CHOOSE_MODEL} and add the decoder to it",
    ),
    Family.TEXT_ENCODER: ("a text encoder alone, one part of a model", CHOOSE_MODEL),
    Family.UNET_ONLY: (
        "a UNet alone, without the text encoder and the VAE",
        "choose the full checkpoint",
    ),
    Family.UNKNOWN: ("no model that Aquatint knows", CHOOSE_MODEL),
}
NETWORK_TITLES: Mapping[str, str] = {"text": "text encoder", "unet": "UNet", "vae": "VAE"}
SDXL_NETWORK_TITLES: Mapping[str, str] = {
    "text": "text encoder",
    "text2": "second text encoder",
    "unet": "UNet",
    "vae": "VAE",
}
REQUIRED_TENSORS = (
    "text.embeddings.token_embedding.weight",
    "text.embeddings.position_embedding.weight",
    "text.final_layer_norm.weight",
    "text2.embeddings.token_embedding.weight",
    "text2.embeddings.position_embedding.weight",
    "text2.text_projection.weight",
    "unet.input_blocks.0.0.weight",
    "unet.time_embed.0.weight",
    "unet.middle_block.0.in_layers.2.weight",
    "unet.out.2.weight",
    "vae.decoder.conv_in.weight",
    "vae.decoder.conv_out.weight",
)


def detect_family(checkpoint: Checkpoint) -> Family:
    """The family of an open file; UNKNOWN where no telltale fits. Never fails."""
    dialect = _dialect(checkpoint)
    for family, is_told in _told(checkpoint):
        is_part = family in OPENED and dialect is None
        if is_told and not is_part:
            return family
    if dialect is not None:
        return Family.SD2 if _is_sd2_folder(checkpoint) else _sd1_family(checkpoint, dialect)
    for family, telltale in PART_TELLTALES:
        if any(map(telltale.search, checkpoint.tensors)):
            return family
    return Family.TEXTUAL_INVERSION if _is_one_word(checkpoint) else Family.UNKNOWN


def _told(checkpoint: Checkpoint) -> Iterator[tuple[Family, bool]]:
    """Each family that a pipeline's name or a key may tell, and whether it does."""
    pipeline = str(checkpoint.configs.get("model_index.json", {}).get("_class_name"))
    for start, family in PIPELINES:
        yield family, pipeline.startswith(start)
    for family, telltale in TELLTALES:
        yield family, any(map(telltale.search, checkpoint.tensors))


def _is_one_word(checkpoint: Checkpoint) -> bool:
    """Whether a file is rows of one table, named by the word that they are, as diffusers writes."""
    name, tensor = next(iter(checkpoint.tensors.items()))
    is_alone = len(checkpoint.tensors) == 1 and not name.endswith((".weight", ".bias"))
    return is_alone and 1 <= len(tensor.shape) <= 2


def describe(checkpoint: Checkpoint) -> ModelDescription:
    """What a model is, in all that the engine and the user need; CheckpointError if not opened."""
    family = detect_family(checkpoint)
    dialect = _dialect(checkpoint)
    if family not in OPENED or dialect is None:
        what, act = NOT_OPENED[family]
        raise CheckpointError(f"{shown(checkpoint.path.name)} is {what}: {act}.")
    tensors = {tensor.name: tensor for tensor in dialect_tensors(checkpoint, dialect)}
    titles = SDXL_NETWORK_TITLES if family is Family.SDXL else NETWORK_TITLES
    _check_networks(checkpoint, tensors, titles)
    defaults, notes = generation_defaults(checkpoint, family)
    return ModelDescription(
        family=family,
        title=shown(checkpoint.metadata.get("modelspec.title") or _file_title(checkpoint)),
        dialect=dialect,
        networks={network: _facts(tensors, network) for network in titles},
        config=model_config(checkpoint, tensors, family),
        defaults=defaults,
        notes=notes,
    )


def _file_title(checkpoint: Checkpoint) -> str:
    """The file's name without its ending, or the folder's."""
    return checkpoint.path.name if checkpoint.configs else checkpoint.path.stem


def _dialect(checkpoint: Checkpoint) -> KeyDialect | None:
    """How a whole model's keys are spelled; None for a file that is not a whole model."""
    for dialect, unet_prefix, other_prefixes in WHOLE_MODELS:
        if any(name.startswith(unet_prefix) for name in checkpoint.tensors) and any(
            name.startswith(other_prefixes) for name in checkpoint.tensors
        ):
            return dialect
    return None


def _sd1_family(checkpoint: Checkpoint, dialect: KeyDialect) -> Family:
    """SD 1.x by the channels that its UNet takes; a missing first layer is told by `describe`."""
    name = {
        KeyDialect.LDM: "model.diffusion_model.input_blocks.0.0.weight",
        KeyDialect.DIFFUSERS: "unet.conv_in.weight",
    }[dialect]
    tensor = checkpoint.tensors.get(name)
    if tensor is None or len(tensor.shape) != 4:
        return Family.SD1
    return INPUT_CHANNELS.get(tensor.shape[1], Family.UNKNOWN)


def _is_sd2_folder(checkpoint: Checkpoint) -> bool:
    """SD 2.x in a folder has SD 1.x's names; its text encoder's activation tells it."""
    config = checkpoint.configs.get("text_encoder/config.json", {})
    return config.get("hidden_act", "quick_gelu") != "quick_gelu"


def _check_networks(
    checkpoint: Checkpoint, tensors: Mapping[str, EngineTensor], titles: Mapping[str, str]
) -> None:
    """CheckpointError if a network, or a tensor that sizes are read off, is not there."""
    name = shown(checkpoint.path.name)
    for network, title in titles.items():
        if not any(tensor.startswith(f"{network}.") for tensor in tensors):
            raise CheckpointError(f"{name} holds no {title}: choose the full checkpoint.")
    for required in REQUIRED_TENSORS:
        if required.partition(".")[0] in titles and required not in tensors:
            raise CheckpointError(
                f"{name} is incomplete (tensor {required} is missing): download it again."
            )


def _facts(tensors: Mapping[str, EngineTensor], network: str) -> NetworkFacts:
    """Parameters and dtypes of one network."""
    counts: Counter[Dtype] = Counter()
    for tensor in tensors.values():
        if tensor.name.startswith(f"{network}."):
            counts[tensor.dtype] += math.prod(tensor.shape)
    dtypes = tuple(dtype for dtype, _ in counts.most_common())
    return NetworkFacts(parameters=counts.total(), dtypes=dtypes)
