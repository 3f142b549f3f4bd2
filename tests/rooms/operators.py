"""Each row of ops.def stands in its places, so that no operator is half there."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.rooms.tree import without_comments


def check(root: Path) -> list[str]:
    """A sentence for each place that an operator lacks."""
    engine = root / "engine_c"
    table = _table(engine / "graph" / "ops.def")
    rows = re.findall(r"^OP\((\w+), (\d+), (\w+), (\w+), ([\d.e+-]+)\)$", table, re.MULTILINE)
    found = [
        f"engine_c/graph/ops.def: the row '{line}' is not OP(name, tensors, cpu, metal, tolerance)."
        for line in table.splitlines()
        if line.strip() and not any(line.startswith(f"OP({row[0]}, ") for row in rows)
    ]
    for name, _, cpu, metal, _ in rows:
        found += _lacks(root, name, cpu, metal)
    return [*found, *_pipelines(root)]


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
    encoders = engine / "backend" / "metal"
    if not re.search(rf"\bvoid {metal}\([^;]*\{{", _text(encoders, (".c",))):
        yield f"ops.def: {name} has no encoder {metal} in backend/metal/."


def _pipelines(root: Path) -> Iterator[str]:
    """Each row of metal_kernels.def is a kernel of metal/, by its own name or a host_name."""
    path = root / "engine_c" / "backend" / "metal" / "metal_kernels.def"
    if not path.exists():
        return
    shaders = "\n".join(p.read_text(encoding="utf-8") for p in root.glob("metal/*.metal"))
    table = _table(path)
    for line in filter(None, map(str.strip, table.splitlines())):
        row = re.fullmatch(r'KERNEL\((\w+), "(\w+)", (core|bf16|tensor), \d+, \d+\)', line)
        if row is None:
            yield f"metal_kernels.def: the row '{line}' is not KERNEL(id, name, library, 0, 0)."
        elif not re.search(rf'\bkernel void {row[2]}\(|host_name\("{row[2]}"\)', shaders):
            yield f"metal_kernels.def: no kernel {row[2]} in metal/."


def _text(folder: Path, suffixes: tuple[str, ...]) -> str:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in suffixes)
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return "\n".join(t if ".py" in suffixes else without_comments(t) for t in texts)


def _table(path: Path) -> str:
    """The rows; their strings stay, which `without_comments` would blank."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
