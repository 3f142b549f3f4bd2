"""An engine that remembers which kernels are the fastest on this GPU, which a first start times.

Owns the file in the cache folder. What it says is the engine's own line; it is given back only to
the same app, kernels and system, and a file that cannot be read or written costs a new timing.
"""

import contextlib
import hashlib
import os
import platform
from pathlib import Path

from app.engine.engine import Engine
from app.engine.metal_sources import metal_sources
from app.engine.types import BackendName
from app.machine_processors import threads_for
from app.paths import cache_folder
from app.version import VERSION

MOST_BYTES = 1024


def open_engine(*, backend: BackendName = BackendName.AUTO, threads: int = 0) -> Engine:
    """As `Engine`, with as many threads as pay; the timing of a GPU is done once and kept.

    Raises EngineError.
    """
    known = "" if backend is BackendName.CPU else kept_tuning()
    engine = Engine(backend=backend, threads=threads_for(threads), tuning=known)
    found = engine.report().tuning
    if found and found != known:
        _keep(found)
    return engine


def tuning_file() -> Path:
    """Where it is kept: a line that says for what, and the engine's line."""
    return cache_folder() / "metal_tuning.txt"


def kept_tuning() -> str:
    """The line of an earlier start that is still true; empty where there is none."""
    try:
        with tuning_file().open("rb") as file:
            head, _, line = file.read(MOST_BYTES).decode().partition("\n")
    except (OSError, ValueError):
        return ""
    return line.strip() if head == tuning_key() and "\0" not in line else ""


def tuning_key() -> str:
    """Of the app's version, the kernels' sources and the system's build; the GPU is in the line."""
    system = (platform.mac_ver()[0], os.uname().version)
    parts = [VERSION, *system, *(source.text for source in metal_sources())]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _keep(line: str) -> None:
    target = tuning_file()
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(f"{tuning_key()}\n{line}\n", encoding="utf-8")
        partial.replace(target)
