"""What a Mach-O file says of itself: processors, oldest system, and the libraries that it loads."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from macholib.mach_o import CPU_TYPE_NAMES
from macholib.MachO import MachO
from macholib.SymbolTable import SymbolTable

MAGICS = {
    *(b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xce"),
    *(b"\xca\xfe\xba\xbe", b"\xbe\xba\xfe\xca"),
}
LOADS = {"LC_LOAD_DYLIB", "LC_LOAD_WEAK_DYLIB", "LC_REEXPORT_DYLIB"}
DYNAMIC_LOOKUP_ORDINAL = 0xFE  # mach-o/nlist.h
SYSTEM = ("/usr/lib/", "/System/Library/")


@dataclass(frozen=True, kw_only=True)
class Image:
    """One processor's part of a file."""

    cpu: str
    minimum_system: tuple[int, int]
    loads: tuple[str, ...]
    search_paths: tuple[str, ...]

    def missing(self, file: Path, executables: Path) -> list[str]:
        """The libraries that dyld would not find from `file`; the system's own count as there."""
        return [name for name in self.loads if not self._finds(name, file, executables)]

    def _finds(self, name: str, file: Path, executables: Path) -> bool:
        if name.startswith(SYSTEM):
            return True
        if name.startswith("@rpath/"):
            rest = name.removeprefix("@rpath/")
            names = [f"{path.rstrip('/')}/{rest}" for path in self.search_paths]
        else:
            names = [name]
        places = [_place(each, file, executables) for each in names]
        return any(place is not None and place.is_file() for place in places)


def is_mach_o(path: Path) -> bool:
    """By its first bytes; a class file of Java begins as a fat file does, but there is none."""
    with path.open("rb") as file:
        return file.read(4) in MAGICS


def images(path: Path) -> list[Image]:
    """All parts of a file."""
    return [_image(header) for header in MachO(str(path)).headers]


def _image(header: object) -> Image:
    loads, search, minimum = [], [], (0, 0)
    for command, body, data in header.commands:  # type: ignore[attr-defined]
        kind = command.get_cmd_name()
        if kind in LOADS:
            loads.append(_text(data))
        elif kind == "LC_RPATH":
            search.append(_text(data))
        elif kind in ("LC_BUILD_VERSION", "LC_VERSION_MIN_MACOSX"):
            packed = int(body.minos if kind == "LC_BUILD_VERSION" else body.version)
            minimum = (packed >> 16, packed >> 8 & 0xFF)
    cpu = CPU_TYPE_NAMES[header.header.cputype]  # type: ignore[attr-defined]
    return Image(cpu=cpu, minimum_system=minimum, loads=tuple(loads), search_paths=tuple(search))


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode()


def _place(name: str, file: Path, executables: Path) -> Path | None:
    for word, folder in (("@loader_path", file.parent), ("@executable_path", executables)):
        if name == word or name.startswith(f"{word}/"):
            return folder / name.removeprefix(word).lstrip("/")
    return None


def mach_o_files(root: Path) -> Iterator[Path]:
    """All of them under `root`, each once."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and is_mach_o(path):
            yield path


def defined(path: Path) -> set[str]:
    """The names that a library for one processor gives to others, without their underscore."""
    symbols = SymbolTable(MachO(str(path))).extdefsyms
    return {name.decode().removeprefix("_") for _entry, name in symbols}


def looked_up(path: Path) -> set[str]:
    """The names that no library was found for when it was linked."""
    symbols = SymbolTable(MachO(str(path))).undefsyms
    return {
        name.decode().removeprefix("_")
        for entry, name in symbols
        if entry.n_desc >> 8 & 0xFF == DYNAMIC_LOOKUP_ORDINAL
    }
