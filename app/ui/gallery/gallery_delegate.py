"""How one picture of the gallery is painted: the picture, what the user thinks of it, its ring.

Knows where on a tile the stars lie. Changes nothing and loads nothing.
"""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.library.gallery_entry import MOST_STARS, Flag, GalleryEntry
from app.ui.gallery.gallery_model import GalleryModel
from app.ui.parts import theme
from app.ui.parts.icons import icon
from app.ui.parts.rating_stars import star_path

INSET = theme.SPACE / 2  # of the tile in its cell: the gap between tiles is SPACE
RADIUS = theme.RADIUS
BADGE = 20
STARS_FROM = 84  # px of a tile's side: below it there is no room to aim at a star
SCRIM_HEIGHT = 40
LARGE_STAR, SMALL_STAR = 7.0, 5.0
"""Half of a star's size, in points."""
ON_PICTURE = QColor(255, 255, 255)

Index = QModelIndex | QPersistentModelIndex


def tile_of(cell: QRectF) -> QRectF:
    """The picture's square in a cell."""
    return cell.adjusted(INSET, INSET, -INSET, -INSET)


def star_at(cell: QRectF, position: QPointF) -> int:
    """The star, 1 to 5, that lies there in a cell; 0 where there is none."""
    tile = tile_of(cell)
    row = QRectF(tile.left(), tile.bottom() - 28, tile.width(), 28)
    if tile.width() < STARS_FROM or not row.contains(position):
        return 0
    step = _star_step(tile)
    star = 1 + int((position.x() - tile.left() - 6) // step)
    return star if 1 <= star <= MOST_STARS else 0


def flag_is_at(cell: QRectF, position: QPointF) -> bool:
    """Whether the flag's badge lies there in a cell."""
    tile = tile_of(cell)
    return tile.width() >= STARS_FROM and _badge_of(tile).contains(position)


def _badge_of(tile: QRectF) -> QRectF:
    return QRectF(tile.right() - BADGE - 6, tile.top() + 6, BADGE, BADGE)


def _star_step(tile: QRectF) -> float:
    return min(18.0, (tile.width() - 12) / MOST_STARS)


class GalleryDelegate(QStyledItemDelegate):
    """Paints square cells; `hovered_star` says which star the pointer is on, 0 for none."""

    def __init__(
        self, model: GalleryModel, hovered_star: Callable[[], int], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._hovered_star = hovered_star

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One cell."""
        entry = self._model.entry(index)
        tile = tile_of(QRectF(option.rect))
        state: QStyle.StateFlag = option.state
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        is_hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_rejected = entry is not None and entry.flag is Flag.REJECT
        self._paint_picture(painter, tile, self._model.id_at(index.row()), is_rejected)
        if entry is not None:
            self._paint_opinion(painter, tile, entry, is_hovered)
        if is_selected:
            _paint_ring(painter, tile)
        elif state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.colors().faint), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(tile.adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
        painter.restore()

    def _paint_picture(
        self, painter: QPainter, tile: QRectF, entry_id: int, is_rejected: bool
    ) -> None:
        image = self._model.thumbnails.image(entry_id)
        if image is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.colors().hover))
            painter.drawRoundedRect(tile, RADIUS, RADIUS)
            if self._model.thumbnails.is_missing(entry_id):
                side = min(24, round(tile.width() / 3))
                center = tile.center().toPoint()
                symbol = tile.toRect()
                symbol.setSize(QSize(side, side))
                symbol.moveCenter(center)
                icon("image").paint(painter, symbol)
            return
        painter.setOpacity(0.32 if is_rejected else 1.0)
        _draw_sharp(painter, tile, image)
        painter.setOpacity(1.0)

    def _paint_opinion(
        self, painter: QPainter, tile: QRectF, entry: GalleryEntry, is_hovered: bool
    ) -> None:
        """Stars at the foot, a flag in the corner; what was not said shows under the pointer."""
        can_aim = is_hovered and tile.width() >= STARS_FROM
        if can_aim or entry.rating:
            _paint_scrim(painter, tile, 0.62 if can_aim else 0.45)
        self._paint_stars(painter, tile, entry.rating, can_aim)
        if entry.flag is not Flag.NONE or can_aim:
            _paint_badge(painter, tile, entry.flag)

    def _paint_stars(self, painter: QPainter, tile: QRectF, rating: int, can_aim: bool) -> None:
        """All of them, large, where one can be pressed; else the rating's alone, small."""
        step = _star_step(tile)
        radius = min(step * 0.39, LARGE_STAR if can_aim else SMALL_STAR)
        pitch = step if can_aim else min(step, radius * 2 + 3)
        shown = (self._hovered_star() or rating) if can_aim else rating
        for star in range(1, (MOST_STARS if can_aim else rating) + 1):
            center = QPointF(tile.left() + 8 + (star - 0.5) * pitch - 2, tile.bottom() - 13)
            color = QColor(ON_PICTURE)
            color.setAlphaF(1.0 if star <= shown else 0.75)
            painter.setPen(QPen(color, 1.1, j=Qt.PenJoinStyle.RoundJoin))
            painter.setBrush(color if star <= shown else Qt.BrushStyle.NoBrush)
            painter.drawPath(star_path(center, radius))


def _draw_sharp(painter: QPainter, tile: QRectF, image: QImage) -> None:
    """Pixel on pixel where the picture has the screen's size; smooth while another is loaded."""
    ratio = painter.device().devicePixelRatioF()
    if image.width() == round(tile.width() * ratio):
        image.setDevicePixelRatio(ratio)
        painter.drawImage(tile.topLeft(), image)
        return
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(tile, image, QRectF(image.rect()))


def _paint_scrim(painter: QPainter, tile: QRectF, strength: float) -> None:
    """Darkens the foot of a picture, so that white can be read on it."""
    height = min(SCRIM_HEIGHT, tile.height() / 2)
    gradient = QLinearGradient(0, tile.bottom() - height, 0, tile.bottom())
    gradient.setColorAt(0, QColor(0, 0, 0, 0))
    gradient.setColorAt(1, QColor(0, 0, 0, round(255 * strength)))
    foot = QPainterPath()
    foot.addRoundedRect(tile, RADIUS, RADIUS)
    painter.save()
    painter.setClipRect(QRectF(tile.left(), tile.bottom() - height, tile.width(), height))
    painter.fillPath(foot, gradient)
    painter.restore()


def _paint_badge(painter: QPainter, tile: QRectF, flag: Flag) -> None:
    """A small round badge: a flag for a pick, a cross for a reject, an empty flag to be pressed."""
    colors = theme.colors()
    disc = _badge_of(tile)
    grounds = {
        Flag.PICK: QColor(colors.accent),
        Flag.REJECT: QColor(colors.danger),
        Flag.NONE: QColor(0, 0, 0, 110),
    }
    painter.setPen(QPen(QColor(255, 255, 255, 230), 1.5 if flag is not Flag.NONE else 0.01))
    painter.setBrush(grounds[flag])
    painter.drawEllipse(disc)
    center = disc.center()
    ink = QColor(colors.on_accent) if flag is Flag.PICK else QColor(255, 255, 255)
    painter.setPen(QPen(ink, 1.5, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
    if flag is not Flag.REJECT:
        pole = center + QPointF(-3, 5)
        cloth = QPainterPath(pole)
        for x, y in ((-3, -5), (4.5, -5), (2.5, -2.2), (4.5, 0.8), (-3, 0.8)):
            cloth.lineTo(center + QPointF(x, y))
        painter.setBrush(ink if flag is Flag.PICK else Qt.BrushStyle.NoBrush)
        painter.drawPath(cloth)
        return
    for way in (1, -1):
        painter.drawLine(center + QPointF(-3.2, -3.2 * way), center + QPointF(3.2, 3.2 * way))


def _paint_ring(painter: QPainter, tile: QRectF) -> None:
    """Selected: the accent around the picture, and a line of the ground between."""
    colors = theme.colors()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colors.sidebar), 2))
    painter.drawRoundedRect(tile.adjusted(1, 1, -1, -1), RADIUS - 1, RADIUS - 1)
    painter.setPen(QPen(QColor(colors.accent), 3))
    painter.drawRoundedRect(tile.adjusted(-1, -1, 1, 1), RADIUS + 1, RADIUS + 1)
