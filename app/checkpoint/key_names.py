"""From a file's tensors to the engine's: names, dtypes and shapes as engine.h wants them.

Owns the dialects of key names (original LDM, diffusers, TAESD's three) and which tensors of a file
are weights at all. Does not judge families and does not look at any weight's data.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from app.checkpoint.description import KeyDialect, ModelDescription
from app.checkpoint.diffusers_names import unet_names, vae_names
from app.checkpoint.open_clip_names import PROJECTION, open_clip_tensors
from app.checkpoint.reader import Checkpoint
from app.checkpoint.stored import CheckpointError, StoredTensor, shown
from app.engine.types import Dtype, EngineTensor

TEXT2_PROJECTION = "text2.text_projection.weight"
ENGINE_RANK_LIMIT = 4
LATENT_CHANNELS = 4
FLOAT_DTYPES: Mapping[str, Dtype] = {
    "F32": Dtype.F32,
    "F16": Dtype.F16,
    "BF16": Dtype.BF16,
    "F8_E4M3": Dtype.F8_E4M3,
    "F8_E5M2": Dtype.F8_E5M2,
}
ENGINE_DTYPES: Mapping[str, Dtype] = {
    **FLOAT_DTYPES,
    "Q4_0": Dtype.Q4_0,
    "Q4_1": Dtype.Q4_1,
    "Q5_0": Dtype.Q5_0,
    "Q5_1": Dtype.Q5_1,
    "Q8_0": Dtype.Q8_0,
    "Q2_K": Dtype.Q2_K,
    "Q3_K": Dtype.Q3_K,
    "Q4_K": Dtype.Q4_K,
    "Q5_K": Dtype.Q5_K,
    "Q6_K": Dtype.Q6_K,
}

# file prefix -> engine prefix; the longer of two that fit stands first
LDM_PREFIXES: tuple[tuple[str, str], ...] = (
    ("model.diffusion_model.", "unet."),
    ("cond_stage_model.transformer.text_model.", "text."),
    ("cond_stage_model.transformer.", "text."),
    ("conditioner.embedders.0.transformer.text_model.", "text."),
    ("first_stage_model.", "vae."),
)
OPEN_CLIP_PREFIX = "conditioner.embedders.1.model."
VAE_FILE_PREFIXES = ("first_stage_model.", "vae.", "")

# what a network of the engine is made of; all else in a file (EMA, schedules, optimizer) is left
TEXT_HEADS = (
    "embeddings.token_embedding.",
    "embeddings.position_embedding.",
    "encoder.layers.",
    "final_layer_norm.",
)
WEIGHT_HEADS: Mapping[str, tuple[str, ...]] = {
    "unet": (
        "time_embed.",
        "label_emb.0.",
        "input_blocks.",
        "middle_block.",
        "output_blocks.",
        "out.",
    ),
    "text": TEXT_HEADS,
    "text2": (*TEXT_HEADS, "text_projection."),
    "vae": ("encoder.", "decoder.", "quant_conv.", "post_quant_conv."),
}
# linear layers of newer files that the engine knows as 1x1 convolutions
POINTWISE_LAYERS: Mapping[str, tuple[str, ...]] = {
    "unet": (".proj_in.weight", ".proj_out.weight"),
    "vae": (".q.weight", ".k.weight", ".v.weight", ".proj_out.weight"),
}
TAESD_LAYER = re.compile(r"[0-9]{1,3}\.(?:(?:conv\.[0-9]|skip)\.)?(?:weight|bias)")
TAESD_PREFIXES: tuple[tuple[str, str], ...] = (
    ("taesd_decoder.", "decoder"),
    ("taesd_encoder.", "encoder"),
    ("decoder.layers.", "decoder"),
    ("encoder.layers.", "encoder"),
    ("decoder.", "decoder"),
    ("encoder.", "encoder"),
)


def engine_tensors(checkpoint: Checkpoint, description: ModelDescription) -> list[EngineTensor]:
    """The weights of a whole model under the engine's names; addresses last until it is closed."""
    tensors = dialect_tensors(checkpoint, description.dialect)
    projection = checkpoint.tensors.get(OPEN_CLIP_PREFIX + PROJECTION)
    if projection is None:
        return tensors
    address = checkpoint.transposed(projection)
    return [
        replace(tensor, address=address, mapping=None)
        if tensor.name == TEXT2_PROJECTION
        else tensor
        for tensor in tensors
    ]


