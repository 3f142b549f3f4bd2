"""The text that says how a picture was made, in A1111's `parameters` grammar.

Owns the writer and the reader of that text and the field's labels for samplers and schedules.
Knows nothing of image files (see picture_file.py) or of how a picture is computed.

Writer: prompt, a line `Negative prompt: ...` unless it is empty, and one line of `Key: value` items
parted by ", ". A value with a comma, a colon or a line break is written as a JSON string; an item
whose value equals its key is the key alone.

Where the grammar cannot carry a text through unchanged:
  - each line of a prompt loses the white space around it, and leading empty lines are lost;
  - a line of the prompt that begins with "Negative prompt:" begins the negative prompt, and such a
    line of the negative prompt loses these words;
  - a prompt that is all there is, without the last line, is read as parameters if its last line
    holds three items of the form `Key: value` (our writer always adds the line);
  - a model whose name is "Model" (or a VAE named "VAE") is written as the bare key, which readers
    skip; a name loses leading white space, and quotes that enclose it whole.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.engine.types import MaskedContent, Rng, Sampler, Schedule
from app.generation.add_ons import EmbeddingReceipt, LoraReceipt
from app.generation.request import (
    GenerationRequest,
    InpaintArea,
    RequestError,
    ResolvedRequest,
)
from app.library.model_entry import model_name
from app.prompt.lora_tags import tag_names, tag_text
from app.version import VERSION

NEGATIVE_MARK = "Negative prompt:"
HASH_DIGITS = 10  # of the SHA-256 that names a model file
INIT_IMAGE = "the picture it began from, which no text holds"
MASK = "the mask, which no text holds"
NOT_MASKED = "Inpaint not masked"
MASKED_CONTENT_LABELS: Mapping[MaskedContent, str] = MappingProxyType(
    {content: content.replace("_", " ") for content in MaskedContent}
)
INPAINT_AREA_LABELS: Mapping[InpaintArea, str] = MappingProxyType(
    {
        InpaintArea.WHOLE_PICTURE: "Whole picture",
        InpaintArea.ONLY_MASKED: "Only masked",
    }
)
LORA = "LoRA"  # the key under which other programs' LoRAs come, one an item
FEWEST_ITEMS = 3  # a last line with fewer is part of the prompt

SAMPLER_LABELS: Mapping[Sampler, str] = MappingProxyType(
    {
        Sampler.EULER: "Euler",
        Sampler.EULER_A: "Euler a",
        Sampler.HEUN: "Heun",
        Sampler.DPMPP_2M: "DPM++ 2M",
        Sampler.DPMPP_2M_SDE: "DPM++ 2M SDE",
        Sampler.DDIM: "DDIM",
        Sampler.LCM: "LCM",
    }
)
SCHEDULE_LABELS: Mapping[Schedule, str] = MappingProxyType(
    {
        Schedule.NORMAL: "Normal",
        Schedule.KARRAS: "Karras",
        Schedule.EXPONENTIAL: "Exponential",
        Schedule.SGM_UNIFORM: "SGM Uniform",
        Schedule.SIMPLE: "Simple",
    }
)
AUTOMATIC = "automatic"
AUTOMATIC_SCHEDULES: Mapping[Sampler, Schedule] = MappingProxyType(
    {Sampler.DPMPP_2M: Schedule.KARRAS, Sampler.DPMPP_2M_SDE: Schedule.EXPONENTIAL}
)
# Every word for a sampler or schedule that is understood, in lower case: the labels, our own words
# (many of them ComfyUI's too), and those of other programs.
SAMPLER_WORDS: Mapping[str, Sampler] = MappingProxyType(
    {
        **{label.lower(): sampler for sampler, label in SAMPLER_LABELS.items()},
        **{sampler.value: sampler for sampler in Sampler},
        "euler_ancestral": Sampler.EULER_A,
        "dpm++2m": Sampler.DPMPP_2M,
        "dpm++2m_sde": Sampler.DPMPP_2M_SDE,
        "dpmpp_2m_sde_gpu": Sampler.DPMPP_2M_SDE,
        "dpm-solver++": Sampler.DPMPP_2M,
    }
)
SCHEDULE_WORDS: Mapping[str, Schedule] = MappingProxyType(
    {
        **{label.lower(): schedule for schedule, label in SCHEDULE_LABELS.items()},
        **{schedule.value: schedule for schedule in Schedule},
        "uniform": Schedule.NORMAL,
        "discrete": Schedule.NORMAL,
    }
)

_ITEM = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"^(\d{1,6})x(\d{1,6})$")
_UNNAMED = re.compile(r"[,:]")  # what A1111 leaves out of a name beside its hash
_NEEDS_QUOTES = re.compile(r"[,\n:]")


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A model or VAE file as a picture's text names it.

    `name` is without extension for a model and with it for a VAE; `sha256` is the whole file's, in
    hexadecimal, or empty where it is not known.
    """

    name: str
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class AddOnHashes:
    """The LoRAs and embeddings that took part: (name, first digits of the hash or nothing)."""

    loras: tuple[tuple[str, str], ...] = ()
    embeddings: tuple[tuple[str, str], ...] = ()


