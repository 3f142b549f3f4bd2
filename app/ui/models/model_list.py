"""The models of the picker as a list: what is found by a few words, and how a row is painted.

Knows no file beyond the small pictures that it shows.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.checkpoint.description import Family
from app.library.picture_file import PictureError
from app.ui.models.model_choice import ModelChoice
from app.ui.parts import theme
from app.ui.parts.background_calls import BackgroundCalls
from app.ui.parts.byte_text import byte_text
from app.ui.parts.icons import icon
from app.ui.pictures.thumbnail_loader import rounded_square

Index = QModelIndex | QPersistentModelIndex

ROW_HEIGHT = 60
PICTURE, PICTURE_RADIUS = 44, 6
PICTURE_PIXELS = PICTURE * 2
PAD = 8
CHECK = 18
NO_INDEX = QModelIndex()
FAMILIES = {
    Family.SD1: "SD 1.5",
    Family.SD1_INPAINTING: "SD 1.5 inpainting",
    Family.SD2: "SD 2",
    Family.SDXL: "SDXL",
    Family.SDXL_REFINER: "SDXL refiner",
    Family.SD3: "SD 3",
    Family.FLUX: "FLUX",
    Family.LCM: "LCM",
    Family.LORA: "LoRA",
    Family.TEXTUAL_INVERSION: "Textual inversion",
}


class ModelListModel(QAbstractListModel):
    """The choices that hold all words of `words`: the mini model first, refused files last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: list[ModelChoice] = []
        self._shown: list[ModelChoice] = []
        self._words = ""
        self._images: dict[Path, QImage] = {}
        self._calls = BackgroundCalls(1, self)
        self.current: Path | None = None
        self.free_bytes: int | None = None

    def set_choices(self, choices: Sequence[ModelChoice]) -> None:
        """What can be chosen."""
        self._all = sorted(
            choices, key=lambda c: (c.is_refused, c.path is not None, c.title.lower())
        )
        wanted = {choice.picture for choice in choices if choice.picture}
        self._images = {path: image for path, image in self._images.items() if path in wanted}
        for path in wanted - set(self._images):
            self._calls.call(
                partial(rounded_square, path, PICTURE_PIXELS, PICTURE_RADIUS * 2),
                partial(self._keep_image, path),
                _ignore_missing,
            )
        self.set_words(self._words)

    def set_words(self, words: str) -> None:
        """Shows the choices whose title, family or file name holds each of these words."""
        self._words = words
        wanted = words.lower().split()
        self.beginResetModel()
        self._shown = [c for c in self._all if all(word in _text_of(c) for word in wanted)]
        self.endResetModel()

    def set_need(self, path: Path | None, need_bytes: int | None) -> None:
        """The memory that a picture with this model takes."""
        for choices in (self._all, self._shown):
            for row, choice in enumerate(choices):
                if choice.path == path:
                    choices[row] = dataclasses.replace(choice, need_bytes=need_bytes)
        self.repaint()

    def repaint(self) -> None:
        """All rows may look different now."""
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))

    def choice(self, index: Index) -> ModelChoice | None:
        """The choice of a row."""
        return self._shown[index.row()] if index.isValid() else None

    def row_of(self, path: Path | None) -> int:
        """Where a model stands; -1 if it is not shown."""
        paths = [choice.path for choice in self._shown]
        return paths.index(path) if path in paths else -1

    def image(self, choice: ModelChoice) -> QImage | None:
        """The picture made with it, if there is one and it is loaded."""
        return self._images.get(choice.picture) if choice.picture else None

    def fits(self, choice: ModelChoice) -> bool:
        """Whether it is not known to need more than is free."""
        need, free = choice.need_bytes, self.free_bytes
        return need is None or free is None or need <= free

    def rowCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802
        """How many choices are found."""
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The title, for readers of the screen with all that is painted beside it."""
        choice = self.choice(index)
        if choice is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return choice.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{choice.title}, {detail_text(choice)}, {self.need_text(choice)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, [str(choice.path or choice.title), choice.sentence]))
        return None

    def need_text(self, choice: ModelChoice) -> str:
        """What a picture takes, and what there is where that is less."""
        if choice.need_bytes is None or choice.is_refused:
            return ""
        need = byte_text(choice.need_bytes)
        if self.free_bytes is None or self.fits(choice):
            return self.tr("Needs {0}").format(need)
        return self.tr("Needs {0} of {1} free").format(need, byte_text(self.free_bytes))

    def close(self) -> None:
        """Ends the work in the background."""
        self._calls.close()

    def _keep_image(self, path: Path, image: QImage) -> None:
        if any(choice.picture == path for choice in self._all):
            self._images[path] = image
            self.repaint()


def _ignore_missing(error: Exception) -> None:
    """A picture that is gone is no harm: the icon stands there."""
    if not isinstance(error, PictureError | OSError):
        raise error


def family_label(family: str) -> str:
    """A family's word as users know it."""
    return FAMILIES.get(Family(family), family.upper()) if family else ""


