"""Each row of ops.def stands in its places, so that no operator is half there."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.rooms.tree import without_comments


def check(root: Path) -> list[str]:
    """A sentence for each place that an operator lacks."""
    engine = root / "engine_c"
    table = _table(engine / "graph" / "ops.def")
    rows = re.findall(r'^OP\((\w+), (\d+), (\w+), "(\w+)", ([\d.e+-]+)\)$', table, re.MULTILINE)
    found = [
        f"engine_c/graph/ops.def: the row '{line}' is not OP(name, tensors, cpu, metal, tolerance)."
        for line in table.splitlines()
        if line.strip() and not any(line.startswith(f"OP({row[0]}, ") for row in rows)
    ]
    for name, _, cpu, metal, _ in rows:
        found += _lacks(root, name, cpu, metal)
    return found


def _lacks(root: Path, name: str, cpu: str, metal: str) -> Iterator[str]:
    engine = root / "engine_c"
    if f"ops_{name}(" not in _text(engine / "graph", (".h",)):
        yield f"ops.def: {name} has no recorder ops_{name} in graph/ops.h."
    if not re.search(rf"\bops_{name}\([^;]*\{{", _text(engine / "graph", (".c",))):
        yield f"ops.def: the recorder ops_{name} has no body in graph/."
    if not re.search(rf"\bvoid {cpu}\([^;]*\{{", _text(engine / "backend/cpu", (".c",))):
        yield f"ops.def: {name} has no CPU function {cpu} in backend/cpu/."
    if f'"{name}"' not in _text(root / "tests" / "graph", (".py",)):
        yield f"ops.def: no test in tests/graph/ runs {name}."
    shaders = _text(root / "metal", (".metal",))
    if (root / "metal").exists() and f"kernel void {metal}_" not in shaders:
        yield f"ops.def: {name} has no kernel {metal}_<dtype> in metal/."


def _text(folder: Path, suffixes: tuple[str, ...]) -> str:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in suffixes)
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return "\n".join(t if ".py" in suffixes else without_comments(t) for t in texts)


def _table(path: Path) -> str:
    """The rows; their strings stay, which `without_comments` would blank."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
