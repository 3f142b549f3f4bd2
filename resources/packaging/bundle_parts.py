"""What lies inside the app's bundle, file by file, and the folder in which it is gathered.

Owns what is taken of each library. The app's own files are those that pyproject.toml installs, so
nothing is named twice. Knows nothing of py2app: setup_app.py hands the gathered folder to it, and
the tests run the app from one.
"""

import compileall
import fnmatch
import py_compile
import shutil
import struct
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


class Architecture(StrEnum):
    """A processor that a bundle can be for."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


# Mach-O's numbers: mach/machine.h.
CPU_TYPES = {Architecture.ARM64: 0x0100000C, Architecture.X86_64: 0x01000007}
_FAT_MAGIC, _FAT_HEADER, _FAT_ROW = 0xCAFEBABE, struct.Struct(">II"), struct.Struct(">5I")

# The modules of Qt that app/ imports, and QtDBus, which QtGui is linked with.
QT_MODULES = ("Core", "DBus", "Gui", "Network", "Svg", "Widgets")
QT_BINDINGS = ("Core", "Gui", "Network", "Svg", "Widgets")
QT_PLUGINS = (
    "imageformats/libqgif",
    "imageformats/libqjpeg",
    "imageformats/libqsvg",  # the check marks and arrows of the style sheet
    "imageformats/libqwebp",
    "platforms/libqcocoa",
    "platforms/libqoffscreen",  # the self-test, which needs no screen
    "platforms/libqxcb",
    "styles/libqmacstyle",
    "tls/libqsecuretransportbackend",  # trusts what the system trusts, for the check of versions
)


@dataclass(frozen=True, kw_only=True)
class Library:
    """A package, or a module that is one file: what is taken of it, less what is left out.

    Patterns are fnmatch's, where `*` also stands for folders, under `name`.
    """

    name: str
    taken: tuple[str, ...] = ("*",)
    left_out: tuple[str, ...] = ()


_NEVER = ("tests/*", "*.pyi", "*.pyc", "*.h", "*.a", "*/py.typed", "py.typed", "*/tests/*")

LIBRARIES = (
    Library(
        name="PySide6",
        taken=(
            "__init__.py",
            "_config.py",
            "_git_pyside_version.py",
            "support/*.py",
            "libpyside6.abi3*",
            *(f"Qt{name}.abi3.so" for name in QT_BINDINGS),
            *(f"Qt/lib/Qt{name}.framework/Versions/*" for name in QT_MODULES),
            *(f"Qt/plugins/{name}.dylib" for name in QT_PLUGINS),
            "Qt/translations/qtbase_zh_CN.qm",
            # Linux's names of the same, for the tests
            *(f"Qt/lib/libQt6{name}.so*" for name in (*QT_MODULES, "XcbQpa")),
            "Qt/lib/libicu*",
            *(f"Qt/plugins/{name}.so" for name in QT_PLUGINS),
        ),
        left_out=("support/generate_pyi.py", "*.xcprivacy"),
    ),
    Library(name="shiboken6", left_out=("include/*", "lib/*")),
    Library(
        name="numpy",
        left_out=("_core/lib/*", "_pyinstaller/*", "distutils/*", "f2py/*", "testing/*"),
    ),
    Library(name="numpy.libs"),  # Linux's; a Mac's lie inside the package
    Library(name="PIL", left_out=("_imagingtk*", "_tkinter_finder.py")),
    Library(name="pillow.libs"),
    Library(name="tokenizers", left_out=("tools/*",)),
    Library(name="_cffi_backend"),
)
PACKAGES = ("PIL", "PySide6", "app", "numpy", "shiboken6", "tokenizers")

# Modules that only C code asks for, so that no import statement names them.
INCLUDES = ("_cffi_backend",)

# What some module would import if it were there, and does without.
EXCLUDES = (
    "IPython",
    "cffi",
    "huggingface_hub",
    "numpy.f2py",
    "numpy.testing",
    "olefile",
    "pycparser",
    "setuptools",
    "ssl",
    "test",
    "tkinter",
    "unittest",
)


def gather(target: Path, site: Path, architecture: Architecture, project: Path = PROJECT) -> None:
    """Copies all that the bundle imports and opens into `target`, which must not exist yet.

    `site` holds the installed libraries. Of a library for several processors only the part for
    `architecture` is taken. Raises FileNotFoundError, with a sentence, for what is not there.
    """
    for place, source in (*app_files(project), *library_files(site)):
        copy = target / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copy.chmod(0o755 if source.suffix in (".so", ".dylib") else 0o644)
        thin(copy, architecture)


def app_files(project: Path = PROJECT) -> list[tuple[Path, Path]]:
    """The app's own files: where each goes, and where it is; by pyproject.toml and as built."""
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    setup = table["tool"]["setuptools"]
    found: list[tuple[Path, Path]] = []
    for package in setup["packages"]:
        place = Path(*package.split("."))
        folder = project / setup["package-dir"].get(package, str(place))
        patterns = ["*.py", "_engine*.so", *setup["package-data"].get(package, ())]
        for pattern in patterns:
            if not pattern.endswith(".pyi"):
                paths = sorted(path for path in folder.glob(pattern) if path.is_file())
                found += [(place / path.relative_to(folder), path) for path in paths]
    if not any(source.name.startswith("_engine") for _, source in found):
        raise FileNotFoundError(
            "The engine is not built: run `python setup.py build_ext --inplace` first."
        )
    return found


