"""The user's folders: by the system's custom, or all under one that a test names."""

import sys
from pathlib import Path

import pytest

from app import paths


def test_all_folders_lie_under_the_named_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AQUATINT_HOME", str(tmp_path))
    folders = [
        paths.cache_folder(),
        paths.data_folder(),
        paths.log_folder(),
        paths.pictures_folder(),
    ]
    assert {folder.parent for folder in folders} == {tmp_path}
    assert len(set(folders)) == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "cache", "data"),
    [
        ("darwin", "Library/Caches/Aquatint", "Library/Application Support/Aquatint"),
        ("linux", ".cache/aquatint", ".local/share/aquatint"),
    ],
)
def test_folders_are_the_system_s(
    monkeypatch: pytest.MonkeyPatch, platform: str, cache: str, data: str
) -> None:
    for name in ("AQUATINT_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setattr(sys, "platform", platform)
    assert paths.cache_folder() == Path("/home/a", cache)
    assert paths.data_folder() == Path("/home/a", data)
    assert paths.pictures_folder() == Path("/home/a/Pictures/Aquatint")


def test_linux_folders_may_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AQUATINT_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert paths.data_folder() == Path("/data/aquatint")