def dialect_tensors(checkpoint: Checkpoint, dialect: KeyDialect) -> list[EngineTensor]:
    """As `engine_tensors`, for a file whose dialect is known but whose family is not yet."""
    rename = _ldm_names if dialect is KeyDialect.LDM else _diffusers_names
    return _converted(checkpoint, rename(checkpoint.tensors), _second_text(checkpoint))


def vae_tensors(checkpoint: Checkpoint) -> list[EngineTensor]:
    """The VAE of a VAE file or of a whole model, in either dialect; CheckpointError if none."""
    for prefix in VAE_FILE_PREFIXES:
        if f"{prefix}decoder.conv_in.weight" in checkpoint.tensors:
            names = _under(checkpoint.tensors, prefix, "vae.", _vae_names)
            tensors = _converted(checkpoint, names)
            _check_latents(checkpoint, tensors, "vae.decoder.conv_in.weight")
            return tensors
    raise CheckpointError(
        f"{shown(checkpoint.path.name)} holds no VAE: choose a VAE file (.safetensors)."
    )


def taesd_tensors(checkpoint: Checkpoint) -> list[EngineTensor]:
    """The tensors of a TAESD file: decoder, encoder or both; CheckpointError if neither.

    In the engine's names the decoder counts its weightless first layer (a clamp), so its first
    convolution is taesd.decoder.1 and the encoder's taesd.encoder.0.
    """
    names: dict[str, str] = {}
    for half, layers in _taesd_halves(checkpoint.tensors).items():
        starts_at_zero = any(layer.startswith("0.") for layer in layers.values())
        shift = 1 if half == "decoder" and starts_at_zero else 0
        for name, layer in layers.items():
            index, _, rest = layer.partition(".")
            names[name] = f"taesd.{half}.{int(index) + shift}.{rest}"
    if not names:
        raise CheckpointError(
            f"{shown(checkpoint.path.name)} is not a TAESD file: choose taesd_decoder.safetensors."
        )
    tensors = _converted(checkpoint, names)
    _check_latents(checkpoint, tensors, "taesd.decoder.1.weight")
    return tensors


def _ldm_names(names: Iterable[str]) -> dict[str, str]:
    """Engine names by file names of an original single file."""
    found: dict[str, str] = {}
    for name in names:
        for prefix, engine_prefix in LDM_PREFIXES:
            if name.startswith(prefix):
                found[name] = engine_prefix + name[len(prefix) :]
                break
    return found


def _diffusers_names(names: Iterable[str]) -> dict[str, str]:
    """Engine names by names of a diffusers folder ("unet.", "vae.", "text_encoder.")."""
    listed = list(names)
    return (
        _under(listed, "text_encoder.", "text.", _text_names)
        | _under(listed, "text_encoder_2.", "text2.", _text_names)
        | _under(listed, "unet.", "unet.", unet_names)
        | _under(listed, "vae.", "vae.", _vae_names)
    )


def _second_text(checkpoint: Checkpoint) -> dict[str, StoredTensor]:
    """SDXL's second text encoder in a single file, by engine names."""
    inner = open_clip_tensors(
        (name.removeprefix(OPEN_CLIP_PREFIX), tensor)
        for name, tensor in checkpoint.tensors.items()
        if name.startswith(OPEN_CLIP_PREFIX)
    )
    found = {f"text2.{name}": tensor for name, tensor in inner.items()}
    if (projection := found.get(TEXT2_PROJECTION)) is not None:
        found[TEXT2_PROJECTION] = replace(projection, shape=projection.shape[::-1])
    return found


def _under(
    names: Iterable[str],
    prefix: str,
    engine_prefix: str,
    rename: Callable[[list[str]], Mapping[str, str]],
) -> dict[str, str]:
    """Engine names of what stands under `prefix`, renamed inside the network by `rename`."""
    inner = [name[len(prefix) :] for name in names if name.startswith(prefix)]
    return {prefix + name: engine_prefix + new for name, new in rename(inner).items()}


def _text_names(names: list[str]) -> dict[str, str]:
    """CLIP's names, with or without the `text_model.` that most files put before them."""
    return {name: name.removeprefix("text_model.") for name in names}


