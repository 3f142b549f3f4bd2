"""Builds the engine as the extension module `app.engine._engine` (cffi, API mode).

The part of engine.h between the two marker lines is the binding; nothing is declared twice.
"""

import os
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


def binding() -> str:
    """The declarations of engine.h that Python sees."""
    header = (ROOM / "engine.h").read_text(encoding="utf-8")
    return header.split(BINDING_BEGINS)[1].split(BINDING_ENDS)[0]


def sources() -> list[str]:
    """Every C file of the engine, relative to the project, as setuptools wants them.

    The Metal room joins once engine.c opens it.
    """
    is_open = "metal_open.h" in (ROOM / "engine.c").read_text(encoding="utf-8")
    left_out = () if is_open else tuple((ROOM / "backend" / "metal").glob("*.c"))
    files = sorted(file for file in ROOM.rglob("*.c") if file not in left_out)
    return [str(Path(ROOM.name, file.relative_to(ROOM))) for file in files]


def headers() -> list[str]:
    """All that a change of which asks for a new build, relative to the project."""
    files = sorted(file for kind in ("*.h", "*.def") for file in ROOM.rglob(kind))
    return [str(Path(ROOM.name, file.relative_to(ROOM))) for file in files]


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
        extra_link_args=["-pthread"],
        libraries=["m"],
    )
    return builder


ffibuilder = make_builder()
