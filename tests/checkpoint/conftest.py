"""A whole narrow model, made once for all tests of this room."""

from pathlib import Path

import pytest
from safetensors.numpy import save_file

from tests.checkpoint.model_files import (
    HEADS,
    Arrays,
    diffusers_parts,
    ldm_arrays,
    write_folder,
)


@pytest.fixture(scope="session")
def arrays() -> Arrays:
    """The narrow model's tensors under the original names; not to be changed."""
    return ldm_arrays()


@pytest.fixture(scope="session")
def ldm_file(arrays: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The narrow model as a single file."""
    path = tmp_path_factory.mktemp("models") / "narrow.safetensors"
    save_file(arrays, path, HEADS)
    return path


@pytest.fixture(scope="session")
def diffusers_folder(arrays: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as a diffusers folder; not to be changed."""
    return write_folder(tmp_path_factory.mktemp("models") / "narrow-1.5", diffusers_parts(arrays))
