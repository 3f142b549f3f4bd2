"""Prints the forecast peak of a run and by how much the process really grew, as JSON, in bytes.

Usage: measure_memory.py MODEL [--release] [--tiles].

A process of its own, so that nothing else grows meanwhile. The peak is the system's own count of
resident pages since the count was reset.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app.engine.engine import Engine  # noqa: E402
from tests.engine.model_setup import open_model, request  # noqa: E402


def resident(key: str) -> int:
    """VmRSS or VmHWM of this process, bytes."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{key}:\s+(\d+) kB", text)
    assert found
    return int(found[1]) * 1024


def main() -> None:
    """Makes one picture that is large for the mini model, so that the arena outweighs the rest."""
    source = request(
        width=640,
        height=640,
        steps=1,
        release_weights="--release" in sys.argv,
        vae_tile=64 if "--tiles" in sys.argv else 0,
        cfg_scale=5.0,
    )
    with Engine(threads=2) as engine, open_model(engine, Path(sys.argv[1])) as model:
        forecast = model.plan(source).peak
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets VmHWM
        before = resident("VmRSS")
        model.generate(source)
        measured = resident("VmHWM") - before
    print(json.dumps({"forecast": forecast, "measured": measured}))


if __name__ == "__main__":
    main()
