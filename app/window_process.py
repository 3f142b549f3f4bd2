"""The window's process from its first line to its last: log, settings, language, signals.

Owns that order. What the window is made of is application.py's.
"""

import logging
import signal
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from app.application import SETTINGS_FILE, Application
from app.diagnostic_log import WINDOW_LOG, keep_log
from app.generation.engine_client import EngineClient
from app.paths import data_folder, log_folder
from app.settings import load_settings
from app.ui.files.file_opening_app import FileOpeningApp
from app.ui.parts.translation import install_translation
from app.version import VERSION

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
}


SWITCH_SECONDS = 0.001
"""How long another thread may keep the interpreter while the window wants it; a frame has 16."""


def main() -> int:
    """Opens the window and runs until it is closed; the program's exit code."""
    sys.setswitchinterval(SWITCH_SECONDS)
    if keep_log(WINDOW_LOG, log_folder()):
        qInstallMessageHandler(_note_word_of_qt)
    QApplication.setApplicationName("Aquatint")
    QApplication.setOrganizationName("Aquatint")
    QApplication.setApplicationVersion(VERSION)
    QApplication.setQuitOnLastWindowClosed(False)
    app = FileOpeningApp(sys.argv[:1])
    settings, notes = load_settings(data_folder() / SETTINGS_FILE)
    install_translation(app, settings.language)
    application = Application(app, EngineClient(), settings)
    app.files_opened.connect(application.open_files)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: application.quit())
    application.show()
    for note in notes:
        application.workbench.warn(note)
    code = app.exec()
    if application.is_restart_wished:
        subprocess.Popen(restart_command(), start_new_session=True)
    return code


def restart_command() -> list[str]:
    """What opens this program again, as it was opened; a bundle as the Finder opens it.

    A bundle's `sys.executable` is its Contents/MacOS/python, which is not the app.
    """
    if getattr(sys, "frozen", False):
        return ["/usr/bin/open", "-n", str(Path(sys.executable).parents[2])]
    return [sys.executable, *sys.orig_argv[1:]]


def _note_word_of_qt(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    logging.getLogger("qt").log(_LEVELS.get(kind, logging.ERROR), text)
