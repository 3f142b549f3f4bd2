"""The button that names the chosen model and opens the list of models.

Owns its look: a picture made with the model, its name, a few words. Knows no model.
"""

from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter, QPainterPath, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.parts import theme
from app.ui.parts.icons import icon
from app.ui.parts.setting_row import ICON_SIDE

_PICTURE_SIDE = 40
_PICTURE_RADIUS = 6
_LEAST_WIDTH = 160


class ModelButton(QPushButton):
    """Two lines beside a picture; a name too long is cut in its middle and told in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = self._detail = ""
        self.setMinimumWidth(_LEAST_WIDTH)
        self._picture = QLabel(self)
        self._picture.setFixedSize(_PICTURE_SIDE, _PICTURE_SIDE)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._name_label = QLabel(self)
        self._detail_label = QLabel(self)
        theme.set_role(self._detail_label, "caption")
        self._chevron = QLabel(self)
        self._path: Path | None = None
        self._image = QImage()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(self._name_label)
        words.addWidget(self._detail_label)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        row.setSpacing(theme.SPACE)
        row.addWidget(self._picture)
        row.addLayout(words, 1)
        row.addWidget(self._chevron)
        for label in (self._picture, self._name_label, self._detail_label, self._chevron):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        for label in (self._name_label, self._detail_label):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        theme.set_role(self, "model")
        self._show_pictures()
        self.set_model(self.tr("No model"), self.tr("Choose one to begin"), None)

    def set_model(self, name: str, detail: str, picture: Path | None) -> None:
        """Show a model; without the file of a picture, the icon of models stands there."""
        if (name, detail, picture) == (self._name, self._detail, self._path):
            return
        self._name, self._detail = name, detail
        if picture != self._path:
            self._path = picture
            # by a reader: what QPixmap reads from a file it keeps, picture after picture
            self._image = QImageReader(str(picture)).read() if picture else QImage()
            self._show_pictures()
        self.setAccessibleName(self.tr("Model {name}").format(name=name))
        self.setToolTip(self.tr("{name}: choose another model.").format(name=name))
        self._show_words()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The words are cut to the width."""
        super().resizeEvent(event)
        self._show_words()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Pictures wear the colours of their day."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._show_pictures()

    def _show_pictures(self) -> None:
        self._chevron.setPixmap(icon("chevron_open").pixmap(QSize(ICON_SIDE, ICON_SIDE)))
        if self._image.isNull():
            self._picture.setPixmap(icon("model").pixmap(QSize(24, 24)))
        else:
            self._picture.setPixmap(_rounded(self._image, self.devicePixelRatioF()))

    def _show_words(self) -> None:
        room = self.width() - _PICTURE_SIDE - ICON_SIDE - 4 * theme.SPACE
        for label, words, mode in (
            (self._name_label, self._name, Qt.TextElideMode.ElideMiddle),
            (self._detail_label, self._detail, Qt.TextElideMode.ElideRight),
        ):
            label.setText(label.fontMetrics().elidedText(words, mode, room))


def _rounded(picture: QImage, ratio: float) -> QPixmap:
    """The middle of a picture as a square with round corners, sharp at `ratio`."""
    side = round(_PICTURE_SIDE * ratio)
    filled = picture.scaled(
        QSize(side, side),
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    square = QPixmap(side, side)
    square.fill(Qt.GlobalColor.transparent)
    painter = QPainter(square)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    corners = QPainterPath()
    radius = _PICTURE_RADIUS * ratio
    corners.addRoundedRect(QRectF(square.rect()), radius, radius)
    painter.setClipPath(corners)
    painter.drawImage((side - filled.width()) // 2, (side - filled.height()) // 2, filled)
    painter.end()
    square.setDevicePixelRatio(ratio)
    return square
