"""From a program's own words for a picture's settings to A1111's items.

Owns what all such programs share: names, numbers, sizes and the noise they begin from. Knows no
program and no file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.library.image_metadata import PictureMetadata, metadata_of_items

TEXTS = ("prompt", "negative")
JSON_LIMIT = 8_000_000  # letters
EMPTY: tuple[object, ...] = (None, "", [], {})
NOTHING = ("None", "False")  # Python's words, as some programs write them, where nothing is set


@dataclass(frozen=True, kw_only=True)
class MadeBy:
    """A program and its words.

    `names` lead from them to A1111's keys, besides "prompt", "negative", "width", "height" and
    "clip layer" (-2 is clip skip 2); `silent` say nothing about the picture. `layers_skipped`: its
    clip skip counts from 0.
    """

    program: str
    names: Mapping[str, str]
    silent: tuple[str, ...] = ()
    layers_skipped: bool = False


def items_of(made_by: MadeBy, values: Mapping[str, object], text: str) -> PictureMetadata:
    """What a program's `values`, under its own names, say; an empty value says nothing."""
    found: dict[str, str] = {}
    items: list[tuple[str, str]] = []
    for name, value in values.items():
        key = made_by.names.get(name, name)
        is_set = value is not False and value not in EMPTY
        if name in made_by.silent or not is_set or (value in NOTHING and key not in TEXTS):
            continue
        if key == "LoRA" and isinstance(value, list):
            items += [("LoRA", str(lora)) for lora in value]
        elif key not in found:
            found[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    prompt, negative = found.pop("prompt", ""), found.pop("negative", "")
    if "width" in found and "height" in found:
        found["Size"] = f"{found.pop('width')}x{found.pop('height')}"
    layer = found.pop("clip layer", None)
    if layer is not None:
        found["Clip skip"] = layer.removeprefix("-")
    if made_by.layers_skipped and found.get("Clip skip", "").isdecimal():
        found["Clip skip"] = str(int(found["Clip skip"]) + 1)
    found["Sampler"] = found.get("Sampler", "").removeprefix("k_")
    found.setdefault("RNG", "CPU")
    filled = [(key, value) for key, value in found.items() if value]
    return metadata_of_items(text, prompt, negative, [*filled, *items], made_by.program)


def json_object(text: str) -> dict[str, Any]:
    """The JSON object that a text is; ValueError if it is none, or far too long."""
    if len(text) > JSON_LIMIT or not text.lstrip().startswith("{"):
        raise ValueError
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError
    return value


def weighted(name: object, weight: object = None) -> str:
    """A LoRA's name and weight as they are shown."""
    return str(name) if weight is None else f"{name}: {weight}"
