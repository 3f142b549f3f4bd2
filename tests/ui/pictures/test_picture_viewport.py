"""The arithmetic of zoom and pan."""

import pytest
from PySide6.QtCore import QPointF, QSize, QSizeF

from app.ui.pictures.picture_viewport import LARGEST_FIT, LARGEST_ZOOM, PictureViewport, View


def viewport(picture: tuple[int, int], view: tuple[int, int] = (400, 300)) -> PictureViewport:
    made = PictureViewport()
    made.set_view(View(size=QSizeF(*view), margin=10, device_pixel_ratio=1))
    made.set_picture(QSize(*picture))
    return made


def test_a_large_picture_fits_within_the_margin() -> None:
    made = viewport((800, 800))
    assert made.zoom == pytest.approx(280 / 800)
    assert made.rect().getRect() == pytest.approx((60, 10, 280, 280))


def test_a_small_picture_is_not_blown_up() -> None:
    assert viewport((8, 8)).zoom == LARGEST_FIT


@pytest.mark.parametrize("at", [QPointF(60, 70), QPointF(200, 150), QPointF(333, 20)])
def test_the_point_that_is_zoomed_at_stays(at: QPointF) -> None:
    made = viewport((2000, 2000))
    made.zoom_to(1.0)
    before = (at - made.rect().topLeft()) / made.zoom
    made.zoom_to(1.7, at)
    after = (at - made.rect().topLeft()) / made.zoom
    assert (after - before).manhattanLength() < 1.5  # the corner is a whole pixel


def test_a_pan_ends_at_the_margin() -> None:
    made = viewport((1000, 1000))
    made.zoom_to(1.0)
    made.pan(QPointF(5000, 5000))
    assert made.rect().topLeft() == QPointF(10, 10)
    made.pan(QPointF(-5000, -5000))
    assert made.rect().bottomRight() == QPointF(390, 290)


def test_what_fits_cannot_be_panned() -> None:
    made = viewport((100, 100))
    made.zoom_to(1.0)
    before = made.rect()
    made.pan(QPointF(50, 50))
    assert not made.can_pan
    assert made.rect() == before


def test_a_picture_of_the_same_size_keeps_zoom_and_place() -> None:
    made = viewport((1000, 1000))
    made.zoom_to(2.0, QPointF(100, 100))
    before = made.rect()
    made.set_picture(QSize(1000, 1000))
    assert made.rect() == before
    made.set_picture(QSize(1000, 900))
    assert made.is_fit


def test_the_zoom_has_limits() -> None:
    made = viewport((1000, 1000))
    made.zoom_to(1e9)
    assert made.zoom == LARGEST_ZOOM
    made.zoom_to(0.0)
    assert 0 < made.zoom < 0.1


def test_a_view_without_room_still_has_a_picture() -> None:
    assert viewport((100, 100), (4, 4)).rect().width() > 0
