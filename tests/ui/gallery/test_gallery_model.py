"""The gallery's rows: loaded when seen, kept through changes, right after every race."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPersistentModelIndex
from PySide6.QtTest import QAbstractItemModelTester

from app.library.gallery import Gallery
from app.library.gallery_entry import Flag, GalleryError, GalleryQuery, Order
from app.ui.gallery.gallery_model import MOST_RUNS, GalleryModel
from app.ui.parts.row_changes import runs
from tests.ui.gallery.gallery_set_up import fill, write_picture

COUNT = 60


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    fill(tmp_path / "pictures", COUNT)
    with Gallery(tmp_path / "pictures", tmp_path / "data" / "gallery.db") as gallery:
        gallery.scan()
        yield gallery


@pytest.fixture
def model(qtbot, gallery: Gallery, tmp_path: Path) -> Iterator[GalleryModel]:
    model = GalleryModel(gallery, tmp_path / "cache")
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    with qtbot.waitSignal(model.refreshed):
        model.refresh()
    yield model
    model.close()


def seeds(model: GalleryModel) -> list[int | None]:
    return [entry.seed for entry in model.entries(range(model.rowCount()))]


def again(qtbot, model: GalleryModel) -> None:
    with qtbot.waitSignal(model.refreshed):
        model.refresh()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [([], []), ([4], [range(4, 5)]), ([1, 2, 3, 7, 8], [range(1, 4), range(7, 9)])],
)
def test_runs(rows: list[int], expected: list[range]) -> None:
    assert runs(rows) == expected


def test_only_what_is_near_is_loaded(qtbot, model: GalleryModel) -> None:
    assert model.rowCount() == COUNT
    assert model.entry(model.index(0)) is None
    model.set_in_sight(range(10, 14))
    qtbot.waitUntil(lambda: model.entry(model.index(10)) is not None)
    loaded = [row for row in range(COUNT) if model.entry(model.index(row)) is not None]
    assert loaded == list(range(6, 18))  # a screen on either side
    wanted = [model.id_at(row) for row in loaded]
    qtbot.waitUntil(lambda: all(model.thumbnails.image(i) is not None for i in wanted))
    assert model.thumbnails.image(model.id_at(30)) is None


def test_what_scrolled_away_is_given_up(qtbot, gallery, tmp_path, monkeypatch) -> None:
    """While all threads are held, a jump drops the thumbnails that had not begun."""
    gate, made = threading.Event(), []

    def slow(picture: Path, cache: Path) -> Path:
        made.append(picture.name)
        assert gate.wait(10)
        return picture

    monkeypatch.setattr("app.ui.gallery.gallery_model.thumbnail", slow)
    model = GalleryModel(gallery, tmp_path / "cache")
    again(qtbot, model)
    model.entries(range(COUNT))
    model.set_in_sight(range(6))
    assert model.thumbnails.waiting == 12
    held = model.thumbnails.threads
    qtbot.waitUntil(lambda: len(made) == held)
    model.set_in_sight(range(50, 54))
    assert model.thumbnails.waiting == held + 12
    gate.set()
    qtbot.waitUntil(lambda: model.thumbnails.waiting == 0)
    assert sorted(made) == [
        *(f"{n:02}.png" for n in range(held)),
        *(f"{n}.png" for n in range(46, 58)),
    ]
    model.close()


def test_what_is_held_has_a_bound_and_what_is_wanted_always_fits(qtbot, model, monkeypatch) -> None:
    loader, one = model.thumbnails, 4 * 64**2
    monkeypatch.setattr("app.ui.pictures.thumbnail_loader.LEAST_BOUND_BYTES", 20 * one)
    loader.set_side(64, 6)
    for first in range(0, COUNT, 4):
        model.entries(range(COUNT))
        model.set_in_sight(range(first, first + 4))
        qtbot.waitUntil(lambda: not loader.waiting)
        assert 0 < loader.held_bytes <= 20 * one
    assert loader.image(model.id_at(0)) is None
    model.set_in_sight(range(COUNT))
    qtbot.waitUntil(lambda: loader.held_bytes == COUNT * one)
    assert all(loader.image(model.id_at(row)) for row in range(COUNT))


def test_a_picture_that_cannot_be_read_is_known_as_missing(qtbot, model, gallery) -> None:
    entry = gallery.search(GalleryQuery(), limit=1)[0]
    entry.path.write_bytes(b"nothing")
    model.set_in_sight(range(3))
    qtbot.waitUntil(lambda: model.thumbnails.is_missing(entry.id))
    assert model.thumbnails.image(entry.id) is None


def test_new_pictures_are_inserted_and_the_rest_keeps_its_place(qtbot, model, gallery, tmp_path):
    kept = QPersistentModelIndex(model.index(7))
    inserted = []
    model.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    for number in (-3, -2):
        gallery.import_picture(write_picture(tmp_path / "pictures" / f"n{number}.png", number))
    again(qtbot, model)
    assert inserted == [(0, 1)]
    assert kept.row() == 9
    assert model.row_of(model.id_at(9)) == 9
    assert model.rowCount() == COUNT + 2


def test_another_order_moves_rows_and_what_points_at_them(qtbot, model: GalleryModel) -> None:
    kept = QPersistentModelIndex(model.index(4))
    with qtbot.waitSignal(model.layoutChanged), qtbot.waitSignal(model.refreshed):
        model.set_query(GalleryQuery(order=Order.OLDEST))
    assert kept.row() == COUNT - 5
    assert [entry.seed for entry in model.entries([COUNT - 5])] == [4]


def test_rows_that_leave_and_come_at_many_places(qtbot, model, gallery) -> None:
    rated = [model.id_at(row) for row in (2, 3, 20, 41)]
    gallery.rate(rated, 5)
    with qtbot.waitSignal(model.refreshed):
        model.set_query(GalleryQuery(least_rating=5))
    assert seeds(model) == [2, 3, 20, 41]
    with qtbot.waitSignal(model.refreshed):
        model.set_query(GalleryQuery(order=Order.RATING))
    assert seeds(model)[:5] == [2, 3, 20, 41, 0]


def test_too_many_changes_are_one_reset(qtbot, gallery, model, tmp_path) -> None:
    fill(tmp_path / "more", 2 * MOST_RUNS + 2)
    gallery.scan(tmp_path / "more")
    again(qtbot, model)
    kept = [model.id_at(row) for row in range(0, model.rowCount(), 2)]
    gallery.flag(kept, Flag.PICK)
    with qtbot.waitSignal(model.modelReset):
        model.set_query(GalleryQuery(flag=Flag.PICK))
    assert [model.id_at(row) for row in range(model.rowCount())] == kept


def test_only_the_newest_question_is_answered(qtbot, model: GalleryModel) -> None:
    shown = []
    model.refreshed.connect(lambda: shown.append(model.rowCount()))
    for text in ("a", "red", "fox"):
        model.set_query(GalleryQuery(text=text))
    qtbot.waitUntil(lambda: shown != [])
    assert shown == [COUNT // 6]


def test_an_entry_that_was_on_its_way_while_it_was_rated_is_read_again(qtbot, model, gallery):
    ids = [model.id_at(row) for row in range(3)]
    model.set_in_sight(range(3))  # asks; the answer has no stars yet
    model.rate(ids, 4)
    qtbot.waitUntil(
        lambda: all(
            (entry := model.entry(model.index(row))) is not None and entry.rating == 4
            for row in range(3)
        )
    )
    assert [entry.rating for entry in gallery.entries(ids)] == [4, 4, 4]


def test_a_change_that_fails_is_taken_back_and_told(qtbot, model, gallery, monkeypatch) -> None:
    model.set_in_sight(range(3))
    qtbot.waitUntil(lambda: model.entry(model.index(0)) is not None)

    def fail(ids, rating) -> None:
        raise GalleryError("The disk is full.")

    monkeypatch.setattr(gallery, "rate", fail)
    with qtbot.waitSignals([model.failed, model.refreshed]):
        model.rate([model.id_at(0)], 5)
        assert model.entry(model.index(0)).rating == 5
    assert [entry.rating for entry in model.entries([0])] == [0]


def test_a_deletion_that_fails_shows_the_picture_again(qtbot, model, gallery, monkeypatch):
    def fail(ids) -> None:
        raise GalleryError("00.png could not be deleted: read-only.")

    monkeypatch.setattr(gallery, "delete", fail)
    with qtbot.waitSignal(model.failed) as told:
        model.delete([model.id_at(0)])
        assert model.rowCount() == COUNT - 1
    assert told.args == ["00.png could not be deleted: read-only."]
    qtbot.waitUntil(lambda: model.rowCount() == COUNT)


def test_a_search_that_fails_is_told_once(qtbot, model, gallery, monkeypatch) -> None:
    told = []
    model.failed.connect(told.append)

    def fail(query) -> list[int]:
        raise GalleryError("The gallery's database is damaged.")

    monkeypatch.setattr(gallery, "dated_ids", fail)
    model.set_query(GalleryQuery(text="a"))
    qtbot.waitUntil(lambda: told != [])
    qtbot.wait(50)
    assert told == ["The gallery's database is damaged."]
    assert model.rowCount() == COUNT


def test_the_window_waits_for_nothing(qtbot, gallery, tmp_path, monkeypatch) -> None:
    """A database that takes its time holds up no call of the model."""
    gate, asked = threading.Event(), gallery.dated_ids

    def slow(query: GalleryQuery) -> list[int]:
        assert gate.wait(10)
        return asked(query)

    monkeypatch.setattr(gallery, "dated_ids", slow)
    model = GalleryModel(gallery, tmp_path / "cache")
    began = time.perf_counter()
    model.refresh()
    model.set_query(GalleryQuery(text="red"))
    model.rate([1], 3)
    assert time.perf_counter() - began < 0.1
    with qtbot.waitSignal(model.refreshed):
        gate.set()
    assert model.rowCount() == COUNT // 3
    model.close()


def test_names_in_use_are_told(qtbot, model: GalleryModel) -> None:
    with qtbot.waitSignal(model.names_changed) as told:
        model.refresh()
    models, loras = told.args
    assert {(name.name, name.count) for name in models} == {("mini", 30), ("dreamshaper", 30)}
    assert loras == ()


def test_closing_while_work_waits(qtbot, gallery, tmp_path) -> None:
    model = GalleryModel(gallery, tmp_path / "cache")
    model.refresh()
    model.import_paths([tmp_path / "pictures"])
    model.close()
    model.refresh()  # asks no more
    assert model.rowCount() == 0
