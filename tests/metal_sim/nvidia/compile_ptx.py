"""Compiles Metal sources to PTX for an NVIDIA GPU: the same pre-pass and shim as for the CPU.

    python tests/metal_sim/nvidia/compile_ptx.py FOLDER [SOURCE.metal ...]

Without sources: the libraries of metal/ that need no tensor units. Each becomes
FOLDER/<FNV-1a of its text>.ptx, and .names beside it: a line `kernel NUMBER HOST_NAME` for
each entry msl_kernel_NUMBER. metal_device_nvidia.c finds them by the text that the engine gives
it. Needs clang with its NVPTX target, and libdevice of a CUDA toolkit ($CUDA_HOME, or
/usr/local/cuda).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHIM = HERE.parent / "msl"
sys.path[:0] = [str(SHIM), str(HERE.parent.parent.parent)]

from compile import DIAGNOSTICS, CompileError, to_cplusplus  # noqa: E402

from tests.metal_sim.simulator import find_tools  # noqa: E402

LIBDEVICE = "nvvm/libdevice/libdevice.10.bc"
TARGET = [
    *("-target", "nvptx64-nvidia-cuda", "-march=sm_80"),
    *("-Xclang", "-target-feature", "-Xclang", "+ptx74"),
]
LANGUAGE = [
    *("-x", "c++", "-std=c++14", "-O2", "-Xclang", "-disable-llvm-passes", "-S", "-emit-llvm"),
    *("-DMSL_NVIDIA", "-ffreestanding", "-nostdinc", "-fno-exceptions", "-fno-rtti"),
    *("-flax-vector-conversions=none", "-ffp-contract=fast", "-Wno-everything"),
]
ENTRY = re.compile(r'^MSL_KERNEL\((\d+), "([^"]*)"', re.MULTILINE)
NAME_OF_TEXT = 0xCBF29CE484222325, 0x100000001B3


def name_of(text: str) -> str:
    """64 bits of FNV-1a of the text, as metal_device_nvidia.c has it."""
    value, prime = NAME_OF_TEXT
    for byte in text.encode():
        value = (value ^ byte) * prime & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def libdevice() -> Path:
    """NVIDIA's maths functions; raises CompileError where there is no toolkit."""
    for root in (os.environ.get("CUDA_HOME", ""), "/usr/local/cuda"):
        if root and (Path(root) / LIBDEVICE).exists():
            return Path(root) / LIBDEVICE
    raise CompileError(f"no CUDA toolkit with {LIBDEVICE}; set CUDA_HOME")


def compile_ptx(text: str, version: int, folder: Path) -> Path:
    """One library's .ptx and .names; raises CompileError with the compiler's words."""
    clang = find_tools().clang
    if not clang:
        raise CompileError("clang 18 or newer is not installed")
    source = to_cplusplus(clang, text, version, [])
    base = folder / name_of(text)
    base.with_suffix(".cpp").write_text(source, encoding="utf-8")
    resources = _run([clang, "-print-resource-dir"]).strip()
    includes = [f"-isystem{path}" for path in (SHIM, HERE.parent, f"{resources}/include")]
    device = ["-Xclang", "-mlink-builtin-bitcode", "-Xclang", str(libdevice())]
    code, ptx = base.with_suffix(".ll"), base.with_suffix(".ptx")
    front = [clang, *LANGUAGE, *TARGET, *includes, *DIAGNOSTICS, *device]
    _run([*front, str(base.with_suffix(".cpp")), "-o", str(code)])
    ir = code.read_text(encoding="utf-8")
    # The constant space of a GPU of NVIDIA's is small; what Metal calls constant is global there.
    code.write_text(ir.replace("addrspace(2)", "addrspace(1)"), encoding="utf-8")
    inline = ["-mllvm", "-inline-threshold=1000000"]  # a GPU has no calls worth the name
    _run([clang, "-x", "ir", *TARGET, "-O3", *inline, "-S", "-w", str(code), "-o", str(ptx)])
    names = [f"kernel {number} {name}" for number, name in ENTRY.findall(source)]
    base.with_suffix(".names").write_text("\n".join(names) + "\n", encoding="utf-8")
    for scratch in (code, base.with_suffix(".cpp")):
        scratch.unlink()
    return ptx


def _run(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise CompileError(result.stderr)
    return result.stdout


def main(arguments: list[str]) -> int:
    """The command line."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    if arguments[1:]:
        texts = [(Path(path).read_text(encoding="utf-8"), 310) for path in arguments[1:]]
    else:
        from app.engine.metal_sources import metal_sources

        sources = [source for source in metal_sources() if source.language < 40]
        texts = [(source.text, source.language * 10) for source in sources]
    for text, version in texts:
        print(compile_ptx(text, version, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
