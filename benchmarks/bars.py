"""The bars of the CPU backend, each a ratio of figures measured in turn, with met or missed.

    python -m benchmarks.bars --folder FOLDER [--torch-python PYTHON] [--cpp-python PYTHON]
                              [--parts products networks whole small threads] [--rounds 5]

Beside diffusers on torch and stable-diffusion.cpp (README.md says how they are set up), in SD 1.5
with random weights at 512x512; the small model and the scaling with threads by themselves. Every
figure is the median of the rounds, every ratio that of the rounds' ratios; a peer whose Python is
not given is left out. What was asked of AMX is judged on AMX alone, other ratios stand without a
verdict, and those taken under more than 5 % of foreign load are marked. stable-diffusion.cpp takes
9 minutes for 20 steps: with --cpp-steps N it makes N, and the rest is added as so many of its own
median step. Ends with 1 if a bar was missed.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from app.engine.engine import Engine
from app.engine.types import BackendName
from app.generation.precision import Precision, stored_as
from benchmarks import gemm, peers, scaling
from benchmarks.measurement import CFG_SCALE, PROMPT, SIDE, parse
from tests.full_size.picture import checkpoint_in

STEPS = 20  # of a whole picture
PRODUCT = (4096, 4096, 4096)
MOST_FOREIGN = 0.05
PEAK_MIB = 2.3e9 / 2**20
AMX, AVX512 = "avx512_amx", "avx512"
OWN, CPP, TORCH_F32, TORCH = "aquatint", "stable-diffusion.cpp", "diffusers f32", "diffusers bf16"
WHOLE, SMALL, MISSED = "whole picture", "small model", "missed"

Figure = tuple[str, str]  # whose, and of what


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`other` over `ours` is to be at least `at_least`; 0: no bar, the ratio is only told.

    other: a figure, or a limit. needs: how the names of the instruction sets begin on which it is
    judged; empty: on all.
    """

    title: str
    ours: Figure
    other: Figure | float
    at_least: float = 0
    needs: str = ""


BARS = (
    Bar(
        title="product of 4096 cubed, bf16",
        ours=("aquatint bf16", "product_s"),
        other=("torch bf16", "product_s"),
        at_least=1,
        needs=AMX,
    ),
    Bar(
        title="product of 4096 cubed, f32",
        ours=("aquatint f32", "product_s"),
        other=("torch f32", "product_s"),
    ),
    Bar(
        title="CFG step, bf16",
        ours=("aquatint bf16", "step_s"),
        other=(TORCH, "step_s"),
        at_least=1.5,
        needs=AMX,
    ),
    Bar(
        title="VAE decode, bf16",
        ours=("aquatint bf16", "decode_s"),
        other=(TORCH, "decode_s"),
        at_least=1.4,
        needs=AMX,
    ),
    Bar(title="text, bf16", ours=("aquatint bf16", "text_s"), other=(TORCH, "text_s")),
    Bar(
        title="CFG step, f32",
        ours=("aquatint f32", "step_s"),
        other=(TORCH_F32, "step_s"),
        at_least=1.15,
        needs=AVX512,
    ),
    Bar(
        title="VAE decode, f32",
        ours=("aquatint f32", "decode_s"),
        other=(TORCH_F32, "decode_s"),
        at_least=1.3,
        needs=AVX512,
    ),
    Bar(title="text, f32", ours=("aquatint f32", "text_s"), other=(TORCH_F32, "text_s")),
    Bar(
        title=f"{WHOLE}, most memory (MiB)",
        ours=(OWN, "peak_mib"),
        other=PEAK_MIB,
        at_least=1,
    ),
    Bar(
        title=f"{WHOLE}, beside {CPP}",
        ours=(OWN, "whole_s"),
        other=(CPP, "whole_s"),
        at_least=12,
        needs=AMX,
    ),
    Bar(
        title=f"{WHOLE}, beside {TORCH}",
        ours=(OWN, "whole_s"),
        other=(TORCH, "whole_s"),
        at_least=1.5,
        needs=AMX,
    ),
    Bar(
        title=f"{SMALL}, cold",
        ours=(SMALL, "cold_s"),
        other=scaling.COLD_BAR_S,
        at_least=1,
    ),
    Bar(
        title=f"{SMALL}, warm",
        ours=(SMALL, "warm_s"),
        other=scaling.WARM_BAR_S,
        at_least=1,
    ),
    Bar(
        title="step, 2 threads beside 1",
        ours=("2 threads", "step_s"),
        other=("1 threads", "step_s"),
        at_least=scaling.TWO_THREADS_BAR,
    ),
    Bar(
        title="step, twice as many threads as cores (no loss: 3 % at most)",
        ours=("too many threads", "step_s"),
        other=("all threads", "step_s"),
        at_least=scaling.NO_LOSS_BAR,
    ),
)


