"""The files that the rules are about, and C text without what is not code."""

import re
from collections.abc import Iterator
from pathlib import Path

PYTHON = (".py", ".pyi")
C = (".c", ".h", ".def", ".m", ".metal")
FOLDERS = ("app", "benchmarks", "engine_c", "metal", "resources", "tests", "training")

_NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?:\\\n|[^\n])*',
    re.DOTALL | re.MULTILINE,
)


def source_files(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The project's own files with one of the suffixes; what cffi writes begins with `_engine`."""
    places = [*root.glob("*.py"), *(p for name in FOLDERS for p in (root / name).rglob("*"))]
    for path in sorted(places):
        generated = path.name.startswith("_engine") and path.suffix in C
        if path.suffix in suffixes and not generated and "__pycache__" not in path.parts:
            yield path


def without_comments(text: str) -> str:
    """C text with comments, literals and preprocessor lines blanked; lines keep their numbers."""
    return _NOT_CODE.sub(lambda found: "\n" * found[0].count("\n"), text)
