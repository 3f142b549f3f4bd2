"""The canvas under real wheels, gestures, mice and keys, and what is painted."""

import threading

import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QNativeGestureEvent,
    QPainter,
    QPointingDevice,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.canvas.canvas import Canvas, CompareMode
from app.ui.canvas.split_handle import SplitHandle
from app.ui.parts import theme
from app.ui.pictures import picture_levels
from tests.ui.canvas.shown_pictures import image

MIDDLE = QPoint(200, 150)


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    made = Canvas()
    made.resize(400, 300)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def painted(canvas: Canvas) -> QImage:
    return canvas.grab().toImage()


def color_at(canvas: Canvas, x: int, y: int) -> str:
    ratio = canvas.devicePixelRatioF()
    return painted(canvas).pixelColor(round(x * ratio), round(y * ratio)).name()


def turn_wheel(canvas: Canvas, at: QPoint, notches: float) -> None:
    send_wheel(canvas, at, angle=QPoint(0, round(120 * notches)))


def send_wheel(
    canvas: Canvas,
    at: QPoint,
    *,
    angle: QPoint,
    pixels: QPoint | None = None,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        pixels or QPoint(),
        angle,
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def pinch(canvas: Canvas, kind: Qt.NativeGestureType, value: float) -> None:
    at = QPointF(MIDDLE)
    event = QNativeGestureEvent(
        kind,
        QPointingDevice.primaryPointingDevice(),
        2,
        at,
        at,
        QPointF(canvas.mapToGlobal(MIDDLE)),
        value,
        QPointF(),
    )
    QApplication.sendEvent(canvas, event)


def test_an_empty_canvas_has_one_color_and_takes_every_key(canvas: Canvas, qtbot: QtBot) -> None:
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_1, Qt.Key.Key_0, Qt.Key.Key_Left):
        qtbot.keyClick(canvas, key)
    turn_wheel(canvas, MIDDLE, 1)
    assert color_at(canvas, 200, 150) == theme.colors().canvas


def test_the_picture_lies_in_the_middle(canvas: Canvas) -> None:
    canvas.show_image(image("#ff0000", 640, 480))
    assert color_at(canvas, 200, 150) == "#ff0000"
    rect = canvas.picture_rect
    assert rect.center().x() == pytest.approx(200, abs=1)
    assert rect.center().y() == pytest.approx(150, abs=1)
    assert rect.top() >= 24


def test_one_to_one_is_exact_in_pixels_of_the_device(canvas: Canvas, qtbot: QtBot) -> None:
    noise = QImage(64, 48, QImage.Format.Format_RGB32)
    for y in range(48):
        for x in range(64):
            noise.setPixelColor(x, y, QColor((x * 37) % 256, (y * 91) % 256, (x * y) % 256))
    canvas.show_image(noise)
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    assert canvas.zoom == 1.0
    ratio = canvas.devicePixelRatioF()
    corner = (canvas.picture_rect.topLeft() * ratio).toPoint()
    seen = painted(canvas).copy(corner.x(), corner.y(), 64, 48)
    assert seen.convertToFormat(noise.format()) == noise


