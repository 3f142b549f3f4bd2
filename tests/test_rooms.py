"""The architecture, held by a machine: arrows, sizes and names, what the objects hold, operators.

The rules are in tests/rooms/. Each is put to the project, and then to a small tree with one fault,
which it must name: a rule that catches nothing is no rule.
"""

import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rooms import arrows, objects, operators, sizes

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
Check = Callable[[Path], list[str]]

needs_nm = pytest.mark.skipif(
    shutil.which("nm") is None, reason="nm is not installed: globals and calls stay unchecked"
)

# A tree that keeps every rule.
SOUND = {
    "app/__init__.py": '"""The app."""\n',
    "app/paths.py": "import os\n",
    "app/cli.py": "from app.engine.types import X\n",
    "app/engine/types.py": "X = 1\n",
    "app/prompt/words.py": "import tokenizers\nfrom app import paths\nimport app.engine.types\n",
    "app/ui/parts/row.py": "from PySide6 import QtWidgets\nfrom app.library.gallery import Y\n",
    "app/library/gallery.py": "Y = 1\n",
    "app/generation/job_queue.py": "from PySide6.QtCore import QObject\n",
    "engine_c/engine.h": "int sd_open(void);\n",
    "engine_c/engine.c": (
        '#include "engine.h"\n#include "graph/ops.h"\nint sd_open(void) { ops_add(0); return 0; }\n'
    ),
    "engine_c/base/half.c": (
        'static const char *const names[] = {"a{", "b"}; /* { */\n'
        "int half(int i) { return names[i & 1][0]; }\n"
        "int tested(void) { return 1; }\n"
    ),
    "engine_c/graph/ops.def": "/* rows */\nOP(add, 2, cpu_add, metal_add, 1e-6)\n",
    "engine_c/graph/ops.h": (
        "void ops_add(int x);\nint half(int i);\nvoid cpu_add(int x);\nvoid metal_add(int x);\n"
    ),
    "engine_c/graph/ops.c": (
        '#include "graph/ops.h"\nvoid ops_add(int x) { cpu_add(half(x)), metal_add(x); }\n'
    ),
    "engine_c/backend/metal/metal_add.c": (
        '#include "graph/ops.h"\nvoid metal_add(int x) { (void)x; }\n'
    ),
    "engine_c/backend/cpu/cpu_add.c": '#include "graph/ops.h"\nvoid cpu_add(int x) { (void)x; }\n',
    "tests/graph/test_ops.py": 'NAMES = ["add"]\nassert LIBRARY.tested()\n',
}

# Fault, the file that has it, its text, words of the sentence that must come.
ARROW_FAULTS = [
    ("up", "app/engine/types.py", "import app.prompt.words\n", "app.engine may not import"),
    (
        "up from",
        "app/prompt/words.py",
        "from app.ui.parts.row import R\n",
        "may not import app.ui",
    ),
    ("up in ui", "app/ui/parts/a.py", "import app.ui.window.b\n", "not import app.ui.window"),
    ("sideways", "app/prompt/words.py", "from app.checkpoint.a import B\n", "app.checkpoint.a"),
    ("hidden", "app/paths.py", "def f():\n    from app import cli\n", "may not import app.cli"),
    ("relative", "app/engine/types.py", "from .. import cli\n", "may not import .."),
    ("qt", "app/library/gallery.py", "import PySide6.QtGui\n", "may not import PySide6"),
    (
        "qt in messages",
        "app/generation/messages.py",
        "import PySide6.QtCore\n",
        "not import PySide6",
    ),
    (
        "widgets",
        "app/generation/job_queue.py",
        "import PySide6.QtGui\n",
        "not import PySide6.QtGui",
    ),
    (
        "qt in cli",
        "app/cli.py",
        "from app.ui.parts.row import R\n",
        "app.cli may not import app.ui",
    ),
    ("qt far off", "app/cli.py", "from app.generation import job_queue\n", "reaches PySide6"),
    ("library", "app/engine/types.py", "import torch\n", "may not import torch"),
    ("room", "app/widgets/a.py", "", "does not know this room"),
    ("module", "app/tool.py", "", "does not know this room"),
    ("include", "engine_c/base/half.c", '#include "graph/ops.h"\n', "base may not include"),
    ("include cpu", "engine_c/graph/ops.c", '# include "backend/cpu/a.h"\n', "may not include"),
    ("C room", "engine_c/extra/a.c", "int a;\n", "does not know this room"),
]
SIZE_FAULTS = [
    ("file", "app/paths.py", "x = 1\n" * 501, "501 lines"),
    ("C file", "engine_c/base/half.c", "\n" * 501, "501 lines"),
    ("function", "app/paths.py", "def f():\n" + "    x = 1\n" * 70, "f has 71 lines"),
    ("method", "app/paths.py", "class A:\n  def f(a):\n" + "    x = 1\n" * 70, "f has 71 lines"),
    ("C function", "engine_c/base/half.c", "int f(void)\n{\n" + ";\n" * 70 + "}", "f has 73 lines"),
    ("C brace", "engine_c/base/half.c", "int f(void) {\n", "do not pair"),
    ("columns", "engine_c/base/half.c", "/" * 101 + "\n", "line 1 has 101 columns"),
    ("file name", "app/engine/utils.py", "", "'utils' says nothing"),
    ("folder name", "engine_c/common/a.h", "", "'common' says nothing"),
    ("word in a name", "app/engine/model_manager.py", "", "'model_manager' says nothing"),
    ("left over", "engine_c/engine.h", "int sd_open(void); /* TO" + "DO */\n", "left to do"),
]
HALF, RECORDER = "engine_c/base/half.c", "engine_c/graph/ops.c"
SOUND_HALF = "int half(int i) { return i; }\n"
OBJECT_FAULTS = [
    ("global", HALF, SOUND_HALF + "int seen;\n", "seen is a mutable"),
    ("filled global", HALF, SOUND_HALF + "int seen = 1;\n", "seen is a mutable"),
    ("static inside", HALF, "int half(int i) { static int n; return n += i; }\n", "is a mutable"),
    (
        "pointers that change",
        HALF,
        'static const char *names[] = {"a"};\nint half(int i) { return names[i][0]; }\n',
        "names is a mutable",
    ),
    ("thread local", HALF, SOUND_HALF + "_Thread_local int last;\n", "last is a mutable"),
    ("unused", HALF, SOUND_HALF + "int third(void) { return 3; }\n", "nobody outside uses third"),
    (
        "prints",
        HALF,
        '#include <stdio.h>\nint half(int i) { return printf("%d", i); }\n',
        "calls printf",
    ),
    (
        "allocates",
        RECORDER,
        "#include <stdlib.h>\n"
        + SOUND["engine_c/graph/ops.c"]
        + "void drop(void *p) { free(p); }\n",
        "calls free; take memory",
    ),
]
OPERATOR_FAULTS = [
    ("recorder", "engine_c/graph/ops.h", "int half(int i);\n", "no recorder ops_add"),
    ("body", "engine_c/graph/ops.c", "void ops_add(int x);\n", "ops_add has no body"),
    ("CPU", "engine_c/backend/cpu/cpu_add.c", "/* void cpu_add( { */\n", "no CPU function cpu_add"),
    ("test", "tests/graph/test_ops.py", "NAMES = []\n", "no test in tests/graph/ runs add"),
    ("encoder", "engine_c/backend/metal/metal_add.c", "/* void metal_add( */\n", "no encoder"),
    (
        "pipeline",
        "engine_c/backend/metal/metal_kernels.def",
        'KERNEL(add_f16, "add_f16", core, 0, 0)\n',
        "no kernel add_f16",
    ),
    (
        "pipeline row",
        "engine_c/backend/metal/metal_kernels.def",
        "KERNEL(add_f16)\n",
        "is not KERNEL(",
    ),
    ("row", "engine_c/graph/ops.def", "OP(add, 2, cpu_add)\n", "is not OP("),
]


