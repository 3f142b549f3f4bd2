"""What the system is told of the app, key by key, as it stands in the file."""

import plistlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.library.model_entry import MODEL_ENDINGS
from app.library.picture_row import PICTURE_ENDINGS
from app.version import VERSION
from resources.packaging import info_plist
from resources.packaging.bundle_parts import PROJECT

EXPECTED = {
    "CFBundleDevelopmentRegion": "en",
    "CFBundleDisplayName": "Aquatint",
    "CFBundleExecutable": "Aquatint",
    "CFBundleIconFile": "Aquatint.icns",
    "CFBundleInfoDictionaryVersion": "6.0",
    "CFBundleLocalizations": ["en", "zh-Hans"],
    "CFBundleName": "Aquatint",
    "CFBundlePackageType": "APPL",
    "CFBundleShortVersionString": VERSION,
    "CFBundleVersion": VERSION,
    "LSApplicationCategoryType": "public.app-category.graphics-design",
    "LSMinimumSystemVersion": "13.0",
    "NSHighResolutionCapable": True,
    "NSPrincipalClass": "NSApplication",
    "NSQuitAlwaysKeepsWindows": False,
    "NSRequiresAquaSystemAppearance": False,
    "NSSupportsAutomaticGraphicsSwitching": True,
    "NSSupportsSuddenTermination": False,
}
ELSEWHERE = {  # checked by tests of their own
    *("CFBundleDocumentTypes", "UTImportedTypeDeclarations", "CFBundleIdentifier"),
    "NSHumanReadableCopyright",
}


@pytest.fixture(scope="module")
def plist() -> dict[str, Any]:
    """As the file has it: what a property list cannot hold would not come back."""
    parsed = plistlib.loads(plistlib.dumps(info_plist.info_plist()))
    assert isinstance(parsed, dict)
    return parsed


def test_every_key_is_as_it_should_be(plist: dict[str, Any]) -> None:
    usage = {key for key in plist if key.endswith("UsageDescription")}
    assert {key: plist[key] for key in plist if key not in ELSEWHERE | usage} == EXPECTED
    assert set(EXPECTED) | ELSEWHERE | usage == set(plist)


def test_the_version_stands_in_one_place_and_is_one_that_the_system_takes() -> None:
    assert re.fullmatch(r"\d+(\.\d+){0,2}", VERSION)
    assert re.search(f'^version = "{VERSION}"$', (PROJECT / "pyproject.toml").read_text(), re.M)


def test_the_identifier_is_one(plist: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+){2,}", plist["CFBundleIdentifier"])


def test_models_are_types_of_their_own(plist: dict[str, Any]) -> None:
    endings: set[str] = set()
    for kind in plist["UTImportedTypeDeclarations"]:
        assert set(kind) == {
            *("UTTypeConformsTo", "UTTypeDescription", "UTTypeIdentifier"),
            "UTTypeTagSpecification",
        }
        assert kind["UTTypeConformsTo"] == ["public.data"]
        endings.update(kind["UTTypeTagSpecification"]["public.filename-extension"])
    assert {f".{ending}" for ending in endings} == set(MODEL_ENDINGS) - info_plist.NOT_OURS


def test_documents_are_viewed_and_never_claimed(plist: dict[str, Any]) -> None:
    types = plist["CFBundleDocumentTypes"]
    for kind in types:
        assert kind["CFBundleTypeRole"] == "Viewer"
        assert kind["LSHandlerRank"] == "Alternate"
        assert kind["CFBundleTypeName"]
    opened = [name for kind in types for name in kind["LSItemContentTypes"]]
    assert len(opened) == len(set(opened))
    imported = {kind["UTTypeIdentifier"] for kind in plist["UTImportedTypeDeclarations"]}
    pictures = {info_plist.PICTURE_TYPES[ending] for ending in PICTURE_ENDINGS}
    assert set(opened) == imported | pictures | {"public.folder"}


def test_each_question_of_the_system_has_its_reason(plist: dict[str, Any]) -> None:
    texts = {key: text for key, text in plist.items() if key.endswith("UsageDescription")}
    assert len(texts) == 5
    for text in texts.values():
        assert text.startswith("Aquatint opens the models and pictures")


def test_a_release_asks_for_nothing_that_the_hardened_runtime_forbids(tmp_path: Path) -> None:
    for identity, expected in (
        ("Developer ID Application: A (B)", info_plist.ENTITLEMENTS),
        ("-", info_plist.AD_HOC_ENTITLEMENTS),
    ):
        file = tmp_path / "entitlements.plist"
        command = [sys.executable, "-m", "resources.packaging.info_plist", identity, str(file)]
        subprocess.run(command, check=True, cwd=PROJECT)
        assert plistlib.loads(file.read_bytes()) == expected
    assert not set(info_plist.ENTITLEMENTS) & set(info_plist.DONE_WITHOUT)
    assert all(name.startswith("com.apple.security.") for name in info_plist.DONE_WITHOUT)


def test_what_is_done_without_is_left_out() -> None:
    """The reasons that are given for the empty table hold for what is shipped."""
    binding = (PROJECT / "engine_c" / "build_engine.py").read_text()
    assert 'extern "Python"' in binding
    sources = [path.read_text() for path in (PROJECT / "app").rglob("*.py")]
    for word in ("ffi.callback", "CFUNCTYPE", "PYFUNCTYPE", "QtQml", "DYLD_"):
        assert not [text for text in sources if word in text], word