NO_ADD_ONS = AddOnHashes()


def add_on_hashes(
    loras: Sequence[LoraReceipt], embeddings: Sequence[EmbeddingReceipt]
) -> AddOnHashes:
    """Of the LoRAs and of those embeddings that were used as such."""
    return AddOnHashes(
        loras=tuple((receipt.name, receipt.hash) for receipt in loras),
        embeddings=tuple((each.name, each.hash) for each in embeddings if each.count),
    )


@dataclass(frozen=True, kw_only=True)
class PictureMetadata:
    """What was read back from a picture's text.

    `request` holds what could be restored; its files are None, for the text names no folders:
    `model` and `vae` here are what it says of them (their `sha256` is the first ten digits).
    `not_restored` are the items, `Key: value`, that Aquatint cannot follow. `text` is what stood in
    the file, `loras` the names that it mentions, `program` who wrote it, as far as that can be
    told.
    """

    text: str
    request: GenerationRequest
    model: ModelFile | None
    vae: ModelFile | None
    not_restored: tuple[str, ...]
    loras: tuple[str, ...] = ()
    program: str = ""


def parameters_text(
    request: ResolvedRequest,
    picture: int,
    model: ModelFile,
    vae: ModelFile | None = None,
    add_ons: AddOnHashes = NO_ADD_ONS,
) -> str:
    """The `parameters` text of picture number `picture`, from 0, of a finished request.

    LoRAs beside the prompt become tags at its end, which other programs follow too.
    """
    is_masked = request.init_image and request.mask_image
    is_patch = is_masked and request.inpaint_area is InpaintArea.ONLY_MASKED
    content = MASKED_CONTENT_LABELS[request.masked_content]
    is_original = request.masked_content is MaskedContent.ORIGINAL
    items: list[tuple[str, object | None]] = [
        ("Steps", request.steps),
        ("Sampler", SAMPLER_LABELS[request.sampler]),
        ("Schedule type", SCHEDULE_LABELS[request.schedule]),
        ("CFG scale", _number(request.cfg_scale)),
        ("Seed", request.seed + picture),
        ("Size", f"{request.width}x{request.height}"),
        ("Model hash", model.sha256[:HASH_DIGITS] or None),
        ("Model", model.name),
        ("VAE hash", vae.sha256[:HASH_DIGITS] or None if vae else None),
        ("VAE", vae.name if vae else None),
        (
            "Denoising strength",
            _number(request.denoise_strength) if request.init_image else None,
        ),
        ("Clip skip", request.clip_skip if request.clip_skip > 1 else None),
        ("RNG", request.rng.upper()),
        ("Mask blur", request.mask_blur if is_masked else None),
        ("Mask mode", NOT_MASKED if is_masked and request.mask_invert else None),
        ("Inpaint area", INPAINT_AREA_LABELS[request.inpaint_area] if is_patch else None),
        ("Masked area padding", request.masked_area_padding if is_patch else None),
        ("Masked content", content if is_masked and not is_original else None),
        ("Lora hashes", _hashes(add_ons.loras)),
        ("TI hashes", _hashes(add_ons.embeddings)),
        ("Version", f"Aquatint {VERSION}"),
    ]
    line = ", ".join(_item(key, str(value)) for key, value in items if value is not None)
    negative = request.negative_prompt
    middle = f"\n{NEGATIVE_MARK} {negative}" if negative else ""
    return f"{_tagged_prompt(request)}{middle}\n{line}".strip()


def read_parameters(text: str) -> PictureMetadata:
    """Reads a `parameters` text, ours or another program's, as far as it can be followed.

    Anything that cannot be followed is listed, never an error. Without `RNG` the noise is taken to
    be a CUDA device's, which is A1111's default and our `nv`.
    """
    if _is_json(text):
        return PictureMetadata(
            text=text,
            request=GenerationRequest(prompt=""),
            model=None,
            vae=None,
            not_restored=("the whole text: it is another program's JSON",),
        )
    prompt, negative, items = _split_text(text)
    return metadata_of_items(text, prompt, negative, items)


