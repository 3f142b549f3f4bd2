"""What is drawn around a picture: its shadow, its name, the line of its progress.

Pure functions of a painter that draws in device pixels; `ratio` is how many make a point.
"""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPixmap, QPixmapCache

from app.ui.parts import theme

_SHADOW_RINGS = 14
_SHADOW_WIDTH, _SHADOW_DROP = 20, 3
_TITLE_INSET = 8
_LEAST_TITLE = 16


def contained(size: QSize, rect: QRectF) -> QRectF:
    """The largest place in the middle of `rect` that has the shape of `size`."""
    fitted = QSizeF(size).scaled(rect.size(), Qt.AspectRatioMode.KeepAspectRatio)
    if abs(fitted.width() - rect.width()) < 1 and abs(fitted.height() - rect.height()) < 1:
        return rect
    place = QRectF(QPointF(0, 0), fitted)
    place.moveCenter(rect.center())
    return place


def cropped(size: QSize, shape: QSizeF) -> QRectF:
    """The largest part in the middle of `size` that has the shape of `shape`."""
    place = QRectF(QPointF(0, 0), shape.scaled(QSizeF(size), Qt.AspectRatioMode.KeepAspectRatio))
    place.moveCenter(QRectF(0, 0, size.width(), size.height()).center())
    return place


def draw_shadow(painter: QPainter, rect: QRectF, ratio: float) -> None:
    """A soft shadow a little below the picture; nothing is drawn under the picture itself."""
    tile = _shadow_tile(ratio)
    reach = tile.width() // 2
    around = rect.adjusted(-reach / 2, -reach / 2, reach / 2, reach / 2).toAlignedRect()
    columns = ((0, reach), (reach, 1), (reach + 1, reach))
    for row, (top, high) in enumerate(columns):
        for column, (left, wide) in enumerate(columns):
            if row == column == 1:
                continue
            place = QRectF(
                (around.left(), around.left() + reach, around.right() + 1 - reach)[column],
                (around.top(), around.top() + reach, around.bottom() + 1 - reach)[row],
                wide if column != 1 else around.width() - 2 * reach,
                high if row != 1 else around.height() - 2 * reach,
            )
            painter.drawPixmap(place, tile, QRectF(left, top, wide, high))


def _shadow_tile(ratio: float) -> QPixmap:
    """The shadow of a small square, drawn once: its corners, and one pixel of each edge between.

    A corner is a square that reaches as far into the picture as out of it.
    """
    key, tile = f"shadow {ratio}", QPixmap()
    if QPixmapCache.find(key, tile):
        return tile
    margin = math.ceil((_SHADOW_WIDTH + _SHADOW_DROP) * ratio)
    tile = QPixmap(4 * margin + 1, 4 * margin + 1)
    tile.fill(Qt.GlobalColor.transparent)
    square = QRectF(tile.rect()).adjusted(margin, margin, -margin, -margin)
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 2))
    for ring in range(_SHADOW_RINGS):
        grown = _SHADOW_WIDTH * ((ring + 1) / _SHADOW_RINGS) ** 1.8 * ratio
        lifted = square.adjusted(-grown, -grown, grown, grown).translated(0, _SHADOW_DROP * ratio)
        painter.drawRoundedRect(lifted, grown, grown)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    painter.fillRect(square, Qt.GlobalColor.transparent)
    painter.end()
    QPixmapCache.insert(key, tile)
    return tile


def draw_title(
    painter: QPainter, rect: QRectF, title: str, ratio: float, *, on_right: bool = False
) -> None:
    """A name in an upper corner of `rect`, legible on any picture; a long one ends in dots."""
    inset, padding = _TITLE_INSET * ratio, 7 * ratio
    room = rect.width() - 2 * (inset + padding)
    if not title or room < _LEAST_TITLE * ratio:
        return
    font = theme.body_font()
    font.setPixelSize(round(theme.CAPTION_SIZE * ratio))
    metrics = QFontMetricsF(font)
    title = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room)
    width = metrics.horizontalAdvance(title) + 2 * padding
    left = rect.right() - inset - width if on_right else rect.left() + inset
    place = QRectF(left, rect.top() + inset, width, 20 * ratio)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 150))
    painter.drawRoundedRect(place, 5 * ratio, 5 * ratio)
    painter.setFont(font)
    painter.setPen(QColor("white"))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, title)


def draw_hairline(
    painter: QPainter, rect: QRectF, view: QRectF, share: float, ratio: float
) -> None:
    """How much is made: a thin line just below the picture, or at the foot of the view."""
    worn = theme.colors()
    height = 2 * ratio
    seen = rect & view
    top = min(rect.bottom() + 10 * ratio, view.bottom() - height)
    track = QRectF(seen.left(), top, seen.width(), height)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for color, width in ((worn.pressed, 1.0), (worn.accent, min(max(share, 0), 1))):
        painter.setBrush(QColor(color))
        done = QRectF(track)
        done.setWidth(track.width() * width)
        painter.drawRoundedRect(done, height / 2, height / 2)
