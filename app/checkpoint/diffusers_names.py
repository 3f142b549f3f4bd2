"""From diffusers' tensor names to the original (LDM) ones, by structure.

diffusers counts blocks by level (`down_blocks.1.resnets.0`), the original counts them through
(`input_blocks.4.0`), so the number of residual blocks of each level is read off the names, and any
number of levels and blocks is taken. Owns that arithmetic; knows nothing of shapes or files.
"""

import re
from collections.abc import Collection, Mapping

UNET_TOP: Mapping[str, str] = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
UNET_RESNET: Mapping[str, str] = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VAE_TOP: Mapping[str, str] = {
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0": "mid.attn_1",
    "conv_norm_out": "norm_out",
}
# the second names are those of diffusers before 0.17
VAE_ATTENTION: Mapping[str, str] = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
    "query": "q",
    "key": "k",
    "value": "v",
    "proj_attn": "proj_out",
}
LEVEL = re.compile(
    r"(down_blocks|up_blocks)\.([0-9]{1,3})\.(resnets|attentions)\.([0-9]{1,3})\.(.+)"
)
SAMPLER = re.compile(r"(down_blocks|up_blocks)\.([0-9]{1,3})\.(?:down|up)samplers\.0\.conv\.(.+)")


def unet_names(names: Collection[str]) -> dict[str, str]:
    """Original names by diffusers names of a UNet; names of neither kind are left out."""
    starts = {kind: _level_starts(names, kind) for kind in ("down_blocks", "up_blocks")}
    attended = {
        (match[1], int(match[2]))
        for match in map(LEVEL.fullmatch, names)
        if match and match[3] == "attentions"
    }
    renamed = {name: _unet_name(name, starts, attended) for name in names}
    return {name: original for name, original in renamed.items() if original is not None}


def vae_names(names: Collection[str]) -> dict[str, str]:
    """Original names by diffusers names of an AutoencoderKL; other names are left out."""
    levels = 1 + max(
        (
            int(match[2])
            for name in names
            if name.startswith("decoder.")
            and (match := LEVEL.fullmatch(name.removeprefix("decoder.")))
        ),
        default=-1,
    )
    renamed = {name: _vae_name(name, levels) for name in names}
    return {name: original for name, original in renamed.items() if original is not None}


def _level_starts(names: Collection[str], kind: str) -> list[int]:
    """Index of the first original block of each level; one more at the end.

    Going down, block 0 is the first convolution and a downsampler is a block of its own; going up,
    an upsampler shares the block of the last residual block.
    """
    counts: dict[int, int] = {}
    sampled: set[int] = set()
    for name in names:
        if (match := LEVEL.fullmatch(name)) and match[1] == kind:
            level = int(match[2])
            if match[3] == "resnets":
                counts[level] = max(counts.get(level, 0), int(match[4]) + 1)
        elif (match := SAMPLER.fullmatch(name)) and match[1] == kind:
            sampled.add(int(match[2]))
    is_down = kind == "down_blocks"
    starts = [1 if is_down else 0]
    for level in range(max(counts, default=-1) + 1):
        extra = 1 if is_down and level in sampled else 0
        starts.append(starts[-1] + counts.get(level, 0) + extra)
    return starts


def _unet_name(
    name: str, starts: Mapping[str, list[int]], attended: Collection[tuple[str, int]]
) -> str | None:
    """The original name of one UNet tensor, or None."""
    if match := SAMPLER.fullmatch(name):
        kind, level, rest = match[1], int(match[2]), match[3]
        if level + 1 >= len(starts[kind]):
            return None
        last = starts[kind][level + 1] - 1
        if kind == "down_blocks":
            return f"input_blocks.{last}.0.op.{rest}"
        place = 2 if (kind, level) in attended else 1
        return f"output_blocks.{last}.{place}.conv.{rest}"
    if match := LEVEL.fullmatch(name):
        kind, level, member = match[1], int(match[2]), match[3]
        if level + 1 >= len(starts[kind]):
            return None
        side = "input_blocks" if kind == "down_blocks" else "output_blocks"
        block = starts[kind][level] + int(match[4])
        if member == "attentions":
            return f"{side}.{block}.1.{match[5]}"
        return f"{side}.{block}.0.{_replace_head(match[5], UNET_RESNET) or match[5]}"
    original = _replace_head(name, UNET_TOP)
    if original and name.startswith("mid_block.resnets."):
        middle, index, rest = original.split(".", 2)
        return f"{middle}.{index}.{_replace_head(rest, UNET_RESNET) or rest}"
    return original


def _vae_name(name: str, levels: int) -> str | None:
    """The original name of one VAE tensor, or None; `levels` counts the decoder's."""
    side, _, rest = name.partition(".")
    if side not in ("encoder", "decoder"):
        return name if side in ("quant_conv", "post_quant_conv") else None
    if match := SAMPLER.fullmatch(rest):
        down = match[1] == "down_blocks"
        place = (
            f"down.{match[2]}.downsample" if down else f"up.{levels - 1 - int(match[2])}.upsample"
        )
        return f"{side}.{place}.conv.{match[3]}"
    if match := LEVEL.fullmatch(rest):
        down = match[1] == "down_blocks"
        place = f"down.{match[2]}" if down else f"up.{levels - 1 - int(match[2])}"
        return f"{side}.{place}.block.{match[4]}.{_shortcut(match[5])}"
    original = _replace_head(rest, VAE_TOP)
    if original is None:
        return name if rest.startswith(("conv_in.", "conv_out.")) else None
    if original.startswith("mid.attn_1."):
        inner = original.removeprefix("mid.attn_1.")
        original = f"mid.attn_1.{_replace_head(inner, VAE_ATTENTION) or inner}"
    return f"{side}.{_shortcut(original)}"


def _shortcut(name: str) -> str:
    return name.replace("conv_shortcut.", "nin_shortcut.")


def _replace_head(name: str, heads: Mapping[str, str]) -> str | None:
    """`name` with the dotted head that stands in `heads` replaced, or None if there is none."""
    for head, original in heads.items():
        if name.startswith(f"{head}."):
            return original + name[len(head) :]
    return None
