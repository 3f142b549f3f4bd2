"""What the compiled engine holds and calls, read from the objects with `nm`.

The text of a program can hide a global or a call behind a macro; its object cannot.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.rooms.tree import source_files

# Without position independence a constant table of pointers lies with the constants, as it is read.
FLAGS = ("-std=gnu17", "-O0", "-w", "-pthread") + (
    () if sys.platform == "darwin" else ("-fno-pic", "-fno-pie")
)
MUTABLE = frozenset("dDbBC")
DEFINED = frozenset("TRDBVWSC")
# The engine reads no file, no environment and no clock of the day, prints nothing and never ends
# the program.
FORBIDDEN = re.compile(
    "_?exit|abort|atexit|raise|signal|system|popen|getenv|setenv|setlocale|time|s?rand|random|"
    "fd?open|freopen|open|openat|read|write|fwrite|v?f?printf|f?puts|putchar|gets|perror"
)
ALLOCATORS = re.compile("malloc|calloc|realloc|free|aligned_alloc|posix_memalign|mmap")
ALLOCATING_ROOMS = ("base", "backend/cpu", "backend/metal", ".")


@dataclass(frozen=True, kw_only=True)
class Object:
    """One compiled file: its place in engine_c, and nm's letter by symbol."""

    place: Path
    symbols: dict[str, str]

    def needed(self) -> set[str]:
        """Symbols that another object must define."""
        return {name for name, letter in self.symbols.items() if letter == "U"}


def check(root: Path, build_folder: Path) -> list[str]:
    """A sentence for each mutable global, forbidden call, and function that nobody calls."""
    objects = list(_compile(root / "engine_c", build_folder))
    return [*_globals(objects), *_calls(objects), *_unused(root, objects)]


def _globals(objects: list[Object]) -> Iterator[str]:
    for item in objects:
        for name, letter in item.symbols.items():
            if letter in MUTABLE:
                yield f"engine_c/{item.place}: {name} is a mutable global; give it an owner."


def _calls(objects: list[Object]) -> Iterator[str]:
    for item in objects:
        allocates = item.place.parent.as_posix() in ALLOCATING_ROOMS
        for name in sorted(item.needed()):
            if FORBIDDEN.fullmatch(name):
                yield f"engine_c/{item.place}: calls {name}; the engine reads and prints nothing."
            if ALLOCATORS.fullmatch(name) and not allocates:
                yield f"engine_c/{item.place}: calls {name}; take memory from an arena."


def _unused(root: Path, objects: list[Object]) -> Iterator[str]:
    """What engine.h offers and what a test calls by name count as used."""
    tests = [p for p in source_files(root, (".py", ".c")) if p.is_relative_to(root / "tests")]
    outside = [root / "engine_c" / "engine.h", *tests]
    used = set(re.findall(r"\w+", "\n".join(p.read_text(encoding="utf-8") for p in outside)))
    for item in objects:
        needed = used.union(*(other.needed() for other in objects if other is not item))
        for name, letter in item.symbols.items():
            if letter in DEFINED and name not in needed:
                yield f"engine_c/{item.place}: nobody outside uses {name}; make it static."


def _compile(engine: Path, build_folder: Path) -> Iterator[Object]:
    compiler = shlex.split(os.environ.get("CC", "cc"))
    for number, source in enumerate(source_files(engine.parent, (".c",))):
        if not source.is_relative_to(engine):
            continue
        target = build_folder / f"{number}.o"
        includes = [f"-I{engine}", f"-I{engine.parent}"]
        command = [*compiler, *FLAGS, *includes, "-c", str(source), "-o", str(target)]
        subprocess.run(command, check=True)
        yield Object(place=source.relative_to(engine), symbols=_symbols(target))


def _symbols(path: Path) -> dict[str, str]:
    """Nm's letter by name; the linker's underscore of macOS is left out."""
    listing = subprocess.run(["nm", str(path)], check=True, capture_output=True, text=True).stdout
    mark = "_" if sys.platform == "darwin" else ""
    rows = re.findall(r"([A-Za-z]) (\S+)$", listing, re.MULTILINE)
    return {name.removeprefix(mark): letter for letter, name in rows}
