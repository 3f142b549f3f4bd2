"""What is drawn around a picture: its shadow, its name, the line of its progress.

Pure functions of a painter that draws in device pixels; `ratio` is how many make a point.
"""

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath

from app.ui import theme

_SHADOW_RINGS = 14
_SHADOW_WIDTH = 20
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
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    for ring in range(_SHADOW_RINGS):
        grown = _SHADOW_WIDTH * ((ring + 1) / _SHADOW_RINGS) ** 1.8 * ratio
        painter.setBrush(QColor(0, 0, 0, 2))
        lifted = rect.adjusted(-grown, -grown, grown, grown).translated(0, 3 * ratio)
        around = QPainterPath()  # odd and even: what lies in both is left out
        around.addRoundedRect(lifted, grown, grown)
        around.addRect(rect & lifted)
        painter.drawPath(around)
    painter.restore()


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
