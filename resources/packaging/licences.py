"""The licences of all parts that the app ships, as the About box shows them.

Owns the table of parts and where the text of each comes from: the installed library's own files,
or resources/licences/ for those that bring none. `python -m resources.packaging.licences` writes
the folder anew from what is installed; a build of the bundle does so into the bundle.
"""

import importlib.metadata
import json
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "resources" / "licences"
PARTS_FILE = "parts.json"


# Where a text comes from that is not only in resources/licences/: a file, or a library's own ones.
_FILES = {
    "aquatint.txt": PROJECT / "LICENSE",
    "clip-vocabulary.txt": PROJECT / "resources" / "tokenizer" / "LICENSE",
    "python.txt": Path(sysconfig.get_path("stdlib"), "LICENSE.txt"),
    "small-model.txt": PROJECT / "resources" / "models" / "NOTICE",
}
_DISTRIBUTIONS = {"cffi.txt": "cffi", "numpy.txt": "numpy", "pillow.txt": "pillow"}


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that the app ships, and the files with the text of its licence."""

    name: str
    licence: str
    note: str
    texts: tuple[str, ...]


PARTS = (
    Part(
        name="Aquatint",
        licence="MIT",
        note="This app and its engine.",
        texts=("aquatint.txt",),
    ),
    Part(
        name="The small model",
        licence="MIT",
        note="Trained on Microsoft Fluent Emoji.",
        texts=("small-model.txt",),
    ),
    Part(
        name="CLIP's vocabulary",
        licence="MIT",
        note="By OpenAI.",
        texts=("clip-vocabulary.txt",),
    ),
    Part(
        name="Qt and Qt for Python",
        licence="LGPL-3.0-only",
        note=(
            "Unchanged, in libraries of their own, which may be replaced by others with the same"
            " interface. Their source: https://download.qt.io/official_releases/"
        ),
        texts=("lgpl-3.0.txt", "gpl-3.0.txt"),
    ),
    Part(
        name="Python",
        licence="PSF-2.0",
        note="The interpreter and its standard library.",
        texts=("python.txt",),
    ),
    Part(
        name="NumPy",
        licence="BSD-3-Clause and others",
        note="With OpenBLAS, LAPACK and others.",
        texts=("numpy.txt",),
    ),
    Part(
        name="Pillow",
        licence="MIT-CMU and others",
        note="With libjpeg-turbo, libwebp, FreeType and others.",
        texts=("pillow.txt",),
    ),
    Part(
        name="Tokenizers",
        licence="Apache-2.0",
        note="By Hugging Face.",
        texts=("apache-2.0.txt",),
    ),
    Part(name="cffi", licence="MIT-0", note="With libffi (MIT).", texts=("cffi.txt",)),
)


def write(target: Path) -> None:
    """Fills the folder `target` with parts.json and the texts that it names.

    Raises FileNotFoundError, with a sentence, for a text that is nowhere.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted({name for part in PARTS for name in part.texts}):
        (target / name).write_text(_text(name), encoding="utf-8")
    rows = json.dumps([asdict(part) for part in PARTS], indent=2) + "\n"
    (target / PARTS_FILE).write_text(rows, encoding="utf-8")


def _text(name: str) -> str:
    if name in _DISTRIBUTIONS:
        return _text_of(_DISTRIBUTIONS[name])
    source = _FILES.get(name, FOLDER / name)
    return (source if source.is_file() else FOLDER / name).read_text(encoding="utf-8")


def _text_of(distribution: str) -> str:
    """All licences that an installed library brings, its own first."""
    files = importlib.metadata.files(distribution) or []
    paths = [Path(str(file.locate())) for file in files if "licenses" in file.parts]
    if not paths:
        raise FileNotFoundError(f"{distribution} brings no licence: put its text in {FOLDER}.")
    paths.sort(key=lambda path: (len(path.parts), path))
    return "\n\n".join(path.read_text(encoding="utf-8") for path in paths)


if __name__ == "__main__":
    write(FOLDER)
