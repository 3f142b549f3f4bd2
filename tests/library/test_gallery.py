"""The gallery keeps what it is given: files, rows, ratings, the trash, also after a loss."""

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.engine.types import Rng, Sampler, Schedule
from app.generation.messages import Finished, Pixels, Timings
from app.generation.request import ResolvedRequest
from app.library.foreign_metadata import read_any_metadata
from app.library.gallery import Gallery
from app.library.gallery_entry import Flag, GalleryEntry, GalleryError, GalleryQuery, Order
from app.library.picture_file import PictureError
from app.library.ratings_file import FILE_NAME
from tests.library.foreign_pictures import CASES, write_png

ALL = GalleryQuery()


def finished(prompt: str = "a red fox", **values: Any) -> Finished:
    """A finished job of small pictures; `values` are the request's."""
    base: dict[str, Any] = {
        **{"width": 64, "height": 72, "steps": 9, "cfg_scale": 7.5, "seed": 5, "rng": Rng.NV},
        **{"sampler": Sampler.EULER_A, "schedule": Schedule.KARRAS, "negative_prompt": "dogs"},
        "model": Path("models/ink.safetensors"),
    }
    request = ResolvedRequest(prompt=prompt, **{**base, **values})
    pictures = tuple(
        bytes([40 * picture]) * (request.width * request.height * 3)
        for picture in range(request.batch_count)
    )
    return Finished(
        job_id="1",
        pictures=Pixels(width=request.width, height=request.height, pictures=pictures),
        request=request,
        model=request.model or Path("mini.safetensors"),
        model_sha256="6ce0161689b3853a",
        vae_sha256="",
        timings=Timings(load_ms=0, text_ms=0, denoise_ms=0, decode_ms=0),
        note="",
    )


def open_gallery(home: Path) -> Gallery:
    return Gallery(home / "pictures", home / "data" / "gallery.sqlite3")


def ids(gallery: Gallery, query: GalleryQuery) -> list[int]:
    return [entry_id for entry_id, _ in gallery.dated_ids(query)]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with open_gallery(tmp_path) as opened:
        yield opened


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def prompts(entries: list[GalleryEntry]) -> list[str]:
    return [entry.prompt for entry in entries]


def found(gallery: Gallery, **query: Any) -> list[str]:
    """The prompts that a query finds, which all three ways of asking agree on."""
    wanted = GalleryQuery(**query)
    entries = gallery.search(wanted)
    assert ids(gallery, wanted) == [entry.id for entry in entries]
    assert gallery.entries(ids(gallery, wanted)) == entries
    assert gallery.count(wanted) == len(entries)
    return prompts(entries)


def test_saved_picture_is_a_file_and_a_row(gallery: Gallery, tmp_path: Path) -> None:
    job = finished(batch_count=3)
    entries = [gallery.save(job, picture) for picture in range(3)]
    day = tmp_path / "pictures" / time.strftime("%Y-%m-%d")
    assert [entry.path.name for entry in entries] == [
        "00001-5.png",
        "00002-6.png",
        "00003-7.png",
    ]
    assert {entry.path.parent for entry in entries} == {day}
    assert names(day) == sorted(entry.path.name for entry in entries)
    entry = entries[2]
    assert (entry.model, entry.model_hash, entry.program) == ("ink", "6ce0161689", "Aquatint")
    assert (entry.width, entry.height, entry.seed, entry.steps) == (64, 72, 7, 9)
    assert (entry.sampler, entry.schedule, entry.cfg_scale) == ("euler_a", "karras", 7.5)
    assert (entry.rating, entry.flag) == (0, Flag.NONE)
    assert entry.request().model == Path("models/ink.safetensors")
    assert (entry.request().seed, entry.request().batch_count) == (7, 1)
    assert read_any_metadata(entry.path).request.seed == 7
    assert gallery.search(ALL) == entries[::-1]


