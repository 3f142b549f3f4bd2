"""The whole engine, its Objective-C among it, compiled and linked for both processors of a Mac.

Against the compiler's own headers and our own Foundation.h, Metal.h and stubs, so that a selector,
class or function that is spelt wrong is an error here. Whether a Mac loads it only a Mac can say.
Needs ziglang, which brings a compiler with a Mac's C headers and libraries.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine_c import build_engine
from tests.metal_sim.cross.stubs import write_stubs

pytest.importorskip("ziglang", reason="METAL'S HOST IS NOT COMPILED FOR A MAC: pip install ziglang")

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
ENGINE = PROJECT / "engine_c"
OBJC = ENGINE / "backend" / "metal" / "metal_device.m"
ABSENT = ENGINE / "backend" / "metal" / "metal_device_absent.c"
TARGETS = {"arm64": "aarch64-macos.13.0", "x86_64": "x86_64-macos.13.0"}
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror")
MISSPELT = "#import <Metal/Metal.h>\nvoid *f(id<MTLDevice> d) { return [d newComandQueue]; }\n"


def zig(*arguments: str) -> subprocess.CompletedProcess[str]:
    cache = str(PROJECT / ".cache" / "zig")
    return subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", *arguments],
        env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def compile_objc(source: Path, target: str, out: Path) -> subprocess.CompletedProcess[str]:
    includes = [f"-I{HERE / 'cross' / 'include'}", f"-I{ENGINE}", f"-I{PROJECT}"]
    flags = ["-fblocks", "-fobjc-exceptions", "-fno-objc-arc", "-std=gnu17", "-O1"]
    return zig("-target", target, *flags, *WARNINGS, *includes, "-c", str(source), "-o", str(out))


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_engine_links_for_a_mac(tmp_path: Path, target: str) -> None:
    host = tmp_path / "metal_device.o"
    compiled = compile_objc(OBJC, target, host)
    assert compiled.returncode == 0, compiled.stderr
    dylib = tmp_path / "libengine.dylib"
    sources = {PROJECT / source for source in build_engine.sources()} - {ABSENT, OBJC}
    flags = ["-shared", "-target", target, "-std=gnu17", "-O1", f"-I{ENGINE}", f"-I{PROJECT}"]
    objects = [str(host), *map(str, sorted(sources)), *map(str, write_stubs(tmp_path))]
    linked = zig(*flags, *objects, "-o", str(dylib))
    assert linked.returncode == 0, linked.stderr
    contents = dylib.read_bytes()
    for library in (b"Foundation.framework", b"Metal.framework", b"libobjc.A.dylib"):
        assert library in contents


def test_a_misspelt_selector_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "misspelt.m"
    source.write_text(MISSPELT)
    refused = compile_objc(source, TARGETS["arm64"], tmp_path / "misspelt.o")
    assert "instance method '-newComandQueue' not found" in refused.stderr
    assert refused.returncode != 0
