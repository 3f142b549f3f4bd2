"""How LoRA files spell the layers of a model, and which weight of the engine each one is.

Owns the dialects' prefixes and the way from the engine's (original) UNet names back to diffusers',
read off the names as `diffusers_names` reads them the other way. Knows nothing of shapes or of what
is added to a layer.

A layer is sought by its spelling with "_" for every ".", so kohya's `lora_unet_down_blocks_0_...`,
diffusers' `unet.down_blocks.0....` and the original `lora_unet_input_blocks_1_...` take one path.
"""

import re
from collections.abc import Iterable, Mapping

from app.checkpoint.diffusers_names import UNET_RESNET, UNET_TOP

WEIGHT, BIAS = ".weight", ".bias"
# a file's prefix and the networks it may mean; the longer of two that fit stands first
PREFIXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("base_model.model.unet.", ("unet",)),
    ("base_model.model.text_encoder_2.", ("text2",)),
    ("base_model.model.text_encoder.", ("text",)),
    ("base_model.model.", ("unet", "text")),
    ("model.diffusion_model.", ("unet",)),
    ("diffusion_model.", ("unet",)),
    ("cond_stage_model.transformer.", ("text",)),
    ("text_encoder_2.", ("text2",)),
    ("text_encoder.", ("text",)),
    ("unet.", ("unet",)),
    ("lora_unet_", ("unet",)),
    ("lora_te1_", ("text",)),
    ("lora_te2_", ("text2",)),
    ("lora_te_", ("text",)),
    ("lycoris_unet_", ("unet",)),
    ("lycoris_te_", ("text",)),
    ("lycoris_", ("unet", "text")),
    ("", ("unet", "text")),
)
_BLOCK = re.compile(r"(input_blocks|output_blocks)\.([0-9]+)\.([0-9]+)\.(.+)")
_SIDES = {"input_blocks": "down_blocks", "output_blocks": "up_blocks"}


class LayerNames:
    """The layers of one model by every spelling that a LoRA file may have for them."""

    def __init__(self, weights: Iterable[str]) -> None:
        """`weights`: the engine's names, such as "unet.out.2.weight"."""
        names = [name for name in weights if name.endswith(WEIGHT)]
        unet = diffusers_unet_names(
            name.removeprefix("unet.") for name in names if name.startswith("unet.")
        )
        self._layers: dict[tuple[str, str], str] = {}
        for name in names:
            network, _, rest = name.removesuffix(WEIGHT).partition(".")
            for spelling in filter(None, (rest, unet.get(f"{rest}{WEIGHT}", "")[: -len(WEIGHT)])):
                flat = _flat(spelling)
                self._layers[network, flat] = name.removesuffix(WEIGHT)
                # attention processors of diffusers before 0.22 name the layer without its index
                self._layers.setdefault(
                    (network, flat.removesuffix("_0")), name.removesuffix(WEIGHT)
                )

    def find(self, spelling: str) -> str | None:
        """The engine's name of a layer, such as "unet.out.2", or None."""
        for prefix, networks in PREFIXES:
            if spelling.startswith(prefix):
                flat = _flat(spelling.removeprefix(prefix))
                found = (self._layers.get((network, flat)) for network in networks)
                return next(filter(None, found), None)
        return None


def diffusers_unet_names(names: Iterable[str]) -> dict[str, str]:
    """Names of diffusers by original names of a UNet's tensors; other names are left out."""
    listed = list(names)
    places = _places(listed)
    renamed = {name: _diffusers_name(name, places) for name in listed}
    return {name: new for name, new in renamed.items() if new is not None}


def _flat(spelling: str) -> str:
    """A layer's spelling without what dialects differ in."""
    flat = spelling.replace(".", "_").replace("_processor_", "_")
    return flat.removeprefix("text_model_")


def _places(names: list[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """Level, and number in the level, of each original block of either side, by its index.

    Going down, block 0 is the first convolution and a downsampler, a block of its own, ends a
    level; going up, the block that holds an upsampler does.
    """
    blocks: dict[tuple[str, int], set[str]] = {}
    for match in filter(None, map(_BLOCK.fullmatch, names)):
        member = match[4].split(".")[0]
        blocks.setdefault((match[1], int(match[2])), set()).add(member)
    places: dict[tuple[str, int], tuple[int, int]] = {}
    for side in _SIDES:
        level = number = 0
        for index in sorted(index for kind, index in blocks if kind == side):
            if (side, index) == ("input_blocks", 0):
                continue
            members = blocks[side, index]
            places[side, index] = (level, number)
            number += 1
            if members == {"op"} or "conv" in members:
                level, number = level + 1, 0
    return places


def _diffusers_name(name: str, places: Mapping[tuple[str, int], tuple[int, int]]) -> str | None:
    match = _BLOCK.fullmatch(name)
    if match and (match[1], int(match[2])) in places:
        level, number = places[match[1], int(match[2])]
        return f"{_SIDES[match[1]]}.{level}.{_member(match[1], number, match[3], match[4])}"
    for new, original in UNET_TOP.items():
        if name.startswith(f"{original}."):
            return f"{new}.{_resnet(name.removeprefix(f'{original}.'))}"
    return None


def _member(side: str, number: int, place: str, rest: str) -> str:
    """A tensor's name inside its level."""
    if side == "input_blocks" and rest.startswith("op."):
        return f"downsamplers.0.conv.{rest.removeprefix('op.')}"
    if side == "output_blocks" and rest.startswith("conv."):
        return f"upsamplers.0.{rest}"
    return f"resnets.{number}.{_resnet(rest)}" if place == "0" else f"attentions.{number}.{rest}"


def _resnet(rest: str) -> str:
    for new, original in UNET_RESNET.items():
        if rest.startswith(f"{original}."):
            return f"{new}.{rest.removeprefix(f'{original}.')}"
    return rest
