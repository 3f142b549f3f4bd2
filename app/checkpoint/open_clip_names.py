"""From OpenCLIP's tensors to the names of CLIP as transformers has it, which are the engine's.

Owns that arithmetic: an OpenCLIP block keeps queries, keys and values in one matrix, which here
becomes three that lie where it lies. Knows nothing of families and reads no weight.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.checkpoint.stored import CheckpointError, StoredTensor, shown

PROJECTION = "text_projection"
"""The one matrix that stands the other way round: [in][out]."""

TOP: Mapping[str, str] = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
    PROJECTION: "text_projection.weight",
}
BLOCK = re.compile(r"transformer\.resblocks\.([0-9]{1,3})\.(.+)\.(weight|bias)")
BLOCK_LAYERS: Mapping[str, str] = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
FUSED = re.compile(r"transformer\.resblocks\.([0-9]{1,3})\.attn\.in_proj_(weight|bias)")
FUSED_PARTS = ("q_proj", "k_proj", "v_proj")


def open_clip_tensors(tensors: Iterable[tuple[str, StoredTensor]]) -> dict[str, StoredTensor]:
    """Tensors by CLIP's names, from pairs of OpenCLIP's name and tensor; others are left out.

    CheckpointError for a fused matrix that has no three equal parts.
    """
    found: dict[str, StoredTensor] = {}
    for name, tensor in tensors:
        if name in TOP:
            found[TOP[name]] = tensor
        elif match := FUSED.fullmatch(name):
            layer, kind = f"encoder.layers.{match[1]}.self_attn", match[2]
            for part, third in zip(FUSED_PARTS, _thirds(tensor), strict=True):
                found[f"{layer}.{part}.{kind}"] = third
        elif (match := BLOCK.fullmatch(name)) and match[2] in BLOCK_LAYERS:
            layer = f"encoder.layers.{match[1]}.{BLOCK_LAYERS[match[2]]}"
            found[f"{layer}.{match[3]}"] = tensor
    return found


def _thirds(tensor: StoredTensor) -> list[StoredTensor]:
    """The three equal parts of a tensor along its first axis, where they lie."""
    rows = tensor.shape[0] if tensor.shape else 0
    if not rows or rows % len(FUSED_PARTS):
        raise CheckpointError(
            f"The tensor '{shown(tensor.name)}' has the shape {list(tensor.shape)}, which holds no "
            "queries, keys and values: the file is damaged, download it again."
        )
    size = tensor.size_bytes // len(FUSED_PARTS)
    return [
        replace(
            tensor,
            shape=(rows // len(FUSED_PARTS), *tensor.shape[1:]),
            address=tensor.address + index * size,
            size_bytes=size,
        )
        for index in range(len(FUSED_PARTS))
    ]
