"""Builds the Metal simulator, once, and tells whether that can be done here.

    folder = simulator.require()          # in a test: a build, or a loud skip
    folder = simulator.build()            # raises Unavailable

The folder holds libmetal_sim.so and two response files for who compiles and links host code:
`clang @FOLDER/compile.rsp -c metal_device.m` and `cc ... metal_device.o @FOLDER/link.rsp`. Kernels
and their cache are the library's own affair. See README.md for the environment variables.
"""

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = "clang-19 llvm-19 g++ libgnustep-base-dev libblocksruntime-dev"
LIBRARY = "libmetal_sim.so"
CLANGS = [f"clang-{version}" for version in range(22, 17, -1)]
GCCS = ["gcc", *(f"gcc-{version}" for version in range(16, 10, -1))]
WARNINGS = ["-Wall", "-Wextra", "-Werror=objc-method-access", "-Wno-deprecated-declarations"]
OBJC = shlex.split(
    "-fobjc-runtime=gcc -fblocks -fconstant-string-class=NSConstantString -fexceptions "
    "-fobjc-exceptions -D_NATIVE_OBJC_EXCEPTIONS -DGNUSTEP -DGNUSTEP_BASE_LIBRARY=1 "
    "-DGNU_RUNTIME=1 -pthread"
)
GNUSTEP = Path("/usr/include/GNUstep")


class Unavailable(Exception):
    """The simulator cannot be built here; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What the build needs of the system."""

    clang: str
    objc_headers: Path
    objc_library: Path
    missing: list[str] = field(default_factory=list)


@cache
def find_tools() -> Tools:
    """The tools, or in `missing` the names of those that are not there; looked for once."""
    clang = next((found for name in CLANGS if (found := shutil.which(name))), "")
    header, library = _gcc_file("include/objc/objc.h"), _gcc_file("libobjc.so")
    needs = {
        "clang 18 or newer": bool(clang) and sys.platform == "linux",
        "GNUstep's Foundation": (GNUSTEP / "Foundation" / "Foundation.h").exists(),
        "GCC's Objective-C runtime": header.exists() and library.exists(),
        "libBlocksRuntime": Path("/usr/include/Block.h").exists(),
        "an x86-64 processor": os.uname().machine == "x86_64",
    }
    return Tools(
        clang=clang,
        objc_headers=header.parent.parent,
        objc_library=library,
        missing=[name for name, there in needs.items() if not there],
    )


def _gcc_file(name: str) -> Path:
    """A file of the first GCC that has it; a path that does not exist, if none has."""
    for gcc in GCCS:
        if shutil.which(gcc):
            found = Path(_run([gcc, f"-print-file-name={name}"]).strip())
            if found.is_absolute() and found.exists():
                return found.resolve()
    return Path("/nonexistent") / name


@cache
def build() -> Path:
    """The folder of the built simulator, in the temporary folder under a hash of its sources.

    A process looks at the sources once.
    """
    tools = find_tools()
    if tools.missing:
        raise Unavailable(
            f"The Metal simulator cannot be built: {', '.join(tools.missing)} missing. "
            f"On Debian as root: apt-get install {PACKAGES}"
        )
    folder = _cache() / f"simulator-{_digest(tools)}"
    if not (folder / LIBRARY).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write_responses(tools, folder)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            _build_library(tools, folder, Path(work)).replace(folder / LIBRARY)
    return folder


def require() -> Path:
    """The built simulator, for a test; a skip that says what is missing, where it cannot be."""
    import pytest

    try:
        return build()
    except Unavailable as reason:
        pytest.skip(f"METAL IS NOT TESTED. {reason}")


