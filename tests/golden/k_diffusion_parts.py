"""k-diffusion's samplers and schedules without the rest of the package.

Owns: loading of two of its modules although what its training code wants (torchvision and more)
is not installed. Only scripts that make references use it.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


def load() -> tuple[Any, Any]:
    """The modules (k_diffusion.sampling, k_diffusion.external)."""
    spec = importlib.util.find_spec("k_diffusion")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("Install k-diffusion 0.1.1 beside torch to make these references.")
    package = ModuleType("k_diffusion")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["k_diffusion"] = package
    for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
        sys.modules.setdefault(name, ModuleType(name))
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
    sys.modules["torchvision.transforms"].functional = sys.modules[
        "torchvision.transforms.functional"
    ]
    sampling = importlib.import_module("k_diffusion.sampling")
    return sampling, importlib.import_module("k_diffusion.external")
