"""Aquatint beside stable-diffusion.cpp and diffusers on this machine's processors, in one run.

    python -m benchmarks.peers --folder FOLDER [--cpp-python PYTHON] [--torch-python PYTHON]

Each program makes the same kind of picture (SD 1.5, random weights, f16 file, 512x512, guidance)
in a process of its own; the programs take turns, round after round. Printed are the medians and
the smallest figures, which a machine that others use too disturbs least.
README.md says how the peers are set up. A peer whose Python is not given is left out.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.measurement import Measurement, combined, parse, peak_mib
from tests.full_size.picture import checkpoint_in

ROOT = Path(__file__).resolve().parents[1]
STAT = Path("/proc/stat")


def processor_seconds() -> float:
    """Seconds that all processors of the machine have worked since it started; -1: not known."""
    if not STAT.exists():
        return -1.0
    fields = [int(field) for field in STAT.read_text().splitlines()[0].split()[1:]]
    busy = sum(fields[:8]) - fields[3] - fields[4]
    return busy / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where three clocks stand.

    clock: the wall's; machine: the work of all processors; own: that of this process and of its
    children that ended.
    """

    clock: float
    machine: float
    own: float


def moment() -> Moment:
    """Now."""
    return Moment(clock=time.monotonic(), machine=processor_seconds(), own=sum(os.times()[:4]))


def foreign_since(start: Moment) -> float:
    """Share of the processors that others took since then, 0..1; -1: not known."""
    now = moment()
    if now.machine < 0:
        return -1.0
    room = (now.clock - start.clock) * (os.cpu_count() or 1)
    return (now.machine - start.machine - now.own + start.own) / room


@dataclass(frozen=True, kw_only=True)
class Run:
    """A child that ended: what it printed, seconds from start to end, most memory, foreign load."""

    output: str
    seconds: float
    peak_mib: float
    foreign: float


def run(command: Sequence[str]) -> Run:
    """Runs one child to its end. Raises CalledProcessError if it fails."""
    started = moment()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, output)
    return Run(
        output=output,
        seconds=time.monotonic() - started.clock,
        peak_mib=peak_mib(usage),
        foreign=foreign_since(started),
    )


def measure(command: Sequence[str]) -> Measurement:
    """What a child reports of itself, and how much others disturbed it."""
    ended = run(command)
    return replace(parse(ended.output), foreign=ended.foreign)


def commands(
    common: Sequence[str], cpp_python: str | None, torch_python: str | None, *, has_own: bool
) -> dict[str, list[str]]:
    """What is run, by the name it has in the table; `common`: checkpoint, threads, steps."""
    found = {}
    if has_own:
        aquatint = [sys.executable, "-m", "benchmarks.peer_aquatint", *common]
        found["aquatint f32"] = [*aquatint, "f32"]
        found["aquatint bf16"] = [*aquatint, "bf16"]
    if cpp_python:
        peer = "benchmarks.peer_stable_diffusion_cpp"
        found["stable-diffusion.cpp"] = [cpp_python, "-m", peer, *common]
    if torch_python:
        torch = [torch_python, "-m", "benchmarks.peer_torch", *common]
        found["diffusers f32"] = [*torch, "f32"]
        found["diffusers bf16"] = [*torch, "bf16"]
    return found


def table(rows: dict[str, Measurement]) -> str:
    """One row a program, as Markdown."""
    lines = [
        "| | CFG step | VAE decode | text (2 prompts) | load | peak RSS | foreign load |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, figures in rows.items():
        lines.append(
            f"| {name} | {figures.step_s:.2f} s | {figures.decode_s:.2f} s "
            f"| {figures.text_s:.3f} s | {figures.load_s:.2f} s | {figures.peak_mib:.0f} MiB "
            f"| {figures.foreign:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measures all in turn and prints the table, or JSON with every measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cpp-python")
    parser.add_argument("--torch-python")
    parser.add_argument("--peers-only", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    checkpoint = checkpoint_in(arguments.folder)
    programs = commands(
        [str(checkpoint), str(arguments.threads), str(arguments.steps)],
        arguments.cpp_python,
        arguments.torch_python,
        has_own=not arguments.peers_only,
    )
    results: dict[str, list[Measurement]] = {name: [] for name in programs}
    for number in range(arguments.rounds):
        for name, command in programs.items():
            results[name].append(measure(command))
            print(f"round {number + 1}, {name}: {results[name][-1]}", file=sys.stderr)
    if arguments.json:
        print(json.dumps({name: [asdict(row) for row in rows] for name, rows in results.items()}))
    else:
        for title, statistic in (("Medians", median), ("Smallest of each figure", min)):
            print(f"\n{title} of {arguments.rounds} rounds\n")
            print(table({name: combined(rows, statistic) for name, rows in results.items()}))


if __name__ == "__main__":
    main()
