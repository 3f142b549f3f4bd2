"""The full-size check as a test: minutes and gigabytes, so it runs only where it is asked for.

AQUATINT_FULL_SIZE_FOLDER=... AQUATINT_TORCH_PYTHON=... python -m pytest -m slow
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(
    "AQUATINT_FULL_SIZE_FOLDER" not in os.environ,
    reason="set AQUATINT_FULL_SIZE_FOLDER to a folder with 3 GB of room",
)
def test_engine_agrees_with_diffusers_at_full_size() -> None:
    command = [sys.executable, "-m", "tests.full_size.check"]
    command += ["--folder", os.environ["AQUATINT_FULL_SIZE_FOLDER"]]
    if "AQUATINT_TORCH_PYTHON" in os.environ:
        command += ["--torch-python", os.environ["AQUATINT_TORCH_PYTHON"]]
    assert subprocess.run(command, check=False, cwd=ROOT).returncode == 0
