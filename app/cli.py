"""The command line: `aquatint generate | inspect | plan | diagnose | bench`.

Owns the arguments, the exit codes and who says the last sentence. Imports neither Qt nor, before a
command runs, anything slow.
"""

import argparse
import io
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from app.engine.types import BackendName, MaskedContent, Rng, Sampler, Schedule
from app.generation.precision import Precision
from app.generation.request import InpaintArea, VaeTiling
from app.version import VERSION

DONE, FAILED, BAD_INPUT, CANCELLED = 0, 1, 2, 130
EXIT_CODES = "exit codes: 0 done, 1 failed, 2 bad input, 130 cancelled"
MOST_THREADS = 1024


class UsageError(Exception):
    """Arguments that cannot be followed; the text is one sentence."""


class _Parser(argparse.ArgumentParser):
    """A parser that leaves the last sentence to `main`."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(argv: list[str] | None = None) -> int:
    """Runs one command; the program's exit code. Results go to stdout, all else to stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = build_parser()
    try:
        arguments = parser.parse_args(argv)
        return _run(arguments)
    except UsageError as error:
        return _say(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _say("cancelled.", CANCELLED)


def _run(arguments: argparse.Namespace) -> int:
    """Runs the command and turns what it could not do into a sentence and an exit code."""
    from app import cli_commands, cli_reports
    from app.checkpoint.reader import CheckpointError
    from app.engine.engine import BadArgument, BadModel, Cancelled, EngineError
    from app.generation.request import RequestError
    from app.library.picture_file import PictureError

    commands = {
        "generate": cli_commands.generate,
        "plan": cli_commands.plan,
        "inspect": cli_reports.inspect,
        "diagnose": cli_reports.diagnose,
        "bench": cli_reports.bench,
    }
    try:
        done = commands[arguments.command](arguments)
        sys.stdout.flush()
        return DONE if done else FAILED
    except Cancelled:
        return _say("cancelled.", CANCELLED)
    except (
        RequestError,
        CheckpointError,
        PictureError,
        BadArgument,
        BadModel,
    ) as error:
        return _say(str(error), BAD_INPUT)
    except (EngineError, MemoryError) as error:
        return _say(str(error) or "There is not enough memory for this.", FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush
        return DONE
    except OSError as error:
        return _say(f"{error.filename or 'A file'}: {error.strerror or error}.", BAD_INPUT)


def _say(sentence: str, code: int) -> int:
    print(f"aquatint: {sentence}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """All commands and their arguments; an argument left out is None or the request's default."""
    parser = _Parser(
        prog="aquatint",
        description="Makes pictures from words with Stable Diffusion models.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"Aquatint {VERSION}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", parser_class=_Parser, required=True
    )

    generate = commands.add_parser("generate", help="make pictures", epilog=EXIT_CODES)
    _add_request(generate)
    generate.add_argument("--preview-dir", type=Path, metavar="D", help="keep each step's preview")
    generate.add_argument("--output", type=Path, metavar="F", help="the PNG (aquatint-SEED.png)")

    plan = commands.add_parser(
        "plan", help="say what memory a picture will take", epilog=EXIT_CODES
    )
    _add_request(plan)

    inspect = commands.add_parser("inspect", help="say what a picture or a model file holds")
    inspect.add_argument("file", type=Path, metavar="FILE")

    diagnose = commands.add_parser("diagnose", help="check each operation of the backend")
    bench = commands.add_parser("bench", help="measure the speed of a model")
    _add_model(bench)
    _add_numbers(bench, ("width", "height", "steps"))
    _add_precision(bench)

    for command in (generate, plan, diagnose, bench):
        _add_engine(command)
    for command in (generate, plan, inspect, diagnose, bench):
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _add_request(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", metavar="PROMPT")
    parser.add_argument("--negative", dest="negative_prompt", metavar="T", help="what to keep out")
    _add_model(parser)
    _add_add_ons(parser)
    _add_numbers(parser, ("width", "height", "steps"))
    _add_choice(parser, "--sampler", Sampler)
    _add_choice(parser, "--schedule", Schedule)
    parser.add_argument("--cfg-scale", type=float, metavar="X", help="how closely to follow")
    _add_numbers(parser, ("seed", "batch-count", "clip-skip"))
    _add_choice(parser, "--rng", Rng)
    parser.add_argument("--init-image", type=Path, metavar="F", help="a picture to begin from")
    parser.add_argument(
        "--denoise-strength",
        type=float,
        metavar="X",
        help="how much of it to paint over, 0 to 1",
    )
    parser.add_argument(
        "--mask", dest="mask_image", type=Path, metavar="F", help="white is painted, black is kept"
    )
    parser.add_argument("--mask-blur", type=int, metavar="N", help="soft edge of the mask, pixels")
    parser.add_argument(
        "--mask-invert", action="store_const", const=True, help="paint what is black in the mask"
    )
    what = "what the mask's part begins from"
    _add_choice(parser, "--masked-content", MaskedContent, help=what)
    what = "make all at the size, or only what is masked, and put it into the first picture"
    _add_choice(parser, "--inpaint-area", InpaintArea, help=what)
    what = "pixels of the picture seen around the masked area"
    parser.add_argument("--masked-area-padding", type=int, metavar="N", help=what)
    _add_choice(parser, "--vae-tiling", VaeTiling)
    _add_precision(parser)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="FILE", help="the mini model if left out")
    parser.add_argument("--vae", type=Path, metavar="FILE", help="in place of the model's own")
    parser.add_argument("--taesd", type=Path, metavar="FILE", help="decoder for previews")


def _add_add_ons(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lora",
        action="append",
        metavar="NAME_OR_FILE[:STRENGTH]",
        help="add a LoRA; may be given again, and <lora:NAME:STRENGTH> in the prompt does the same",
    )
    parser.add_argument(
        "--lora-dir",
        action="append",
        type=Path,
        metavar="D",
        help="where LoRAs are sought by name, before the folders of other programs",
    )
    parser.add_argument(
        "--embedding-dir",
        action="append",
        type=Path,
        metavar="D",
        help="embeddings whose file names are words of the prompts",
    )


def _add_precision(parser: argparse.ArgumentParser) -> None:
    what = "how numbers are stored in between; less is faster on some devices and less exact"
    _add_choice(parser, "--precision", Precision, help=what)


def _add_engine(parser: argparse.ArgumentParser) -> None:
    _add_choice(parser, "--backend", BackendName, default=BackendName.AUTO)
    parser.add_argument(
        "--threads",
        type=_threads,
        default=0,
        metavar="N",
        help="at most so many; 0: one a processor, which is the most",
    )


def _add_numbers(parser: argparse.ArgumentParser, names: tuple[str, ...]) -> None:
    for name in names:
        parser.add_argument(f"--{name}", type=int, metavar="N")


def _add_choice(parser: argparse.ArgumentParser, option: str, kind: Any, **rest: Any) -> None:
    words = tuple(member.value for member in kind)
    parser.add_argument(option, choices=words, metavar="|".join(words), **rest)


def _threads(text: str) -> int:
    number = int(text)
    if not 0 <= number <= MOST_THREADS:
        raise argparse.ArgumentTypeError(f"must be from 0 to {MOST_THREADS}, not {number}")
    return number