def metadata_of_items(
    text: str, prompt: str, negative: str, items: Sequence[tuple[str, str]], program: str = ""
) -> PictureMetadata:
    """What (key, value) items, named as in this grammar, say of how a picture was made.

    `text` is what stood in the file; `program` "" is told by the item "Version".
    """
    items = [(key, _sound_text(value)) for key, value in items]
    tags = {item: _tag(item[1]) for item in items if item[0] == LORA}
    prompt = " ".join(filter(None, (prompt, *tags.values())))
    items = [item for item in items if not tags.get(item)]
    reader = _ItemReader(items)
    request = _build_request(prompt, negative, reader)
    model = reader.take_file("Model", "Model hash")
    vae = reader.take_file("VAE", "VAE hash")
    version = reader.take("Version") or ""
    _take_hashes(reader, f"{prompt}\n{negative}")
    keys = [key for key, _ in items]
    if "Denoising strength" in keys and not any(key.startswith("Hires") for key in keys):
        reader.refused.append(INIT_IMAGE)
    if "Mask blur" in keys:
        reader.refused.append(MASK)
    return PictureMetadata(
        text=text,
        request=request,
        model=model,
        vae=vae,
        not_restored=(*reader.refused, *reader.rest()),
        loras=tuple(dict.fromkeys(tag_names(prompt))),
        program=program or ("Aquatint" if version.startswith("Aquatint") else "A1111"),
    )


def _tag(value: str) -> str:
    """The tag for a LoRA as other programs' texts have it, "name: weight"; empty for none."""
    name, _, weight = value.rpartition(": ")
    try:
        return tag_text(model_name(name), float(weight)) if name != str(None) else ""
    except ValueError:
        return ""


def _take_hashes(reader: "_ItemReader", prompts: str) -> None:
    """Files are found by the names in the prompts; a hash whose name is not there is left over."""
    words = _UNNAMED.sub("", prompts).lower()
    for key in ("Lora hashes", "TI hashes"):
        value = reader.take(key) or ""
        names = (pair.partition(":")[0].strip().lower() for pair in value.split(","))
        if not all(name in words for name in names):
            reader.refuse(key, value)


def _is_json(text: str) -> bool:
    """Whether a text is a JSON object; a prompt, too, may begin with a brace."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _item(key: str, value: str) -> str:
    if key == value:
        return key
    return (
        f"{key}: {json.dumps(value, ensure_ascii=False) if _NEEDS_QUOTES.search(value) else value}"
    )


def _tagged_prompt(request: ResolvedRequest) -> str:
    tags = (tag_text(use.path.stem, use.weight, use.text_weight) for use in request.loras)
    return " ".join(filter(None, (request.prompt, *tags)))


def _hashes(named: Sequence[tuple[str, str]]) -> str | None:
    """Such as "ink: 0123456789ab", without what A1111 leaves out of names; None: nothing."""
    pairs = (f"{_UNNAMED.sub('', name)}: {digits}" for name, digits in named if digits)
    return ", ".join(pairs) or None


def _number(value: float) -> str:
    """The shortest decimal that reads back the same, without a trailing ".0"."""
    return repr(float(value)).removesuffix(".0")


def _split_text(text: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Prompt, negative prompt, and the (key, value) items of the last line in their order."""
    *lines, last = text.strip().split("\n")
    items = _ITEM.findall(last)
    if len(items) < FEWEST_ITEMS:
        lines.append(last)
        items = []
    prompt = negative = ""
    in_negative = False
    for line in map(str.strip, lines):
        in_negative = in_negative or line.startswith(NEGATIVE_MARK)
        if in_negative:
            more = line.removeprefix(NEGATIVE_MARK).lstrip()
            negative = f"{negative}\n{more}" if negative else more
        else:
            prompt = f"{prompt}\n{line}" if prompt else line
    return prompt, negative, [(key, _unquote(value)) for key, value in items if value]


