"""A bundle as py2app lays it out, made of the gathered parts, with a stand-in for its executables.

py2app's executable sets RESOURCEPATH, says `sys.frozen`, and runs the script that bears its name
with nothing but the bundle's own modules on the path. Here a shell script and a boot file do the
same with this test's Python; modules that the bundle leaves out are not there either.
"""

import platform
import plistlib
import shutil
import stat
import sys
from pathlib import Path

from resources.packaging import bundle_parts, info_plist
from resources.packaging.bundle_parts import PROJECT, Architecture

HERE = Architecture.ARM64 if platform.machine() in ("arm64", "aarch64") else Architecture.X86_64
SCRIPTS = {
    info_plist.NAME: "app/__main__.py",
    "aquatint_engine": "resources/packaging/aquatint_engine.py",
}
_BOOT = """
import os, runpy, sys
resources, script, executable = sys.argv[1:4]
packages = os.path.join(resources, "lib", "python")
sys.path[:] = [packages] + [p for p in sys.path if p != resources and "site-packages" not in p]
sys.executable, sys.frozen, sys.argv[:4] = executable, "macosx_app", [script]
for name in {excludes}:
    sys.modules[name] = None
runpy.run_path(script, run_name="__main__")
"""
_STUB = """#!/bin/sh
exec "{python}" -S -P "{boot}" "{resources}" "{script}" "{executable}" "$@"
"""


def assemble(folder: Path, site: Path, architecture: Architecture) -> Path:
    """`folder`/Aquatint.app with all files in their places; its path."""
    contents = folder / f"{info_plist.NAME}.app" / "Contents"
    resources, programs = contents / "Resources", contents / "MacOS"
    bundle_parts.gather(resources / "lib" / "python", site, architecture)
    bundle_parts.restore_framework_links(resources)
    programs.mkdir()
    for script in SCRIPTS.values():
        shutil.copyfile(PROJECT / script, resources / Path(script).name)
    (contents / "Info.plist").write_bytes(plistlib.dumps(info_plist.info_plist()))
    return contents.parent


def add_stand_ins(bundle: Path) -> None:
    """Executables that run this test's Python the way py2app's would run the bundle's."""
    resources, programs = bundle / "Contents" / "Resources", bundle / "Contents" / "MacOS"
    boot = resources / "__boot__.py"
    boot.write_text(_BOOT.format(excludes=bundle_parts.EXCLUDES))
    for name, script in SCRIPTS.items():
        program = programs / name
        program.write_text(
            _STUB.format(
                python=sys.executable,
                boot=boot,
                resources=resources,
                script=resources / Path(script).name,
                executable=programs / "python",
            )
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
