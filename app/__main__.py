"""`python -m app`: the same as `aquatint`."""

import sys

from app.cli import main

sys.exit(main())
