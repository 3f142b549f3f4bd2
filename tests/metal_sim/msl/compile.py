"""Compiles a .metal source to a shared library that the simulator's runtime loads.

    python compile.py SOURCE --clang CLANG --runtime LIBRARY --cache FOLDER [--check]
                      [--fast-math] [--version 310] [-D NAME=VALUE]

SOURCE may be - for standard input. Prints the library's path; it is kept in the cache under a hash
of all that it depends on. Warnings and errors go to standard error, in the form of Apple's
compiler; on an error the exit status is 1.
"""

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from prepass import Prepass  # noqa: E402
from rules import Code, check_code  # noqa: E402
from tokens import Tokens  # noqa: E402

WARNINGS = shlex.split(
    "-Wall -Wno-unused -Wno-unknown-pragmas -Wno-unused-command-line-argument "
    "-Wno-missing-braces -Wno-address-of-temporary -Wno-pass-failed -Werror=c++17-extensions "
    "-Werror=c++20-extensions -Werror=gnu-designator -Werror=vla -Werror=vla-cxx-extension "
    "-Werror=return-type -Werror=uninitialized"
)
DIAGNOSTICS = shlex.split("-ferror-limit=20 -fno-caret-diagnostics -fno-color-diagnostics")
LANGUAGE = shlex.split(
    "-x c++ -S -emit-llvm -O2 -Xclang -disable-llvm-passes -fPIC -fvisibility=hidden "
    "-ftls-model=initial-exec -fno-exceptions -fno-rtti -fno-threadsafe-statics "
    "-flax-vector-conversions=none -ffp-contract=fast -fno-math-errno -nostdinc"
)
MACHINES = {"native": "native", "v3": "x86-64-v3"}
SOURCES = "kernel"  # what the runtime's findings.cpp knows the places of kernels by
INSTRUMENTED = [
    *("-fsanitize=thread", "-gline-tables-only"),
    f"-fdebug-compilation-dir={SOURCES}",
]


class CompileError(Exception):
    """The source is refused; the message is what Apple's compiler would print."""


def compile_library(options: argparse.Namespace) -> tuple[Path, str]:
    """The library of a source and its warnings, from the cache where they are there."""
    clang = options.clang
    from_input = str(options.source) == "-"
    source = sys.stdin.read() if from_input else options.source.read_text(encoding="utf-8")
    library = options.cache / f"kernels-{_digest(clang, source, options)}.so"
    warnings = library.with_suffix(".warnings")
    if not library.exists():
        options.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=options.cache) as folder:
            work = Path(folder)
            text = to_cplusplus(clang, source, options.version, options.define)
            (work / "kernels.cpp").write_text(text, encoding="utf-8")
            warnings.write_text(_to_code(clang, work, options), encoding="utf-8")
            _to_library(clang, work, options).replace(library)
    return library, warnings.read_text(encoding="utf-8")


