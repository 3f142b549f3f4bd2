"""Who may see whom. The two tables are the map of the house; an arrow that is not in them fails.

A room may see itself and the rooms of its row. Imports inside functions count as well.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.rooms.tree import C, source_files

# Single modules at the bottom, which every room may use and which use nothing of the app.
FLOOR = (
    "app.paths",
    "app.settings",
    "app.version",
    "app.machine_memory",
    "app.machine_processors",
    "app.diagnostic_log",
)
COMMAND_LINE = ("app.cli", "app.cli_commands", "app.cli_output", "app.cli_reports")
WITHOUT_QT = (*COMMAND_LINE, "app.generation.engine_process")
MAIN = "app.__main__"
WINDOW = "app.application"
WINDOW_STARTERS = ("app.window_process", "app.self_test")

# What is seen: each room sees those before it.
UI_ROOMS = (
    "app.ui.parts",
    "app.ui.draft",
    "app.ui.pictures",
    "app.ui.prompt",
    "app.ui.models",
    "app.ui.canvas",
    "app.ui.gallery",
    "app.ui.queue",
    "app.ui.memory",
    "app.ui.sidebar",
    "app.ui.files",
    "app.ui.window",
)

PYTHON_ROOMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FLOOR, ()),
    "app.diagnostic_log": ("app.version",),
    "app.engine": FLOOR,
    "app.checkpoint": (*FLOOR, "app.engine"),
    "app.prompt": (*FLOOR, "app.engine"),
    "app.generation": (*FLOOR, "app.engine", "app.checkpoint", "app.prompt"),
}
PYTHON_ROOMS["app.library"] = (*PYTHON_ROOMS["app.generation"], "app.generation")
_BELOW_UI = (*PYTHON_ROOMS["app.library"], "app.library")
for _index, _room in enumerate(UI_ROOMS):
    PYTHON_ROOMS[_room] = (*_BELOW_UI, *UI_ROOMS[:_index])
PYTHON_ROOMS["app.ui"] = ()
PYTHON_ROOMS[WINDOW] = (*_BELOW_UI, *UI_ROOMS)
for _module in COMMAND_LINE:
    PYTHON_ROOMS[_module] = (*PYTHON_ROOMS["app.library"], "app.library", *COMMAND_LINE)
for _module in WINDOW_STARTERS:
    PYTHON_ROOMS[_module] = (*PYTHON_ROOMS[WINDOW], WINDOW)
PYTHON_ROOMS[MAIN] = ("app.cli", *WINDOW_STARTERS)

# Each library that is not Python's own, or a part of one, has its rooms and modules.
LIBRARIES = {
    "PIL": ("app.generation", "app.library"),
    "PySide6": (*UI_ROOMS, WINDOW, *WINDOW_STARTERS),
    "PySide6.QtCore": ("app.generation.engine_client", "app.generation.job_queue"),
    "numpy": ("app.checkpoint",),
    "tokenizers": ("app.prompt",),
}

C_ROOMS: dict[str, tuple[str, ...]] = {
    "base": (),
    "graph": ("base",),
    "backend": ("base", "graph"),
    "backend/cpu": ("base", "graph", "backend"),
    "backend/metal": ("base", "graph", "backend", "metal"),
    "networks": ("base", "graph", "backend"),
    "sampling": ("base", "graph", "backend", "networks"),
}
C_ROOMS["."] = tuple(C_ROOMS)
HEADER = "engine.h"  # the binding: its enums and structs are every room's


def check(root: Path) -> list[str]:
    """A sentence for each arrow that is not on the map, or leads to Qt where Qt must not be."""
    return [*_python_arrows(root), *_ways_to_qt(root), *_c_arrows(root)]


def _python_arrows(root: Path) -> Iterator[str]:
    for path in source_files(root, (".py",)):
        if path.is_relative_to(root / "app") and path != root / "app" / "__init__.py":
            yield from _module_arrows(root, path)


def _module_arrows(root: Path, path: Path) -> Iterator[str]:
    module = module_name(root, path)
    room, place = python_room(module), path.relative_to(root)
    if room not in PYTHON_ROOMS:
        yield f"{place}: tests/rooms/arrows.py does not know this room; give it its row."
        return
    for line, target in imports(path):
        if not _may_import(module, target):
            yield f"{place}:{line}: {room} may not import {target}."


def _may_import(module: str, target: str) -> bool:
    top, room = target.partition(".")[0], python_room(module)
    if top == "app":
        return python_room(target) in (room, *PYTHON_ROOMS[room])
    owners = (*LIBRARIES.get(top, ()), *LIBRARIES.get(target, ()))
    return top in sys.stdlib_module_names or room in owners or module in owners


def module_name(root: Path, path: Path) -> str:
    """app/engine/types.py -> app.engine.types; a package's `__init__.py` is the package."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_room(module: str) -> str:
    """app.engine.types -> app.engine, app.ui.parts.icons -> app.ui.parts.

    A module that lies in app/ itself is its own room.
    """
    parts = module.split(".")
    return ".".join(parts[: 3 if parts[:2] == ["app", "ui"] else 2])


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import; a relative one keeps its dots, so no table knows it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            of_app = base.partition(".")[0] == "app"
            named = [f"{base}.{alias.name}" for alias in node.names] if of_app else [base]
            yield from ((node.lineno, name) for name in named)


def _ways_to_qt(root: Path) -> Iterator[str]:
    """The modules without Qt reach none that imports it, however many imports away."""
    for start in WITHOUT_QT:
        reached, waiting = set[Path](), [start]
        while waiting:
            module = waiting.pop()
            path = module_path(root, module)
            if path is None or path in reached:
                continue
            reached.add(path)
            targets = [target for _, target in imports(path)]
            waiting += [target for target in targets if target.startswith("app.")]
            if any(target.partition(".")[0] == "PySide6" for target in targets):
                yield f"{start} reaches PySide6 through {path.relative_to(root)}."


def module_path(root: Path, name: str) -> Path | None:
    """The file of app.engine.types.Dtype or app.engine.types: what is behind the module is cut."""
    parts = name.split(".")
    while parts:
        place = root.joinpath(*parts)
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return path
        parts.pop()
    return None


def _c_arrows(root: Path) -> Iterator[str]:
    for path in source_files(root, C):
        if path.is_relative_to(root / "engine_c"):
            yield from _include_arrows(root / "engine_c", path)


def _include_arrows(engine: Path, path: Path) -> Iterator[str]:
    place = path.relative_to(engine)
    room = place.parent.as_posix()
    if room not in C_ROOMS:
        yield f"engine_c/{place}: tests/rooms/arrows.py does not know this room; give it its row."
        return
    includes = re.finditer(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', path.read_text(), re.MULTILINE)
    for found in includes:
        target = found[1]
        if target != HEADER and Path(target).parent.as_posix() not in (room, *C_ROOMS[room]):
            yield f"engine_c/{place}: {room} may not include {target}."
