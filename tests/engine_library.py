"""Builds engine_c as a plain shared library, so that tests can call inside its rooms.

The application loads the engine through cffi's API mode, which shows engine.h alone. Tests of a
room need that room's own headers: they load this library in ABI mode and repeat the declarations
they use.
"""

import hashlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import cffi

from tests.metal_sim.simulator import find_tools

ENGINE_FOLDER = Path(__file__).resolve().parent.parent / "engine_c"
INCLUDES = (f"-I{ENGINE_FOLDER}", f"-I{ENGINE_FOLDER.parent}")  # metal/kernel_args.h is shared
DEVICE = ENGINE_FOLDER / "backend" / "metal" / "metal_device.m"
NO_DEVICE = "metal_device_absent.c"
FLAGS = (
    "-std=gnu17",
    "-O3",
    "-ffp-contract=fast",
    "-fPIC",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
)


def build_engine_library(
    rooms: Iterable[str] = (), metal: Path | None = None, included: Path | None = None
) -> Path:
    """Compile `rooms` of engine_c (folders or single C files; none: all of it) into one library.

    metal: the folder of a built simulator (tests/metal_sim/simulator.py), whose device the library
    then has; None: a library without Metal. included: a header that every source begins with.

    The result is kept in the temporary folder under a hash of compiler, flags and sources, so a
    second call costs nothing; so are its objects, which libraries of several rooms share. The
    compiler is $CC, else cc. Raises RuntimeError with the compiler's words if it fails.
    """
    sources = sorted({path for room in list(rooms) or ["."] for path in _sources(room)})
    command = [*shlex.split(os.environ.get("CC", "cc")), *FLAGS, *INCLUDES]
    if included:
        command += ["-include", str(included)]
    links = ["-shared", "-lm", "-lpthread"]
    if metal:
        sources = [path for path in sources if path.name != NO_DEVICE]
        links = [str(_build_device(metal)), f"@{metal / 'link.rsp'}", *links]
    headers = [included] if included else []
    library = _cache_folder() / f"engine-{_digest([*command, *links], [*sources, *headers])}.so"
    if not library.exists():
        objects = _build_objects(command, sources, headers)
        _compile([*command, *map(str, objects), *links], library)
    return library


def build_probe(source: Path, rooms: Iterable[str] = (), metal: Path | None = None) -> Path:
    """Compile one C file of the tests against the library of `rooms`, and give its path."""
    engine = build_engine_library(rooms, metal)
    digest = hashlib.sha256(engine.name.encode() + source.read_bytes()).hexdigest()[:16]
    library = engine.with_name(f"{source.stem}-{digest}.so")
    if not library.exists():
        command = [*shlex.split(os.environ.get("CC", "cc")), *FLAGS, "-shared", "-Werror"]
        _compile([*command, *INCLUDES, str(source), str(engine)], library)
    return library


@cache
def load_probe(
    source: Path, rooms: tuple[str, ...] = (), metal: Path | None = None
) -> tuple[Any, Any]:
    """A probe's ffi, with its binding and the engine's, and the probe itself: see build_probe."""
    ffi: Any = cffi.FFI()
    for path in (ENGINE_FOLDER / "engine.h", source):
        text = path.read_text()
        ffi.cdef(text.split("/* binding begins */")[1].split("/* binding ends */")[0])
    return ffi, ffi.dlopen(str(build_probe(source, rooms, metal)))


def _build_objects(command: list[str], sources: list[Path], headers: list[Path]) -> list[Path]:
    """Each source as an object, several at a time; headers: of the command, beside the engine's."""

    def build(source: Path) -> Path:
        made = _cache_folder() / f"{source.stem}-{_digest(command, [source, *headers])}.o"
        if not made.exists():
            _compile([*command, "-c", str(source)], made)
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(build, sources))


def _build_device(metal: Path) -> Path:
    """metal_device.m, unchanged, as an object against the simulator's headers."""
    command = [find_tools().clang, f"@{metal / 'compile.rsp'}", *INCLUDES]
    command += ["-std=gnu17", "-O2", "-fPIC", "-Wall", "-Wextra", "-Wshadow", "-Wconversion"]
    command += ["-Werror", "-c", str(DEVICE)]
    device = _cache_folder() / f"device-{_digest([metal.name, *command], [DEVICE])}.o"
    if not device.exists():
        _compile(command, device)
    return device


def _sources(room: str) -> list[Path]:
    """C files of a folder or one C file; what cffi writes begins with an underscore."""
    place = ENGINE_FOLDER / room
    found = [place] if place.suffix == ".c" else place.rglob("*.c")
    return [path for path in found if not path.name.startswith("_")]


def _cache_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"aquatint-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _digest(command: list[str], sources: list[Path]) -> str:
    """Hash everything that the library depends on; every header counts for every source."""
    digest = hashlib.sha256(" ".join(command).encode())
    for path in [
        *sources,
        *sorted(ENGINE_FOLDER.rglob("*.h")),
        *sorted(ENGINE_FOLDER.rglob("*.def")),
        *sorted(ENGINE_FOLDER.parent.glob("metal/*.h")),
    ]:
        digest.update(str(path.relative_to(ENGINE_FOLDER.parent)).encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _compile(command: list[str], library: Path) -> None:
    """Compile beside the target and rename, so that parallel runs never load half a file."""
    partial = library.with_suffix(f".{os.getpid()}.partial")
    result = subprocess.run(
        [*command, "-o", str(partial)], check=False, capture_output=True, text=True
    )
    if result.returncode != 0:
        raise RuntimeError(f"The engine does not compile:\n{result.stderr}")
    partial.replace(library)
