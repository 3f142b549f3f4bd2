"""Makes dist/Aquatint.app on a Mac: `python setup_app.py py2app`, for this Python's processor.

Owns the order: the engine is built, the bundle's parts are gathered, py2app lays them out, what
wheels and py2app leave undone is done, and the whole is signed by nobody, so that it starts here.
resources/packaging/README.md says what it needs and how a release is made.
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from py2app import build_app
from setuptools import setup

from resources.packaging import bundle_parts, info_plist, licences
from resources.packaging.bundle_parts import PROJECT, Architecture

PACKAGING = PROJECT / "resources" / "packaging"
WORK = PROJECT / "build" / "bundle"
GATHERED = WORK / "parts"
APP = PROJECT / "dist" / f"{info_plist.NAME}.app"


def options(architecture: Architecture) -> dict[str, object]:
    """All that py2app is asked for."""
    return {
        "arch": architecture.value,
        "bdist_base": str(WORK / "py2app"),
        "dist_dir": str(APP.parent),
        "excludes": list(bundle_parts.EXCLUDES),
        "extra_scripts": [str(PACKAGING / "aquatint_engine.py")],
        "iconfile": str(PACKAGING / info_plist.ICON_FILE),
        "includes": list(bundle_parts.INCLUDES),
        "packages": list(bundle_parts.PACKAGES),
        "plist": info_plist.info_plist(),
    }


class Bundle(build_app.py2app):  # type: ignore[misc]
    """py2app, which takes what was gathered and Python's own modules, and nothing else."""

    def collect_recipedict(self) -> dict[str, object]:
        """No recipe: they are guesses at what a library needs, and ours are gathered whole."""
        return {}

    def get_modulefinder(self) -> object:
        """Looks past what else is installed: a library's tests would bring in pytest."""
        everything, sys.path = sys.path, [path for path in sys.path if "site-packages" not in path]
        try:
            return super().get_modulefinder()
        finally:
            sys.path = everything


def build_engine(architecture: Architecture) -> None:
    """The engine for one processor and the oldest system that the bundle names."""
    environment = {
        **os.environ,
        "ARCHFLAGS": f"-arch {architecture}",
        "MACOSX_DEPLOYMENT_TARGET": info_plist.MINIMUM_SYSTEM,
    }
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "--force"]
    subprocess.run(command, check=True, cwd=PROJECT, env=environment)


def lay_out(architecture: Architecture) -> None:
    """Gathers the parts and has py2app make the bundle of them."""
    for folder in (WORK, APP):
        shutil.rmtree(folder, ignore_errors=True)
    site = Path(sysconfig.get_path("purelib"))
    bundle_parts.gather(GATHERED, site, architecture)
    licences.write(GATHERED / "app" / "resources" / "licences")
    sys.path.insert(0, str(GATHERED))
    build_app.codesign_adhoc = lambda _app: None  # too early: frameworks lack their links
    os.chdir(WORK)  # pyproject.toml is for the wheel, and py2app refuses its dependencies
    setup(
        name=info_plist.NAME,
        app=[str(PROJECT / "app" / "__main__.py")],
        options={"py2app": options(architecture)},  # type: ignore[dict-item]
        cmdclass={"py2app": Bundle},
        script_args=["py2app"],
    )
    for packages in (APP / "Contents" / "Resources" / "lib").glob("python*.*[0-9]"):
        bundle_parts.compile_modules(packages, APP.parent)


def finish(architecture: Architecture) -> None:
    """Does what wheels and py2app leave undone, and signs the whole as nobody."""
    bundle_parts.restore_framework_links(APP)
    for path in APP.rglob("*"):
        if path.is_file() and not path.is_symlink():
            bundle_parts.thin(path, architecture)
    subprocess.run(
        [PACKAGING / "sign.sh", APP],
        check=True,
        env={**os.environ, "SIGN_AS": "-", "PYTHON": sys.executable},
    )


def main() -> None:
    """`python setup_app.py py2app`."""
    if sys.argv[1:] != ["py2app"]:
        sys.exit("It makes one thing: python setup_app.py py2app")
    if sys.platform != "darwin":
        sys.exit("The bundle is made on a Mac: its libraries and py2app's tools are there.")
    architecture = Architecture(platform.machine())
    build_engine(architecture)
    lay_out(architecture)
    finish(architecture)


if __name__ == "__main__":
    main()
