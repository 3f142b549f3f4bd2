"""The engine with an NVIDIA device in the place of the simulated one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from tests import engine_library
from tests.metal_sim import simulator

HERE = Path(__file__).resolve().parent


class _Control:
    """Stands in for the simulator's switches: a GPU has no modes to set."""

    def __init__(self, folder: Path) -> None:
        pass

    def set_mode(self, *, check: bool, seed: int) -> None:
        """Every mode is the one there is."""


@contextmanager
def nvidia_device(folder: Path) -> Iterator[None]:
    """What is built meanwhile has metal_device_nvidia.c; `folder` is scratch."""
    (folder / "compile.rsp").write_text(f"-I{HERE}\n")
    (folder / "link.rsp").write_text("-ldl\n")
    tools = simulator.Tools(clang="cc", objc_headers=Path(), objc_library=Path())
    with (
        mock.patch.object(engine_library, "DEVICE", HERE / "metal_device_nvidia.c"),
        mock.patch.object(engine_library, "find_tools", return_value=tools),
        mock.patch.object(simulator, "build", return_value=folder),
        mock.patch.object(simulator, "require", return_value=folder),
        mock.patch.object(simulator, "Control", _Control),
    ):
        yield
