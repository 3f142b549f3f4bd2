"""What a process of the app notes for whoever looks into a problem, kept small, in the log folder.

Owns the files, their rotation and what becomes of an error that nobody caught. Two files a
process: `<name>.log` for lines and `<name>-crash.log` for the stacks of a crash. No line holds a
prompt: what is noted are facts of the machine, of jobs and of errors.
"""

import faulthandler
import logging
import logging.handlers
import platform
import sys
import threading
from pathlib import Path
from types import TracebackType

from app.version import VERSION

LOG_BYTES, OLD_LOGS = 512_000, 3
WINDOW_LOG, ENGINE_LOG = "aquatint", "engine"
_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def keep_log(name: str, folder: Path) -> bool:
    """Notes this process's log lines, uncaught errors and crashes in `folder` from now on.

    False if the folder cannot be written: then there is no log, and the app works all the same.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            folder / f"{name}.log", maxBytes=LOG_BYTES, backupCount=OLD_LOGS, encoding="utf-8"
        )
        crashes = _next_file(folder / f"{name}-crash.log")
        crash_file = crashes.open("a", encoding="utf-8")
    except OSError:
        return False
    handler.setFormatter(logging.Formatter(_FORM))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    faulthandler.enable(crash_file)  # which keeps the file open as long as the process
    sys.excepthook = _note_error
    threading.excepthook = _note_thread_error
    logging.getLogger(name).info(
        "Aquatint %s begins: Python %s, %s", VERSION, platform.python_version(), platform.platform()
    )
    return True


def log_tail(folder: Path, most_bytes: int) -> str:
    """The newest lines of all logs and crash files, file by file; empty if there are none."""
    parts = []
    for name in (WINDOW_LOG, ENGINE_LOG):
        for file in (folder / f"{name}.log", *_crash_files(folder / f"{name}-crash.log")):
            text = _end_of(file, most_bytes).strip()
            if text:
                parts.append(f"--- {file.name}\n{text}\n")
    return "\n".join(parts)


def _crash_files(path: Path) -> list[Path]:
    """This start's file and that of the last crash, which may be what is to be reported."""
    return [path, path.with_name(f"{path.name}.1")]


def _next_file(path: Path) -> Path:
    """`path`, free of an earlier crash: that is moved aside, and the oldest is dropped."""
    if path.exists() and path.stat().st_size > 0:
        for number in range(OLD_LOGS, 0, -1):
            older = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{number}"))
    return path


def _end_of(path: Path, most_bytes: int) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - most_bytes))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return text if size <= most_bytes else text.partition("\n")[2]


def _note_error(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("error").error("uncaught", exc_info=(kind, error, traceback))
    sys.__excepthook__(kind, error, traceback)


def _note_thread_error(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None:
        _note_error(caught.exc_type, caught.exc_value, caught.exc_traceback)
