"""Makes a picture in a process that the system gives only so much more memory; prints what came.

The arguments are that much, in MiB, the picture's side, and a folder for the cache. The machine is
said to have plenty, so that the system's refusal is what is met. A process of its own: the limit
cannot be lifted.
"""

import json
import resource
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app.engine.engine import Engine, OutOfMemory  # noqa: E402
from app.generation.picture_maker import PictureMaker  # noqa: E402
from app.generation.precision import Precision  # noqa: E402
from app.generation.request import GenerationRequest  # noqa: E402
from app.machine_memory import MachineMemory  # noqa: E402

PLENTY = MachineMemory(total_bytes=1 << 40, available_bytes=1 << 40)


def limit(spare_bytes: int) -> None:
    """Refuses this process whatever is more than it has now and `spare_bytes`."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + spare_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main() -> None:
    """A small picture first, so that all is loaded; then the one that is asked about."""
    small = GenerationRequest(
        prompt="x", width=64, height=64, steps=1, cfg_scale=1.0, precision=Precision.F32
    )
    large = replace(small, width=int(sys.argv[2]), height=int(sys.argv[2]))
    with (
        Engine(threads=1) as engine,
        PictureMaker(engine, cache=Path(sys.argv[3]), memory=lambda: PLENTY) as maker,
    ):
        maker.generate(small)
        limit(int(sys.argv[1]) << 20)
        told = {"error": "", "note": "", "made_after": False}
        try:
            told["note"] = maker.generate(large).output.note
        except OutOfMemory as error:
            told["error"] = str(error)
        told["made_after"] = bool(maker.generate(small).output.pictures)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