def test_keys_zoom_and_fit(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_image(image("#ff0000", 640, 480))
    fitted = canvas.zoom
    qtbot.keyClick(canvas, Qt.Key.Key_Plus, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.zoom > fitted
    qtbot.keyClick(canvas, Qt.Key.Key_Minus)
    assert canvas.zoom == pytest.approx(fitted)
    assert not canvas.is_fit
    qtbot.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.is_fit


def test_a_wheel_zooms_where_the_pointer_is(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_image(image("#ff0000", 2000, 2000))
    canvas.actual_size()
    at = QPointF(320, 80)
    before = (at - canvas.picture_rect.topLeft()) / canvas.zoom
    with qtbot.waitSignal(canvas.zoom_changed):
        turn_wheel(canvas, at.toPoint(), 2)
    after = (at - canvas.picture_rect.topLeft()) / canvas.zoom
    assert canvas.zoom > 1.5
    assert (after - before).manhattanLength() < 2


def test_two_fingers_move_and_with_cmd_they_zoom(canvas: Canvas) -> None:
    canvas.show_image(image("#ff0000", 2000, 2000))
    canvas.actual_size()
    before = canvas.picture_rect.topLeft()
    send_wheel(canvas, MIDDLE, angle=QPoint(30, -60), pixels=QPoint(15, -30))
    moved = canvas.picture_rect.topLeft() - before
    assert (moved.x(), moved.y()) == pytest.approx((15, -30), abs=1)  # whole pixels of the device
    assert canvas.zoom == 1.0
    send_wheel(
        canvas,
        MIDDLE,
        angle=QPoint(0, 60),
        pixels=QPoint(0, 30),
        keys=Qt.KeyboardModifier.ControlModifier,
    )
    assert canvas.zoom > 1.0


def test_a_pinch_zooms_and_a_smart_tap_goes_to_actual_size_and_back(canvas: Canvas) -> None:
    canvas.show_image(image("#ff0000", 640, 480))
    fitted = canvas.zoom
    pinch(canvas, Qt.NativeGestureType.ZoomNativeGesture, 0.2)
    assert canvas.zoom == pytest.approx(fitted * 1.2)
    pinch(canvas, Qt.NativeGestureType.SmartZoomNativeGesture, 0)
    assert canvas.is_fit
    pinch(canvas, Qt.NativeGestureType.SmartZoomNativeGesture, 0)
    assert canvas.zoom == 1.0


def test_a_double_click_goes_between_fit_and_actual_size(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_image(image("#ff0000", 640, 480))
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=MIDDLE)
    assert canvas.zoom == 1.0
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=MIDDLE)
    assert canvas.is_fit


def test_the_mouse_and_the_arrows_move_a_large_picture(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_image(image("#ff0000", 2000, 2000))
    canvas.actual_size()
    before = canvas.picture_rect.topLeft()
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=MIDDLE)
    qtbot.mouseMove(canvas, MIDDLE + QPoint(40, 20))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=MIDDLE + QPoint(40, 20))
    assert canvas.picture_rect.topLeft() - before == QPointF(40, 20)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.picture_rect.left() == before.x() + 40 - 30
    qtbot.mouseMove(canvas, QPoint(10, 10))
    assert canvas.picture_rect.left() == before.x() + 40 - 30


def test_arrows_go_to_the_next_picture_where_all_of_it_shows(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_image(image("#ff0000", 64, 64))
    with qtbot.waitSignal(canvas.step_requested) as step:
        qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert step.args == [1]


def test_a_picture_that_fits_is_carried_away(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_image(image("#ff0000", 64, 64))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=MIDDLE)
    with qtbot.waitSignal(canvas.drag_started):
        qtbot.mouseMove(canvas, MIDDLE + QPoint(40, 40))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=MIDDLE)
    with qtbot.assertNotEmitted(canvas.drag_started):
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
        qtbot.mouseMove(canvas, QPoint(60, 60))


def test_a_preview_with_few_pixels_fills_the_place_of_the_picture(canvas: Canvas) -> None:
    canvas.show_image(image("#ff0000", 640, 480))
    before = canvas.picture_rect
    canvas.show_image(image("#00ff00", 80, 60), QSize(640, 480))
    canvas.set_progress(0.5)
    assert canvas.picture_rect == before
    assert color_at(canvas, 200, 150) == "#00ff00"
    below = round(before.bottom()) + 11
    accent, track = theme.colors().accent, theme.colors().pressed
    assert color_at(canvas, round(before.left()) + 20, below) == accent
    assert color_at(canvas, round(before.right()) - 20, below) == track


def test_a_large_picture_is_coarse_at_once_and_sharp_soon(
    canvas: Canvas, qtbot: QtBot, monkeypatch
) -> None:
    """Lines of one pixel: where pixels are skipped they are one of two colours, else between."""
    threads, make = [], picture_levels._halves

    def noted(picture: QImage, size: QSize) -> list[QImage]:
        threads.append(threading.current_thread())
        return make(picture, size)

    monkeypatch.setattr(picture_levels, "_halves", noted)
    lines = QImage(2400, 1800, QImage.Format.Format_RGB888)
    lines.fill(QColor("#000000"))
    painter = QPainter(lines)
    for column in range(0, 2400, 2):
        painter.fillRect(column, 0, 1, 1800, QColor("#ffffff"))
    painter.end()
    canvas.show_image(lines)
    assert color_at(canvas, MIDDLE.x(), MIDDLE.y()) in ("#000000", "#ffffff")
    qtbot.waitUntil(lambda: 100 < QColor(color_at(canvas, MIDDLE.x(), MIDDLE.y())).red() < 155)
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
    canvas.set_other(None)
    canvas.show_image(lines)  # the same picture again: what was made is kept
    assert 100 < QColor(color_at(canvas, MIDDLE.x(), MIDDLE.y())).red() < 155
    canvas.end_work()


def test_squares_only_for_who_looks_closely(canvas: Canvas) -> None:
    halves = image("#000000", 640, 480)
    for x in range(320, 640):
        for y in range(220, 260):
            halves.setPixelColor(x, y, QColor("white"))
    canvas.show_image(halves)

    def greys() -> int:
        seen = painted(canvas)
        row = (seen.pixelColor(x, seen.height() // 2).red() for x in range(seen.width()))
        return sum(10 < red < 245 for red in row)

    canvas._zoom_to(1.9)
    assert greys() > 0
    canvas._zoom_to(8.0)
    assert greys() == 0


def test_before_lies_left_of_the_line_and_after_right_of_it(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_image(image("#ff0000", 400, 400))
    canvas.set_other(image("#0000ff", 400, 400), ("Before", "After"))
    canvas.set_mode(CompareMode.SPLIT)
    handle = canvas.findChild(SplitHandle)
    assert handle
    assert handle.isVisible()
    assert (color_at(canvas, 120, 150), color_at(canvas, 280, 150)) == ("#0000ff", "#ff0000")
    grip = handle.rect().center()
    qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=grip)
    qtbot.mouseMove(handle, grip + QPoint(90, 0))
    qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=grip)
    assert handle.share == pytest.approx(0.5 + 90 / canvas.picture_rect.width(), abs=0.01)
    assert color_at(canvas, 270, 200) == "#0000ff"
    handle.setFocus()
    qtbot.keyClick(handle, Qt.Key.Key_Home)
    assert handle.share == 0
    assert color_at(canvas, 120, 200) == "#ff0000"
    qtbot.keyClick(handle, Qt.Key.Key_Right)
    assert handle.share == pytest.approx(0.02)
    qtbot.mouseDClick(handle, Qt.MouseButton.LeftButton)
    assert handle.share == 0.5


def test_side_by_side_zooms_both(canvas: Canvas) -> None:
    canvas.show_image(image("#ff0000", 400, 400))
    canvas.set_other(image("#0000ff", 400, 400))
    canvas.set_mode(CompareMode.SIDE_BY_SIDE)
    assert (color_at(canvas, 100, 150), color_at(canvas, 300, 150)) == ("#0000ff", "#ff0000")
    assert color_at(canvas, 100, 20) == theme.colors().canvas
    turn_wheel(canvas, QPoint(300, 150), 8)
    assert (color_at(canvas, 100, 20), color_at(canvas, 300, 20)) == ("#0000ff", "#ff0000")


def test_nothing_to_compare_with_is_no_comparison(canvas: Canvas) -> None:
    canvas.show_image(image("#ff0000"))
    canvas.set_mode(CompareMode.SIDE_BY_SIDE)
    assert canvas.mode is CompareMode.NONE
    assert color_at(canvas, 200, 150) == "#ff0000"
