"""What the user chose once and for all: one frozen value, kept as a JSON file.

Owns the settings, their defaults and limits, and the file's form. Knows nothing of what they do.
"""

import dataclasses
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

SMALLEST_THUMBNAIL, LARGEST_THUMBNAIL = 96, 512
JSON_LIMIT_BYTES = 16_000_000


class Appearance(StrEnum):
    """Which colours the window wears."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Language(StrEnum):
    """The language of the window."""

    SYSTEM = "system"
    ENGLISH = "en"
    CHINESE = "zh_CN"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; `dataclasses.replace` makes a changed one.

    `pictures_folder` None is the system's custom (see paths.py). `gallery_folders` are other
    folders whose pictures the gallery shows where they lie. `last_request` holds a request as JSON
    (see request_json.py). `thumbnail_size` is in points, `window_geometry` and `window_state` are
    the window's own words in Base64. `version_check` True asks for the newest version when the app
    opens. `unknown` are keys of another version, kept as they are.
    """

    pictures_folder: Path | None = None
    model_folders: tuple[Path, ...] = ()
    gallery_folders: tuple[Path, ...] = ()
    last_request: Mapping[str, object] = field(default_factory=dict)
    language: Language = Language.SYSTEM
    appearance: Appearance = Appearance.SYSTEM
    notifications: bool = True
    version_check: bool = False
    first_run_done: bool = False
    thumbnail_size: int = 132
    window_geometry: str = ""
    window_state: str = ""
    unknown: Mapping[str, object] = field(default_factory=dict)


def load_settings(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The settings of a file, and a sentence for each that could not be used; never fails.

    Without a file all is as by default, and there is nothing to say.
    """
    try:
        values = _read_object(path)
    except FileNotFoundError:
        return Settings(), ()
    except (OSError, ValueError, RecursionError):
        return Settings(), (f"{path} could not be read, so the settings are as on the first day.",)
    settings, notes = Settings(), []
    for name, check in _CHECKS.items():
        if name not in values:
            continue
        try:
            changes: dict[str, Any] = {name: check(values.pop(name))}
            settings = dataclasses.replace(settings, **changes)
        except ValueError:
            notes.append(f"The setting {name} could not be used and is as on the first day.")
    return dataclasses.replace(settings, unknown=MappingProxyType(values)), tuple(notes)


def save_settings(settings: Settings, path: Path) -> None:
    """Writes the settings whole or not at all. Raises OSError."""
    values = {name: getattr(settings, name) for name in _CHECKS}
    text = json.dumps({**settings.unknown, **values}, indent=2, default=_plain, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _read_object(path: Path) -> dict[str, object]:
    """The JSON object of a file; ValueError if it holds something else."""
    with path.open("rb") as file:
        text = file.read(JSON_LIMIT_BYTES)
    values = json.loads(text.decode("utf-8"))
    if not isinstance(values, dict):
        raise ValueError
    return values


def _plain(value: object) -> object:
    """What `json` cannot write, as what it can."""
    return dict(value) if isinstance(value, Mapping) else str(value)


def _path(value: object) -> Path:
    text = _text(value)
    if not text or "\0" in text:
        raise ValueError
    return Path(text)


def _optional_path(value: object) -> Path | None:
    return None if value is None else _path(value)


def _paths(value: object) -> tuple[Path, ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(map(_path, value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    value.encode("utf-8")  # UnicodeEncodeError, a ValueError, for a lone surrogate
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError
    return MappingProxyType(value)


def _thumbnail_size(value: object) -> int:
    if type(value) is not int or not SMALLEST_THUMBNAIL <= value <= LARGEST_THUMBNAIL:
        raise ValueError
    return value


_CHECKS: Mapping[str, Any] = MappingProxyType(
    {
        "pictures_folder": _optional_path,
        "model_folders": _paths,
        "gallery_folders": _paths,
        "last_request": _object,
        "language": Language,
        "appearance": Appearance,
        "notifications": _flag,
        "version_check": _flag,
        "first_run_done": _flag,
        "thumbnail_size": _thumbnail_size,
        "window_geometry": _text,
        "window_state": _text,
    }
)
