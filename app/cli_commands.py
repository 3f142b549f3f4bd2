"""The commands that take a request, `generate` and `plan`, and how a request is read and run.

Owns the order of things within a command. Knows nothing of exit codes: a command returns whether
all went well and raises what it cannot do.
"""

import argparse
import dataclasses
import itertools
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.cli_output import ProgressBar, print_json, size, table
from app.engine import kept_tuning
from app.engine.engine import Engine, ProgressCallback
from app.engine.types import (
    BackendName,
    MaskedContent,
    Phase,
    PlanFigures,
    Preview,
    Progress,
    Rng,
    Sampler,
    Schedule,
)
from app.generation.add_ons import AddOns
from app.generation.memory_fit import fits, usable_bytes
from app.generation.picture_maker import MadePictures, PictureMaker
from app.generation.precision import Precision
from app.generation.request import (
    GenerationRequest,
    InpaintArea,
    LoraUse,
    RequestError,
    VaeTiling,
)
from app.library.add_on_folders import add_ons_in, known_lora_folders
from app.library.image_metadata import ModelFile, add_on_hashes, parameters_text
from app.library.picture_file import save_png
from app.machine_memory import machine_memory
from app.prompt.lora_tags import without_tags

CANCEL_AGAIN_SECONDS = 0.05
REQUEST_ARGUMENTS = (
    *(
        "prompt",
        "negative_prompt",
        "model",
        "vae",
        "taesd",
        "width",
        "height",
        "steps",
        "sampler",
    ),
    *("schedule", "cfg_scale", "seed", "batch_count", "clip_skip", "rng"),
    *("init_image", "denoise_strength", "mask_image", "mask_blur", "mask_invert"),
    *("masked_content", "inpaint_area", "masked_area_padding", "vae_tiling", "precision"),
)

_WORDS: Mapping[str, type[StrEnum]] = MappingProxyType(
    {
        "sampler": Sampler,
        "schedule": Schedule,
        "rng": Rng,
        "masked_content": MaskedContent,
        "inpaint_area": InpaintArea,
        "vae_tiling": VaeTiling,
        "precision": Precision,
    }
)


def generate(arguments: argparse.Namespace) -> bool:
    """Makes pictures and writes them, each with the text that tells how it was made."""
    add_ons = _add_ons(arguments)
    preview = Preview.TAESD if arguments.preview_dir else Preview.NONE
    request = _request(arguments, preview, add_ons)
    _check_output(arguments.output)
    bar = ProgressBar(sys.stderr)
    previews = _PreviewWriter(arguments.preview_dir, request.batch_count)

    def show(progress: Progress) -> None:
        bar.show(progress)
        previews.write(progress)

    with open_engine(arguments) as engine, _one_shot(engine) as maker:
        maker.add_ons = add_ons
        try:
            made = make(engine, maker, request, show)
        finally:
            bar.end()
    seeds = [made.request.seed + picture for picture in range(made.request.batch_count)]
    paths = output_paths(arguments.output, seeds)
    texts = _texts(made)
    for path, rgb, text in zip(paths, made.output.pictures, texts, strict=True):
        save_png(path, rgb, made.size, text)
    for sentence in filter(None, (*made.output.note.splitlines(), *_receipts(made))):
        print(sentence, file=sys.stderr)
    if arguments.json:
        print_json(_made_json(made, paths, texts))
    else:
        print("\n".join(map(str, paths)))
    return True


def plan(arguments: argparse.Namespace) -> bool:
    """Prints the forecast of memory, by phase."""
    add_ons = _add_ons(arguments)
    with open_engine(arguments) as engine, _one_shot(engine) as maker:
        maker.add_ons = add_ons
        request, needs = maker.needs(_request(arguments, Preview.NONE, add_ons))
        working_set = engine.condition().working_set_bytes
    figures = needs[0].figures
    memory = machine_memory()
    if arguments.json:
        what = {name: getattr(request, name) for name in ("width", "height", "batch_count")}
        print_json(
            {
                **what,
                **dataclasses.asdict(figures),
                "machine": dataclasses.asdict(memory),
                "savings": [
                    {"savings": need.savings, "peak": need.figures.peak} for need in needs[1:]
                ],
            }
        )
        return True
    print(f"{request.batch_count} x {request.width}x{request.height}, bytes by phase:")
    print(_plan_table(figures))
    available = usable_bytes(memory.available_bytes, 0, working_set)
    free = "unknown" if available is None else size(available)
    print(f"Peak {size(figures.peak)}; free {free} of {size(memory.total_bytes)}.")
    need = next((need for need in needs if fits(need, available)), None)
    if need is None:
        print("This is more than is free now: close other programs or choose a smaller size.")
    elif need.savings:
        done = ", ".join(saving.replace("_", " ") for saving in need.savings)
        print(f"To fit, it will be made with {done}: peak {size(need.figures.peak)}.")
    return True


def open_engine(arguments: argparse.Namespace) -> Engine:
    """The engine that the arguments ask for."""
    return kept_tuning.open_engine(
        backend=BackendName(arguments.backend), threads=arguments.threads
    )


def _one_shot(engine: Engine) -> PictureMaker:
    """A maker for one request: nothing is kept for a next one."""
    return PictureMaker(engine, keeps_weights=False)


