"""Shows a file where it lies, in the Finder or the like. Knows no widget."""

import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def reveal(path: Path) -> None:
    """Opens the folder of `path` with it selected, where the system can; a folder itself."""
    if sys.platform == "darwin":
        subprocess.Popen(["/usr/bin/open", *(() if path.is_dir() else ("-R",)), str(path)])
    else:
        folder = path if path.is_dir() else path.parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
