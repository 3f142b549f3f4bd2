"""The log of a process: kept small, with what nobody caught and what crashed, without prompts."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from app import diagnostic_log
from app.diagnostic_log import LOG_BYTES, OLD_LOGS, log_tail

ROOT = Path(__file__).parents[1]


def run(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """A process that keeps a log and then does what `program` says."""
    begin = "import logging, sys; from pathlib import Path; from app.diagnostic_log import *\n"
    keep = f"assert keep_log('aquatint', Path({str(folder)!r}))\n"
    command = [sys.executable, "-c", begin + keep + program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_lines_are_noted_with_the_version(tmp_path: Path) -> None:
    run(tmp_path / "logs", "logging.getLogger('engine').info('ready on cpu')")
    text = (tmp_path / "logs" / "aquatint.log").read_text()
    first, second = text.splitlines()
    assert "Aquatint" in first
    assert second.endswith("INFO engine: ready on cpu")


def test_logs_turn_over_and_stay_small(tmp_path: Path) -> None:
    program = "for _ in range(3000): logging.info('x' * 1000)"
    run(tmp_path, program)
    logs = sorted(path for path in tmp_path.iterdir() if "crash" not in path.name)
    assert len(logs) == OLD_LOGS + 1
    assert all(path.stat().st_size <= LOG_BYTES for path in logs)


@pytest.mark.parametrize(
    "program",
    [
        "raise RuntimeError('nobody caught this')",
        "import threading\n"
        "def f(): raise RuntimeError('nobody caught this')\n"
        "t = threading.Thread(target=f); t.start(); t.join()",
    ],
)
def test_an_uncaught_error_is_noted_and_still_shown(tmp_path: Path, program: str) -> None:
    done = run(tmp_path, program)
    assert "RuntimeError: nobody caught this" in done.stderr
    assert "RuntimeError: nobody caught this" in (tmp_path / "aquatint.log").read_text()


def test_a_crash_leaves_its_stack_and_the_next_start_keeps_it(tmp_path: Path) -> None:
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    assert run(tmp_path, crash).returncode < 0
    newest, earlier = tmp_path / "aquatint-crash.log", tmp_path / "aquatint-crash.log.1"
    assert "Segmentation fault" in newest.read_text()
    for _ in range(2):
        run(tmp_path, "")
    assert newest.read_text() == ""
    assert "Segmentation fault" in earlier.read_text()
    assert "Segmentation fault" in log_tail(tmp_path, 4000)
    for _ in range(OLD_LOGS + 2):
        run(tmp_path, crash)
    assert len(list(tmp_path.glob("aquatint-crash.log*"))) == OLD_LOGS + 1


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    before = logging.getLogger().handlers[:]
    assert not diagnostic_log.keep_log("aquatint", tmp_path / "logs")
    assert logging.getLogger().handlers == before


def test_the_tail_is_whole_lines_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "aquatint.log").write_text("".join(f"line {n}\n" for n in range(100)))
    (tmp_path / "engine.log").write_text("engine\n")
    text = log_tail(tmp_path, 40)
    assert text.startswith("--- aquatint.log\nline 9")
    assert "line 99\n" in text
    assert "--- engine.log\nengine\n" in text
    assert log_tail(tmp_path / "none", 40) == ""
