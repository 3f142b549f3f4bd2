"""The gallery under real keys, clicks and drops."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDrag, QHoverEvent, QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QMenu, QStyle

from app.library.gallery import Gallery
from app.library.gallery_entry import Flag, GalleryQuery, Order
from app.ui.gallery.gallery_delegate import INSET
from app.ui.gallery.gallery_grid import LEFT
from app.ui.gallery.gallery_model import GalleryModel
from app.ui.gallery.gallery_view import GalleryView
from tests.ui.gallery.gallery_set_up import COUNT, Shown, drag_at, drop_at, fill, write_picture

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def shown(qtbot, tmp_path: Path) -> Iterator[Shown]:
    fill(tmp_path / "pictures")
    gallery = Gallery(tmp_path / "pictures", tmp_path / "data" / "gallery.db")
    gallery.scan()
    model = GalleryModel(gallery, tmp_path / "cache")
    view = GalleryView(model)
    qtbot.addWidget(view)
    view.resize(300, 900)
    view.show()
    with qtbot.waitSignal(model.refreshed):
        model.refresh()
    shown = Shown(gallery, model, view)
    qtbot.waitUntil(lambda: model.entry(model.index(COUNT - 1)) is not None)
    view.grid.setFocus()
    yield shown
    model.close()
    gallery.close()


def refreshed(qtbot, shown: Shown):
    return qtbot.waitSignal(shown.model.refreshed)


def test_newest_first_and_two_columns_in_a_sidebar(shown: Shown) -> None:
    assert shown.seeds == list(range(COUNT))
    assert shown.view.count_label.text() == "12 pictures"
    first, second, third = (shown.view.grid.visualRect(shown.index(row)) for row in range(3))
    assert first.top() == second.top() < third.top()
    assert first.width() == first.height() == shown.view.grid.cell_side
    assert second.right() <= shown.view.grid.viewport().width()


def test_cells_fill_every_width(qtbot, shown: Shown) -> None:
    bar = shown.view.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
    for width in range(300, 1000, 37):
        shown.view.resize(width, 600)
        QApplication.processEvents()
        grid = shown.view.grid
        tops = [grid.visualRect(shown.index(row)).top() for row in range(COUNT)]
        assert tops.count(tops[0]) == min(grid.columns, COUNT), width
        room = grid.maximumViewportSize().width() - bar - LEFT
        assert 0 < room - grid.columns * grid.cell_side <= grid.columns, width


def test_thumbnails_come_for_what_is_seen(qtbot, shown: Shown) -> None:
    first = shown.model.id_at(0)
    qtbot.waitUntil(lambda: shown.model.thumbnails.image(first) is not None)
    image = shown.model.thumbnails.image(first)
    side = round((shown.view.grid.cell_side - 2 * INSET) * shown.view.devicePixelRatioF())
    assert image is not None
    assert image.width() == image.height() == side
    assert image.pixelColor(0, 0).alpha() == 0  # round corners
    assert abs(image.pixelColor(side // 2, side // 2).blue() - 160) < 8
    place = shown.center(0)
    painted = shown.view.grid.viewport().grab().toImage().pixelColor(place)
    assert abs(painted.blue() - 160) < 8


@pytest.mark.parametrize("stars", [1, 3, 5])
def test_digits_rate_all_that_is_selected(qtbot, shown: Shown, stars: int) -> None:
    shown.click(qtbot, 1)
    shown.click(qtbot, 4, CONTROL)
    shown.press(qtbot, Qt.Key(Qt.Key.Key_0 + stars))
    assert [shown.model.entry(shown.index(row)).rating for row in (0, 1, 4)] == [0, stars, stars]
    qtbot.waitUntil(lambda: [shown.stored(row).rating for row in (0, 1, 4)] == [0, stars, stars])
    shown.press(qtbot, Qt.Key.Key_0)
    qtbot.waitUntil(lambda: shown.stored(1).rating == shown.stored(4).rating == 0)


def test_letters_flag_and_unflag(qtbot, shown: Shown) -> None:
    shown.click(qtbot, 2)
    for key, flag in (
        (Qt.Key.Key_P, Flag.PICK),
        (Qt.Key.Key_X, Flag.REJECT),
        (Qt.Key.Key_U, Flag.NONE),
    ):
        shown.press(qtbot, key)
        assert shown.model.entry(shown.index(2)).flag is flag
        qtbot.waitUntil(lambda flag=flag: shown.stored(2).flag is flag)
    assert shown.view.grid.currentIndex().row() == 2  # no letter jumped to a name


def test_keys_do_nothing_where_nothing_is_selected(qtbot, shown: Shown) -> None:
    shown.view.grid.clearSelection()
    with qtbot.assertNotEmitted(shown.model.edited), qtbot.assertNotEmitted(shown.model.deleted):
        for key in (Qt.Key.Key_5, Qt.Key.Key_P, Qt.Key.Key_Delete):
            shown.press(qtbot, key)


def hover(shown: Shown, place: QPoint) -> None:
    viewport = shown.view.grid.viewport()
    event = QHoverEvent(QHoverEvent.Type.HoverMove, QPointF(place), QPointF(place), QPointF())
    QApplication.sendEvent(viewport, event)


def star_place(shown: Shown, row: int, star: int) -> QPoint:
    cell = shown.view.grid.visualRect(shown.index(row))
    return QPoint(round(cell.left() + INSET + 6 + (star - 0.5) * 18), cell.bottom() - 16)


def test_a_click_on_a_star_rates_that_picture_alone_and_selects_nothing(qtbot, shown) -> None:
    shown.click(qtbot, 0)
    place = star_place(shown, 3, 4)
    qtbot.mouseMove(shown.view.grid.viewport(), place)
    hover(shown, place)
    shown.click_at(qtbot, place)
    qtbot.waitUntil(lambda: shown.stored(3).rating == 4)
    assert shown.stored(0).rating == 0
    assert shown.view.grid.selected_rows() == [0]
    shown.click_at(qtbot, place)  # the same star takes it back
    qtbot.waitUntil(lambda: shown.stored(3).rating == 0)


def test_a_click_on_a_star_of_a_selected_picture_rates_all_selected(qtbot, shown) -> None:
    shown.click(qtbot, 1)
    shown.click(qtbot, 3, SHIFT)
    shown.click_at(qtbot, star_place(shown, 2, 2))
    qtbot.waitUntil(lambda: [shown.stored(row).rating for row in range(5)] == [0, 2, 2, 2, 0])
    assert shown.view.grid.selected_rows() == [1, 2, 3]


def test_a_click_on_the_flag_picks(qtbot, shown: Shown) -> None:
    cell = shown.view.grid.visualRect(shown.index(5))
    place = QPoint(round(cell.right() - INSET - 16), round(cell.top() + INSET + 16))
    shown.click_at(qtbot, place)
    qtbot.waitUntil(lambda: shown.stored(5).flag is Flag.PICK)
    shown.click_at(qtbot, place)
    qtbot.waitUntil(lambda: shown.stored(5).flag is Flag.NONE)
    assert shown.view.grid.selected_rows() == []


def test_what_is_thought_of_a_picture_can_be_seen(qtbot, shown: Shown) -> None:
    qtbot.waitUntil(lambda: shown.model.thumbnails.waiting == 0)
    before = shown.view.grid.viewport().grab().toImage()
    for keys in ((Qt.Key.Key_5,), (Qt.Key.Key_0, Qt.Key.Key_P), (Qt.Key.Key_X,)):
        shown.click(qtbot, 0)
        for key in keys:
            shown.press(qtbot, key)
        shown.press(qtbot, Qt.Key.Key_Escape)
        after = shown.view.grid.viewport().grab().toImage()
        assert changed_pixels(before, after) > 40, keys
        before = after


def changed_pixels(before: QImage, after: QImage) -> int:
    places = [(x, y) for x in range(0, before.width(), 2) for y in range(0, 150, 2)]
    return sum(before.pixel(x, y) != after.pixel(x, y) for x, y in places)


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_delete_and_undo(qtbot, shown: Shown, key: Qt.Key) -> None:
    shown.click(qtbot, 3)
    shown.click(qtbot, 5, SHIFT)
    files = [entry.path for entry in shown.view.selected()]
    with refreshed(qtbot, shown):
        shown.press(qtbot, key)
        assert shown.seeds == [0, 1, 2, *range(6, COUNT)]  # at once
    assert not any(path.exists() for path in files)
    assert shown.view.grid.selected_rows() == [3]  # the next one
    assert shown.view.notice.label.text() == "3 pictures deleted"
    with refreshed(qtbot, shown):
        qtbot.mouseClick(shown.view.notice.button, Qt.MouseButton.LeftButton)
    assert shown.seeds == list(range(COUNT))
    assert all(path.exists() for path in files)
    assert not shown.view.notice.isVisible()


def test_undo_by_key_goes_back_through_several(qtbot, shown: Shown) -> None:
    shown.click(qtbot, 0)
    for _ in range(2):
        with refreshed(qtbot, shown):
            shown.press(qtbot, Qt.Key.Key_Delete)
    assert shown.seeds[:2] == [2, 3]
    for first in (1, 0):
        with refreshed(qtbot, shown):
            shown.press(qtbot, Qt.Key.Key_Z, CONTROL)
        assert shown.seeds[0] == first
    assert not shown.model.can_undo


def test_return_double_click_and_space_show(qtbot, shown: Shown) -> None:
    shown.click(qtbot, 2)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
        with qtbot.waitSignal(shown.view.show_requested) as asked:
            shown.press(qtbot, key)
        assert asked.args[0].seed == 2
    with qtbot.waitSignal(shown.view.show_requested) as asked:
        qtbot.mouseDClick(
            shown.view.grid.viewport(), Qt.MouseButton.LeftButton, pos=shown.center(4)
        )
    assert asked.args[0].seed == 4


def test_space_compares_two(qtbot, shown: Shown) -> None:
    shown.click(qtbot, 1)
    shown.click(qtbot, 4, CONTROL)
    with qtbot.waitSignal(shown.view.compare_requested) as asked:
        shown.press(qtbot, Qt.Key.Key_Space)
    assert [entry.seed for entry in asked.args] == [1, 4]


def test_arrows_walk_and_tell(qtbot, shown: Shown) -> None:
    shown.click(qtbot, 0)
    for key, seed in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Down, 3), (Qt.Key.Key_Left, 2)):
        with qtbot.waitSignal(shown.view.current_changed) as told:
            shown.press(qtbot, key)
        assert told.args[0].seed == seed
    assert shown.view.select_next(1).seed == 3
    assert shown.view.select_next(-99).seed == 0


def test_typing_searches_after_a_rest(qtbot, shown: Shown) -> None:
    asked = []
    shown.view.filters.query_changed.connect(lambda query: asked.append(query.text))
    with refreshed(qtbot, shown):
        qtbot.keyClicks(shown.view.filters.search, "fox")
    assert asked == ["fox"]  # one search for three letters
    assert shown.seeds == [3, 9]
    assert shown.view.count_label.text() == "2 of 12 pictures"
    qtbot.keyClick(shown.view.filters.search, Qt.Key.Key_Down)
    assert shown.view.grid.currentIndex().row() == 0
    with refreshed(qtbot, shown):
        qtbot.mouseClick(shown.view.show_all, Qt.MouseButton.LeftButton)
    assert shown.view.filters.search.text() == ""
    assert len(shown.seeds) == COUNT


def test_nothing_found_offers_a_way_back(qtbot, shown: Shown) -> None:
    with refreshed(qtbot, shown):
        qtbot.keyClicks(shown.view.filters.search, "zebra")
    assert not shown.view.grid.isVisible()
    assert shown.view._empty_button.isVisible()
    with refreshed(qtbot, shown):
        qtbot.mouseClick(shown.view._empty_button, Qt.MouseButton.LeftButton)
    assert shown.view.grid.isVisible()


def test_filters_by_stars_and_flags(qtbot, shown: Shown) -> None:
    ids = [shown.model.id_at(row) for row in range(COUNT)]
    shown.gallery.rate(ids[2:4], 4)
    shown.gallery.flag(ids[5:7], Flag.PICK)
    stars = shown.view.filters.stars
    with refreshed(qtbot, shown):
        qtbot.mouseClick(stars, Qt.MouseButton.LeftButton, pos=QPoint(4 + 18 * 3 + 9, 14))
    assert stars.rating == 4
    assert shown.seeds == [2, 3]
    shown.click(qtbot, 0)
    with refreshed(qtbot, shown):  # what no longer fits leaves
        shown.press(qtbot, Qt.Key.Key_1)
    assert shown.seeds == [3]
    with refreshed(qtbot, shown):
        qtbot.keyClick(stars, Qt.Key.Key_0)
    with refreshed(qtbot, shown):
        qtbot.mouseClick(shown.view.filters.picks, Qt.MouseButton.LeftButton)
    assert shown.seeds == [5, 6]
    with refreshed(qtbot, shown):
        qtbot.mouseClick(shown.view.filters.rejects, Qt.MouseButton.LeftButton)
    assert shown.seeds == []
    assert not shown.view.filters.picks.isChecked()


def pick(menu: QMenu, label: str) -> None:
    for action in menu.actions():
        if action.menu():
            inner = [a for a in action.menu().actions() if a.text().startswith(label)]
            if inner:
                inner[0].trigger()
                return
        if action.text().startswith(label):
            action.trigger()
            return
    raise AssertionError(f"no {label} in {[a.text() for a in menu.actions()]}")


def test_the_menu_orders_and_narrows(qtbot, shown: Shown) -> None:
    with refreshed(qtbot, shown):
        pick(shown.view.filters.more_menu(), "Oldest first")
    assert shown.seeds == list(reversed(range(COUNT)))
    assert shown.model.query.order is Order.OLDEST
    with refreshed(qtbot, shown):
        pick(shown.view.filters.more_menu(), "mini")
    assert set(shown.seeds) == {1, 3, 5, 7, 9, 11}
    assert shown.view.filters.more.isChecked()  # a filter that is not in sight is told
    with refreshed(qtbot, shown):
        pick(shown.view.filters.more_menu(), "Today")
    assert shown.seeds == []


def test_the_menu_of_a_picture(qtbot, shown: Shown) -> None:
    assert shown.view.menu() is None
    shown.click(qtbot, 2)
    for label, signal in (
        ("Show", shown.view.show_requested),
        ("Use these settings", shown.view.use_settings_requested),
        ("Use this seed", shown.view.use_seed_requested),
    ):
        with qtbot.waitSignal(signal) as asked:
            pick(shown.view.menu(), label)
        assert asked.args[0].seed == 2
    path = shown.stored(2).path
    for label, signal, expected in (
        ("Use as image to image", shown.view.use_as_init_requested, path),
        ("Show in", shown.view.reveal_requested, path),
        ("Copy", shown.view.copy_requested, [path]),
    ):
        with qtbot.waitSignal(signal) as asked:
            pick(shown.view.menu(), label)
        assert asked.args[0] == expected
    pick(shown.view.menu(), "★★★")
    pick(shown.view.menu(), "Reject")
    qtbot.waitUntil(lambda: (shown.stored(2).rating, shown.stored(2).flag) == (3, Flag.REJECT))
    with refreshed(qtbot, shown):
        pick(shown.view.menu(), "Delete")
    assert 2 not in shown.seeds


def test_the_menu_of_several_has_only_what_several_can(qtbot, shown: Shown) -> None:
    shown.click(qtbot, 0)
    shown.press(qtbot, Qt.Key.Key_A, CONTROL)
    assert shown.view.count_label.text() == "12 of 12 selected"
    labels = [action.text() for action in shown.view.menu().actions()]
    assert "Use these settings" not in labels
    assert "Compare" not in labels
    with qtbot.waitSignal(shown.view.copy_requested) as asked:
        shown.press(qtbot, Qt.Key.Key_C, CONTROL)
    assert len(asked.args[0]) == COUNT


def test_pictures_leave_as_files(qtbot, shown: Shown, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(QDrag, "exec", lambda drag, *_: seen.append(drag))
    shown.click(qtbot, 1)
    shown.click(qtbot, 2, CONTROL)
    files = [entry.path for entry in shown.view.selected()]
    viewport, start = shown.view.grid.viewport(), shown.center(1)
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    for step in (12, 30):
        qtbot.mouseMove(viewport, start + QPoint(step, step))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=start + QPoint(30, 30))
    assert len(seen) == 1
    assert [Path(url.toLocalFile()) for url in seen[0].mimeData().urls()] == files
    assert not seen[0].pixmap().isNull()


def mime(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def test_files_and_folders_dropped_in_are_added(qtbot, shown: Shown, tmp_path: Path) -> None:
    fill(tmp_path / "others" / "deep", 3)
    foreign = write_picture(tmp_path / "foreign.png", 40)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    data = mime(tmp_path / "others", foreign, broken)
    enter = drag_at(data, QPoint(100, 300))
    QApplication.sendEvent(shown.view, enter)
    assert enter.isAccepted()
    with qtbot.waitSignal(shown.model.imported) as told, refreshed(qtbot, shown):
        QApplication.sendEvent(shown.view, drop_at(data, QPoint(100, 300)))
    report = told.args[0]
    assert report.added == 4
    assert [sentence for sentence in report.refused if "broken.png" in sentence]
    assert len(shown.all_stored()) == COUNT + 4
    assert "4 pictures added. 1 could not be read." in shown.view.notice.label.text()
    qtbot.mouseClick(shown.view.notice.button, Qt.MouseButton.LeftButton)
    dialog = shown.view.findChild(QApplication.activeModalWidget().__class__)
    assert "broken.png" in dialog.text.toPlainText()
    dialog.reject()


def test_what_cannot_be_restored_is_told(qtbot, shown: Shown, tmp_path: Path) -> None:
    from app.library.picture_file import save_png

    text = "a cat\nSteps: 9, Sampler: Restart, Seed: 1, Hires upscale: 2, Model: other"
    path = tmp_path / "other.png"
    save_png(path, bytes(3 * 64), (8, 8), text)
    with qtbot.waitSignal(shown.model.imported) as told:
        shown.model.import_paths([path])
    ((named, items),) = told.args[0].not_restored
    assert named == path
    assert "Sampler: Restart" in items
    assert "Hires upscale: 2" in items


def test_an_empty_gallery_says_what_to_do(qtbot, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "none", tmp_path / "data" / "gallery.db")
    model = GalleryModel(gallery, tmp_path / "cache")
    view = GalleryView(model)
    qtbot.addWidget(view)
    view.show()
    with qtbot.waitSignal(model.refreshed):
        model.refresh()
    assert view._empty_text.isVisible()
    assert "Drop others here" in view._empty_text.text()
    assert not view._empty_button.isVisible()
    model.close()
    gallery.close()


def test_the_day_shows_while_one_scrolls(qtbot, shown: Shown) -> None:
    shown.view.resize(300, 400)
    QApplication.processEvents()
    assert not shown.view._day.isVisible()
    shown.view.grid.verticalScrollBar().setValue(80)
    assert shown.view._day.isVisible()
    assert "2015" in shown.view._day_label.text()
    qtbot.waitUntil(lambda: not shown.view._day.isVisible())


def test_the_slider_changes_the_cells_and_the_row_at_the_top_stays(qtbot, shown: Shown) -> None:
    shown.view.resize(300, 300)
    QApplication.processEvents()
    shown.view.select(shown.model.id_at(8))
    before = shown.view.grid.cell_side
    shown.view.size_slider.setFocus()
    for _ in range(6):
        qtbot.keyClick(shown.view.size_slider, Qt.Key.Key_PageUp)
    assert shown.view.grid.cell_side > before
    assert shown.view.grid.columns == 1
    assert shown.view.grid.verticalScrollBar().value() > 0
    assert shown.model.query == GalleryQuery()


def test_days_stand_over_their_pictures_and_a_press_selects_one(qtbot, shown: Shown) -> None:
    grid = shown.view.grid
    titles = grid.grid_layout.titles_between(0, grid.grid_layout.height)
    assert sum(len(section.rows) for _, section in titles) == COUNT
    assert all("2015" in section.title for _, section in titles)
    rect, day = titles[0]
    shown.click_at(qtbot, rect.center())
    assert grid.selected_rows() == list(day.rows)
    shown.model.set_query(GalleryQuery(order=Order.RATING))
    qtbot.waitUntil(lambda: not grid.grid_layout.titles_between(0, 1000))


def test_a_band_selects_the_cells_that_it_meets(qtbot, shown: Shown) -> None:
    grid = shown.view.grid
    shown.view.resize(700, 500)
    QApplication.processEvents()
    begin = QPoint(grid.viewport().width() - 2, 2)
    last = shown.center(1)
    qtbot.mousePress(grid.viewport(), Qt.MouseButton.LeftButton, pos=begin + QPoint(0, 40))
    for place in (begin + QPoint(-20, 60), last):
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(place),
            QPointF(grid.viewport().mapToGlobal(place)),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(grid.viewport(), event)
    assert grid.selected_rows() == list(range(1, grid.columns))
    qtbot.mouseRelease(grid.viewport(), Qt.MouseButton.LeftButton, pos=last)


def test_pages_and_ends_by_key(qtbot, shown: Shown) -> None:
    shown.view.grid.select_row(0)
    shown.press(qtbot, Qt.Key.Key_End)
    assert shown.view.grid.selected_rows() == [COUNT - 1]
    shown.press(qtbot, Qt.Key.Key_PageUp)
    assert shown.view.grid.currentIndex().row() < COUNT - 1
    shown.press(qtbot, Qt.Key.Key_Home, SHIFT)
    assert shown.view.grid.selected_rows()[0] == 0
    shown.press(qtbot, Qt.Key.Key_Down)
    assert shown.view.grid.selected_rows() == [shown.view.grid.columns]
