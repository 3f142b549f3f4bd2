"""The program: without arguments it opens the window, with arguments it is the command line.

Owns that choice, and imports only what was chosen: no command ever loads Qt.
"""

import os
import sys
import traceback

from app.cli import FAILED
from app.cli import main as run_command

SELF_TEST = "--self-test"  # tries a build of the bundle; for nobody who types


def main(arguments: list[str] | None = None) -> int:
    """Runs the window or a command; the program's exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == [SELF_TEST]:
        return _run_self_test()
    if given:
        return run_command(given)
    trouble = _no_screen()
    if trouble is None:
        try:
            from app.window_process import main as open_window
        except ImportError as error:
            trouble = f"The window needs PySide6 (pip install PySide6-Essentials): {error}."
        else:
            return open_window()
    print(f"aquatint: {trouble} `aquatint --help` lists what works without it.", file=sys.stderr)
    return FAILED


def _run_self_test() -> int:
    """The self-test's exit code; a bundle would make an alert of an error, seen by nobody."""
    try:
        from app.self_test import main as run_self_test

        return run_self_test()
    except Exception:
        traceback.print_exc()
        return FAILED


def _no_screen() -> str | None:
    """Why no window can be opened here; Qt would end the program without a sentence."""
    has_screen = any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    )
    if sys.platform == "linux" and not has_screen:
        return "There is no screen to open the window on."
    return None


if __name__ == "__main__":
    sys.exit(main())