def _unquote(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value


class _ItemReader:
    """Hands out the items of a text by key and keeps account of what could not be used."""

    def __init__(self, items: Sequence[tuple[str, str]]) -> None:
        self._items = dict(items)
        self._repeated = [item for item in items if self._items[item[0]] != item[1]]
        self.refused: list[str] = []

    def take(self, key: str) -> str | None:
        return self._items.pop(key, None)

    def take_number(self, key: str) -> int | float | None:
        """The value as a number, whole where it is written so, or None."""
        value = self.take(key)
        for kind in (int, float):
            try:
                return kind(value) if value is not None else None
            except ValueError:
                continue
        self.refuse(key, value)
        return None

    def take_whole(self, key: str) -> int | None:
        """The value as a whole number, or None."""
        value = self.take_number(key)
        if isinstance(value, float) and not value.is_integer():
            self.refuse(key, value)
            return None
        return None if value is None else int(value)

    def take_file(self, name_key: str, hash_key: str) -> ModelFile | None:
        name, digest = self.take(name_key), self.take(hash_key)
        if name is None and digest is None:
            return None
        return ModelFile(name=name or "", sha256=digest or "")

    def refuse(self, key: str, value: object) -> None:
        self.refused.append(f"{key}: {value}")

    def rest(self) -> list[str]:
        """The items that nobody took."""
        return [f"{key}: {value}" for key, value in (*self._items.items(), *self._repeated)]


def _build_request(prompt: str, negative: str, reader: _ItemReader) -> GenerationRequest:
    sampler, schedule = _read_sampler(reader)
    request = GenerationRequest(
        prompt=_sound_text(prompt),
        negative_prompt=_sound_text(negative),
        sampler=sampler,
        schedule=schedule,
        rng=_read_rng(reader),
    )
    fields: tuple[tuple[str, dict[str, Any]], ...] = (
        ("Steps", {"steps": reader.take_whole("Steps")}),
        ("CFG scale", {"cfg_scale": reader.take_number("CFG scale")}),
        ("Seed", {"seed": reader.take_whole("Seed")}),
        ("Size", _read_size(reader)),
        (
            "Denoising strength",
            {"denoise_strength": reader.take_number("Denoising strength")},
        ),
        ("Clip skip", {"clip_skip": reader.take_whole("Clip skip")}),
        ("Mask blur", {"mask_blur": reader.take_whole("Mask blur")}),
        ("Mask mode", _read_mask_mode(reader)),
        ("Inpaint area", _read_word(reader, "Inpaint area", "inpaint_area", INPAINT_AREA_LABELS)),
        ("Masked area padding", {"masked_area_padding": reader.take_whole("Masked area padding")}),
        (
            "Masked content",
            _read_word(reader, "Masked content", "masked_content", MASKED_CONTENT_LABELS),
        ),
    )
    for key, values in fields:
        if None in values.values():
            continue
        try:
            request = dataclasses.replace(request, **values)
        except RequestError:
            reader.refuse(key, "x".join(str(value) for value in values.values()))
    return request


def _sound_text(text: str) -> str:
    """Text that a request accepts: damaged files hold NUL characters and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _read_size(reader: _ItemReader) -> dict[str, Any]:
    value = reader.take("Size")
    match = _SIZE.match(value) if value else None
    if match:
        return {"width": int(match[1]), "height": int(match[2])}
    if value:
        reader.refuse("Size", value)
    return {"width": None}


def _read_word(
    reader: _ItemReader, key: str, name: str, labels: Mapping[Any, str]
) -> dict[str, Any]:
    """The field `name` by the label under `key`; None where there is none that is known."""
    label = reader.take(key)
    found = next((value for value, each in labels.items() if each == label), None)
    if label is not None and found is None:
        reader.refuse(key, label)
    return {name: found}


def _read_mask_mode(reader: _ItemReader) -> dict[str, Any]:
    value = reader.take("Mask mode")
    if value not in (None, NOT_MASKED, "Inpaint masked"):
        reader.refuse("Mask mode", value)
    return {"mask_invert": True if value == NOT_MASKED else None}


def _read_rng(reader: _ItemReader) -> Rng:
    value = reader.take("RNG") or "GPU"
    if value in ("GPU", "NV"):
        return Rng.NV
    if value != "CPU":
        reader.refuse("RNG", value)
    return Rng.CPU


def _read_sampler(reader: _ItemReader) -> tuple[Sampler | None, Schedule | None]:
    """Sampler and schedule; older texts have the schedule as the last words of the sampler."""
    label, schedule_label = reader.take("Sampler") or "", reader.take("Schedule type")
    word = label.lower()
    for suffix in (AUTOMATIC, *SCHEDULE_WORDS):
        if word.endswith(f" {suffix}"):
            word, schedule_label = (
                word.removesuffix(suffix).strip(),
                schedule_label or suffix,
            )
            break
    sampler = SAMPLER_WORDS.get(word)
    if label and sampler is None:
        reader.refuse("Sampler", label)
    schedule_word = (schedule_label or AUTOMATIC).lower()
    if schedule_word == AUTOMATIC:
        return sampler, AUTOMATIC_SCHEDULES.get(sampler, Schedule.NORMAL) if sampler else None
    schedule = SCHEDULE_WORDS.get(schedule_word)
    if schedule is None:
        reader.refuse("Schedule type", schedule_label)
    return sampler, schedule
