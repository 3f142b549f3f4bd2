"""The pictures of one batch in a row, to choose among them.

Owns which one is chosen. Pictures can be dragged out of it as files.
"""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.ui.parts import theme
from app.ui.pictures.picture_drag import picture_data
from app.ui.pictures.shown_picture import ShownPicture

THUMBNAIL = 56
CELL = THUMBNAIL + theme.SPACE
HEIGHT = CELL + theme.SPACE * 2
_IMAGE_ROLE = int(Qt.ItemDataRole.UserRole)
_NO_PARENT = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex


class FilmStrip(QListView):
    """A row of small pictures, as wide as they need."""

    chosen = Signal(int)
    """The picture at this place, from 0, is chosen now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._batch = _Batch(self)
        self.setModel(self._batch)
        self.setItemDelegate(_Thumbnails(self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setUniformItemSizes(True)
        self.setDragEnabled(True)
        self.setDefaultDropAction(Qt.DropAction.CopyAction)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.viewport().setAutoFillBackground(False)
        self.setFixedHeight(HEIGHT)
        self.setViewportMargins(0, 0, 0, theme.SPACE)
        self.setAccessibleName(self.tr("Pictures of the batch"))
        self.selectionModel().currentChanged.connect(self._tell)

    @property
    def place(self) -> int:
        """Which picture is chosen, from 0; -1 if there is none."""
        return self.currentIndex().row()

    def show_pictures(self, pictures: Sequence[ShownPicture], place: int = 0) -> None:
        """Shows other pictures, of which the one at `place` is chosen; emits nothing."""
        self.selectionModel().blockSignals(True)
        self._batch.show_pictures(pictures)
        self.setMaximumWidth(max(len(pictures), 1) * CELL + 1)
        self.setCurrentIndex(self._batch.index(place))
        self.selectionModel().blockSignals(False)
        self.viewport().update()

    def step(self, places: int) -> None:
        """Goes on by so many pictures, if there are."""
        place = self.place + places
        if 0 <= place < self._batch.rowCount():
            self.setCurrentIndex(self._batch.index(place))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All pictures beside each other."""
        return QSize(self._batch.rowCount() * CELL + 1, HEIGHT)

    def _tell(self, current: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(current.row())


class _Batch(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pictures: list[ShownPicture] = []
        self._thumbnails: dict[int, QImage] = {}

    def show_pictures(self, pictures: Sequence[ShownPicture]) -> None:
        self.beginResetModel()
        self._pictures = list(pictures)
        self._thumbnails = {}
        self.endResetModel()

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._pictures)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == _IMAGE_ROLE:
            return self._thumbnail(index.row())
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            text = self.tr("Picture {number} of {count}")
            return text.format(number=index.row() + 1, count=len(self._pictures))
        return None

    def _thumbnail(self, row: int) -> QImage:
        """Made when it is first drawn: a single picture has no strip."""
        if row not in self._thumbnails:
            self._thumbnails[row] = _thumbnail(self._pictures[row].image)
        return self._thumbnails[row]

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802 - Qt's name
        pictures = [self._pictures[index.row()] for index in indexes]
        paths = [path for picture in pictures for path in picture.paths]
        return picture_data(paths, pictures[0].image if pictures else None)

    def supportedDragActions(self) -> Qt.DropAction:  # noqa: N802 - Qt's name
        return Qt.DropAction.CopyAction


class _Thumbnails(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802 - Qt's
        return QSize(CELL, CELL)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        place = QRectF(0, 0, THUMBNAIL, THUMBNAIL)
        place.moveCenter(QRectF(option.rect).center())
        image: QImage = index.data(_IMAGE_ROLE)
        side = min(image.size().toTuple())
        part = QRectF((image.width() - side) / 2, (image.height() - side) / 2, side, side)
        outline = QPainterPath()
        outline.addRoundedRect(place, 6, 6)
        painter.save()
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.setClipPath(outline)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.setOpacity(1.0 if is_chosen or is_hovered else 0.75)
        painter.drawImage(place, image, part)
        painter.setOpacity(1.0)
        painter.setClipping(False)
        if is_chosen:
            ring = place.adjusted(-2.5, -2.5, 2.5, 2.5)
            painter.setPen(QPen(QColor(theme.colors().accent), 2))
            painter.drawRoundedRect(ring, 8, 8)
        painter.restore()


def _thumbnail(image: QImage) -> QImage:
    """Small enough to draw at once, sharp on a screen with two or three pixels a point."""
    side, shape = THUMBNAIL * 3, Qt.AspectRatioMode.KeepAspectRatioByExpanding
    if min(image.size().toTuple()) <= side:
        return image
    if min(image.size().toTuple()) > 4 * side:  # skips pixels, which smooth scaling would all read
        image = image.scaled(4 * side, 4 * side, shape, Qt.TransformationMode.FastTransformation)
    return image.scaled(side, side, shape, Qt.TransformationMode.SmoothTransformation)
