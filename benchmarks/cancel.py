"""How soon a generation ends once it is asked to: milliseconds from cancel to the engine's answer.

    python -m benchmarks.cancel MODEL [--width N --height N --rounds N]

Each round starts a generation, asks it to stop at another moment (while weights are packed, in the
text encoder, in the steps), and measures. The bar is 100 ms at any size.
"""

import argparse
import statistics
import threading
import time
from pathlib import Path

from app.engine.engine import Cancelled, Engine
from app.generation.picture_maker import PictureMaker
from app.generation.request import GenerationRequest

MOMENTS_SECONDS = (0.05, 0.2, 0.5, 1.0, 1.7, 2.5, 4.0, 6.0)


def answer_ms(engine: Engine, maker: PictureMaker, request: GenerationRequest, at: float) -> float:
    """Cancels `at` seconds after the start; NaN if the pictures were finished before."""
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.perf_counter())
        engine.cancel()

    timer = threading.Timer(at, ask)
    timer.start()
    try:
        # A cancel that comes before the engine has begun is seen by the first progress call.
        maker.generate(request, lambda progress: bool(asked))
        timer.cancel()
        return float("nan")
    except Cancelled:
        return (time.perf_counter() - asked[0]) * 1000


def main() -> None:
    """Prints each round and the largest figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    request = GenerationRequest(
        prompt="a lighthouse",
        model=arguments.model,
        width=arguments.width,
        height=arguments.height,
        steps=50,
        seed=1,
    )
    figures = []
    with Engine() as engine, PictureMaker(engine) as maker:
        for at in MOMENTS_SECONDS * arguments.rounds:
            figures.append(answer_ms(engine, maker, request, at))
            print(f"asked after {at:4.2f} s: answered in {figures[-1]:6.1f} ms")
    print(f"median {statistics.median(figures):.1f} ms, largest {max(figures):.1f} ms")


if __name__ == "__main__":
    main()
