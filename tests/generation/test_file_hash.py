"""Hashes of model files are right, remembered, and forgotten when the file changes."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from app.generation.file_hash import BLOCK_BYTES, CACHE_FILE, FileHash


def sha256(path: Path) -> str:
    """What the hash must be."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_hash_of_the_whole_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"x" * size)
    assert FileHash(path, tmp_path / "cache").result() == sha256(path)


def test_hash_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    path, cache = tmp_path / "model", tmp_path / "cache"
    path.write_bytes(b"one")
    FileHash(path, cache).result()
    known = json.loads((cache / CACHE_FILE).read_text())
    known[str(path.resolve())][2] = "remembered"
    (cache / CACHE_FILE).write_text(json.dumps(known))
    assert FileHash(path, cache).result() == "remembered"
    os.utime(path, ns=(0, 0))
    assert FileHash(path, cache).result() == sha256(path)


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"x": 3}', "\x00"])
def test_damaged_cache_is_no_obstacle(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"one")
    (tmp_path / CACHE_FILE).write_text(damage)
    assert FileHash(path, tmp_path).result() == sha256(path)
    assert str(path.resolve()) in json.loads((tmp_path / CACHE_FILE).read_text())


def test_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"one")
    assert FileHash(path, path).result() == sha256(path)


def test_folder_and_missing_file_have_none(tmp_path: Path) -> None:
    assert FileHash(tmp_path, tmp_path).result() == ""
    assert FileHash(tmp_path / "none", tmp_path).result() == ""


def test_stop_gives_the_file_up(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with path.open("wb") as file:
        file.truncate(1 << 34)  # sparse: 16 GiB that would take many seconds
    file_hash = FileHash(path, tmp_path / "cache")
    file_hash.stop()
    assert file_hash.result() == ""
    assert not (tmp_path / "cache" / CACHE_FILE).exists()


def test_only_a_safetensors_header_does_not_count(tmp_path: Path) -> None:
    headed, other = tmp_path / "a.safetensors", tmp_path / "b.gguf"
    headed.write_bytes((2).to_bytes(8, "little") + b"{}" + b"data")
    other.write_bytes(b"GGUF" + bytes(100))
    data = hashlib.sha256(b"data").hexdigest()
    assert FileHash(headed, tmp_path, data_only=True).result() == data
    assert FileHash(other, tmp_path, data_only=True).result() == sha256(other)
