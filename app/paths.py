"""Where the files that come with the app lie and where the user's go. Knows not what is in them."""

import os
import sys
from pathlib import Path

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


def cache_folder() -> Path:
    """The folder for what may be deleted at any time, by the system's custom; it may not exist."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "Aquatint"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "aquatint"
