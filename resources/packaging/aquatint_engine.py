"""The engine's process as an executable of its own in the bundle, which app/generation starts."""

import sys

try:
    from app.generation.engine_process import main

    sys.exit(main(sys.argv[1:]))
except Exception:  # left to py2app's executable, it would become an alert of the engine's own
    sys.excepthook(*sys.exc_info())
    sys.exit(1)
