"""Files from the Finder, while the app starts and while it runs, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Opens the window; `{early}` are files handed over before its event loop runs, `{late}` after.
PROBE = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication
from app.application import Application
from app.window_process import main

def hand_over(names):
    for name in names:
        QApplication.postEvent(QApplication.instance(), QFileOpenEvent(QUrl.fromLocalFile(name)))

def note(self, paths):
    print([path.name for path in paths], flush=True)
    open_files(self, paths)
    later = QTimer.singleShot(0, lambda: hand_over({late})) if not self.__dict__.get("seen") else 0
    QTimer.singleShot(300, self.quit) if self.__dict__.get("seen") else 0
    self.__dict__["seen"] = True

def show_and_hand_over(self):
    hand_over({early})
    show(self)

open_files, Application.open_files = Application.open_files, note
show, Application.show = Application.show, show_and_hand_over
sys.exit(main())
"""


@pytest.mark.parametrize("early", [["one.safetensors"], ["one.png", "two.png"]])
def test_files_reach_the_app_while_it_starts_and_runs(tmp_path: Path, early: list[str]) -> None:
    names = [str(tmp_path / name) for name in early]
    late = [str(tmp_path / "three.gguf"), str(tmp_path / "four.ckpt")]
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(early=names, late=late)],
        cwd=ROOT,
        env={**os.environ, "AQUATINT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(early), "['three.gguf', 'four.ckpt']"]