def make(
    engine: Engine,
    maker: PictureMaker,
    request: GenerationRequest,
    show: ProgressCallback | None = None,
) -> MadePictures:
    """Makes pictures so that Ctrl-C is answered at once and not only between two steps.

    The engine works in a thread, for a Python signal handler waits until C code comes back. After
    Ctrl-C it is told to stop until it has; KeyboardInterrupt is raised then.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        future = thread.submit(maker.generate, request, show)
        try:
            return future.result()
        except KeyboardInterrupt:
            while not future.done():
                engine.cancel()
                wait([future], timeout=CANCEL_AGAIN_SECONDS)
            raise


def given(arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """The named arguments that were given; the request knows the defaults of the others."""
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _add_ons(arguments: argparse.Namespace) -> AddOns:
    """The LoRAs and embeddings that may be named; other programs' folders only if one is sought.

    Their embeddings are left alone: any word of a prompt may be the name of one.
    """
    folders = list(arguments.lora_dir or ())
    if arguments.lora or without_tags(arguments.prompt) != arguments.prompt:
        folders += known_lora_folders()
    return add_ons_in(folders, arguments.embedding_dir or ())


def _lora(text: str, add_ons: AddOns) -> LoraUse:
    """A LoRA by file or name, with a strength behind a colon or without."""
    name, _, strength = text.rpartition(":")
    try:
        weight = float(strength) if name else 1.0
    except ValueError:
        name, weight = "", 1.0
    path = Path(name := name or text)
    return LoraUse(path=path if path.is_file() else add_ons.lora(name), weight=weight)


def _receipts(made: MadePictures) -> list[str]:
    """What became of LoRAs and embeddings, a line each."""
    lines = []
    for lora in made.loras:
        left_out = "".join(f"; {reason}" for reason in lora.left_out)
        lines.append(f"LoRA {lora.name}: {lora.applied} of {lora.layers} layers{left_out}.")
    for each in made.embeddings:
        lines.append(each.sentence or f"Embedding {each.name}: {each.count} tokens.")
    return lines


def _request(arguments: argparse.Namespace, preview: Preview, add_ons: AddOns) -> GenerationRequest:
    values = given(arguments, REQUEST_ARGUMENTS)
    for name, kind in _WORDS.items():
        if name in values:
            values[name] = kind(values[name])
    loras = tuple(_lora(text, add_ons) for text in arguments.lora or ())
    return GenerationRequest(preview=preview, loras=loras, **values)


class _PreviewWriter:
    """Writes each step's preview as `step-NN.png`, or `step-NN-P.png` for picture P of several."""

    def __init__(self, folder: Path | None, batch_count: int) -> None:
        self._folder = folder
        self._batch_count = batch_count
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, progress: Progress) -> None:
        """Writes what the engine shows, if it shows something."""
        if self._folder is None or progress.preview is None or progress.phase is not Phase.DENOISE:
            return
        wide, high = progress.preview_width, progress.preview_height
        stem = f"step-{progress.step:0{max(2, len(str(progress.steps)))}}"
        for picture, rgb in enumerate(_cut(progress.preview, wide * high * 3)):
            name = stem if self._batch_count == 1 else f"{stem}-{picture + 1}"
            save_png(self._folder / f"{name}.png", rgb, (wide, high))


def _cut(data: bytes, length: int) -> list[bytes]:
    return [data[begin : begin + length] for begin in range(0, len(data), length)]


def _check_output(output: Path | None) -> None:
    """Refuses a name that nothing could be written under, before time is spent."""
    if output is None:
        return
    if output.suffix.lower() != ".png":
        raise RequestError(
            f"The output is a PNG: give --output a name that ends in .png, not {output}."
        )
    if output.is_dir():
        raise RequestError(f"{output} is a folder: give --output the name of a file in it.")
    if not output.parent.is_dir():
        raise RequestError(f"There is no folder {output.parent}: make it first.")


def output_paths(output: Path | None, seeds: Sequence[int]) -> list[Path]:
    """Where the pictures go: `output`, numbered from 1 where there are several.

    Without one, `aquatint-SEED.png`, numbered where such a file is there already.
    """
    if output is None:
        return [_free_path(f"aquatint-{seed}") for seed in seeds]
    if len(seeds) == 1:
        return [output]
    return [output.with_name(f"{output.stem}-{i + 1}{output.suffix}") for i in range(len(seeds))]


def _free_path(stem: str) -> Path:
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(1)))
    return next(path for name in names if not (path := Path(f"{name}.png")).exists())


def _texts(made: MadePictures) -> list[str]:
    model = ModelFile(name=made.model.stem, sha256=made.model_sha256)
    vae_path = made.request.vae
    vae = ModelFile(name=vae_path.name, sha256=made.vae_sha256) if vae_path else None
    pictures = range(made.request.batch_count)
    add_ons = add_on_hashes(made.loras, made.embeddings)
    return [parameters_text(made.request, picture, model, vae, add_ons) for picture in pictures]


def _made_json(made: MadePictures, paths: list[Path], texts: list[str]) -> dict[str, object]:
    times = ("load_ms", "text_ms", "denoise_ms", "decode_ms")
    return {
        "pictures": [
            {"path": path, "seed": made.request.seed + picture, "parameters": text}
            for picture, (path, text) in enumerate(zip(paths, texts, strict=True))
        ],
        "model": made.model,
        **{name: getattr(made.output, name) for name in times},
        "note": made.output.note,
        "loras": [dataclasses.asdict(lora) for lora in made.loras],
        "embeddings": [dataclasses.asdict(embedding) for embedding in made.embeddings],
    }


def _plan_table(figures: PlanFigures) -> str:
    rows = (
        ("text", figures.text_weights, figures.text_activations, figures.text_peak),
        (
            "denoise",
            figures.unet_weights,
            figures.denoise_activations,
            figures.denoise_peak,
        ),
        (
            "decode",
            figures.vae_weights,
            figures.decode_activations,
            figures.decode_peak,
        ),
    )
    return table(
        [
            ("phase", "weights", "activations", "peak"),
            *((name, *map(size, figures_shown)) for name, *figures_shown in rows),
            ("preview decoder", size(figures.taesd_weights), "", ""),
            ("workspace", "", size(figures.workspace), ""),
        ]
    )
