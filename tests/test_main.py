"""The program without arguments: the window, or one sentence on why there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def run(*arguments: str, screen: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in SCREENS}
    if screen:
        environment["QT_QPA_PLATFORM"] = screen
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=environment, check=False, capture_output=True, text=True, cwd=ROOT
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a screen")
def test_without_a_screen_one_sentence_says_so() -> None:
    done = run("-m", "app")
    assert done.returncode == 1
    assert done.stderr.startswith("aquatint: There is no screen")
    assert done.stderr.count("\n") == 1


def test_without_qt_one_sentence_says_so() -> None:
    probe = (
        "import sys; sys.modules['PySide6'] = None\n"
        "from app.__main__ import main; sys.exit(main([]))"
    )
    done = run("-c", probe, screen="offscreen")
    assert done.returncode == 1
    assert done.stderr.startswith("aquatint: The window needs PySide6")
    assert done.stderr.count("\n") == 1


def test_a_signal_ends_the_window_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AQUATINT_HOME", str(tmp_path))
    probe = (
        "import os, signal, sys\n"
        "from PySide6.QtCore import QTimer\n"
        "from app.__main__ import main\n"
        "from app.application import Application\n"
        "show = Application.show\n"
        "def show_and_end(self):\n"
        "    show(self)\n"
        "    QTimer.singleShot(0, lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
        "Application.show = show_and_end\n"
        "sys.exit(main([]))\n"
    )
    done = run("-c", probe, screen="offscreen")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "data" / "settings.json").is_file()


def test_commands_load_no_qt() -> None:
    probe = (
        "import sys\n"
        "from app.__main__ import main\n"
        "assert main(['generate']) == 2\n"
        "assert not [name for name in sys.modules if 'PySide' in name]\n"
    )
    done = run("-c", probe)
    assert done.returncode == 0, done.stderr
    assert "--help" in done.stderr
