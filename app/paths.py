"""Where the files that come with the app lie and where the user's go. Knows not what is in them.

The folders of the user are by the system's custom and may not exist yet. With AQUATINT_HOME set
they all lie under that folder, so that a test or a second set-up touches nothing else.
"""

import os
import sys
from pathlib import Path

MINI_MODEL = "models/aquatint-mini.safetensors"
"""The model that comes with the app, for `resource_path`."""
_PACKAGE = Path(__file__).resolve().parent


def resource_path(name: str) -> Path:
    """The path of a file that comes with the app, such as `"tokenizer/clip_merges.txt.gz"`.

    An installed app keeps its resources inside the package, a checkout beside it. Raises
    FileNotFoundError, with a sentence, if the file is in neither.
    """
    for root in (_PACKAGE / "resources", _PACKAGE.parent / "resources"):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"The app's own file {name} is missing: install the app again.")


def kernel_folder() -> Path:
    """The folder of the Metal kernels' sources; the same rules as for resources."""
    for folder in (_PACKAGE / "metal", _PACKAGE.parent / "metal"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("The app's own Metal kernels are missing: install the app again.")


def cache_folder() -> Path:
    """The folder for what may be deleted at any time."""
    return _folder("cache", "Library/Caches/Aquatint", "XDG_CACHE_HOME", ".cache")


def data_folder() -> Path:
    """The folder for what the app keeps: settings, queue, the gallery's database, its trash."""
    mac = "Library/Application Support/Aquatint"
    return _folder("data", mac, "XDG_DATA_HOME", ".local/share")


def log_folder() -> Path:
    """The folder for logs."""
    return _folder("logs", "Library/Logs/Aquatint", "XDG_STATE_HOME", ".local/state")


def pictures_folder() -> Path:
    """The folder for finished pictures, until the user chooses another."""
    home = os.environ.get("AQUATINT_HOME")
    return Path(home) / "pictures" if home else Path.home() / "Pictures" / "Aquatint"


def _folder(name: str, mac: str, variable: str, elsewhere: str) -> Path:
    """AQUATINT_HOME's folder `name`, or the system's: `variable` has its base, or home has."""
    home = os.environ.get("AQUATINT_HOME")
    if home:
        return Path(home) / name
    if sys.platform == "darwin":
        return Path.home() / mac
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / elsewhere) / "aquatint"