def plant(root: Path, path: str, text: str) -> None:
    """Write the sound tree, with one file as `text` has it."""
    for name, content in {**SOUND, path: text}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def catches(check: Check, root: Path, path: str, text: str, words: str) -> None:
    """The check finds nothing in the sound tree, and the fault, and no more, in the other."""
    plant(root / "sound", "app/paths.py", SOUND["app/paths.py"])
    assert check(root / "sound") == []
    plant(root / "faulty", path, text)
    sentences = check(root / "faulty")
    assert any(words in sentence for sentence in sentences), sentences


@pytest.mark.parametrize("check", [arrows.check, sizes.check, operators.check])
def test_project_keeps(check: Check) -> None:
    assert check(ROOT) == []


@needs_nm
def test_project_keeps_its_objects_clean(tmp_path: Path) -> None:
    assert objects.check(ROOT, tmp_path) == []


def rows(faults: list[tuple[str, str, str, str]]) -> pytest.MarkDecorator:
    """One test for each fault, named by it."""
    return pytest.mark.parametrize(
        ("path", "text", "words"), [fault[1:] for fault in faults], ids=[row[0] for row in faults]
    )


@rows(ARROW_FAULTS)
def test_arrows_are_caught(tmp_path: Path, path: str, text: str, words: str) -> None:
    catches(arrows.check, tmp_path, path, text, words)


@rows(SIZE_FAULTS)
def test_sizes_and_names_are_caught(tmp_path: Path, path: str, text: str, words: str) -> None:
    catches(sizes.check, tmp_path, path, text, words)


@rows(OPERATOR_FAULTS)
def test_missing_places_are_caught(tmp_path: Path, path: str, text: str, words: str) -> None:
    catches(operators.check, tmp_path, path, text, words)


@needs_nm
@rows(OBJECT_FAULTS)
def test_objects_are_caught(tmp_path: Path, path: str, text: str, words: str) -> None:
    catches(lambda root: objects.check(root, tmp_path), tmp_path, path, text, words)


def test_every_dependency_has_its_reason() -> None:
    reasons = (ROOT / "ARCHITECTURE.md").read_text()
    names = [re.split(r"[<>=]", line)[0] for line in PYPROJECT["project"]["dependencies"]]
    assert [name for name in names if f"`{name}`" not in reasons] == []


def test_an_install_holds_every_room() -> None:
    rooms = {".".join(p.parent.relative_to(ROOT).parts) for p in ROOT.glob("app/**/__init__.py")}
    assert rooms | {"app.metal", "app.resources"} == set(
        PYPROJECT["tool"]["setuptools"]["packages"]
    )
