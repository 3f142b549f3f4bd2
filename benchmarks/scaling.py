"""How the CPU backend grows: with threads, with the picture's size, and down to the small model.

    python -m benchmarks.scaling --model CHECKPOINT [--precision P] [--rounds N] [--threads N ...]
                                 [--sides S ...] [--skip-mini]

CHECKPOINT is of SD 1.5 (benchmarks.peers makes one with random weights). Each picture is a process
of its own; numbers of threads take turns, round after round, and so do sizes; the tables have
medians. "processor" is processor time, of all threads, which foreign load disturbs least; TFLOP
are counted from SD 1.5's layers, convolutions done directly, prompt and negative prompt. Memory:
what the process grew by, beside the plan. The small model's picture is timed from the start of the
process to its end (cold, with the PNG) and once more in a process that has it loaded (warm).

Last come the bars, each the median of the rounds' ratios. Those by the clock are judged by the
rounds in which others took no more than 2 % of the machine, and not at all where there is none.
Ends with 1 if a bar was missed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from app.engine.kept_tuning import open_engine
from app.engine.types import BackendName, Phase, Preview, Progress, Sampler
from app.generation.picture_maker import PictureMaker
from app.generation.precision import Precision
from app.generation.request import GenerationRequest
from app.machine_processors import machine_processors
from benchmarks.measurement import CFG_SCALE, PROMPT, SIDE, peak_mib
from benchmarks.peers import Moment, foreign_since, moment

ROOT = Path(__file__).resolve().parents[1]
SIDES = (256, 512, 768, 1024, 1280, 1536)
# TFLOP at 512x512 that grow as the pixels, and as their square (attention among themselves).
STEP_TFLOP, DECODE_TFLOP = (1.362, 0.244), (2.481, 0.034)
MINI_STEPS = 20
COLD_BAR_S, WARM_BAR_S = 2.0, 1.0
TWO_THREADS_BAR = 1.9  # beside one
NO_LOSS_BAR = 0.97  # more threads than cores, beside as many
COST_BAR = 0.9  # FLOP a processor second, beside those at 512x512
PLAN_BAR = 0.98  # the plan, beside what was taken
MOST_FOREIGN = 0.02


@dataclass(frozen=True, kw_only=True)
class Growth:
    """One picture: seconds and processor seconds of a step and of the decode, MiB.

    foreign: share of the machine's processors that others took meanwhile, -1 where it is not known.
    """

    step_s: float
    step_processor_s: float
    decode_s: float
    decode_processor_s: float
    foreign: float
    peak_mib: float
    plan_mib: float


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A ratio that is to be at least so much; the machine may be too busy to judge it."""

    title: str
    ratio: float
    at_least: float
    is_judged: bool = True

    def is_missed(self) -> bool:
        """Judged, and too small."""
        return self.is_judged and self.ratio < self.at_least

    def line(self) -> str:
        """A row of the table."""
        verdict = "missed" if self.is_missed() else "met" if self.is_judged else "not judged"
        return f"| {self.title} | {self.ratio:.3f} | {self.at_least:g} | {verdict} |"


def step_tflop(side: int) -> float:
    """Of a step under guidance, for square pictures of SD 1.5."""
    return _tflop(STEP_TFLOP, side)


def decode_tflop(side: int) -> float:
    """Of a decode."""
    return _tflop(DECODE_TFLOP, side)


def _tflop(terms: tuple[float, float], side: int) -> float:
    pixels = (side / SIDE) ** 2
    return terms[0] * pixels + terms[1] * pixels**2


# ---- one picture ----


def measure_here(model: Path, side: int, threads: int, precision: Precision) -> Growth:
    """Makes a small picture, which loads the model, and then one whose second step counts."""
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
        precision=precision,
    )
    moments: list[Moment] = []

    def progressed(progress: Progress) -> None:
        if progress.phase in (Phase.DENOISE, Phase.DECODE):
            moments.append(moment())

    empty_mib = peak_mib()
    with (
        open_engine(backend=BackendName.CPU, threads=threads) as engine,
        PictureMaker(engine) as maker,
    ):
        plan = maker.plan(request)[1]
        maker.generate(replace(request, width=256, height=256, steps=1))
        output = maker.generate(request, progressed).output
        end = moment()
    _, start, _, decode = moments[:4]  # the beginning, two steps, then the decode
    return Growth(
        step_s=decode.clock - start.clock,
        step_processor_s=decode.own - start.own,
        decode_s=output.decode_ms / 1000,
        decode_processor_s=end.own - decode.own,
        foreign=foreign_since(start),
        peak_mib=peak_mib() - empty_mib,
        plan_mib=plan.peak / 2**20,
    )