def _vae_names(names: list[str]) -> dict[str, str]:
    """Original VAE names of a VAE in either dialect."""
    if any("_block." in name or "_blocks." in name for name in names):
        return vae_names(names)
    return {name: name for name in names}


def _taesd_halves(tensors: Mapping[str, StoredTensor]) -> dict[str, dict[str, str]]:
    """For "decoder" and "encoder": "<index>.<rest>" by file name; a half that lacks is left out."""
    halves: dict[str, dict[str, str]] = {}
    for name in tensors:
        for prefix, half in (*TAESD_PREFIXES, ("", _bare_taesd_half(tensors))):
            if name.startswith(prefix) and TAESD_LAYER.fullmatch(name[len(prefix) :]):
                halves.setdefault(half, {})[name] = name[len(prefix) :]
                break
    return halves


def _bare_taesd_half(tensors: Mapping[str, StoredTensor]) -> str:
    """Which half a file without prefixes is: an encoder's first convolution takes RGB."""
    first = tensors.get("0.weight")
    takes_rgb = first is not None and len(first.shape) == 4 and first.shape[1] == 3
    return "encoder" if takes_rgb else "decoder"


def _converted(
    checkpoint: Checkpoint,
    names: Mapping[str, str],
    others: Mapping[str, StoredTensor] = MappingProxyType({}),
) -> list[EngineTensor]:
    """Engine tensors of the weights among `names`, and of `others`, which have engine names.

    They are sorted by name. CheckpointError if one is unfit.
    """
    result: dict[str, EngineTensor] = {}
    found = [(checkpoint.tensors[name], engine_name) for name, engine_name in names.items()]
    found += [(tensor, engine_name) for engine_name, tensor in others.items()]
    for stored, engine_name in found:
        if not _is_weight(engine_name):
            continue
        if engine_name in result:
            raise CheckpointError(
                f"{shown(checkpoint.path.name)} holds tensor {shown(engine_name)} twice under "
                "different names: download it again or choose another file."
            )
        result[engine_name] = _engine_tensor(checkpoint, stored, engine_name)
    return [result[name] for name in sorted(result)]


def _check_latents(checkpoint: Checkpoint, tensors: list[EngineTensor], first_layer: str) -> None:
    """CheckpointError for a decoder of other latents, such as the 16 channels of SD3 and FLUX."""
    for tensor in tensors:
        if tensor.name == first_layer and tensor.shape[1:2] != (LATENT_CHANNELS,):
            raise CheckpointError(
                f"{shown(checkpoint.path.name)} does not decode the {LATENT_CHANNELS} latent "
                "channels of Stable Diffusion 1.x: choose a file made for Stable Diffusion 1.x."
            )


def _is_weight(engine_name: str) -> bool:
    network, _, rest = engine_name.partition(".")
    return network == "taesd" or rest.startswith(WEIGHT_HEADS[network])


def _engine_tensor(checkpoint: Checkpoint, tensor: StoredTensor, engine_name: str) -> EngineTensor:
    """One tensor for the engine; CheckpointError if its dtype or rank is none of the engine's."""
    file_name = shown(checkpoint.path.name)
    dtype = ENGINE_DTYPES.get(tensor.dtype)
    if dtype is None:
        raise CheckpointError(
            f"{file_name} stores tensor '{shown(tensor.name)}' as {tensor.dtype}, which Aquatint "
            "does not compute with: use an f32, f16, bf16 or f8 version of the file."
        )
    shape = tensor.shape
    network = engine_name.partition(".")[0]
    if len(shape) in (2, 3) and engine_name.endswith(POINTWISE_LAYERS.get(network, ())):
        shape = (*shape, *(1,) * (ENGINE_RANK_LIMIT - len(shape)))
    if not 1 <= len(shape) <= ENGINE_RANK_LIMIT or 0 in shape:
        raise CheckpointError(
            f"{file_name} stores tensor '{shown(tensor.name)}' with the shape {list(shape)}, which "
            "no weight has: the file is damaged, download it again."
        )
    return EngineTensor(
        name=engine_name,
        dtype=dtype,
        shape=shape,
        address=tensor.address,
        mapping=tensor.mapping,
    )
