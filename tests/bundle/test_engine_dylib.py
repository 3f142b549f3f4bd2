"""The engine in C compiled and linked for both processors of a Mac, from here.

Needs the group "bundle", which brings a compiler with a Mac's headers and libraries (ziglang).
What of the Metal backend is Objective-C is checked in tests/metal_sim; here its functions are the
only ones that may be missing.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine_c import build_engine
from resources.packaging import info_plist
from resources.packaging.bundle_parts import PROJECT, Architecture

pytest.importorskip("ziglang")
mach_o = pytest.importorskip("tests.bundle.mach_o", reason="macholib is not installed")

TARGETS = {Architecture.ARM64: "aarch64-macos", Architecture.X86_64: "x86_64-macos"}
CPUS = {Architecture.ARM64: "ARM64", Architecture.X86_64: "x86_64"}
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror")
ENGINE = PROJECT / "engine_c"


@pytest.fixture(scope="module", params=list(Architecture))
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return Architecture(request.param)


@pytest.fixture(scope="module")
def dylib(architecture: Architecture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(architecture) / "libengine.dylib"
    flags = [
        flag for flag in build_engine.COMPILE_FLAGS if "visibility" not in flag and flag != "-O3"
    ]
    sources = [source for source in build_engine.sources() if source.endswith(".c")]
    command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-o", str(path)]
    command += ["-target", f"{TARGETS[architecture]}.{info_plist.MINIMUM_SYSTEM}", "-O1"]
    command += [*flags, *WARNINGS, f"-I{ENGINE}", f"-I{PROJECT}", *sources]
    command += ["-Wl,-undefined,dynamic_lookup"]
    cache = str(PROJECT / ".cache" / "zig")
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    subprocess.run(command, check=True, cwd=PROJECT, env=environment)
    return path


def functions_of(header: Path, prefix: str) -> set[str]:
    text = re.sub(r"/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(rf"^\w[\w *]*?\b({prefix}\w+)\(", text, re.MULTILINE))


def test_it_is_for_the_processor_and_the_oldest_system(
    dylib: Path, architecture: Architecture
) -> None:
    (image,) = mach_o.images(dylib)
    assert image.cpu == CPUS[architecture]
    assert image.minimum_system == tuple(map(int, info_plist.MINIMUM_SYSTEM.split(".")))
    assert image.loads == ("/usr/lib/libSystem.B.dylib",)


def test_it_has_all_that_the_header_declares_and_keeps_the_prefix_for_it(dylib: Path) -> None:
    declared = functions_of(ENGINE / "engine.h", "sd_")
    assert len(declared) > 10
    assert {name for name in mach_o.defined(dylib) if name.startswith("sd_")} == declared


def test_it_lacks_nothing_but_what_is_objective_c(dylib: Path) -> None:
    """What libSystem has is bound to it when the engine is linked; the rest would be looked up."""
    header = ENGINE / "backend" / "metal" / "metal_device.h"
    in_objective_c = functions_of(header, "metal_device_") if header.exists() else set()
    assert mach_o.looked_up(dylib) <= in_objective_c