def _text_of(choice: ModelChoice) -> str:
    family = family_label(choice.family)
    file = choice.path.name if choice.path else ""
    return f"{choice.title} {choice.family} {family} {file} {choice.dtype_label}".lower()


def detail_text(choice: ModelChoice) -> str:
    """Family, precision and size of the file; of a refused file why it is refused."""
    if choice.is_refused:
        return choice.sentence
    own = "" if choice.path else QCoreApplication.translate("ModelList", "Comes with the app")
    size = byte_text(choice.size_bytes) if choice.size_bytes else ""
    return " · ".join(filter(None, [own, family_label(choice.family), choice.dtype_label, size]))


class ModelDelegate(QStyledItemDelegate):
    """A picture, two lines, the memory on the right, a badge on the one in use."""

    def __init__(self, model: ModelListModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        """All rows are alike."""
        return QSize(200, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One row."""
        choice = self._model.choice(index)
        if choice is None:
            return
        colors = theme.colors()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = QRectF(option.rect).adjusted(0, 1, 0, -1)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if is_selected or is_hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.selection if is_selected else colors.hover))
            painter.drawRoundedRect(row, theme.RADIUS, theme.RADIUS)
        side = (row.height() - PICTURE) / 2
        picture = QRectF(row.left() + PAD, row.top() + side, PICTURE, PICTURE)
        self._paint_picture(painter, picture, choice)
        words = row.adjusted(PAD + PICTURE + 12, 0, -PAD - 4, 0)
        self._paint_words(painter, words, choice)
        if choice.path == self._model.current:
            _paint_check(painter, picture.bottomRight() - QPointF(5, 5))
        painter.restore()

    def _paint_picture(self, painter: QPainter, place: QRectF, choice: ModelChoice) -> None:
        image = self._model.image(choice)
        if image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, image, QRectF(image.rect()))
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colors().pressed))
        painter.setOpacity(0.6)
        painter.drawRoundedRect(place, PICTURE_RADIUS, PICTURE_RADIUS)
        symbol = place.adjusted(11, 11, -11, -11).toRect()
        icon("warning" if choice.is_refused else "model").paint(painter, symbol)
        painter.setOpacity(1)

    def _paint_words(self, painter: QPainter, place: QRectF, choice: ModelChoice) -> None:
        colors = theme.colors()
        title_font, small_font = theme.body_font(), theme.body_font()
        title_font.setWeight(QFont.Weight.DemiBold)
        small_font.setPixelSize(theme.CAPTION_SIZE)
        need = self._model.need_text(choice)
        need_width = QFontMetricsF(small_font).horizontalAdvance(need) + 12 if need else 0
        upper = QRectF(place.left(), place.top() + 10, place.width() - need_width, 20)
        lower = QRectF(place.left(), place.top() + 30, place.width(), 18)
        title_color = QColor(colors.faint if choice.is_refused else colors.text)
        _paint_line(painter, upper, choice.title, title_font, title_color)
        _paint_line(painter, lower, detail_text(choice), small_font, QColor(colors.muted))
        if need:
            beside = QRectF(upper.right(), upper.top(), need_width, upper.height())
            color = colors.muted if self._model.fits(choice) else colors.danger
            painter.setPen(QColor(color))
            painter.setFont(small_font)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(beside, right, need)


def _paint_line(painter: QPainter, place: QRectF, text: str, font: QFont, color: QColor) -> None:
    metrics = QFontMetricsF(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.setFont(font)
    painter.setPen(color)
    painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)


def _paint_check(painter: QPainter, center: QPointF) -> None:
    colors = theme.colors()
    disc = QRectF(0, 0, CHECK, CHECK)
    disc.moveCenter(center)
    painter.setPen(QPen(QColor(colors.card), 1.5))
    painter.setBrush(QColor(colors.accent))
    painter.drawEllipse(disc)
    pen = QPen(QColor(colors.on_accent), 1.8)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    hook = [center + QPointF(x, y) for x, y in ((-3.6, 0.2), (-1, 2.8), (3.8, -2.6))]
    painter.drawPolyline(QPolygonF(hook))
