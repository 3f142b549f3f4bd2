"""How long it takes until the window stands: from the start of the process to its first painting.

    python -m benchmarks.startup [--rounds N]

Each round is a new process with files of its own, as on the second start: settings and gallery are
there. By the clock, and in processor time of the process, which a busy machine lengthens less. The
bar is one second. Compiled Python files are used, as an installed app has them.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

BAR_MS = 1000.0
FINISH = "window stood"
SCRIPT = f"""
import sys, time
from app.window_process import main
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
class Watch(QObject):
    def eventFilter(self, watched, event):
        if isinstance(watched, QMainWindow) and event.type() == QEvent.Type.Paint:
            print("{FINISH}", time.time(), time.process_time(), flush=True)
            QApplication.instance().removeEventFilter(self)
            QTimer.singleShot(0, watched.close)
        return False
show = QMainWindow.show
watch = Watch()
def watched_show(window):
    QApplication.instance().installEventFilter(watch)
    show(window)
QMainWindow.show = watched_show
main()
"""


def start(home: str) -> tuple[float, float]:
    """One start: milliseconds by the clock and of the process."""
    environment = {**os.environ, "AQUATINT_HOME": home, "PYTHONDONTWRITEBYTECODE": ""}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    began = time.time()
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    ).stdout
    found = re.search(rf"{FINISH} (\S+) (\S+)", output)
    assert found, output
    return (float(found[1]) - began) * 1000, float(found[2]) * 1000


def main() -> int:
    """Prints the figures; 1 if the median by the clock misses the bar."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as home:
        start(home)
        figures = [start(home) for _ in range(rounds)]
    for name, times in zip(("by the clock", "processor"), zip(*figures, strict=True), strict=True):
        shown = f"least {min(times):.0f}, median {statistics.median(times):.0f}"
        print(f"{name}: {shown}, most {max(times):.0f} ms")
    return int(statistics.median(clock for clock, _ in figures) > BAR_MS)


if __name__ == "__main__":
    sys.exit(main())
