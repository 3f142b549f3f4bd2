"""How a picture of any program was made, in the words of A1111's items.

Owns one row and one function for each way of writing: a function turns a file's texts into prompt,
negative prompt and items (see image_metadata.py), or refuses them with any `ValueError`,
`LookupError` or `TypeError`; the next row is then asked. Knows nothing of image files. ComfyUI's
graphs are read in comfy_graph.py.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from app.library.comfy_graph import read_comfy_graph
from app.library.image_metadata import PictureMetadata, metadata_of_items, read_parameters
from app.library.made_by import MadeBy, items_of, json_object, weighted
from app.library.picture_file import (
    COMMENT,
    DESCRIPTION,
    HIDDEN,
    TEXT_KEY,
    XMP,
    PictureTexts,
    read_texts,
)

Texts = Mapping[str, str]

SIDECAR_LIMIT_BYTES = 1_000_000
NO_TEXT = "everything: the file does not say how it was made"
UNREADABLE = "everything: the program that wrote the file is not known"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
EXIF_COMMENT = "{http://ns.adobe.com/exif/1.0/}UserComment"
DC_DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"
DREAM = re.compile(r'^"(?P<prompt>.*)"\s+(?P<options>-.*)$', re.DOTALL)
DREAM_OPTION = re.compile(r"-(?P<letter>[sSWHCAf])\s*(?P<value>[^\s-]\S*)")
MOCHI_ITEM = re.compile(r"\s*([A-Z][\w ]*):\s?(.*?)(?:;(?=\s[A-Z][\w ]*:)|;?\s*$)", re.DOTALL)
INVOKE_KARRAS = "_k"


def read_any_metadata(path: Path) -> PictureMetadata:
    """What a picture's file, or the text file beside it, tells of how it was made.

    Raises `PictureError` only where the file is no picture.
    """
    return understand(read_texts(path), path)


def understand(picture: PictureTexts, path: Path | None = None) -> PictureMetadata:
    """What the texts of a picture tell; of `path` only the text file beside it is read."""
    texts = picture.texts if picture.texts or path is None else _sidecar(path)
    for _, read in WRITERS:
        try:
            return read(texts)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            continue
    width, height = picture.size
    metadata = metadata_of_items("", "", "", [("Size", f"{width}x{height}")])
    lost = UNREADABLE if texts else NO_TEXT
    return replace(metadata, not_restored=(*metadata.not_restored, lost), program="")


def _sidecar(path: Path) -> Texts:
    """A1111's and Easy Diffusion's text file beside the picture, as if it were in it."""
    for ending in (".txt", ".json"):
        try:
            with path.with_suffix(ending).open("rb") as file:
                return {TEXT_KEY: file.read(SIDECAR_LIMIT_BYTES).decode("utf-8", "replace")}
        except OSError:
            continue
    return {}


def _first(texts: Texts, *keys: str) -> str:
    """The first of these texts that there is; LookupError if none."""
    found = next(filter(None, map(texts.get, keys)), None)
    if found is None:
        raise LookupError
    return found


def _read_a1111(texts: Texts) -> PictureMetadata:
    text = _first(texts, TEXT_KEY, COMMENT, "comment")
    metadata = read_parameters(text)
    if metadata.request.prompt == "" and metadata.not_restored and text.lstrip().startswith("{"):
        raise ValueError
    if TEXT_KEY not in texts and metadata.request.steps is None:
        raise ValueError  # a comment that somebody wrote about a photograph
    return metadata


def _read_swarm(texts: Texts) -> PictureMetadata:
    text = _first(texts, TEXT_KEY, COMMENT)
    values = dict(json_object(text)["sui_image_params"])
    names = values.pop("loras", [])
    weights = values.pop("loraweights", [])
    values["LoRA"] = [weighted(name, weight) for name, weight in zip(names, weights, strict=False)]
    return items_of(SWARM, values, text)


def _read_comfy(texts: Texts) -> PictureMetadata:
    text = texts["prompt"]
    return read_comfy_graph(json_object(text), text)


def _read_invoke(texts: Texts) -> PictureMetadata:
    text = _first(texts, "invokeai_metadata", "sd-metadata")
    values = json_object(text)
    if "image" in values:  # sd-metadata: the first releases' form
        values = {"model": values.get("model_weights"), **dict(values["image"])}
        parts = values.get("prompt")
        if isinstance(parts, list):
            values["prompt"] = " ".join(str(part["prompt"]) for part in parts)
    for name in ("model", "vae"):
        named = values.get(name)
        if isinstance(named, dict):
            values[name] = named.get("name") or named.get("model_name")
    values["LoRA"] = [_invoke_lora(lora) for lora in values.pop("loras", None) or []]
    scheduler = str(values.get("scheduler") or values.get("sampler") or "")
    if scheduler.endswith(INVOKE_KARRAS):
        values["scheduler"] = f"{scheduler.removesuffix(INVOKE_KARRAS)} karras"
    values["rng"] = "NV" if values.pop("rand_device", "cpu") == "cuda" else "CPU"
    return items_of(INVOKE, values, text)


def _invoke_lora(lora: Mapping[str, object]) -> str:
    model = lora.get("model") or lora.get("lora")
    name = model.get("name") or model.get("model_name") if isinstance(model, dict) else model
    return weighted(name, lora.get("weight"))


def _read_dream(texts: Texts) -> PictureMetadata:
    found = DREAM.match(texts["Dream"])
    if found is None:
        raise ValueError
    options = {m["letter"]: m["value"] for m in DREAM_OPTION.finditer(found["options"])}
    return items_of(DREAM_OPTIONS, {"prompt": found["prompt"], **options}, texts["Dream"])


def _read_draw_things(texts: Texts) -> PictureMetadata:
    text = _xmp_text(texts[XMP], EXIF_COMMENT)
    values = json_object(text)
    if "c" not in values:
        raise ValueError
    values.pop("v2", None)  # the same once more, and what no other program has
    if values.get("strength") in (1, 1.0):
        values.pop("strength")  # all noise: words to picture
    loras = values.pop("lora", None) or []
    values["LoRA"] = [weighted(lora.get("model"), lora.get("weight")) for lora in loras]
    return items_of(DRAW_THINGS, values, text)


def _xmp_text(xmp: str, tag: str) -> str:
    """The text of a tag of an XMP packet; entities of its own, a way to attack, are refused."""
    if "<!" in xmp.replace("<![CDATA[", "").replace("<!--", ""):
        raise ValueError
    try:
        root = ElementTree.fromstring(xmp.strip("\ufeff\0 \n"))
    except ElementTree.ParseError:
        raise ValueError from None
    for element in root.iter(tag):
        text = element.findtext(f".//{RDF}li") or element.text
        if text and text.strip():
            return text
    for element in root.iter(f"{RDF}Description"):
        if tag in element.attrib:
            return element.attrib[tag]
    raise LookupError


def _read_mochi(texts: Texts) -> PictureMetadata:
    text = texts.get(DESCRIPTION) or texts.get("Description") or texts.get(COMMENT)
    text = text or _xmp_text(texts[XMP], DC_DESCRIPTION)
    values: dict[str, object] = dict(MOCHI_ITEM.findall(text))
    if "Include in Image" not in values or "Mochi" not in str(values.get("Generator", "Mochi")):
        raise ValueError
    return items_of(MOCHI, values, text)


def _read_fooocus(texts: Texts) -> PictureMetadata:
    text = _first(texts, TEXT_KEY, COMMENT, "comment")
    values = json_object(text)
    if "base_model" not in values:
        raise ValueError
    size = re.findall(r"\d+", str(values.pop("resolution", "")))
    if len(size) == 2:
        values["size"] = "x".join(size)
    loras = values.pop("loras", None) or []
    values["LoRA"] = [weighted(*lora[:2]) for lora in loras]
    return items_of(FOOOCUS, values, text)


def _read_easy_diffusion(texts: Texts) -> PictureMetadata:
    fields = {key.lower().replace(" ", "_"): value for key, value in texts.items()}
    text = json.dumps(fields, ensure_ascii=False)
    if "negative_prompt" not in fields and "num_inference_steps" not in fields:
        text = _first(texts, COMMENT, TEXT_KEY)
        fields = {key.lower().replace(" ", "_"): value for key, value in json_object(text).items()}
    if "prompt" not in fields or not {"num_inference_steps", "guidance_scale"} & fields.keys():
        raise ValueError
    names, weights = fields.pop("use_lora_model", None), fields.pop("lora_alpha", None)
    values: dict[str, object] = dict(fields)
    if fields.get("clip_skip") in (True, "True"):
        values["clip_skip"] = 2
    if names and names != "None":
        values["LoRA"] = [f"{names}: {weights}"]
    return items_of(EASY_DIFFUSION, values, text)


def _read_novel_ai(texts: Texts) -> PictureMetadata:
    if HIDDEN in texts:
        hidden = json_object(texts[HIDDEN])
        texts = {key: value for key, value in hidden.items() if isinstance(value, str)}
    text = texts["Comment"]
    values = json_object(text)
    if "uc" not in values:
        raise ValueError
    prompt = texts.get("Description") or values.get("prompt", "")
    sampler = re.sub(r"^k_", "", str(values.get("sampler", "")))
    model = texts.get("Source", "")
    return items_of(
        NOVEL_AI, {**values, "prompt": prompt, "sampler": sampler, "model": model}, text
    )


# For each program: its words for what A1111's items name. A word that is in no table is an item of
# its own, so that it is listed among what was not restored.
COMMON = {
    "prompt": "prompt",
    "negative_prompt": "negative",
    "steps": "Steps",
    "seed": "Seed",
    "width": "width",
    "height": "height",
    "cfg_scale": "CFG scale",
    "model": "Model",
    "sampler": "Sampler",
    "scheduler": "Schedule type",
    "clip_skip": "Clip skip",
    "rng": "RNG",
    "vae": "VAE",
    "LoRA": "LoRA",
}
SWARM = MadeBy(
    program="SwarmUI",
    names={
        **COMMON,
        "negativeprompt": "negative",
        "cfgscale": "CFG scale",
        "initimagecreativity": "Denoising strength",
        "clipstopatlayer": "clip layer",
    },
    silent=("swarm_version", "aspectratio", "images"),
)
INVOKE = MadeBy(
    program="InvokeAI",
    names={
        **COMMON,
        "positive_prompt": "prompt",
        "scheduler": "Sampler",
        "strength": "Denoising strength",
    },
    silent=("generation_mode", "app_version", "type", "postprocessing"),
    layers_skipped=True,
)
DREAM_OPTIONS = MadeBy(
    program="InvokeAI",
    names={
        "prompt": "prompt",
        "s": "Steps",
        "S": "Seed",
        "W": "width",
        "H": "height",
        "C": "CFG scale",
        "A": "Sampler",
        "f": "Denoising strength",
    },
)
DRAW_THINGS = MadeBy(
    program="Draw Things",
    names={
        **COMMON,
        "c": "prompt",
        "uc": "negative",
        "scale": "CFG scale",
        "size": "Size",
        "strength": "Denoising strength",
    },
    silent=("seed_mode",),
)
MOCHI = MadeBy(
    program="Mochi Diffusion",
    names={
        "Include in Image": "prompt",
        "Exclude from Image": "negative",
        "Model": "Model",
        "Steps": "Steps",
        "Guidance Scale": "CFG scale",
        "Seed": "Seed",
        "Size": "Size",
        "Scheduler": "Sampler",
    },
    silent=("ML Compute Unit", "Generator", "Date"),
)
FOOOCUS = MadeBy(
    program="Fooocus",
    names={
        **COMMON,
        "guidance_scale": "CFG scale",
        "base_model": "Model",
        "base_model_hash": "Model hash",
        "size": "Size",
    },
    silent=("version", "created_by", "metadata_scheme", "full_prompt", "full_negative_prompt"),
)
EASY_DIFFUSION = MadeBy(
    program="Easy Diffusion",
    names={
        **COMMON,
        "num_inference_steps": "Steps",
        "guidance_scale": "CFG scale",
        "sampler_name": "Sampler",
        "scheduler_name": "Schedule type",
        "use_stable_diffusion_model": "Model",
        "use_vae_model": "VAE",
        "prompt_strength": "Denoising strength",
    },
    silent=("output_format", "output_quality", "vram_usage_level", "num_outputs", "created_at"),
)
NOVEL_AI = MadeBy(
    program="NovelAI",
    names={
        **COMMON,
        "uc": "negative",
        "scale": "CFG scale",
        "noise_schedule": "Schedule type",
        "strength": "Denoising strength",
    },
    silent=("signed_hash", "request_type", "version", "n_samples"),
)

# The order matters: what only one program writes stands before what several do.
WRITERS: tuple[tuple[str, Callable[[Texts], PictureMetadata]], ...] = (
    ("SwarmUI", _read_swarm),
    ("Fooocus", _read_fooocus),
    ("InvokeAI", _read_invoke),
    ("InvokeAI", _read_dream),
    ("NovelAI", _read_novel_ai),
    ("Draw Things", _read_draw_things),
    ("Mochi Diffusion", _read_mochi),
    ("Easy Diffusion", _read_easy_diffusion),
    ("A1111", _read_a1111),
    ("ComfyUI", _read_comfy),
)