def measure(model: Path, side: int, threads: int, precision: Precision = Precision.AUTO) -> Growth:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--model", str(model), "--here"]
    command += ["--sides", str(side), "--threads", str(threads), "--precision", precision.value]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found = Growth(**json.loads(ended.stdout.splitlines()[-1]))
    print(f"{side}x{side}, {threads} threads: {found}", file=sys.stderr)
    return found


def in_turn(
    rounds: int, of: Sequence[int], measured: Callable[[int], Growth]
) -> dict[int, list[Growth]]:
    """One after the other, round after round."""
    found: dict[int, list[Growth]] = {one: [] for one in of}
    for _ in range(rounds):
        for one in of:
            found[one].append(measured(one))
    return found


def medians(rounds: Sequence[Growth]) -> Growth:
    """Of each figure."""
    rows = [asdict(row) for row in rounds]
    return Growth(**{name: median(row[name] for row in rows) for name in rows[0]})


# ---- the tables ----


def thread_lines(found: Mapping[int, Sequence[Growth]]) -> Iterator[str]:
    """A step and a decode at 512x512 by each number of threads."""
    yield "| threads | step | processor | decode | processor | foreign load |"
    yield "|---|---|---|---|---|---|"
    for threads, rounds in found.items():
        row = medians(rounds)
        yield (
            f"| {threads} | {row.step_s:.2f} s | {row.step_processor_s:.2f} s "
            f"| {row.decode_s:.2f} s | {row.decode_processor_s:.2f} s | {row.foreign:.0%} |"
        )