def test_names_never_meet(gallery: Gallery, tmp_path: Path) -> None:
    """Many threads, and another program's file under the next name."""
    first = gallery.save(finished(), 0)
    taken = first.path.with_name("00002-5.png")
    taken.write_bytes(b"mine")
    threads = [threading.Thread(target=gallery.save, args=(finished(), 0)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.read_bytes() == b"mine"
    assert gallery.count(ALL) == 13
    assert len(list(first.path.parent.glob("*.png"))) == 14


def test_largest_seed_is_kept(gallery: Gallery) -> None:
    assert gallery.save(finished(seed=2**64 - 1), 0).seed == 2**64 - 1


def test_failed_write_is_a_sentence_and_leaves_nothing(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(PictureError, match="No space left on device"):
        gallery.save(finished(), 0)
    assert not list((tmp_path / "pictures").rglob("*.png"))
    assert gallery.count(ALL) == 0


def test_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("a file")
    with open_gallery(tmp_path) as gallery, pytest.raises(GalleryError, match="Could not write"):
        gallery.save(finished(), 0)


def test_words_are_found(gallery: Gallery) -> None:
    for prompt, model in (
        ("a red fox, été", "ink"),
        ("a blue whale <lora:wash:0.8>", "ocean v2"),
        ("赤い狐と月", "ink"),
        ("red whales at night", "night"),
    ):
        gallery.save(finished(prompt, model=Path(f"{model}.safetensors")), 0)
    red, whale, moon, night = (
        "a red fox, été",
        "a blue whale <lora:wash:0.8>",
        "赤い狐と月",
        "red whales at night",
    )
    assert found(gallery, text="red") == [night, red]
    assert found(gallery, text="RED fo") == [red]
    assert found(gallery, text="ete") == [red]
    assert found(gallery, text="whal") == [night, whale]
    assert found(gallery, text='"red fox"') == [red]
    assert found(gallery, text='"fox red"') == []
    assert found(gallery, text="red -fox") == [night]
    assert found(gallery, text="-red") == [moon, whale]
    assert found(gallery, text="狐") == [moon]
    assert found(gallery, text="-狐 ink") == [red]
    assert found(gallery, text="狐と月") == found(gallery, text='"い狐"') == [moon]
    assert found(gallery, text="月狐") == []
    assert found(gallery, text="ocean") == [whale]
    assert found(gallery, text="wash") == [whale]
    assert found(gallery, text="dogs") == [night, moon, whale, red]
    assert found(gallery, model="ink") == [moon, red]
    assert found(gallery, lora="wash") == [whale]
    assert found(gallery, lora="was") == []
    assert [(each.name, each.count) for each in gallery.models()] == [
        ("ink", 2),
        ("night", 1),
        ("ocean v2", 1),
    ]
    assert [(each.name, each.count) for each in gallery.loras()] == [("wash", 1)]


@pytest.mark.parametrize(
    "text",
    [
        '"',
        '""',
        "'",
        "-",
        "*",
        "AND",
        "NOT",
        "a OR (",
        "prompt:",
        "^",
        "NEAR(",
        "\0",
        "%狐_\\",
        "😀",
    ],
)
def test_any_text_may_be_searched(gallery: Gallery, text: str) -> None:
    gallery.save(finished(), 0)
    assert len(gallery.search(GalleryQuery(text=text))) <= 1
    assert gallery.count(GalleryQuery(text=text + " -" + text)) <= 1


def dated(gallery: Gallery, tmp_path: Path) -> None:
    """Pictures "0".."6" of days 0..6, imported, rated 0, 1, 2, 0, 1, 2, 0."""
    folder = tmp_path / "old"
    folder.mkdir()
    for day in range(7):
        path = write_png(
            folder / f"{day}.png", {"parameters": f"{day}\nSteps: 1, Seed: 2, Size: 8x8"}
        )
        os.utime(path, (day * 86400, day * 86400))
        gallery.rate([gallery.import_picture(path).id], day % 3)


def test_dates_ratings_flags_and_orders(gallery: Gallery, tmp_path: Path) -> None:
    dated(gallery, tmp_path)
    assert found(gallery, since=86400.0, before=3 * 86400.0) == ["2", "1"]
    assert found(gallery, least_rating=1) == ["5", "4", "2", "1"]
    assert found(gallery, order=Order.OLDEST) == list("0123456")
    assert found(gallery, order=Order.RATING) == list("5241630")
    rated = ids(gallery, GalleryQuery(least_rating=2))
    gallery.flag(rated, Flag.PICK)
    assert found(gallery, flag=Flag.PICK) == ["5", "2"]
    assert found(gallery, flag=Flag.NONE, least_rating=1) == ["4", "1"]
    with pytest.raises(GalleryError, match="from 0 to 5"):
        gallery.rate(ids, 6)


@pytest.mark.parametrize("order", Order)
def test_pages_follow_each_other(gallery: Gallery, tmp_path: Path, order: Order) -> None:
    dated(gallery, tmp_path)
    query = GalleryQuery(order=order, text="-nothing")
    pages, after = [], None
    while page := gallery.search(query, limit=2, after=after):
        pages += page
        after = page[-1]
        if len(pages) == 4:  # a new picture in between moves nothing twice and loses nothing old
            gallery.save(finished(), 0)
    seen = [entry.id for entry in pages]
    assert len(seen) == len(set(seen))
    assert set(ids(gallery, query)) - set(seen) <= {max(ids(gallery, query))}


def lose_database(home: Path) -> None:
    for path in (home / "data").glob("gallery.sqlite3*"):
        path.unlink()


def test_lost_database_is_made_again_from_the_files(tmp_path: Path) -> None:
    with open_gallery(tmp_path) as gallery:
        assert gallery.was_rebuilt
        for number in range(4):
            gallery.save(finished(f"fox {number} <lora:wash:1>", seed=number), 0)
        best = ids(gallery, ALL)[0]
        gallery.rate([best], 5)
        gallery.flag([best], Flag.REJECT)
        before = gallery.search(ALL)
    lose_database(tmp_path)
    with open_gallery(tmp_path) as gallery:
        assert gallery.was_rebuilt
        # a rating given before the scan does not cost the others theirs
        gallery.rate([gallery.import_picture(before[3].path).id], 2)
        assert gallery.scan().added == 3
        after = gallery.search(ALL)
        assert gallery.save(finished(), 0).path.name.startswith("00005")
    known = ("path", "created_at", "prompt", "model", "model_hash", "loras", "seed", "program")
    for old, new in zip(before, after, strict=True):
        assert [getattr(old, name) for name in known] == [getattr(new, name) for name in known]
    assert [(entry.rating, entry.flag) for entry in after] == [
        (5, Flag.REJECT),
        (0, Flag.NONE),
        (0, Flag.NONE),
        (2, Flag.NONE),
    ]
    with open_gallery(tmp_path) as gallery:
        assert not gallery.was_rebuilt


@pytest.mark.parametrize("damage", ["noise", "torn", "version"])
def test_damaged_database_is_replaced(tmp_path: Path, damage: str) -> None:
    database = tmp_path / "data" / "gallery.sqlite3"
    with open_gallery(tmp_path) as gallery:
        for number in range(60):
            gallery.save(finished(f"fox {number} " + "word " * 200), 0)
    if damage == "noise":
        database.write_bytes(b"no database" * 1000)
    elif damage == "torn":
        data = bytearray(database.read_bytes())
        data[4096 : len(data) // 2] = bytes(len(data) // 2 - 4096)
        database.write_bytes(data)
    else:
        with sqlite3.connect(database) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    with open_gallery(tmp_path) as gallery:
        assert gallery.was_rebuilt
        assert gallery.scan().added == 60
        assert gallery.count(GalleryQuery(text="fox")) == 60
    assert len(list(database.parent.glob("*.damaged-*"))) == (damage != "version")


VERSION_1 = """
DROP TRIGGER words_in; DROP TRIGGER words_out; DROP TRIGGER words_new; DROP TABLE words;
CREATE VIRTUAL TABLE words USING fts5 (
  prompt, negative_prompt, model, loras, content='pictures', content_rowid='id',
  tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
);
CREATE TRIGGER words_in AFTER INSERT ON pictures BEGIN SELECT 1; END;
CREATE TRIGGER words_out AFTER DELETE ON pictures BEGIN SELECT 1; END;
CREATE TRIGGER words_new AFTER UPDATE OF prompt ON pictures BEGIN SELECT 1; END;
INSERT INTO words (words) VALUES ('rebuild');
PRAGMA user_version = 1;
"""


def test_a_database_of_version_1_is_converted(tmp_path: Path) -> None:
    with open_gallery(tmp_path) as gallery:
        kept = gallery.save(finished("赤い狐と月"), 0)
        trashed = gallery.save(finished("a blue fox"), 0)
        gallery.delete([trashed.id])
    connection = sqlite3.connect(tmp_path / "data" / "gallery.sqlite3")
    connection.executescript(VERSION_1)
    connection.close()
    with open_gallery(tmp_path) as gallery:
        assert not gallery.was_rebuilt
        assert [entry.id for entry in gallery.search(GalleryQuery(text="狐"))] == [kept.id]
        assert [entry.prompt for entry in gallery.restore([trashed.id])] == ["a blue fox"]
        gallery.save(finished("白い狐"), 0)
        assert gallery.count(GalleryQuery(text="い狐")) == 2
        assert gallery.count(GalleryQuery(text="fox")) == 1


def test_crash_between_file_and_row(gallery: Gallery, tmp_path: Path) -> None:
    entry = gallery.save(finished(), 0)
    orphan = entry.path.with_name("00009-1.png")
    orphan.write_bytes(entry.path.read_bytes())
    entry.path.with_name("00010-1.png").touch()  # reserved, and no more
    old, new = (entry.path.with_name(f".00011-1.png.{name}.part") for name in ("old", "new"))
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    report = gallery.scan()
    assert (report.added, report.removed, report.unreadable) == (1, 0, ())
    assert gallery.count(ALL) == 2
    assert not entry.path.with_name("00010-1.png").exists()
    assert (old.exists(), new.exists()) == (False, True)
    assert gallery.scan().added == 0


def test_scan_follows_the_files(gallery: Gallery, tmp_path: Path) -> None:
    folder = tmp_path / "comfy"
    (folder / "deep" / ".hidden").mkdir(parents=True)
    for name, case in CASES.items():
        write_png(folder / "deep" / f"{name}.png", case.texts)
    write_png(folder / "deep" / ".hidden" / "a.png", {})
    (folder / "notes.txt").write_text("x")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    report = gallery.scan(folder)
    assert (report.added, report.unreadable) == (len(CASES), (folder / "broken.png",))
    assert {entry.program for entry in gallery.search(ALL)} == {c.program for c in CASES.values()}
    assert "wash" in [each.name for each in gallery.loras()]
    comfy = folder / "deep" / "comfy.png"
    rated = ids(gallery, GalleryQuery(text="fox", model="ink"))
    gallery.rate(rated, 4)
    write_png(comfy, {"parameters": "a cat\nSteps: 1, Seed: 2, Size: 64x64"})
    (folder / "deep" / "swarm.png").unlink()
    report = gallery.scan(folder)
    assert (report.added, report.changed, report.removed) == (0, 1, 1)
    assert found(gallery, text="cat", least_rating=4) == ["a cat"]
    assert (folder / "deep" / FILE_NAME).is_file()


def test_absent_disk_keeps_its_rows(gallery: Gallery, tmp_path: Path) -> None:
    dated(gallery, tmp_path)
    (tmp_path / "old").rename(tmp_path / "away")
    assert gallery.scan(tmp_path / "old").removed == 0
    assert gallery.count(ALL) == 7


def test_stopped_scan_removes_nothing(gallery: Gallery, tmp_path: Path) -> None:
    dated(gallery, tmp_path)
    (tmp_path / "old" / "3.png").unlink()
    answers = iter([False, False, True])
    assert gallery.scan(tmp_path / "old", lambda: next(answers)).removed == 0
    assert gallery.count(ALL) == 7


def test_folder_that_may_not_be_written_keeps_its_rating_in_the_database(
    gallery: Gallery, tmp_path: Path
) -> None:
    path = write_png(tmp_path / "a.png", {})
    entry = gallery.import_picture(path)
    (tmp_path / FILE_NAME).mkdir()  # cannot be replaced by a file, even by root
    gallery.rate([entry.id], 3)
    assert gallery.entries([entry.id])[0].rating == 3
    assert names(tmp_path) == [FILE_NAME, "a.png", "data"]


def test_deleted_picture_comes_back_as_it_was(gallery: Gallery, tmp_path: Path) -> None:
    entries = [gallery.save(finished(f"fox {number}"), 0) for number in range(3)]
    gallery.rate([entries[1].id], 5)
    entries = gallery.entries([entry.id for entry in entries])
    data = entries[1].path.read_bytes()
    gallery.delete([entries[1].id, entries[2].id])
    assert not entries[1].path.exists()
    assert prompts(gallery.search(ALL)) == ["fox 0"]
    assert gallery.count(GalleryQuery(text="fox")) == 1
    assert gallery.models()[0].count == 1
    assert gallery.scan().added == 0
    assert gallery.save(finished("new"), 0).path.name.startswith("00004")
    assert gallery.restore([entries[1].id]) == [entries[1]]
    assert entries[1].path.read_bytes() == data
    assert gallery.restore([entries[1].id]) == []
    assert '"rating": 5' in (entries[1].path.parent / FILE_NAME).read_text()


def test_place_that_is_taken_is_not_overwritten(gallery: Gallery) -> None:
    entry = gallery.save(finished(), 0)
    gallery.delete([entry.id])
    entry.path.write_bytes(b"mine")
    [restored] = gallery.restore([entry.id])
    assert restored.path.name == "00001-5-2.png"
    assert restored.path.is_file()
    assert entry.path.read_bytes() == b"mine"


def test_trash_is_emptied_in_its_time(gallery: Gallery, tmp_path: Path) -> None:
    entries = [gallery.save(finished(), 0) for _ in range(2)]
    gallery.delete([entries[0].id])
    assert gallery.empty_trash() == 0
    (tmp_path / "data" / "trash" / "orphan.png").touch()
    assert gallery.empty_trash(older_than_days=0) == 1
    assert names(tmp_path / "data" / "trash") == []
    assert gallery.restore([entries[0].id]) == []
    assert gallery.count(ALL) == 1


def test_system_s_trash_may_be_used(tmp_path: Path) -> None:
    bin_folder = tmp_path / "Trash"
    bin_folder.mkdir()

    def move(path: Path) -> Path:
        return path.rename(bin_folder / path.name)

    with Gallery(tmp_path / "pictures", tmp_path / "data" / "g.sqlite3", move) as gallery:
        entries = [gallery.save(finished(), 0) for _ in range(3)]
        gallery.delete([entry.id for entry in entries])
        assert len(names(bin_folder)) == 3
        (bin_folder / entries[1].path.name).unlink()
        with pytest.raises(GalleryError, match=re.escape(entries[1].path.name)):
            gallery.restore([entry.id for entry in entries])
        assert ids(gallery, ALL) == [entries[2].id, entries[0].id]
        gallery.delete([entries[2].id])
        gallery.empty_trash(older_than_days=0)
        assert names(bin_folder) == [entries[2].path.name]  # the system's is the user's


def test_delete_that_is_refused_leaves_the_picture(tmp_path: Path) -> None:
    def refuse(path: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    with Gallery(tmp_path / "pictures", tmp_path / "data" / "g.sqlite3", refuse) as gallery:
        entry = gallery.save(finished(), 0)
        with pytest.raises(GalleryError, match="could not be deleted: Permission denied"):
            gallery.delete([entry.id])
        assert gallery.search(ALL) == [entry]


def test_crash_in_the_middle_of_a_delete(tmp_path: Path) -> None:
    def crash(path: Path) -> Path:
        raise KeyboardInterrupt

    with Gallery(tmp_path / "pictures", tmp_path / "data" / "g.sqlite3", crash) as gallery:
        entry = gallery.save(finished(), 0)
        with pytest.raises(KeyboardInterrupt):
            gallery.delete([entry.id])
        assert gallery.count(ALL) == 0
        assert gallery.scan().changed == 1
        assert gallery.search(ALL) == [entry]


def test_missing_file_is_forgotten_when_it_is_deleted(gallery: Gallery) -> None:
    entry = gallery.save(finished(), 0)
    entry.path.unlink()
    gallery.delete([entry.id])
    assert gallery.count(ALL) == 0
    assert gallery.restore([entry.id]) == []


def test_closed_gallery_is_a_sentence(tmp_path: Path) -> None:
    gallery = open_gallery(tmp_path)
    gallery.close()
    gallery.close()
    with pytest.raises(GalleryError, match=r"could not be used: .*\.$"):
        gallery.count(ALL)
