"""Builds the engine as the extension module `app.engine._engine` (cffi, API mode).

The part of engine.h between the two marker lines is the binding; nothing is declared twice.
"""

import os
import sys
from pathlib import Path

from cffi import FFI

ROOM = Path(__file__).parent
BINDING_BEGINS = "/* binding begins */"
BINDING_ENDS = "/* binding ends */"

# The one function that C calls in Python; user_data is a handle of the caller's.
CALLBACKS = 'extern "Python" int32_t engine_progress(const sd_progress *, void *);'

COMPILE_FLAGS = [
    "-std=gnu17",
    "-O3",
    "-ffp-contract=fast",
    "-fvisibility=hidden",
    "-pthread",
    "-Wall",
    "-Wextra",
]
LINK_FLAGS = ["-pthread"]
if sys.platform == "darwin":
    # Without CoreGraphics a program of the command line is given no default device.
    LINK_FLAGS += [f"-Wl,-framework,{name}" for name in ("CoreGraphics", "Foundation", "Metal")]


def binding() -> str:
    """The declarations of engine.h that Python sees."""
    header = (ROOM / "engine.h").read_text(encoding="utf-8")
    return header.split(BINDING_BEGINS)[1].split(BINDING_ENDS)[0]


def sources() -> list[str]:
    """Every C file of the engine, relative to the project, as setuptools wants them.

    On a Mac the Objective-C file stands in the place of the one that says that there is no Metal.
    """
    metal = ROOM / "backend" / "metal"
    files = set(ROOM.rglob("*.c"))
    if sys.platform == "darwin":
        files = files - {metal / "metal_device_absent.c"} | {metal / "metal_device.m"}
    return [str(Path(ROOM.name, file.relative_to(ROOM))) for file in sorted(files)]


def headers() -> list[str]:
    """All that a change of which asks for a new build, relative to the project."""
    files = sorted(file for kind in ("*.h", "*.def") for file in ROOM.rglob(kind))
    files += sorted((ROOM.parent / "metal").glob("*.h"))
    return [str(file.relative_to(ROOM.parent)) for file in files]


def make_builder() -> FFI:
    """The builder that setup.py hands to cffi."""
    builder = FFI()
    builder.cdef(binding() + CALLBACKS)
    builder.set_source(
        "app.engine._engine",
        '#include "engine.h"',
        sources=sources(),
        depends=headers(),
        include_dirs=[ROOM.name, "."],
        extra_compile_args=COMPILE_FLAGS + os.environ.get("AQUATINT_CFLAGS", "").split(),
        extra_link_args=LINK_FLAGS,
        libraries=["m"],
    )
    return builder


ffibuilder = make_builder()
