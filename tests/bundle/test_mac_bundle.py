"""The bundle with the libraries of a Mac, put together here from the wheels that PyPI has.

Asks PyPI: `python -m pytest -m network tests/bundle`, with the group "bundle" installed. Wheels are
kept in .cache/wheels. Nothing of it runs; what its libraries load is read from their headers.
"""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from resources.packaging import bundle_parts, info_plist
from resources.packaging.bundle_parts import PROJECT, Architecture
from tests.bundle import layout

pytestmark = pytest.mark.network
mach_o = pytest.importorskip("tests.bundle.mach_o", reason="macholib is not installed")

PYTHON = "3.12"  # what the workflow builds with
BUDGET_BYTES = 180_000_000
# Python itself is not on PyPI: its library, its modules in C, and its modules in Python packed.
# An allowance, above what one processor's part of python.org's framework should take.
PYTHON_BYTES = 35_000_000
ENGINE_BYTES = 2_000_000  # also an allowance: the engine here is this machine's
SYSTEMS = ("13_0", "12_0", "11_0", "10_15", "10_13", "10_12", "10_9")
CPUS = {Architecture.ARM64: "ARM64", Architecture.X86_64: "x86_64"}
MODEL = "app/resources/models/"


@pytest.fixture(scope="module", params=list(Architecture))
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return Architecture(request.param)


@pytest.fixture(scope="module")
def wheels(architecture: Architecture) -> list[Path]:
    """The wheels of every dependency that pyproject.toml names, for a Mac of the oldest system."""
    folder = PROJECT / ".cache" / "wheels" / architecture
    table = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    systems = [
        f"macosx_{system}_{kind}" for system in SYSTEMS for kind in (architecture, "universal2")
    ]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--python-version", PYTHON, "--implementation", "cp"]
    command += [word for system in systems for word in ("--platform", system)]
    command += ["--dest", str(folder), *table["project"]["dependencies"]]
    subprocess.run(command, check=True)
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def bundle(
    architecture: Architecture, wheels: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    site = tmp_path_factory.mktemp(f"site-{architecture}")
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(site)
    return layout.assemble(tmp_path_factory.mktemp(architecture), site, architecture)


def files(bundle: Path) -> list[Path]:
    found: list[Path] = list(mach_o.mach_o_files(bundle))
    assert len(found) > 50
    return found


def test_every_dependency_has_a_wheel(wheels: list[Path]) -> None:
    names = {wheel.name.split("-")[0].lower() for wheel in wheels}
    assert {"cffi", "numpy", "pillow", "pyside6_essentials", "shiboken6", "tokenizers"} <= names


def test_each_library_is_for_this_processor_alone(bundle: Path, architecture: Architecture) -> None:
    for file in files(bundle):
        assert [image.cpu for image in mach_o.images(file)] == [CPUS[architecture]], file


def test_no_library_asks_for_a_newer_system_than_the_bundle(bundle: Path) -> None:
    """Save Qt's bindings, whose wheel is for 13 and whose headers say 15; dyld does not mind."""
    oldest = tuple(map(int, info_plist.MINIMUM_SYSTEM.split(".")))
    newer, newest = set(), (0, 0)
    for file in files(bundle):
        (image,) = mach_o.images(file)
        if image.minimum_system > oldest:
            newer.add(file.name)
        else:
            newest = max(newest, image.minimum_system)
    assert newest == oldest, "LSMinimumSystemVersion is not what the libraries ask for"
    bindings = {f"Qt{name}.abi3.so" for name in bundle_parts.QT_BINDINGS} | {"Shiboken.abi3.so"}
    assert {name for name in newer if not re.match(r"lib(pyside|shiboken)6\.", name)} <= bindings


def test_every_library_that_is_loaded_is_there(bundle: Path) -> None:
    programs = bundle / "Contents" / "MacOS"
    missing = {
        str(file.relative_to(bundle)): lacking
        for file in files(bundle)
        for image in mach_o.images(file)
        if (lacking := image.missing(file, programs))
    }
    assert missing == {}


def test_a_library_that_is_left_out_is_missed(bundle: Path) -> None:
    """The check above finds what it is for."""
    packages = bundle / "Contents" / "Resources" / "lib" / "python"
    core = packages / "PySide6" / "Qt" / "lib" / "QtDBus.framework" / "Versions" / "A" / "QtDBus"
    aside = core.rename(core.with_name("aside"))
    try:
        gui = core.parents[3] / "QtGui.framework" / "Versions" / "A" / "QtGui"
        (image,) = mach_o.images(gui)
        assert image.missing(gui, bundle) == ["@rpath/QtDBus.framework/Versions/A/QtDBus"]
    finally:
        aside.rename(core)


def test_frameworks_have_their_links(bundle: Path) -> None:
    for framework in bundle.rglob("*.framework"):
        assert (framework / framework.stem).resolve().is_file()
        assert (framework / "Resources" / "Info.plist").is_file()
        assert (framework / "Versions" / "Current").is_symlink()


def test_the_bundle_keeps_to_its_budget(bundle: Path, architecture: Architecture) -> None:
    packages = bundle / "Contents" / "Resources" / "lib" / "python"
    bundle_parts.compile_modules(packages, bundle)
    sizes = sizes_by_part(bundle)
    sizes["Python (allowance)"] = PYTHON_BYTES
    sizes["the engine (allowance)"] = ENGINE_BYTES
    total = sum(sizes.values())
    rows = [f"{size / 1e6:8.1f} MB  {name}" for name, size in sizes.most_common()]
    print(f"\n{architecture}\n" + "\n".join(rows) + f"\n{total / 1e6:8.1f} MB  in all")
    assert total < BUDGET_BYTES
    model = sum(path.stat().st_size for path in (packages / MODEL).rglob("*"))
    assert model > 1_000_000  # it is there, and counts for itself


def sizes_by_part(bundle: Path) -> Counter[str]:
    """Bytes by library, and of Qt by what it is; without the small model and this engine."""
    packages = bundle / "Contents" / "Resources" / "lib" / "python"
    sizes: Counter[str] = Counter()
    for path in packages.rglob("*"):
        place = path.relative_to(packages)
        if path.is_symlink() or not path.is_file() or str(place).startswith(MODEL):
            continue
        if path.name.startswith("_engine"):
            continue
        name = place.parts[0]
        if name == "PySide6":
            name = "Qt" if place.parts[1] == "Qt" else "PySide6 (Qt's binding)"
        sizes[name] += path.stat().st_size
    return sizes


def test_every_wheel_that_is_not_taken_is_one_that_is_done_without(wheels: list[Path]) -> None:
    """What a dependency asks for and the app never imports; a new one is to be looked at."""
    taken = {library.name.lower() for library in bundle_parts.LIBRARIES}
    renamed = {"pillow": "pil", "pyside6_essentials": "pyside6", "cffi": "_cffi_backend"}
    names = {wheel.name.split("-")[0].lower() for wheel in wheels}
    left = {name for name in names if renamed.get(name, name) not in taken}
    assert left == {
        *("anyio", "click", "filelock", "fsspec", "h11", "hf_xet", "httpcore2", "httpx2"),
        *("huggingface_hub", "idna", "packaging", "pycparser", "pyyaml", "tqdm", "truststore"),
        "typing_extensions",
    }
