"""Whether py2app would find each module of Python's own that the app imports when it runs.

It reads import statements; what only C code imports, it cannot see, and has to be told. Needs the
group "bundle": `python -m pytest -m network tests/bundle`.
"""

import importlib.util
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from resources.packaging import bundle_parts, info_plist
from resources.packaging.bundle_parts import PROJECT, Architecture
from tests.bundle import layout

pytestmark = pytest.mark.network
find_modules = pytest.importorskip("modulegraph.find_modules")
SITE = Path(sysconfig.get_path("purelib"))
# There before the bundle's own modules are: the stub's, or of this test's way to start it.
OF_THE_START = {"runpy", "pkgutil", "site"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:modulegraph")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:importlib")
def test_py2app_finds_what_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = layout.assemble(tmp_path, SITE, Architecture.X86_64)
    layout.add_stand_ins(bundle)
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    program = bundle / "Contents" / "MacOS" / info_plist.NAME
    done = subprocess.run([program, "--self-test"], capture_output=True, text=True, check=True)
    imported = set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))
    assert {"app.application", "app.generation.engine_process", "numpy"} <= imported
    packages = bundle / "Contents" / "Resources" / "lib" / "python"
    graph = find_modules.find_modules(
        scripts=[str(PROJECT / script) for script in layout.SCRIPTS.values()],
        includes=list(bundle_parts.INCLUDES),
        packages=list(bundle_parts.PACKAGES),
        excludes=list(bundle_parts.EXCLUDES),
        path=[str(packages), *(path for path in sys.path if "site-packages" not in path)],
    )
    missed = {
        name
        for name in imported
        if _is_python_s_own(name)
        and name.partition(".")[0] not in bundle_parts.EXCLUDES
        and not getattr(graph.findNode(name), "filename", None)
    }
    assert missed <= OF_THE_START


def _is_python_s_own(name: str) -> bool:
    """A module of the standard library that is a file here; others are tried for in vain."""
    top = name.partition(".")[0]
    if top not in sys.stdlib_module_names or top == "encodings":  # all of which py2app takes
        return False
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return False
    return spec is not None and spec.has_location
