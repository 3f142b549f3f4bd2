"""Python reads this at its start: the engine with the simulated device takes the app's place."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

NAME = "app.engine._engine"
PATH = os.environ["AQUATINT_TESTS_METAL"]


class _Finder:
    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(NAME, PATH) if name == NAME else None


sys.meta_path.insert(0, _Finder())  # type: ignore[arg-type]
