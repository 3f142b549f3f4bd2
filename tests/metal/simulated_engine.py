"""The engine's extension module with the simulated Metal device, and the app's own programs on it.

The module is built into the temporary folder and never over the app's own. A process takes it where
AQUATINT_TESTS_METAL names it and `simulated/` is on PYTHONPATH (see sitecustomize.py there), so
that `aquatint generate --backend metal` is the ordinary program.
"""

import hashlib
import importlib.util
import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

from engine_c import build_engine
from tests.engine_library import FLAGS, INCLUDES, build_engine_library
from tests.metal_sim import simulator

PROJECT = Path(__file__).resolve().parent.parent.parent
VARIABLE = "AQUATINT_TESTS_METAL"


def build_module() -> Path:
    """The file of the module; a loud skip where the simulator cannot be built."""
    engine = build_engine_library(metal=simulator.require())
    binding = hashlib.sha256(build_engine.binding().encode()).hexdigest()[:16]
    module = engine.parent / f"{engine.stem}-{binding}" / "_engine.so"
    if not module.exists():
        module.parent.mkdir(exist_ok=True)
        source = module.with_name(f"_engine.{os.getpid()}.c")
        with redirect_stdout(sys.stderr):  # it tells what it writes
            build_engine.make_builder().emit_c_code(str(source))
        partial = source.with_suffix(".so")
        command = [*shlex.split(os.environ.get("CC", "cc")), *FLAGS, "-shared", "-w", *INCLUDES]
        command += [f"-I{sysconfig.get_path('include')}", str(source), str(engine)]
        subprocess.run([*command, f"-Wl,-rpath,{engine.parent}", "-o", str(partial)], check=True)
        partial.replace(module)
        source.unlink()
    return module


def environment(**variables: str) -> dict[str, str]:
    """That of a process whose engine has the simulated device; `variables` are the simulator's."""
    folders = [str(Path(__file__).with_name("simulated")), str(PROJECT)]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(folders),
        "MTLSIM_WORKERS": "1",
        VARIABLE: str(build_module()),
        **variables,
    }


def run(
    arguments: Sequence[str], variables: Mapping[str, str] | None = None, limit_s: float = 600
) -> subprocess.CompletedProcess[str]:
    """Runs Python with these arguments on the simulated device; output is captured."""
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=PROJECT,
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        check=False,
        timeout=limit_s,
    )


def load() -> ModuleType:
    """app.engine.engine once more, on the module with the simulated device.

    Its values are the app's own; its exceptions are classes of its own.
    """
    names = tuple(f"app.engine.{name}" for name in ("_engine", "c_enums", "c_structs", "engine"))
    kept = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    spec = importlib.util.spec_from_file_location(names[0], build_module())
    assert spec
    assert spec.loader
    try:
        sys.modules[names[0]] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[names[0]])
        return importlib.import_module(names[-1])
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(kept)


if __name__ == "__main__":
    print(build_module())
