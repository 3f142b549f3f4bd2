"""The thread pool by itself, as a program, plain and under ThreadSanitizer where there is one."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.engine_library import ENGINE_FOLDER

PROGRAM = Path(__file__).with_name("threads_program.c")
POOL = ENGINE_FOLDER / "base" / "threads.c"
SANITIZER = "-fsanitize=thread"
NO_SANITIZER = "no ThreadSanitizer here: install one for $CC (gcc: libtsan)"
# Who waits spins for 0.05 ms and then sleeps; the others' items take 500 ms.
WAIT_PROCESSOR_S = 0.02


def build(folder: Path, *flags: str) -> Path | None:
    """The program, without what $CC says of other sanitizers; None where it does not link."""
    compiler = shlex.split(os.environ.get("CC", "cc"))[0]
    program = folder / "threads_program"
    command = [compiler, "-std=gnu17", "-O1", "-g", "-pthread", f"-I{ENGINE_FOLDER}", *flags]
    command += [str(PROGRAM), str(POOL), "-o", str(program)]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    return None if built.returncode else program


def run(program: Path, check: str, workers: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, check, str(workers)], check=False, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module", params=["plain", "sanitized"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("threads")
    if request.param == "plain":
        built = build(folder)
        assert built
        return built
    built = build(folder, SANITIZER)
    # One that links may still not run: its shadow memory must find its place.
    if not built or "FATAL: ThreadSanitizer" in run(built, "items", 1).stderr:
        pytest.skip(NO_SANITIZER)
    return built


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("check", ["items", "stop"])
def test_pool(program: Path, check: str, workers: int) -> None:
    """With fewer and with more workers than processors."""
    ended = run(program, check, workers)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("workers", [2, 8])
def test_waiting_takes_no_processor(tmp_path: Path, workers: int) -> None:
    """The others wake for a loop, and nobody is busy while another has the last item."""
    built = build(tmp_path)
    assert built
    ended = run(built, "wait", workers)
    assert ended.returncode == 0, ended.stdout
    assert float(ended.stdout) < WAIT_PROCESSOR_S
