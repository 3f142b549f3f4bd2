"""What py2app itself makes of the parts, on Linux as far as it goes: all but the Mac's executables.

The app then runs from that bundle, with no other module of Python's than those that py2app took.
Needs the group "bundle": `python -m pytest -m network tests/bundle`.
"""

import os
import plistlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from resources.packaging import info_plist
from resources.packaging.bundle_parts import PACKAGES, PROJECT

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform == "darwin", reason="here the real one is made and tried"),
]
pytest.importorskip("py2app")

# py2app reads load commands of the libraries here, which have none, and makes a Mac's executables.
MAKE = """
import sys
from pathlib import Path
import setup_app
from tests.bundle.layout import HERE
work = Path(sys.argv[1])
setup_app.WORK, setup_app.GATHERED = work / "work", work / "work" / "parts"
setup_app.APP = work / "Aquatint.app"
setup_app.Bundle.copy_loader_paths = lambda *_: None
options = setup_app.options
setup_app.options = lambda machine: {**options(machine), "debug_skip_macholib": True}
setup_app.lay_out(HERE)
"""
# What py2app's own executable does, apptemplate/src/main.c.
STUB = """#!/bin/bash
export RESOURCEPATH="{resources}" ARGVZERO="$0" PYTHONHOME="{resources}" PYTHONDONTWRITEBYTECODE=1
exec -a "{programs}/python" "{python}" "{resources}/__boot__.py" "$@"
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("py2app")
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(work)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    contents = work / "Aquatint.app" / "Contents"
    for name in (info_plist.NAME, "aquatint_engine"):
        program = contents / "MacOS" / name
        assert program.is_file(), "py2app made no executable of that name"
        text = STUB.format(
            resources=contents / "Resources", programs=program.parent, python=sys.executable
        )
        program.write_text(text)
        program.chmod(0o755)
    (packages,) = (contents / "Resources" / "lib").glob("python?.??")
    for folder in (work / "work" / "parts").glob("*.libs"):  # Linux's; a Mac's are in the packages
        shutil.copytree(folder, packages / folder.name)
    return contents.parent


def test_the_app_runs_with_what_py2app_took(bundle: Path, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    done = subprocess.run(
        [bundle / "Contents" / "MacOS" / info_plist.NAME, "--self-test"],
        cwd=tmp_path,
        env={**kept, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"engine process: {bundle}/Contents/MacOS/aquatint_engine" in done.stdout
    assert done.stdout.endswith("self-test passed\n")
    assert done.stderr == ""


def test_the_plist_is_the_table_s(bundle: Path) -> None:
    made = plistlib.loads((bundle / "Contents" / "Info.plist").read_bytes())
    table = info_plist.info_plist()
    assert {key: made[key] for key in table} == table
    assert (bundle / "Contents" / "Resources" / made["CFBundleIconFile"]).is_file()


def test_nothing_that_is_not_the_app_s_came_along(bundle: Path) -> None:
    resources = bundle / "Contents" / "Resources"
    (packed,) = resources.glob("lib/python*.zip")
    with zipfile.ZipFile(packed) as archive:
        tops = {name.split("/")[0].removesuffix(".pyc") for name in archive.namelist()}
    assert tops - set(sys.stdlib_module_names) == {"."}
    (packages,) = resources.glob("lib/python?.??")
    assert list((packages / "app" / "__pycache__").glob("paths.*.pyc"))
    held = {path.name for path in packages.iterdir() if path.is_dir()}
    of_python = {name for name in held if name.startswith(("config", "lib-dynload"))}
    assert {name for name in held - of_python if ".libs" not in name} == set(PACKAGES)
