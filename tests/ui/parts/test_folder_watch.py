"""Folders are watched: the gallery and the list of models follow what others do to the files."""

import shutil
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.library.gallery import Gallery
from app.library.gallery_entry import GalleryQuery
from app.ui.gallery.gallery_upkeep import GalleryUpkeep
from app.ui.parts.folder_watch import FolderWatch
from tests.ui.gallery.gallery_set_up import write_picture


@pytest.fixture
def watch(qtbot: QtBot) -> FolderWatch:
    return FolderWatch(rest_ms=30)


def watched(watch: FolderWatch) -> set[str]:
    return set(watch._watcher.directories())


def test_new_gone_and_deep_files_are_told_once(
    qtbot: QtBot, watch: FolderWatch, tmp_path: Path
) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    watch.watch([tmp_path])
    qtbot.waitUntil(lambda: watched(watch) == {str(p) for p in (tmp_path, deep.parent, deep)})
    with qtbot.waitSignal(watch.changed) as told:
        for number in range(3):
            (deep / f"{number}.png").touch()
    assert told.args == [[deep]]
    with qtbot.waitSignal(watch.changed):
        (deep / "0.png").unlink()
    with qtbot.waitSignal(watch.changed) as told:
        (tmp_path / "new").mkdir()
    assert told.args == [[tmp_path]]
    qtbot.waitUntil(lambda: str(tmp_path / "new") in watched(watch))
    with qtbot.waitSignal(watch.changed):
        shutil.rmtree(deep.parent)
    qtbot.waitUntil(lambda: watched(watch) == {str(tmp_path), str(tmp_path / "new")})
    watch.close()


def test_the_gallery_follows_its_folders(qtbot: QtBot, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with Gallery(tmp_path / "pictures", tmp_path / "gallery.db") as gallery:
        upkeep = GalleryUpkeep(gallery, tmp_path / "cache")
        upkeep.scan([other])
        qtbot.waitUntil(lambda: len(watched(upkeep._watch)) == 2)
        with qtbot.waitSignal(upkeep.scanned):
            mine = write_picture(gallery.folder / "1.png", 1)
        with qtbot.waitSignal(upkeep.scanned):
            write_picture(other / "2.png", 2)
        assert gallery.count(GalleryQuery()) == 2
        with qtbot.waitSignal(upkeep.scanned):
            mine.unlink()
        assert gallery.count(GalleryQuery()) == 1
        upkeep.close()
