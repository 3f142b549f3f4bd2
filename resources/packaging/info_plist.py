"""Info.plist and the entitlements, each from one table.

Owns what the system is told of the app: name, version, files that it opens, what it may do. The
version is app/version.py's, the endings of pictures and models are app/library's.
"""

import plistlib
import sys
from pathlib import Path
from typing import Any

from app.library.picture_row import PICTURE_ENDINGS
from app.version import VERSION

NAME = "Aquatint"
IDENTIFIER = "io.github.aquatint.Aquatint"
MINIMUM_SYSTEM = "13.0"  # what Qt 6.11's wheels ask for
ICON_FILE = "Aquatint.icns"
COPYRIGHT = "MIT licence. Parts by others: see About Aquatint."

# Kinds of files that no system names: identifier, words, what it is, endings.
MODEL_TYPES = (
    ("io.github.aquatint.safetensors", "Safetensors model", (".safetensors",)),
    ("io.github.aquatint.gguf", "GGUF model", (".gguf",)),
    ("io.github.aquatint.ckpt", "PyTorch checkpoint", (".ckpt", ".pt", ".pth")),
)
NOT_OURS = {".bin"}  # an ending of far too many other things

# The system's own names of pictures, by ending.
PICTURE_TYPES = {
    ".png": "public.png",
    ".jpg": "public.jpeg",
    ".jpeg": "public.jpeg",
    ".webp": "org.webmproject.webp",
    ".avif": "public.avif",
}

# What the hardened runtime forbids unless it is asked for. A release asks for nothing: each of
# these is what Python apps often ask for, and why this one does without.
ENTITLEMENTS: dict[str, bool] = {}
DONE_WITHOUT = {
    "com.apple.security.cs.allow-unsigned-executable-memory": (
        "cffi's old callbacks, and those of ctypes, write code into memory; the engine is bound in"
        ' API mode, whose callback (extern "Python") is compiled, and ctypes is used without any'
    ),
    "com.apple.security.cs.allow-jit": (
        "Qt's regular expressions compile themselves where they may and are interpreted where not;"
        " QML, which is left out, would be the other user"
    ),
    "com.apple.security.cs.disable-library-validation": (
        "every library inside is signed by who signs the app, inside out"
    ),
    "com.apple.security.cs.allow-dyld-environment-variables": (
        "libraries are found by their place in the bundle, never by DYLD_ variables"
    ),
    "com.apple.security.cs.disable-executable-page-protection": (
        "Metal compiles kernels in a process of the system's"
    ),
}
# Signed by nobody (identity "-"), no two files have the same signer, so libraries would be refused.
AD_HOC_ENTITLEMENTS = {"com.apple.security.cs.disable-library-validation": True}


def info_plist() -> dict[str, Any]:
    """All that setup_app.py gives to py2app as `plist`."""
    return {
        "CFBundleDevelopmentRegion": "en",
        "CFBundleDisplayName": NAME,
        "CFBundleDocumentTypes": _document_types(),
        "CFBundleExecutable": NAME,
        "CFBundleIconFile": ICON_FILE,
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleLocalizations": ["en", "zh-Hans"],
        "CFBundleName": NAME,
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": VERSION,
        "CFBundleVersion": VERSION,
        "LSApplicationCategoryType": "public.app-category.graphics-design",
        "LSMinimumSystemVersion": MINIMUM_SYSTEM,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": COPYRIGHT,
        "NSPrincipalClass": "NSApplication",
        "NSQuitAlwaysKeepsWindows": False,
        "NSRequiresAquaSystemAppearance": False,
        "NSSupportsAutomaticGraphicsSwitching": True,
        "NSSupportsSuddenTermination": False,
        "UTImportedTypeDeclarations": _imported_types(),
        **_usage_texts(),
    }


def entitlements(identity: str) -> dict[str, bool]:
    """What the signature by `identity` asks for; "-" is no identity at all."""
    return {**ENTITLEMENTS, **(AD_HOC_ENTITLEMENTS if identity == "-" else {})}


def _document_types() -> list[dict[str, Any]]:
    """Opened on request, never by default: whose files these are is the user's choice."""
    pictures = sorted({PICTURE_TYPES[ending] for ending in PICTURE_ENDINGS})
    kinds = [(words, [identifier]) for identifier, words, _ in MODEL_TYPES]
    return [
        {
            "CFBundleTypeName": words,
            "CFBundleTypeRole": "Viewer",
            "LSHandlerRank": "Alternate",
            "LSItemContentTypes": identifiers,
        }
        for words, identifiers in (*kinds, ("Picture", pictures), ("Folder", ["public.folder"]))
    ]


def _imported_types() -> list[dict[str, Any]]:
    return [
        {
            "UTTypeConformsTo": ["public.data"],
            "UTTypeDescription": words,
            "UTTypeIdentifier": identifier,
            "UTTypeTagSpecification": {
                "public.filename-extension": [ending.removeprefix(".") for ending in endings]
            },
        }
        for identifier, words, endings in MODEL_TYPES
    ]


def _usage_texts() -> dict[str, str]:
    """Why the system's question is asked when a model or picture lies in such a folder."""
    words = "Aquatint opens the models and pictures that you keep in {place}."
    places = {
        "NSDesktopFolderUsageDescription": "the Desktop folder",
        "NSDocumentsFolderUsageDescription": "the Documents folder",
        "NSDownloadsFolderUsageDescription": "the Downloads folder",
        "NSNetworkVolumesUsageDescription": "a network volume",
        "NSRemovableVolumesUsageDescription": "a removable volume",
    }
    return {key: words.format(place=place) for key, place in places.items()}


def main(arguments: list[str]) -> int:
    """Writes the entitlements for an identity, `info_plist.py IDENTITY FILE`; the exit code."""
    identity, file = arguments
    Path(file).write_bytes(plistlib.dumps(entitlements(identity)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
