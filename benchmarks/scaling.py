"""How the CPU backend grows: with threads, with the picture's size, and down to the small model.

    python -m benchmarks.scaling --model CHECKPOINT [--threads N ...] [--sides S ...] [--skip-mini]

CHECKPOINT is of SD 1.5 (benchmarks.peers makes one with random weights). Each line is a process of
its own. "processor" is processor time, of all threads, which foreign load disturbs least; TFLOP are
counted from SD 1.5's layers, convolutions done directly, prompt and negative prompt. Memory: what
the process grew by, beside the plan. The small model's picture is timed from the start of the
process to its end (cold, with the PNG) and once more in a process that has it loaded (warm); ends
with 1 if one of these misses its bar.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from app.engine.engine import Engine
from app.engine.types import BackendName, Phase, Preview, Progress, Sampler
from app.generation.picture_maker import PictureMaker
from app.generation.request import GenerationRequest
from benchmarks.measurement import CFG_SCALE, PROMPT, SIDE, peak_mib

ROOT = Path(__file__).resolve().parents[1]
SIDES = (256, 512, 768, 1024, 1280, 1536)
# TFLOP at 512x512 that grow as the pixels, and as their square (attention among themselves).
STEP_TFLOP, DECODE_TFLOP = (1.362, 0.244), (2.481, 0.034)
MINI_STEPS = 20
COLD_BAR_S, WARM_BAR_S = 2.0, 1.0


@dataclass(frozen=True, kw_only=True)
class Growth:
    """One picture: seconds and processor seconds of a step, seconds of the decode, MiB."""

    step_s: float
    step_processor_s: float
    decode_s: float
    peak_mib: float
    plan_mib: float


def step_tflop(side: int) -> float:
    """Of a step under guidance, for square pictures of SD 1.5."""
    return _tflop(STEP_TFLOP, side)


def decode_tflop(side: int) -> float:
    """Of a decode."""
    return _tflop(DECODE_TFLOP, side)


def _tflop(terms: tuple[float, float], side: int) -> float:
    pixels = (side / SIDE) ** 2
    return terms[0] * pixels + terms[1] * pixels**2


def measure_here(model: Path, side: int, threads: int) -> Growth:
    """Makes a small picture, which loads the model, and then one of two steps that counts."""
    request = GenerationRequest(
        prompt=PROMPT,
        model=model,
        width=side,
        height=side,
        steps=2,
        cfg_scale=CFG_SCALE,
        sampler=Sampler.EULER,
        seed=0,
        preview=Preview.NONE,
    )
    moments: list[tuple[float, float]] = []

    def progressed(progress: Progress) -> None:
        if progress.phase is Phase.DENOISE:
            moments.append((time.monotonic(), time.process_time()))

    empty_mib = peak_mib()
    with (
        Engine(backend=BackendName.CPU, threads=threads) as engine,
        PictureMaker(engine) as maker,
    ):
        plan = maker.plan(request)[1]
        maker.generate(replace(request, width=256, height=256, steps=1))
        output = maker.generate(request, progressed).output
    (start, start_processor), (end, end_processor) = moments[-2:]
    return Growth(
        step_s=end - start,
        step_processor_s=end_processor - start_processor,
        decode_s=output.decode_ms / 1000,
        peak_mib=peak_mib() - empty_mib,
        plan_mib=plan.peak / 2**20,
    )


def measure(model: Path, side: int, threads: int) -> Growth:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--model", str(model), "--here"]
    command += ["--sides", str(side), "--threads", str(threads)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Growth(**json.loads(ended.stdout.splitlines()[-1]))


def thread_lines(model: Path, counts: Sequence[int]) -> Iterator[str]:
    """A step at 512x512 by each number of threads."""
    yield "| threads | step | beside the first | processor | decode |"
    yield "|---|---|---|---|---|"
    first = 0.0
    for threads in counts:
        found = measure(model, SIDE, threads)
        first = first or found.step_s
        yield (
            f"| {threads} | {found.step_s:.2f} s | {first / found.step_s:.2f} x "
            f"| {found.step_processor_s:.2f} s | {found.decode_s:.2f} s |"
        )


def size_lines(model: Path, sides: Sequence[int], threads: int) -> Iterator[str]:
    """Cost beside FLOPs, memory beside the plan, for each size."""
    yield (
        "| side | TFLOP a step | step | processor | GFLOP a processor second | decode "
        "| TFLOP a decode | memory | plan |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for side in sides:
        found = measure(model, side, threads)
        rate = 1000 * step_tflop(side) / found.step_processor_s
        yield (
            f"| {side} | {step_tflop(side):.2f} | {found.step_s:.2f} s "
            f"| {found.step_processor_s:.2f} s | {rate:.0f} | {found.decode_s:.2f} s "
            f"| {decode_tflop(side):.2f} | {found.peak_mib:.0f} MiB | {found.plan_mib:.0f} MiB |"
        )


def mini_seconds() -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds of the small model's picture, cold and warm."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "app", "generate", "red apple", "--backend", "cpu"]
        command += ["--steps", str(MINI_STEPS), "--output", str(Path(folder, "apple.png"))]
        before, started = _children_processor_s(), time.monotonic()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        cold = time.monotonic() - started, _children_processor_s() - before
    request = GenerationRequest(prompt="red apple", steps=MINI_STEPS, preview=Preview.NONE)
    with Engine(backend=BackendName.CPU) as engine, PictureMaker(engine) as maker:
        maker.generate(request)
        before, started = time.process_time(), time.monotonic()
        maker.generate(request)
        warm = time.monotonic() - started, time.process_time() - before
    return {"cold": cold, "warm": warm}


def _children_processor_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Prints the tables."""
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, cores, 2 * cores, 4 * cores])
    parser.add_argument("--sides", type=int, nargs="*", default=SIDES)
    parser.add_argument("--skip-mini", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        found = measure_here(arguments.model, arguments.sides[0], arguments.threads[0])
        print(json.dumps(asdict(found)))
        return
    for line in thread_lines(arguments.model, arguments.threads):
        print(line, flush=True)
    print()
    for line in size_lines(arguments.model, arguments.sides, cores):
        print(line, flush=True)
    if arguments.skip_mini:
        return
    found = mini_seconds()
    for name, (seconds, processor) in found.items():
        print(f"\nsmall model, {name}: {seconds:.2f} s ({processor:.2f} s of processor time)")
    raise SystemExit(found["cold"][0] > COLD_BAR_S or found["warm"][0] > WARM_BAR_S)


if __name__ == "__main__":
    main()
