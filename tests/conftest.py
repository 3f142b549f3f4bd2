"""For all tests: Qt draws into memory, not on a screen, unless told otherwise."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