def size_lines(found: Mapping[int, Sequence[Growth]]) -> Iterator[str]:
    """Cost beside FLOPs, memory beside the plan, for each size."""
    yield (
        "| side | TFLOP a step | processor | GFLOP a processor second | TFLOP a decode "
        "| processor | GFLOP a processor second | memory | plan |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for side, rounds in found.items():
        row = medians(rounds)
        yield (
            f"| {side} | {step_tflop(side):.2f} | {row.step_processor_s:.2f} s "
            f"| {1000 * step_rate(row, side):.0f} "
            f"| {decode_tflop(side):.2f} | {row.decode_processor_s:.2f} s "
            f"| {1000 * decode_rate(row, side):.0f} "
            f"| {row.peak_mib:.0f} MiB | {row.plan_mib:.0f} MiB |"
        )


def step_rate(row: Growth, side: int) -> float:
    """TFLOP a processor second."""
    return step_tflop(side) / row.step_processor_s


def decode_rate(row: Growth, side: int) -> float:
    """TFLOP a processor second."""
    return decode_tflop(side) / row.decode_processor_s


# ---- the bars ----


def clock_bars(
    title: str, one: Sequence[Growth], other: Sequence[Growth], at_least: float
) -> Iterator[Bar]:
    """How much faster the other is than the one, in a step and in the decode, round by round."""
    pairs = list(zip(one, other, strict=True))
    quiet = [pair for pair in pairs if all(is_quiet(row.foreign) for row in pair)]
    for what in ("step", "decode"):
        name = f"{what}_s"
        ratios = [getattr(before, name) / getattr(now, name) for before, now in quiet or pairs]
        yield Bar(
            title=f"{what}, {title}",
            ratio=median(ratios),
            at_least=at_least,
            is_judged=bool(quiet),
        )


def is_quiet(foreign: float) -> bool:
    """Others took so little that the clock may be believed."""
    return 0 <= foreign <= MOST_FOREIGN


def thread_bars(found: Mapping[int, Sequence[Growth]], cores: int) -> Iterator[Bar]:
    """Two threads beside one, and more threads than cores beside as many."""
    if {1, 2} <= found.keys() and cores > 1:
        yield from clock_bars("2 threads beside 1", found[1], found[2], TWO_THREADS_BAR)
    for threads in found:
        if threads > cores and cores in found:
            title = f"{threads} threads beside {cores}"
            yield from clock_bars(title, found[cores], found[threads], NO_LOSS_BAR)


def size_bars(found: Mapping[int, Sequence[Growth]]) -> Iterator[Bar]:
    """What a FLOP costs beside 512x512, by processor time, and the plan beside what was taken."""
    rows = {side: medians(rounds) for side, rounds in found.items()}
    for side, row in rows.items():
        if SIDE in rows and side != SIDE:
            for what, rate in (("step", step_rate), ("decode", decode_rate)):
                ratio = rate(row, side) / rate(rows[SIDE], SIDE)
                title = f"{what}, FLOP a processor second at {side} beside {SIDE}"
                yield Bar(title=title, ratio=ratio, at_least=COST_BAR)
        title = f"memory as planned at {side}"
        yield Bar(title=title, ratio=row.plan_mib / row.peak_mib, at_least=PLAN_BAR)


def mini_bars(rounds: int) -> Iterator[Bar]:
    """The small model's picture beside its limits, with a line for each round on stderr."""
    seconds: dict[str, list[float]] = {"cold": [], "warm": []}
    quiet: list[bool] = []
    for _ in range(rounds):
        started = moment()
        found = mini_seconds()
        quiet.append(is_quiet(foreign_since(started)))
        print(f"small model, seconds and processor seconds: {found}", file=sys.stderr)
        for name, (clock, _processor) in found.items():
            seconds[name].append(clock)
    for name, limit in (("cold", COLD_BAR_S), ("warm", WARM_BAR_S)):
        judged = [one for one, good in zip(seconds[name], quiet, strict=True) if good]
        ratio = limit / median(judged or seconds[name])
        title = f"{limit:g} s beside the small model's picture, {name}"
        yield Bar(title=title, ratio=ratio, at_least=1, is_judged=bool(judged))


def mini_seconds() -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds of the small model's picture, cold and warm."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "app", "generate", "red apple", "--backend", "cpu"]
        command += ["--steps", str(MINI_STEPS), "--output", str(Path(folder, "apple.png"))]
        started = moment()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        cold = _seconds_since(started)
    request = GenerationRequest(prompt="red apple", steps=MINI_STEPS, preview=Preview.NONE)
    with open_engine(backend=BackendName.CPU) as engine, PictureMaker(engine) as maker:
        maker.generate(request)
        started = moment()
        maker.generate(request)
        warm = _seconds_since(started)
    return {"cold": cold, "warm": warm}


def _seconds_since(start: Moment) -> tuple[float, float]:
    """By the clock, and of processors."""
    now = moment()
    return now.clock - start.clock, now.own - start.own


def main() -> None:
    """Prints the tables and the bars."""
    cores = machine_processors()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--precision", type=Precision, default=Precision.AUTO)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="*", default=sorted({1, 2, cores, 2 * cores}))
    parser.add_argument("--sides", type=int, nargs="*", default=SIDES)
    parser.add_argument("--skip-mini", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.here:
        found = measure_here(wish.model, wish.sides[0], wish.threads[0], wish.precision)
        print(json.dumps(asdict(found)))
        return
    by_threads = in_turn(
        wish.rounds, wish.threads, lambda n: measure(wish.model, SIDE, n, wish.precision)
    )
    print("\n".join(thread_lines(by_threads)), flush=True)
    by_sides = in_turn(
        wish.rounds, wish.sides, lambda side: measure(wish.model, side, cores, wish.precision)
    )
    print("\n".join(("", *size_lines(by_sides))), flush=True)
    bars = [*thread_bars(by_threads, cores), *size_bars(by_sides)]
    if not wish.skip_mini:
        bars += mini_bars(wish.rounds)
    print("\n| | ratio | at least | |\n|---|---|---|---|")
    print("\n".join(bar.line() for bar in bars))
    raise SystemExit(any(bar.is_missed() for bar in bars))


if __name__ == "__main__":
    main()
