"""The engine's process as an executable of its own in the bundle, which app/generation starts."""

import sys

from app.generation.engine_process import main

sys.exit(main(sys.argv[1:]))
