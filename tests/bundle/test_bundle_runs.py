"""The app from a bundle that holds just what is named for it, in an empty home, elsewhere."""

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.version import VERSION
from resources.packaging import bundle_parts, info_plist
from resources.packaging.bundle_parts import PROJECT
from tests.bundle import layout

SITE = Path(sysconfig.get_path("purelib"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Applications with a space")
    bundle = layout.assemble(folder, SITE, layout.HERE)
    layout.add_stand_ins(bundle)
    return bundle


def run(
    bundle: Path, home: Path, *arguments: str, program: str = info_plist.NAME
) -> subprocess.CompletedProcess[str]:
    """A start by the Finder: an environment of its own, no checkout in sight."""
    work = home / "somewhere else"
    work.mkdir(parents=True, exist_ok=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LD_LIBRARY_PATH", "LANG", "ASAN_OPTIONS", "LD_PRELOAD")
    }
    return subprocess.run(
        [bundle / "Contents" / "MacOS" / program, *arguments],
        env={**environment, "HOME": str(home)},
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@contextmanager
def without(file: Path) -> Iterator[None]:
    """The file is put aside for the time of the block."""
    aside = file.rename(file.with_name("aside"))
    try:
        yield
    finally:
        aside.rename(file)


def test_the_self_test_draws_with_the_bundle_s_own_engine(bundle: Path, tmp_path: Path) -> None:
    done = run(bundle, tmp_path, "--self-test")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Aquatint {VERSION}, ")
    assert f"engine process: {bundle}/Contents/MacOS/aquatint_engine" in done.stdout
    assert "failed: none" in done.stdout
    assert "picture: 256x256, " in done.stdout
    assert done.stdout.endswith("self-test passed\n")
    assert done.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["somewhere else"]
    assert list((tmp_path / "somewhere else").iterdir()) == []


def test_the_self_test_fails_without_an_engine(bundle: Path, tmp_path: Path) -> None:
    with without(bundle / "Contents" / "MacOS" / "aquatint_engine"):
        done = run(bundle, tmp_path, "--self-test")
    assert done.returncode == 1
    assert "aquatint: the self-test failed: The engine cannot be started" in done.stderr


def test_the_self_test_tells_what_is_missing(bundle: Path, tmp_path: Path) -> None:
    """By an exit code and not by an alert, which py2app makes of what a script leaves uncaught."""
    packages = bundle / "Contents" / "Resources" / "lib" / "python"
    with without(packages / "app" / "ui" / "canvas" / "canvas.py"):
        done = run(bundle, tmp_path, "--self-test")
    assert done.returncode == 1
    assert "No module named 'app.ui.canvas.canvas'" in done.stderr


def test_the_engine_tells_what_is_missing(bundle: Path, tmp_path: Path) -> None:
    done = run(bundle, tmp_path, "no descriptor", program="aquatint_engine")
    assert done.returncode == 1
    assert "ValueError" in done.stderr


def test_the_command_line_works_from_the_bundle(bundle: Path, tmp_path: Path) -> None:
    picture = tmp_path / "apple.png"
    done = run(bundle, tmp_path, "generate", "red apple", "--steps", "1", "--output", str(picture))
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 0
    done = run(bundle, tmp_path, "inspect", str(picture))
    assert "red apple" in done.stdout


def test_every_file_of_the_app_and_its_resources_is_in_the_bundle(bundle: Path) -> None:
    inside = bundle / "Contents" / "Resources" / "lib" / "python" / "app"
    for source in (PROJECT / "app").rglob("*.py"):
        assert (inside / source.relative_to(PROJECT / "app")).is_file(), source
    for kind in ("icons/*.svg", "licences/*", "models/*", "tokenizer/*", "translations/*.qm"):
        sources = list((PROJECT / "resources").glob(kind))
        assert sources, kind
        for source in sources:
            assert (inside / "resources" / source.relative_to(PROJECT / "resources")).is_file()
    kernels = [*(PROJECT / "metal").glob("*.metal"), *(PROJECT / "metal").glob("*.h")]
    held = {path.name for path in inside.rglob("*")}
    assert [kernel.name for kernel in kernels if kernel.name not in held] == []


def test_an_engine_that_is_not_built_is_asked_for(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "app/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    with pytest.raises(FileNotFoundError, match="The engine is not built: run"):
        bundle_parts.app_files(tmp_path)


def test_a_library_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="PySide6 is not installed in"):
        list(bundle_parts.library_files(tmp_path))
