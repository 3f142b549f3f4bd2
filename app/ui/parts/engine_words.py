"""The sentences of the engine and of model files, in the window's language.

Owns the table of those that users meet. They come in English from rooms that know no language; each
row is the English sentence, with a name in braces where something is filled in. What is in no row
is shown as it came. Its test holds the rows against the rooms' own words.
"""

import re

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication


def _texts(*rows: object) -> tuple[str, ...]:
    """Marked texts as what they are; the mark's type does not say."""
    return tuple(map(str, rows))


# The first row that fits is taken: the particular stand before the general.
SENTENCES: tuple[str, ...] = _texts(
    QT_TRANSLATE_NOOP("Engine", "Cancelled."),
    QT_TRANSLATE_NOOP(
        "Engine", "There is not enough memory for this; choose a smaller size or batch."
    ),
    QT_TRANSLATE_NOOP(
        "Engine", "no memory for a picture of this size ({need} MB): make it smaller"
    ),
    QT_TRANSLATE_NOOP("Engine", "the GPU has no memory to give"),
    QT_TRANSLATE_NOOP(
        "Engine",
        "the GPU ran out of memory: make the picture smaller or close other programs ({detail})",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "macOS stopped the GPU because a part took too long: close other programs that use it, or "
        "make the picture smaller ({detail})",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "macOS lets this process use the GPU no more: the engine must be restarted ({detail})",
    ),
    QT_TRANSLATE_NOOP("Engine", "the GPU failed: try again ({detail})"),
    QT_TRANSLATE_NOOP("Engine", "the GPU is gone: the engine must be restarted ({detail})"),
    QT_TRANSLATE_NOOP(
        "Engine", "numbers ran out of range before {layer} in {dtype}, so it was rerun in f32"
    ),
    QT_TRANSLATE_NOOP("Engine", "numbers ran out of range before {layer}"),
    QT_TRANSLATE_NOOP(
        "Engine", "A mask needs a picture to begin from: choose one, or leave out the mask."
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "The mask keeps all of the picture: paint what is to be made anew, or leave out the mask.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} is too large to make only a part of it: make it smaller, or choose the whole "
        "picture as the area.",
    ),
    QT_TRANSLATE_NOOP("Engine", "There is no LoRA named {name}: add its file or its folder."),
    QT_TRANSLATE_NOOP("Engine", "There is no LoRA named {name}: did you mean {names}?"),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} was made for a text encoder of width {own}, and this model's is {width}, so it was "
        "read as plain words.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} was made for one text encoder, and this model has two, so it was read as plain "
        "words.",
    ),
    QT_TRANSLATE_NOOP("Engine", "The queue could not be read; its file is kept as {aside}."),
    QT_TRANSLATE_NOOP(
        "Engine", "{lost} of {count} jobs could not be read; they are kept in {aside}."
    ),
    QT_TRANSLATE_NOOP("Engine", "The strength in {tag} is no number: write it like {example}."),
    QT_TRANSLATE_NOOP("Engine", "{path} cannot be read as a picture: choose a PNG or JPEG."),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} is a LoRA for {family}, and this model is {own}: choose a LoRA that was made for "
        "it.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} is a LoRA for another model ({why}): choose one that was made for this model.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} is a DoRA, which Aquatint does not apply yet: choose a plain LoRA.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} holds no LoRA of a kind that Aquatint knows: choose a LoRA, LoHa or LoKr.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} cannot be opened ({why}): check that the file is there and that you may read it.",
    ),
    QT_TRANSLATE_NOOP("Engine", "{name} cannot be read ({why}): check that it is there."),
    QT_TRANSLATE_NOOP("Engine", "{name} is damaged: {why}; download it again."),
    QT_TRANSLATE_NOOP(
        "Engine", "{name} is truncated: it ends inside its header; download it again."
    ),
    QT_TRANSLATE_NOOP(
        "Engine", "{name} is truncated: it has {size} of {whole} bytes; download it again."
    ),
    QT_TRANSLATE_NOOP(
        "Engine", "{name} is incomplete (tensor {tensor} is missing): download it again."
    ),
    QT_TRANSLATE_NOOP("Engine", "{name} holds no {network}: choose the full checkpoint."),
    QT_TRANSLATE_NOOP(
        "Engine", "{name} wants to run code ({code}): use the .safetensors version of it."
    ),
    QT_TRANSLATE_NOOP("Engine", "{name} is damaged: use the .safetensors version of it."),
    QT_TRANSLATE_NOOP(
        "Engine", "{name} is no file of torch 1.6 or later: use the .safetensors version of it."
    ),
    QT_TRANSLATE_NOOP("Engine", "{name} holds no tensors: choose another file."),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} has a header that is far too large for an image model: choose another file.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} is a GGUF file of version {version}, which Aquatint does not know: use the "
        ".safetensors version.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} stores tensor '{tensor}' as ggml's type {kind}, which Aquatint does not know: use "
        "an f16 version of the file.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "{name} stores tensor '{tensor}' as {kind}, which Aquatint does not compute with: use an "
        "f32, f16, bf16 or f8 version of the file.",
    ),
    QT_TRANSLATE_NOOP("Engine", "Memory was short: {savings}."),
    QT_TRANSLATE_NOOP(
        "Engine", "This takes at least {need}, more than the {machine} of this machine: {act}."
    ),
    QT_TRANSLATE_NOOP("Engine", "one picture of {size} would fit"),
    QT_TRANSLATE_NOOP("Engine", "clip skip must be 1 to {most} for this model"),
    QT_TRANSLATE_NOOP("Engine", "the model cannot start from a picture: its VAE has no encoder"),
    QT_TRANSLATE_NOOP(
        "Engine", "The seed must be from 0 to {last}, or -1 for a random one, not {value}."
    ),
    QT_TRANSLATE_NOOP("Engine", "a prompt must have 1 to {most} chunks of tokens"),
    QT_TRANSLATE_NOOP("Engine", "The {field} must be from {low} to {high}, not {value}."),
    QT_TRANSLATE_NOOP(
        "Engine", "The {field} must be a multiple of {step}: try {near}, not {value}."
    ),
    QT_TRANSLATE_NOOP("Engine", "The {field} holds a NUL character; remove it."),
    QT_TRANSLATE_NOOP("Engine", "There is no file {path} to begin from."),
    QT_TRANSLATE_NOOP("Engine", "There is no file {path} with the mask."),
    QT_TRANSLATE_NOOP("Engine", "Could not write into {path}: {why}."),
    QT_TRANSLATE_NOOP("Engine", "Could not write {path}: {why}."),
    QT_TRANSLATE_NOOP("Engine", "Could not read {path} as a picture: {what}."),
    QT_TRANSLATE_NOOP("Engine", "Could not read {path}: {why}."),
    QT_TRANSLATE_NOOP("Engine", "Could not make a thumbnail of {path}: {why}."),
    QT_TRANSLATE_NOOP("Engine", "{path} could not be deleted: {why}."),
    QT_TRANSLATE_NOOP("Engine", "{path} could not be taken out of the trash: {why}."),
    QT_TRANSLATE_NOOP("Engine", "The gallery's list {path} cannot be opened: {why}."),
    QT_TRANSLATE_NOOP("Engine", "The gallery's list could not be used: {why}."),
    QT_TRANSLATE_NOOP(
        "Engine",
        "This model was trained with zero terminal SNR, which Aquatint does not apply yet: "
        "very dark and very bright pictures may come out flat.",
    ),
    QT_TRANSLATE_NOOP(
        "Engine",
        "The file names the resolution '{size}', which Aquatint does not use: {own} is taken.",
    ),
    QT_TRANSLATE_NOOP("Engine", "{count} layers at strength 0"),
    QT_TRANSLATE_NOOP("Engine", "{count} layers {what} ({names})"),
    QT_TRANSLATE_NOOP("Engine", "{count} layer {what} ({names})"),
    QT_TRANSLATE_NOOP("Engine", "{name} is empty: {act}."),
    QT_TRANSLATE_NOOP("Engine", "{name} is not a safetensors file: {act}."),
    QT_TRANSLATE_NOOP("Engine", "{name} is {what}: {act}."),
)
# What is filled in, where that is words.
PHRASES: tuple[str, ...] = _texts(
    QT_TRANSLATE_NOOP("Engine", "; "),
    QT_TRANSLATE_NOOP("Engine", "text encoder"),
    QT_TRANSLATE_NOOP("Engine", "second text encoder"),
    QT_TRANSLATE_NOOP("Engine", "a Stable Diffusion 2 model, which Aquatint does not open yet"),
    QT_TRANSLATE_NOOP("Engine", "a Stable Diffusion XL refiner, not a model by itself"),
    QT_TRANSLATE_NOOP("Engine", "a Stable Diffusion 3 model, which Aquatint does not open yet"),
    QT_TRANSLATE_NOOP("Engine", "a FLUX model, which Aquatint does not open yet"),
    QT_TRANSLATE_NOOP("Engine", "a video model, which Aquatint does not open"),
    QT_TRANSLATE_NOOP(
        "Engine", "a guidance-distilled (LCM) model, which Aquatint does not open yet"
    ),
    QT_TRANSLATE_NOOP(
        "Engine", "a quantized model with scales of its own, which Aquatint does not open yet"
    ),
    QT_TRANSLATE_NOOP("Engine", "an InstructPix2Pix model, which Aquatint does not open yet"),
    QT_TRANSLATE_NOOP("Engine", "a LoRA, an addition to a model and not a model by itself"),
    QT_TRANSLATE_NOOP(
        "Engine", "a textual inversion, a word for a model and not a model by itself"
    ),
    QT_TRANSLATE_NOOP("Engine", "a ControlNet, an addition to a model and not a model"),
    QT_TRANSLATE_NOOP("Engine", "a motion module, an addition to a model and not a model"),
    QT_TRANSLATE_NOOP("Engine", "an IP-Adapter, an addition to a model and not a model"),
    QT_TRANSLATE_NOOP("Engine", "an upscaler and draws nothing from words"),
    QT_TRANSLATE_NOOP("Engine", "a VAE alone, one part of a model"),
    QT_TRANSLATE_NOOP("Engine", "a TAESD preview decoder, not a model by itself"),
    QT_TRANSLATE_NOOP("Engine", "a text encoder alone, one part of a model"),
    QT_TRANSLATE_NOOP("Engine", "a UNet alone, without the text encoder and the VAE"),
    QT_TRANSLATE_NOOP("Engine", "no model that Aquatint knows"),
    QT_TRANSLATE_NOOP("Engine", "a Git LFS pointer and not the model itself"),
    QT_TRANSLATE_NOOP("Engine", "a PNG picture"),
    QT_TRANSLATE_NOOP("Engine", "a JPEG picture"),
    QT_TRANSLATE_NOOP("Engine", "a WebP picture or a sound"),
    QT_TRANSLATE_NOOP("Engine", "a GIF picture"),
    QT_TRANSLATE_NOOP("Engine", "a PDF document"),
    QT_TRANSLATE_NOOP("Engine", "an HDF5 file"),
    QT_TRANSLATE_NOOP("Engine", "a gzip archive"),
    QT_TRANSLATE_NOOP("Engine", "a 7-Zip archive"),
    QT_TRANSLATE_NOOP("Engine", "a RAR archive"),
    QT_TRANSLATE_NOOP("Engine", "a zip archive"),
    QT_TRANSLATE_NOOP("Engine", "a web page and not the model itself"),
    QT_TRANSLATE_NOOP("Engine", "a JSON text and not a model"),
    QT_TRANSLATE_NOOP("Engine", "full of zeros, so its download did not finish"),
    QT_TRANSLATE_NOOP("Engine", "a pickle of torch before 1.6, which Aquatint does not open"),
    QT_TRANSLATE_NOOP("Engine", "choose a Stable Diffusion 1.x or XL checkpoint"),
    QT_TRANSLATE_NOOP(
        "Engine", "choose a Stable Diffusion 1.x or XL checkpoint and add the VAE to it"
    ),
    QT_TRANSLATE_NOOP(
        "Engine", "choose a Stable Diffusion 1.x or XL checkpoint and add the decoder to it"
    ),
    QT_TRANSLATE_NOOP("Engine", "choose the full checkpoint"),
    QT_TRANSLATE_NOOP("Engine", "choose a .safetensors model"),
    QT_TRANSLATE_NOOP("Engine", "use the f16 version"),
    QT_TRANSLATE_NOOP("Engine", "use the .safetensors version"),
    QT_TRANSLATE_NOOP("Engine", "download it again"),
    QT_TRANSLATE_NOOP("Engine", "unpack it and open the .safetensors file in it"),
    QT_TRANSLATE_NOOP("Engine", "previews were made in tiles"),
    QT_TRANSLATE_NOOP("Engine", "previews were small"),
    QT_TRANSLATE_NOOP(
        "Engine", "each network was unloaded after its part and loads again next time"
    ),
    QT_TRANSLATE_NOOP("Engine", "the pictures were made in smaller batches, one after the other"),
    QT_TRANSLATE_NOOP(
        "Engine", "the decoder worked in tiles, which can take it half as long again"
    ),
    QT_TRANSLATE_NOOP(
        "Engine", "it was computed in half precision, which shows in the last digits"
    ),
    QT_TRANSLATE_NOOP("Engine", "choose a smaller model"),
    QT_TRANSLATE_NOOP("Engine", "it is damaged or none"),
    QT_TRANSLATE_NOOP("Engine", "it is damaged"),
    QT_TRANSLATE_NOOP("Engine", "which this model does not have"),
    QT_TRANSLATE_NOOP("Engine", "of a kind not known"),
    QT_TRANSLATE_NOOP("Engine", "prompt"),
    QT_TRANSLATE_NOOP("Engine", "negative prompt"),
    QT_TRANSLATE_NOOP("Engine", "width"),
    QT_TRANSLATE_NOOP("Engine", "height"),
    QT_TRANSLATE_NOOP("Engine", "steps"),
    QT_TRANSLATE_NOOP("Engine", "CFG scale"),
    QT_TRANSLATE_NOOP("Engine", "batch count"),
    QT_TRANSLATE_NOOP("Engine", "clip skip"),
    QT_TRANSLATE_NOOP("Engine", "denoise strength"),
    QT_TRANSLATE_NOOP("Engine", "number of LoRAs"),
    QT_TRANSLATE_NOOP("Engine", "strength of a LoRA"),
    QT_TRANSLATE_NOOP("Engine", "mask blur"),
)
_WORDS = frozenset(("what", "act", "network", "field", "savings"))
"""Names that stand for a phrase, or several with semicolons between; not for a file or a number."""
_BETWEEN = "; "


def in_own_words(text: str) -> str:
    """The text, a sentence a line, in the window's language where there is a row for it."""
    return " ".join(map(_sentence, text.split("\n")))


def _sentence(sentence: str) -> str:
    for row in SENTENCES:
        if found := re.fullmatch(_pattern(row), sentence):
            filled = found.groupdict()
            for name in _WORDS & filled.keys():
                phrases = map(_sentence, filled[name].split(_BETWEEN))
                filled[name] = _translated(_BETWEEN).join(phrases)
            return _translated(row).format(**filled)
    return _translated(sentence) if sentence in PHRASES else sentence


def _translated(text: str) -> str:
    return QCoreApplication.translate("Engine", text)


def _pattern(row: str) -> str:
    """A row as a regular expression: names in braces stand for any text."""
    parts = re.split(r"\{(\w+)\}", row)
    return "".join(
        f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )
