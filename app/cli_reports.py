"""The commands that tell: `inspect`, `diagnose` and `bench`.

Owns what they print. Knows nothing of exit codes: a command returns whether all went well and
raises what it cannot do.
"""

import argparse
import dataclasses
from pathlib import Path

from app.checkpoint.family import describe
from app.checkpoint.reader import open_checkpoint
from app.cli_commands import given, make, open_engine
from app.cli_output import count, plain, print_json, table
from app.engine.report_text import report_lines
from app.engine.types import DeviceInfo, ModelConfig, Preview, Sampler
from app.generation.picture_maker import PictureMaker
from app.generation.precision import Precision
from app.generation.request import GenerationRequest
from app.library.image_metadata import PictureMetadata, read_parameters
from app.library.model_entry import ModelEntry, ModelKind
from app.library.model_library import describe_model
from app.library.picture_file import PictureError, is_picture, read_text

BENCH_PROMPT, BENCH_STEPS = "a red apple", 3


def inspect(arguments: argparse.Namespace) -> bool:
    """Prints what a picture says of how it was made, or what a model file holds."""
    path: Path = arguments.file
    if not path.exists():
        raise PictureError(f"There is no file {path}.")
    if path.is_file() and is_picture(path):
        _inspect_picture(path, arguments.json)
    elif (entry := describe_model(path)).kind in (ModelKind.LORA, ModelKind.EMBEDDING):
        _inspect_add_on(entry, arguments.json)
    else:
        _inspect_model(path, arguments.json)
    return True


def diagnose(arguments: argparse.Namespace) -> bool:
    """Prints the device and the check of each operation; False if one failed."""
    with open_engine(arguments) as engine:
        device, checks, condition = engine.device(), engine.self_test(), engine.condition()
        report = engine.report()
    passed = all(check.passed for check in checks)
    if arguments.json:
        rows = [dataclasses.asdict(check) for check in checks]
        print_json(
            {
                "device": dataclasses.asdict(device),
                "report": dataclasses.asdict(report),
                "condition": dataclasses.asdict(condition),
                "passed": passed,
                "checks": rows,
            }
        )
        return passed
    print(_device_line(device))
    for line in report_lines(report, condition):
        print(plain(line))
    head = ("operation", "runs on", "error", "ms", "")
    rows_shown = [
        (
            check.op,
            check.served_by,
            f"{check.error_ratio:.3f}",
            f"{check.elapsed_ms:.2f}",
            "ok" if check.passed else "FAILED",
        )
        for check in checks
    ]
    print(table([head, *rows_shown]))
    failed = sum(not check.passed for check in checks)
    print(f"{failed} of {len(checks)} failed." if failed else f"All {len(checks)} passed.")
    return passed


def bench(arguments: argparse.Namespace) -> bool:
    """Measures a model: one run of a step to load it, then one that counts."""
    request = GenerationRequest(
        prompt=BENCH_PROMPT,
        sampler=Sampler.EULER,  # one evaluation of the network a step
        seed=0,
        precision=Precision(arguments.precision or Precision.AUTO),
        preview=Preview.NONE,
        steps=BENCH_STEPS if arguments.steps is None else arguments.steps,
        **given(arguments, ("model", "vae", "taesd", "width", "height")),
    )
    with open_engine(arguments) as engine, PictureMaker(engine) as maker:
        device = engine.device()
        load_ms = make(engine, maker, dataclasses.replace(request, steps=1)).output.load_ms
        made = make(engine, maker, request)
    used, output = made.request, made.output
    seconds = {
        "load_s": load_ms / 1000,
        "text_s": output.text_ms / 1000,
        "step_s": output.denoise_ms / 1000 / used.steps,
        "decode_s": output.decode_ms / 1000,
    }
    if arguments.json:
        names = ("width", "height", "steps", "cfg_scale")
        what = {"model": made.model, **{name: getattr(used, name) for name in names}}
        print_json({**what, "device": dataclasses.asdict(device), **seconds})
        return True
    print(f"{made.model.name}, {used.width}x{used.height}, CFG scale {used.cfg_scale:g}")
    print(_device_line(device))
    print(table([(name.removesuffix("_s"), f"{value:.3f} s") for name, value in seconds.items()]))
    print(f"{1 / max(seconds['step_s'], 1e-9):.2f} it/s")
    return True


def _device_line(device: DeviceInfo) -> str:
    return f"{device.backend}: {device.device}, {device.instructions}, {device.threads} threads"


def _inspect_picture(path: Path, as_json: bool) -> None:
    (width, height), text = read_text(path)
    metadata = read_parameters(text) if text else None
    if as_json:
        print_json(
            {"kind": "picture", "path": path, "width": width, "height": height}
            | (_metadata_json(metadata) if metadata else {"parameters": None})
        )
        return
    print(f"{path}: picture, {width}x{height}")
    if metadata is None:
        print("It does not say how it was made.")
        return
    print(plain(metadata.text))
    if metadata.not_restored:
        print("\nCould not be restored:")
        print(plain("\n".join(f"  {item}" for item in metadata.not_restored)))


def _metadata_json(metadata: PictureMetadata) -> dict[str, object]:
    files = {"model": metadata.model, "vae": metadata.vae}
    return {
        "parameters": metadata.text,
        "request": dataclasses.asdict(metadata.request)
        | {name: dataclasses.asdict(file) if file else None for name, file in files.items()},
        "not_restored": metadata.not_restored,
    }


def _inspect_add_on(entry: ModelEntry, as_json: bool) -> None:
    facts: dict[str, object] = {"kind": entry.kind, "path": entry.path, "dtype": entry.dtype_label}
    if entry.kind is ModelKind.LORA:
        facts |= {"alias": entry.alias, "words": entry.words}
    else:
        facts |= {"tokens": entry.token_count}
    if as_json:
        print_json(facts)
        return
    print(plain(f"{entry.path}: {entry.title}"))
    rows = {**facts, "words": ", ".join(entry.words)}
    shown = ((name, str(value)) for name, value in rows.items() if value and name != "path")
    print(plain("\n".join(f"  {name:<18}{value}" for name, value in shown)))


def _inspect_model(path: Path, as_json: bool) -> None:
    with open_checkpoint(path) as checkpoint:
        description = describe(checkpoint)
        metadata = dict(checkpoint.metadata)
        tensors = len(checkpoint.tensors)
    defaults = dataclasses.asdict(description.defaults)
    config = dataclasses.asdict(description.config)
    networks = {name: dataclasses.asdict(facts) for name, facts in description.networks.items()}
    if as_json:
        print_json(
            {
                "kind": "model",
                "path": path,
                "title": description.title,
                "family": description.family,
                "dialect": description.dialect,
                "tensors": tensors,
                "networks": networks,
                "config": config,
                "defaults": defaults,
                "notes": description.notes,
                "metadata": metadata,
            }
        )
        return
    print(plain(f"{path}: {description.title}"))
    rows = [
        ("family", description.family),
        ("names", description.dialect),
        ("prediction", description.config.prediction),
        ("heads", _heads(description.config)),
        ("tensors", str(tensors)),
    ]
    rows += [
        (name, f"{count(facts.parameters)} {', '.join(facts.dtypes)}")
        for name, facts in description.networks.items()
    ]
    rows += [("default " + name.replace("_", " "), str(value)) for name, value in defaults.items()]
    print(plain("\n".join(f"  {name:<18}{value}" for name, value in rows)))
    if description.notes:
        print(plain("\n".join(description.notes)))


def _heads(config: ModelConfig) -> str:
    unet = str(config.unet_heads) if config.unet_heads else f"of {config.unet_head_size} channels"
    second = f" and {config.text2_heads}" if config.text2_heads else ""
    return f"unet {unet}, text {config.text_heads}{second}"
