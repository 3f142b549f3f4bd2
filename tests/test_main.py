"""The program without arguments: the window, or one sentence on why there is none."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.window_process import restart_command

ROOT = Path(__file__).parents[1]
RESTART_SECONDS = 60
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


def test_a_restart_opens_the_window_in_the_language_that_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process chooses and presses the button; the second says what it shows."""
    monkeypatch.setenv("AQUATINT_HOME", str(tmp_path))
    monkeypatch.setenv("AQUATINT_TOLD", str(tmp_path / "told"))
    probe = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtWidgets import QComboBox, QPushButton\n"
        "from app.__main__ import main\n"
        "from app.application import Application\n"
        "from app.settings import Language\n"
        "show = Application.show\n"
        "def go(self):\n"
        "    if self.settings.language is Language.CHINESE:\n"
        "        menus = [action.text() for action in self.window.menuBar().actions()]\n"
        "        Path(os.environ['AQUATINT_TOLD']).write_text(' '.join(menus), 'utf-8')\n"
        "        self.quit()\n"
        "        return\n"
        "    self.show_preferences()\n"
        "    names = [c for c in self.window.findChildren(QComboBox)\n"
        "             if c.accessibleName() == 'Language']\n"
        "    names[0].setCurrentIndex(names[0].findData(Language.CHINESE.value))\n"
        "    names[0].activated.emit(names[0].currentIndex())\n"
        "    (button,) = [b for b in self.window.findChildren(QPushButton)\n"
        "                 if b.text() == 'Restart Aquatint']\n"
        "    button.click()\n"
        "def show_and_go(self):\n"
        "    show(self)\n"
        "    QTimer.singleShot(0, lambda: go(self))\n"
        "Application.show = show_and_go\n"
        "sys.exit(main([]))\n"
    )
    done = run("-c", probe, screen="offscreen")
    assert (done.returncode, done.stderr) == (0, "")
    told, end = tmp_path / "told", time.monotonic() + RESTART_SECONDS
    while not told.exists() or not told.read_text("utf-8"):
        assert time.monotonic() < end, "no second window came"
        time.sleep(0.05)
    assert told.read_text("utf-8").split()[:2] == ["文件", "编辑"]


def test_a_bundle_is_opened_again_as_the_finder_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", "macosx_app", raising=False)
    monkeypatch.setattr(sys, "executable", "/Applications/Aquatint.app/Contents/MacOS/python")
    assert restart_command() == ["/usr/bin/open", "-n", "/Applications/Aquatint.app"]


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


def test_numpy_is_loaded_for_add_ons_alone() -> None:
    """Else it takes a third of the time in which the program starts."""
    probe = "import sys, app.cli_commands, app.application; sys.exit('numpy' in sys.modules)"
    assert run("-c", probe).returncode == 0