def _digest(clang: str, source: str, options: argparse.Namespace) -> str:
    digest = hashlib.sha256()
    parts = [clang, source, options.check, options.fast_math, options.version, options.define]
    digest.update(repr([*parts, os.environ.get("MTLSIM_MARCH"), str(options.runtime)]).encode())
    for path in sorted([*HERE.rglob("*"), HERE.parent / "runtime" / "abi.h"]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def to_cplusplus(clang: str, source: str, version: int, defines: list[str]) -> str:
    """The source through the preprocessor and the pre-pass."""
    command = [clang, "-E", "-x", "c++", "-std=c++14", "-undef", "-nostdinc", "-fno-exceptions"]
    macros = {"__METAL__": 1, "__METAL_MACOS__": 1, "__METAL_VERSION__": version}
    command += [f"-D{name}={value}" for name, value in macros.items()]
    command += [f"-D{define}" for define in defines]
    # An empty folder: quoted includes find nothing, as with newLibraryWithSource.
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [*command, "-isystem", str(HERE / "stub"), *DIAGNOSTICS, "-"],
            input=source,
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
    if result.returncode != 0:
        raise CompileError(result.stderr.replace("<stdin>", "program_source").strip())
    prepass = Prepass(Tokens(result.stdout))
    text = "" if prepass.errors else prepass.text()
    if prepass.errors:
        raise CompileError("\n".join(dict.fromkeys(prepass.errors)))
    return text


def _to_code(clang: str, work: Path, options: argparse.Namespace) -> str:
    """kernels.cpp to LLVM's unoptimised code, kernels.ll, held to the rules; gives warnings."""
    resources = _run([clang, "-print-resource-dir"]).stdout.strip()
    folders = [HERE, HERE.parent / "runtime", f"{resources}/include"]
    system = ["/usr/include/x86_64-linux-gnu", "/usr/include"]
    includes = [f"-isystem{folder}" for folder in [*folders, *system]]
    # Metal 4 is C++17, and its matmul2d takes a struct as template argument, which is C++20.
    standard = "-std=c++14" if options.version < 400 else "-std=c++20"
    command = [clang, *LANGUAGE, standard, *_machine(), *includes, *WARNINGS, *DIAGNOSTICS]
    command += INSTRUMENTED if options.check else []
    command += ["-ffast-math"] if options.fast_math else []
    result = _run([*command, str(work / "kernels.cpp"), "-o", str(work / "kernels.ll")])
    if result.returncode != 0:
        raise CompileError(_of_source(result.stderr))
    text = (work / "kernels.ll").read_text(encoding="utf-8")
    code = Code(text)
    broken = [f"program_source: error: {why} ({_name(of)})" for of, why in check_code(code)]
    if broken:
        raise CompileError("\n".join(dict.fromkeys(broken)))
    (work / "kernels.ll").write_text(_flatten(text, code), encoding="utf-8")
    return _of_source(result.stderr)


def _flatten(text: str, code: Code) -> str:
    """One address space, as the CPU has and the sanitizer's pass wants; and the table of sizes."""
    text = re.sub(r" addrspace\([123]\)", "", text).replace("addrspacecast ptr", "bitcast ptr")
    sizes = code.static_bytes()
    values = ", ".join(f"i32 {sizes[number]}" for number in sorted(sizes)) or "i32 0"
    table = f"[{len(sizes) or 1} x i32] [{values}]"
    return re.sub(
        r"^@msl_static_bytes = external [^\n]*$",
        f"@msl_static_bytes = hidden constant {table}, align 4",
        text,
        flags=re.MULTILINE,
    )


def _to_library(clang: str, work: Path, options: argparse.Namespace) -> Path:
    checked = [*INSTRUMENTED, "-mllvm", "-tsan-instrument-func-entry-exit=0"]
    command = [clang, "-x", "ir", *_machine(), "-fPIC", "-Wno-override-module", "-w"]
    command += ["-O1", *checked] if options.check else ["-O3"]
    command += ["-ffast-math"] if options.fast_math else []
    target, library = str(work / "kernels.o"), work / "kernels.so"
    link = [clang, "-shared", "-nostdlib", "-Wl,-Bsymbolic", target, str(options.runtime), "-lm"]
    for step in ([*command, "-c", str(work / "kernels.ll"), "-o", target], [*link, "-o", library]):
        result = _run([str(word) for word in step])
        if result.returncode != 0:
            raise CompileError(f"The simulator cannot build this library: {result.stderr}")
    return library


def _machine() -> list[str]:
    return [f"-march={MACHINES.get(os.environ.get('MTLSIM_MARCH', ''), 'native')}"]


def _of_source(messages: str) -> str:
    """Without the lines about the shim's own insides."""
    headers = {path.name for path in HERE.glob("*.h")}
    lines = messages.splitlines()
    kept = [
        line
        for line in lines
        if "static assertion" in line or not any(header in line for header in headers)
    ]
    named = any("error:" in line for line in kept) == any("error:" in line for line in lines)
    return "\n".join(kept if named else lines)


def _name(function: str) -> str:
    """A function's name as its source has it."""
    shown = _run(["c++filt", function]).stdout.strip() if shutil.which("c++filt") else function
    return shown.split("(")[0]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("--clang", required=True)
    parser.add_argument("--runtime", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--fast-math", action="store_true")
    parser.add_argument("--version", type=int, default=310)
    parser.add_argument("-D", dest="define", action="append", default=[])
    try:
        library, warnings = compile_library(parser.parse_args())
    except CompileError as refused:
        print(refused, file=sys.stderr)
        return 1
    if warnings:
        print(warnings, file=sys.stderr)
    print(library)
    return 0


if __name__ == "__main__":
    sys.exit(main())
