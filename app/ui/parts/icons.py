"""Line icons of the app, tinted to the text's colour and sharp at any scale.

Owns the drawing of resources/icons/*.svg (24 x 24, one stroke colour). Knows no widget.
"""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPalette, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from app.paths import resource_path


class _TintedIcon(QIconEngine):
    """Paints the drawing in the palette's colour when asked to, so a new theme shows at once."""

    def __init__(self, name: str, role: QPalette.ColorRole) -> None:
        super().__init__()
        self._name, self._role = name, role

    def paint(self, painter, rect, mode, state) -> None:  # type: ignore[no-untyped-def]
        group = (
            QPalette.ColorGroup.Disabled
            if mode is QIcon.Mode.Disabled
            else QPalette.ColorGroup.Active
        )
        color = QApplication.palette().color(group, self._role)
        side = min(rect.width(), rect.height())
        layer = self._layer(side, painter.device().devicePixelRatioF(), color)
        left = rect.x() + (rect.width() - side) / 2
        top = rect.y() + (rect.height() - side) / 2
        painter.drawPixmap(QRectF(left, top, side, side), layer, QRectF(layer.rect()))

    def _layer(self, side: int, ratio: float, color: QColor) -> QPixmap:
        """The drawing in one colour, rendered once: lines cost more than a row of buttons."""
        key = f"{self._name} {side} {ratio} {color.name(QColor.NameFormat.HexArgb)}"
        layer = QPixmap()
        if QPixmapCache.find(key, layer):
            return layer
        layer = QPixmap(QSize(round(side * ratio), round(side * ratio)))
        layer.fill(Qt.GlobalColor.transparent)
        inner = QPainter(layer)
        QSvgRenderer(str(resource_path(f"icons/{self._name}.svg"))).render(
            inner, QRectF(layer.rect())
        )
        inner.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        inner.fillRect(layer.rect(), color)
        inner.end()
        layer.setDevicePixelRatio(ratio)
        QPixmapCache.insert(key, layer)
        return layer

    def pixmap(self, size, mode, state) -> QPixmap:  # type: ignore[no-untyped-def]
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _TintedIcon(self._name, self._role)


def icon(name: str, role: QPalette.ColorRole = QPalette.ColorRole.ButtonText) -> QIcon:
    """The icon of resources/icons/`name`.svg, in the palette's colour of `role`."""
    return QIcon(_TintedIcon(name, role))