class Record:
    """Every figure as it was measured, with the foreign load meanwhile."""

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self._values: dict[Figure, list[float]] = defaultdict(list)
        self._foreign: dict[Figure, float] = defaultdict(float)

    def add(self, whose: str, foreign: float, **figures: float) -> None:
        """Keeps a round's figures and tells them on stderr, a line of JSON."""
        told: dict[str, str | float] = {"of": whose, "foreign": round(foreign, 3)}
        for of_what, value in figures.items():
            self._values[whose, of_what].append(value)
            self._foreign[whose, of_what] = max(self._foreign[whose, of_what], foreign)
            told[of_what] = round(value, 4)
        print(json.dumps(told), file=sys.stderr, flush=True)

    def figures(self, of: Figure | float) -> list[float]:
        """One a round; a limit is the same in each; none: not measured."""
        return self._values.get(of, []) if isinstance(of, tuple) else [of] * self._rounds()

    def foreign(self, of: Figure | float) -> float:
        """The most foreign load."""
        return self._foreign[of] if isinstance(of, tuple) else 0

    def _rounds(self) -> int:
        return max(map(len, self._values.values()), default=0)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is compared on this machine."""

    checkpoint: Path
    threads: int
    steps: int
    cpp_steps: int
    cpp_python: str | None
    torch_python: str | None
    instructions: str
    storages: Sequence[str]


def measure_products(setup: Setup, record: Record) -> None:
    """Ours by the instruction set in use, then torch's."""
    isa = gemm.instruction_sets()[setup.instructions]
    for dtype in setup.storages:
        started = peers.moment()
        seconds, _error = gemm.engine_run(PRODUCT, dtype, setup.threads, isa)
        record.add(f"aquatint {dtype}", peers.foreign_since(started), product_s=seconds)
        if setup.torch_python:
            command = [setup.torch_python, "-m", "benchmarks.gemm_torch", str(setup.threads)]
            ended = peers.run([*command, dtype, *map(str, PRODUCT)])
            record.add(f"torch {dtype}", ended.foreign, product_s=float(ended.output))


def measure_networks(setup: Setup, record: Record) -> None:
    """Step, decode and text."""
    common = [str(setup.checkpoint), str(setup.threads), str(setup.steps)]
    for name, command in peers.commands(common, None, setup.torch_python, has_own=True).items():
        if name.endswith(tuple(setup.storages)):
            figures = asdict(peers.measure(command))
            record.add(name, figures.pop("foreign"), **figures)


def measure_whole(setup: Setup, record: Record) -> None:
    """From the start of each process to its end, with the PNG written."""
    threads = str(setup.threads)
    with tempfile.TemporaryDirectory() as folder:
        png = str(Path(folder, "picture.png"))
        command = [sys.executable, "-m", "app", "generate", PROMPT, "--output", png]
        command += ["--model", str(setup.checkpoint), "--steps", str(STEPS), "--threads", threads]
        command += ["--width", str(SIDE), "--height", str(SIDE), "--cfg-scale", str(CFG_SCALE)]
        command += ["--sampler", "euler", "--seed", "1", "--backend", "cpu"]
        ended = peers.run(command)
        record.add(OWN, ended.foreign, whole_s=ended.seconds, peak_mib=ended.peak_mib)
        common = [str(setup.checkpoint), threads]
        if setup.torch_python:
            command = [setup.torch_python, "-m", "benchmarks.peer_torch", *common, str(STEPS)]
            ended = peers.run([*command, "bf16", png])
            record.add(TORCH, ended.foreign, whole_s=ended.seconds, peak_mib=ended.peak_mib)
        if setup.cpp_python:
            command = [setup.cpp_python, "-m", "benchmarks.peer_stable_diffusion_cpp", *common]
            ended = peers.run([*command, str(setup.cpp_steps), png])
            step_s = parse(ended.output).step_s
            seconds = ended.seconds + (STEPS - setup.cpp_steps) * step_s
            record.add(CPP, ended.foreign, whole_s=seconds, step_s=step_s, peak_mib=ended.peak_mib)