def library_files(site: Path) -> Iterator[tuple[Path, Path]]:
    """The files that are taken of each library: where each goes, and where it is."""
    for library in LIBRARIES:
        folder = site / library.name
        modules = sorted(site.glob(f"{library.name}.*so"))
        if folder.is_dir():
            yield from ((path.relative_to(site), path) for path in _taken(library, folder))
        elif modules:
            yield from ((path.relative_to(site), path) for path in modules)
        elif not library.name.endswith(".libs"):
            raise FileNotFoundError(f"{library.name} is not installed in {site}.")


def _taken(library: Library, folder: Path) -> Iterator[Path]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if _matches(name, library.taken) and not _matches(name, (*library.left_out, *_NEVER)):
            yield path


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def compile_modules(packages: Path, strip: Path) -> None:
    """Compiles all modules under `packages` beside them, since nobody may write there later on.

    They are never compared with their sources, whose times change when a bundle is copied. `strip`
    is taken off the paths that an error's report shows.
    """
    compileall.compile_dir(
        packages,
        quiet=1,
        stripdir=str(strip),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def thin(path: Path, architecture: Architecture) -> None:
    """Leaves, of a Mach-O file for several processors, the one part; its signature stays valid.

    A file for one processor stays as it is. Raises ValueError if the part is not there.
    """
    with path.open("rb") as file:
        head = file.read(_FAT_HEADER.size)
        if len(head) < _FAT_HEADER.size:
            return
        magic, count = _FAT_HEADER.unpack(head)
        if magic != _FAT_MAGIC:
            return
        rows = [_FAT_ROW.unpack(file.read(_FAT_ROW.size)) for _ in range(count)]
        for cpu_type, _subtype, offset, size, _align in rows:
            if cpu_type == CPU_TYPES[architecture]:
                file.seek(offset)
                part = file.read(size)
                break
        else:
            raise ValueError(f"{path.name} has no part for {architecture}: take another wheel.")
    path.write_bytes(part)


def restore_framework_links(root: Path) -> None:
    """Makes the links of each framework that a wheel cannot hold, and codesign asks for."""
    for framework in sorted(root.rglob("*.framework")):
        versions = framework / "Versions"
        newest = max(path.name for path in versions.iterdir() if path.name != "Current")
        _link(versions / "Current", newest)
        for name in (framework.stem, "Resources"):
            if (versions / newest / name).exists():
                _link(framework / name, f"Versions/Current/{name}")


def _link(path: Path, goal: str) -> None:
    if not path.exists():
        path.symlink_to(goal)
