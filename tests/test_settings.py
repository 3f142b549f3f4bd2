"""Settings survive the disk, other versions and damage."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from app.settings import Appearance, Language, Settings, load_settings, save_settings

CHANGED = Settings(
    pictures_folder=Path("/pictures/狐"),
    model_folders=(Path("/models"), Path("/more")),
    gallery_folders=(Path("/old"),),
    last_request={"prompt": "a fox", "steps": 9},
    language=Language.CHINESE,
    appearance=Appearance.DARK,
    notifications=False,
    version_check=True,
    first_run_done=True,
    thumbnail_size=300,
    window_geometry="AdnQ",
    window_state="AAAA",
)


def test_settings_come_back(tmp_path: Path) -> None:
    path = tmp_path / "data" / "settings.json"
    save_settings(CHANGED, path)
    assert load_settings(path) == (CHANGED, ())
    assert [each.name for each in path.parent.iterdir()] == ["settings.json"]


def test_every_setting_was_changed_above() -> None:
    names = {field.name for field in dataclasses.fields(Settings)} - {"unknown"}
    assert [name for name in names if getattr(CHANGED, name) == getattr(Settings(), name)] == []


def test_no_file_is_the_first_day(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.json") == (Settings(), ())


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"later": {"a": [1]}, "thumbnail_size": 200}')
    settings, notes = load_settings(path)
    assert (settings.thumbnail_size, notes) == (200, ())
    save_settings(dataclasses.replace(settings, notifications=False), path)
    values = json.loads(path.read_text())
    assert (values["later"], values["notifications"]) == ({"a": [1]}, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pictures_folder", 5),
        ("pictures_folder", ""),
        ("pictures_folder", "a\0b"),
        ("model_folders", "/models"),
        ("model_folders", [1]),
        ("last_request", []),
        ("language", "klingon"),
        ("appearance", None),
        ("appearance", []),
        ("notifications", "yes"),
        ("first_run_done", 1),
        ("thumbnail_size", 10),
        ("thumbnail_size", True),
        ("thumbnail_size", 200.5),
        ("window_state", "\ud800"),
    ],
)
def test_bad_value_falls_back_with_a_note(tmp_path: Path, name: str, value: object) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({name: value, "gallery_folders": ["/old"]}))
    settings, notes = load_settings(path)
    assert settings == Settings(gallery_folders=(Path("/old"),))
    assert len(notes) == 1
    assert name in notes[0]


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_damaged_file_is_the_first_day_with_a_note(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(text)
    settings, notes = load_settings(path)
    assert settings == Settings()
    assert len(notes) == 1
    assert "settings.json" in notes[0]


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    save_settings(CHANGED, path)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        save_settings(Settings(), path)
    assert load_settings(path)[0] == CHANGED
    assert [each.name for each in tmp_path.iterdir()] == ["settings.json"]
