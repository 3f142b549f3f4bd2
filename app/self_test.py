"""The hidden `--self-test`: one picture through the whole app, without a screen.

Touches none of the user's files. Owns its order and what it says. It is what a build of the bundle
is tried with: window, engine process, small model, gallery and picture file have to work.
"""

import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.application import Application
from app.generation.engine_child import engine_command
from app.generation.engine_client import EngineClient
from app.generation.messages import Ready
from app.library.gallery_entry import GalleryEntry
from app.settings import Settings
from app.version import VERSION

LIMIT_MS = 300_000
STEPS, SEED = 4, 7


def main() -> int:
    """Makes the picture and says so on stdout; 0, or 1 with a sentence on stderr."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="aquatint-self-test-") as home:
        os.environ["AQUATINT_HOME"] = home
        _say(f"Aquatint {VERSION}, Python {platform.python_version()}, {platform.platform()}")
        _say(f"engine process: {engine_command(0)[0]}")
        trouble = _SelfTest().run()
    if trouble:
        print(f"aquatint: the self-test failed: {trouble}", file=sys.stderr)
        return 1
    _say("self-test passed")
    return 0


class _SelfTest:
    """The window with one job; it ends at the first picture or the first trouble."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._trouble = ""
        self._app = QApplication(sys.argv[:1])
        self._application = Application(self._app, EngineClient(), Settings())
        client, queue = self._application.client, self._application.queue
        client.ready.connect(self._take_ready)
        client.unavailable.connect(self._fail)
        queue.job_failed.connect(lambda _job_id, sentence: self._fail(sentence))
        self._application.workbench.pictures_kept.connect(self._take_pictures)

    def run(self) -> str:
        """What went wrong, a sentence, or nothing."""
        limit = QTimer(self._application, singleShot=True, interval=LIMIT_MS)
        limit.timeout.connect(lambda: self._fail(f"no picture in {LIMIT_MS // 1000} s."))
        limit.start()
        self._application.show()
        self._application.draft.set(steps=STEPS, seed=SEED)
        self._application.workbench.generate()
        self._app.exec()
        return self._trouble

    def _take_ready(self, ready: Ready) -> None:
        device = ready.device
        failed = [check.op for check in ready.checks if not check.passed]
        _say(f"engine: {device.backend}: {device.device}, {device.instructions}")
        _say(f"{len(ready.checks)} operations checked, failed: {', '.join(failed) or 'none'}")

    def _take_pictures(self, entries: list[GalleryEntry]) -> None:
        for entry in entries:
            size = Path(entry.path).stat().st_size
            _say(f"picture: {entry.width}x{entry.height}, {size} bytes, seed {entry.seed}")
        _say(f"window, engine and picture in {time.monotonic() - self._begin:.1f} s")
        self._application.quit()

    def _fail(self, sentence: str) -> None:
        self._trouble = self._trouble or sentence
        self._application.quit()


def _say(line: str) -> None:
    print(line, flush=True)
