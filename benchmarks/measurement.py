"""What is measured of one program that makes one picture, as it travels between processes.

Standard library only: it runs in every peer's environment. Knows no peer.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields

SIDE = 512
CFG_SCALE = 7.0
PROMPT = "a photograph of an old lighthouse on a cliff, evening light"
PRODUCT_RUNS = 7  # of which the fastest counts

Shape = tuple[int, int, int]  # of a product: rows, depth, columns


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One picture of 512x512 under guidance.

    load_s: until the model could be asked for a picture; text_s: both prompts; step_s: one step,
    that is both halves of guidance; decode_s: latents to pixels; peak_mib: most resident memory of
    the process, mapped files' resident pages included; foreign: share of the machine's processors
    that other processes took meanwhile, 0..1, or -1 where it cannot be told.
    """

    load_s: float
    text_s: float
    step_s: float
    decode_s: float
    peak_mib: float
    foreign: float = -1.0


def peak_mib(usage: resource.struct_rusage | None = None) -> float:
    """The largest resident size that this process has had, or one of which `usage` tells."""
    peak = (usage or resource.getrusage(resource.RUSAGE_SELF)).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def report(measurement: Measurement) -> None:
    """Prints the measurement as the last line of a child's output."""
    print("\n" + json.dumps(asdict(measurement)), flush=True)


def parse(output: str) -> Measurement:
    """The measurement that a child reported."""
    return Measurement(**json.loads(output.strip().splitlines()[-1]))


def combined(
    measurements: Sequence[Measurement], statistic: Callable[[Iterable[float]], float]
) -> Measurement:
    """One statistic, such as the median, of each figure."""
    figures = {
        field.name: statistic([getattr(measurement, field.name) for measurement in measurements])
        for field in fields(Measurement)
    }
    return Measurement(**figures)
