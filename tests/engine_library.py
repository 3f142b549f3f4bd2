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
from pathlib import Path

ENGINE_FOLDER = Path(__file__).resolve().parent.parent / "engine_c"
INCLUDES = (f"-I{ENGINE_FOLDER}", f"-I{ENGINE_FOLDER.parent}")  # metal/kernel_args.h is shared
FLAGS = (
    "-std=gnu17",
    "-O3",
    "-ffp-contract=fast",
    "-fPIC",
    "-shared",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
)


def build_engine_library(rooms: Iterable[str] = ()) -> Path:
    """Compile `rooms` of engine_c (folders or single C files; none: all of it) into one library.

    The result is kept in the temporary folder under a hash of compiler, flags and sources, so a
    second call costs nothing. The compiler is $CC, else cc. Raises RuntimeError with the
    compiler's words if it fails.
    """
    sources = sorted({path for room in list(rooms) or ["."] for path in _sources(room)})
    command = [*shlex.split(os.environ.get("CC", "cc")), *FLAGS, *INCLUDES]
    library = _cache_folder() / f"engine-{_digest(command, sources)}.so"
    if not library.exists():
        _compile([*command, *map(str, sources), "-lm", "-lpthread"], library)
    return library


def build_probe(source: Path, rooms: Iterable[str] = ()) -> Path:
    """Compile one C file of the tests against the library of `rooms`, and give its path."""
    engine = build_engine_library(rooms)
    digest = hashlib.sha256(engine.name.encode() + source.read_bytes()).hexdigest()[:16]
    library = engine.with_name(f"{source.stem}-{digest}.so")
    if not library.exists():
        command = [*shlex.split(os.environ.get("CC", "cc")), *FLAGS, "-Werror"]
        _compile([*command, *INCLUDES, str(source), str(engine)], library)
    return library


def _sources(room: str) -> list[Path]:
    """C files of a folder or one C file; what cffi writes begins with an underscore."""
    place = ENGINE_FOLDER / room
    found = [place] if place.suffix == ".c" else place.rglob("*.c")
    is_open = "metal_open.h" in (ENGINE_FOLDER / "engine.c").read_text()
    left_out = () if is_open else tuple((ENGINE_FOLDER / "backend" / "metal").glob("*.c"))
    return [path for path in found if not path.name.startswith("_") and path not in left_out]


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