def measure_small(_setup: Setup, record: Record) -> None:
    """The small model's picture, cold and warm."""
    started = peers.moment()
    found = scaling.mini_seconds()
    seconds = {f"{name}_s": clock for name, (clock, _processor) in found.items()}
    record.add(SMALL, peers.foreign_since(started), **seconds)


def measure_threads(setup: Setup, record: Record) -> None:
    """A step by 1, 2, all and twice as many threads as cores."""
    cores = setup.threads
    for threads in sorted({1, 2, cores, 2 * cores}):
        started = peers.moment()
        step_s = scaling.measure(setup.checkpoint, SIDE, threads).step_s
        foreign = peers.foreign_since(started)
        for name, count in (("1", 1), ("2", 2), ("all", cores), ("too many", 2 * cores)):
            if count == threads:
                record.add(f"{name} threads", foreign, step_s=step_s)


MEASURES = {
    "products": measure_products,
    "networks": measure_networks,
    "whole": measure_whole,
    "small": measure_small,
    "threads": measure_threads,
}


def verdict(bar: Bar, ratio: float, instructions: str) -> str:
    """Met or missed, or why neither."""
    if not bar.at_least:
        return "no bar"
    if not instructions.startswith(bar.needs):
        return f"not judged without {bar.needs}"
    return "met" if ratio >= bar.at_least else MISSED


def lines(record: Record, instructions: str) -> Iterator[str]:
    """One row a bar whose figures were measured, as Markdown."""
    yield "| | ours | the other's, or the limit | ratio | at least | |"
    yield "|---|---|---|---|---|---|"
    for bar in BARS:
        ours, other = record.figures(bar.ours), record.figures(bar.other)
        if not ours or not other:
            continue
        ratio = median(theirs / own for own, theirs in zip(ours, other, strict=True))
        foreign = max(record.foreign(bar.ours), record.foreign(bar.other))
        cells = [bar.title, f"{median(ours):.4g}", f"{median(other):.4g}", f"{ratio:.2f}"]
        cells.append(f"{bar.at_least:g}" if bar.at_least else "")
        disturbed = f", foreign load {foreign:.0%}" if foreign > MOST_FOREIGN else ""
        yield f"| {' | '.join(cells)} | {verdict(bar, ratio, instructions)}{disturbed} |"


def main() -> None:
    """Measures in turn, round after round, and prints the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cpp-python")
    parser.add_argument("--torch-python")
    parser.add_argument("--parts", nargs="*", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--steps", type=int, default=3, help="of which a CFG step is the median")
    parser.add_argument("--cpp-steps", type=int, default=STEPS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--storages", nargs="*", choices=gemm.DTYPES, default=list(gemm.DTYPES))
    arguments = parser.parse_args()
    with Engine(backend=BackendName.CPU, threads=arguments.threads) as engine:
        device = engine.device()
    setup = Setup(
        checkpoint=checkpoint_in(arguments.folder),
        threads=arguments.threads,
        steps=arguments.steps,
        cpp_steps=arguments.cpp_steps,
        cpp_python=arguments.cpp_python,
        torch_python=arguments.torch_python,
        instructions=device.instructions,
        storages=arguments.storages,
    )
    record = Record()
    for number in range(arguments.rounds):
        print(f"round {number + 1}", file=sys.stderr)
        for part in arguments.parts:
            MEASURES[part](setup, record)
    in_use = stored_as(Precision.AUTO, device).value
    print(f"{device.instructions}, {setup.threads} threads, {in_use} in use; seconds, medians\n")
    if "whole" in arguments.parts and setup.cpp_python and setup.cpp_steps < STEPS:
        print(f"{CPP} made {setup.cpp_steps} steps; {STEPS - setup.cpp_steps} were added.\n")
    rows = list(lines(record, device.instructions))
    print("\n".join(rows))
    raise SystemExit(any(MISSED in row for row in rows))


if __name__ == "__main__":
    main()
