"""LoRA tags in a prompt, as users of AUTOMATIC1111's web UI write them.

Owns the tag's grammar. Knows nothing of files.

    <lora:name>            strength 1        <lora:name:0.8>     0.8
    <lora:name:0.5:0.8>    0.5 of the text encoder, 0.8 of the UNet
    <lora:name:te=0.5:unet=0.8>              the same

`lyco` is the same as `lora`. A tag is no part of the text that is drawn.
"""

import math
import re
from dataclasses import dataclass

TAG = re.compile(r"<(?:lora|lyco):(?P<name>[^:>\n]+)(?P<rest>(?::[^:>\n]*)*)>")


class TagError(ValueError):
    """A tag that cannot be read; its text is one sentence."""


@dataclass(frozen=True, kw_only=True)
class LoraTag:
    """A LoRA by its name, and how strong it is in each network."""

    name: str
    unet_weight: float
    text_weight: float


def split_tags(prompt: str) -> tuple[str, tuple[LoraTag, ...]]:
    """The prompt without its tags, and the tags in order; TagError for a strength that is none."""
    tags = tuple(_tag(match) for match in TAG.finditer(prompt))
    return TAG.sub("", prompt), tags


def without_tags(prompt: str) -> str:
    """The prompt without its tags, right or wrong."""
    return TAG.sub("", prompt)


def tag_names(prompt: str) -> list[str]:
    """The names in the tags of a prompt."""
    return [match["name"].strip() for match in TAG.finditer(prompt)]


def tag_text(name: str, unet_weight: float, text_weight: float | None = None) -> str:
    """The tag that `split_tags` reads as these; `text_weight` None: as `unet_weight`."""
    first = unet_weight if text_weight is None else text_weight
    numbers = dict.fromkeys((_number(first), _number(unet_weight)))
    return f"<lora:{tag_name(name)}:{':'.join(numbers)}>"


def tag_name(name: str) -> str:
    """A file's name without what a tag cannot hold."""
    return re.sub(r"[:>\n]", "", name)


def _tag(match: re.Match[str]) -> LoraTag:
    positional: list[float] = []
    named: dict[str, float] = {}
    for argument in match["rest"].split(":")[1:]:
        key, equals, value = argument.rpartition("=")
        if key.strip() not in ("", "te", "unet"):
            continue  # such as dyn=, which says nothing of the strength
        if equals:
            named[key.strip()] = _strength(match, value)
        else:
            positional.append(_strength(match, value))
    text_weight = named.get("te", (positional or [1.0])[0])
    unet_weight = named.get("unet", positional[1] if len(positional) > 1 else text_weight)
    return LoraTag(name=match["name"].strip(), unet_weight=unet_weight, text_weight=text_weight)


def _strength(match: re.Match[str], text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TagError(
            f"The strength in {match[0]} is no number: write it like <lora:{match['name']}:0.8>."
        )
    return value


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")