class Control:
    """Faults, counters and the machine's state, in the process that has the simulator loaded."""

    def __init__(self, folder: Path) -> None:
        self._library = ctypes.CDLL(str(folder / LIBRARY))
        self._library.metal_sim_counter.restype = ctypes.c_int64

    def set_faults(self, faults: str) -> None:
        """As MTLSIM_FAULT; empty for none. Raises ValueError where they cannot be read."""
        if self._library.metal_sim_set_faults(faults.encode()):
            raise ValueError(f"not faults of the simulator: {faults}")

    def counter(self, name: str) -> int:
        """One of the counters of metal_sim.h."""
        value = int(self._library.metal_sim_counter(name.encode()))
        if value == -1:
            raise ValueError(f"the simulator does not count {name}")
        return value

    def set_mode(self, *, check: bool, seed: int = 1, workers: int = 2) -> None:
        """How kernels that are compiled from now on run; nothing may be running."""
        self._library.metal_sim_set_mode(int(check), seed, workers)

    def press_memory(self, level: int) -> None:
        """A memory-pressure event: 1 normal, 2 warning, 4 critical."""
        self._library.metal_sim_memory_pressure(ctypes.c_ulong(level))

    def set_power(self, *, thermal_state: int, low_power: bool) -> None:
        """What NSProcessInfo says from now on; thermal states are 0 to 3."""
        self._library.metal_sim_set_power(thermal_state, int(low_power))


def _cache() -> Path:
    folder = Path(tempfile.gettempdir()) / f"aquatint-metal-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _digest(tools: Tools) -> str:
    digest = hashlib.sha256(repr([tools, sys.executable, str(HERE)]).encode())
    rooms = ["include", "runtime", "framework"]
    files = [path for room in rooms for path in sorted((HERE / room).rglob("*")) if path.is_file()]
    for path in [*files, Path(__file__)]:
        digest.update(str(path.relative_to(HERE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _write_responses(tools: Tools, folder: Path) -> None:
    # Of GCC's folder only objc/: its stdatomic.h is not for clang.
    headers = folder / "gcc"
    headers.mkdir(exist_ok=True)
    if not (headers / "objc").exists():
        (headers / "objc").symlink_to(tools.objc_headers / "objc")
    compiling = [*OBJC, f"-I{HERE / 'include'}", f"-I{GNUSTEP}", "-idirafter", str(headers)]
    compiling += ["-Werror=objc-method-access"]
    # BlocksRuntime first: GNUstep exports blocks of its own, too small.
    linking = [f"-L{folder}", "-lmetal_sim", f"-Wl,-rpath,{folder}", *_libraries(tools)]
    (folder / "compile.rsp").write_text(shlex.join(compiling) + "\n")
    (folder / "link.rsp").write_text(shlex.join(linking) + "\n")


def _libraries(tools: Tools) -> list[str]:
    folder = tools.objc_library.parent
    return [f"-L{folder}", "-lBlocksRuntime", "-lgnustep-base", "-lobjc", "-pthread", "-ldl", "-lm"]


def _build_library(tools: Tools, folder: Path, work: Path) -> Path:
    places = {
        "METAL_SIM_PYTHON": sys.executable,
        "METAL_SIM_COMPILER": str(HERE / "msl" / "compile.py"),
        "METAL_SIM_CLANG": tools.clang,
        "METAL_SIM_CACHE": str(_cache() / "kernels"),
    }
    defines = [f'-D{name}="{value}"' for name, value in places.items()]
    include = [f"-I{HERE / 'runtime'}"]
    base = ["-O2", "-g1", "-fPIC", "-Wall", "-Wextra", "-Werror", "-pthread"]
    jobs = []
    for source in [*(HERE / "runtime").glob("*.cpp"), *(HERE / "framework").glob("*.m")]:
        objc = [f"@{folder / 'compile.rsp'}", *defines, "-Wno-unused-parameter"]
        language = ["-std=c++17"] if source.suffix == ".cpp" else objc
        command = [tools.clang, *base, *language, *include, "-c", str(source)]
        jobs.append([*command, "-o", str(work / f"{source.stem}.o")])
    for command in jobs:
        _run(command)
    objects = [str(path) for path in sorted(work.glob("*.o"))]
    link = [tools.clang, "-shared", f"-Wl,-soname,{LIBRARY}", *objects, *_libraries(tools)]
    _run([*link, "-lstdc++", "-o", str(work / LIBRARY)])
    return work / LIBRARY


def _run(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)}\n{result.stderr}")
    return result.stdout


def main() -> None:
    """The folder of a build; or, for .ci/run, the packages to install, or what is missing."""
    missing = find_tools().missing
    if "--packages" in sys.argv:
        print(PACKAGES if missing else "")
    elif "--missing" in sys.argv:
        if missing:
            print(f"METAL IS NOT TESTED HERE: {', '.join(missing)} missing.", file=sys.stderr)
    else:
        print(build())


if __name__ == "__main__":
    main()
