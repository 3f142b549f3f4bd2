"""The Metal kernels as libraries: reads the files of metal/ and joins each library into one text.

Metal compiles at start-up from one string, which can include nothing of ours; so each header is
put where it is first asked for. Owns which file belongs to which library. Knows no engine.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from app.engine.types import MetalSource
from app.paths import kernel_folder

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"/]+)"\s*$')


@dataclass(frozen=True, kw_only=True)
class _Library:
    """`language` is the oldest MSL that has what the library needs, so that old systems have it."""

    name: str
    language: int
    files: tuple[str, ...]


# A library is compiled by itself, so that a file that one GPU's compiler refuses costs no more than
# its own library. Every file that stands in no row belongs to `core`.
_OTHERS = (
    _Library(name="bf16", language=31, files=("bf16.metal",)),
    _Library(name="tensor", language=40, files=("tensor.metal",)),
)
_CORE_LANGUAGE = 30


def metal_sources(folder: Path | None = None) -> list[MetalSource]:
    """The libraries that have files in `folder`; None: that of the app.

    Raises FileNotFoundError where a file or a header is missing.
    """
    root = folder or kernel_folder()
    taken = {name for library in _OTHERS for name in library.files}
    core = tuple(sorted(path.name for path in root.glob("*.metal") if path.name not in taken))
    libraries = (_Library(name="core", language=_CORE_LANGUAGE, files=core), *_OTHERS)
    return [
        MetalSource(library=row.name, text=_joined(root, files), language=row.language)
        for row in libraries
        if (files := [name for name in row.files if (root / name).is_file()])
    ]


def _joined(root: Path, names: list[str]) -> str:
    lines: list[str] = []
    seen: set[str] = set()
    for name in names:
        _append(root, name, lines, seen)
    return "\n".join(lines) + "\n"


def _append(root: Path, name: str, lines: list[str], seen: set[str]) -> None:
    """One file, each header at the place of its first include; #line keeps a log's places true."""
    seen.add(name)
    lines.append(f'#line 1 "{name}"')
    for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
        header = _INCLUDE.match(line)
        if header is None:
            lines.append(line)
        elif header[1] not in seen:
            _append(root, header[1], lines, seen)
            lines.append(f'#line {number + 1} "{name}"')
        else:
            lines.append("")
