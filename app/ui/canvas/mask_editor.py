"""Where a mask is painted: the painter, and a bar of what can be done.

Owns the bar. Changes the drawing and says what else is wished for; knows no draft and no file.
"""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from app.generation.request import MOST_MASK_BLUR
from app.ui.canvas.mask_drawing import MaskDrawing
from app.ui.canvas.mask_painter import LARGEST_BRUSH, SMALLEST_BRUSH, MaskPainter
from app.ui.parts import theme
from app.ui.parts.setting_row import caption_label, icon_button

_SLIDER_WIDTH = 90
_USUAL_BLUR = 32


class MaskEditor(QWidget):
    """Brush and eraser, size, feather, undo, redo, invert, clear, done."""

    done_requested = Signal()
    blur_edited = Signal(int)
    """The feather of the mask's edge, in pixels."""

    def __init__(self, drawing: MaskDrawing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.drawing = drawing
        self.painter = MaskPainter(drawing, self)
        self.brush = icon_button("brush", self.tr("Paint what is to be made anew."), self)
        self.eraser = icon_button("eraser", self.tr("Erase; alt does so while it is held."), self)
        self.diameter = self._slider(self.tr("Brush"), (SMALLEST_BRUSH, LARGEST_BRUSH))
        self.feather = self._slider(self.tr("Feather"), (0, _USUAL_BLUR))
        self.undo = icon_button("undo", self.tr("Take back the last stroke."), self)
        self.redo = icon_button("redo", self.tr("Do the stroke again."), self)
        self.invert = icon_button("invert", self.tr("Swap what is painted and kept."), self)
        self.clear = icon_button("trash", self.tr("Keep all of the picture."), self)
        self.done = QPushButton(self.tr("Done"), self)
        self._say_what_they_do()
        self._lay_out()
        self._connect()
        self._show_state()

    def open(self, picture: QImage, mask: QImage | None, blur: int) -> None:
        """Shows this picture with this mask, of any size."""
        self.drawing.open(picture.size(), mask)
        self.painter.show_image(picture)
        self.painter.fit()
        self.painter.set_diameter(max(picture.width(), picture.height()) // 10)
        self.set_blur(blur)
        self._show_state()
        self.painter.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_blur(self, blur: int) -> None:
        """The feather, which was set elsewhere."""
        self.feather.blockSignals(True)
        self.feather.setMaximum(_USUAL_BLUR if blur <= _USUAL_BLUR else MOST_MASK_BLUR)
        self.feather.setValue(blur)
        self.feather.blockSignals(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Escape and Return are done."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.done_requested.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """The bar lies on the canvas's colour: one surface."""
        QPainter(self).fillRect(self.rect(), QColor(theme.colors().canvas))

    # ------------------------------------------------------------ inside

    def _show_state(self) -> None:
        erases = self.eraser.isChecked()
        self.painter.set_erasing(erases)
        self.brush.setChecked(not erases)
        self.undo.setEnabled(self.drawing.can_undo)
        self.redo.setEnabled(self.drawing.can_redo)
        self.clear.setEnabled(not self.drawing.is_empty)

    def _set_erasing(self, erases: bool) -> None:
        self.eraser.setChecked(erases)
        self._show_state()

    def _connect(self) -> None:
        self.brush.clicked.connect(lambda: self._set_erasing(False))
        self.eraser.clicked.connect(lambda: self._set_erasing(True))
        self.diameter.valueChanged.connect(self.painter.set_diameter)
        self.painter.diameter_changed.connect(self.diameter.setValue)
        self.feather.valueChanged.connect(self.blur_edited)
        self.undo.clicked.connect(self.drawing.undo)
        self.redo.clicked.connect(self.drawing.redo)
        self.invert.clicked.connect(self.drawing.invert)
        self.clear.clicked.connect(self.drawing.clear)
        self.done.clicked.connect(self.done_requested)
        self.drawing.edited.connect(self._show_state)

    def _say_what_they_do(self) -> None:
        for button in (self.brush, self.eraser):
            button.setCheckable(True)
        self.diameter.setToolTip(self.tr("How wide the brush is; the keys [ and ] change it, too."))
        self.feather.setToolTip(self.tr("How soft the edge between painted and kept becomes."))
        self.done.setToolTip(self.tr("Back to the picture; the mask is kept."))
        theme.set_role(self.done, "chip")

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(theme.SPACE * 2, theme.SPACE // 2, theme.SPACE, theme.SPACE // 2)
        bar.setSpacing(2)
        bar.addWidget(self.brush)
        bar.addWidget(self.eraser)
        for slider in (self.diameter, self.feather):
            bar.addSpacing(theme.SPACE * 3 // 2)
            name = QLabel(slider.accessibleName(), self)
            theme.set_role(name, "caption")
            bar.addWidget(name)
            bar.addSpacing(theme.SPACE // 2)
            bar.addWidget(slider)
        bar.addSpacing(theme.SPACE * 3 // 2)
        for button in (self.undo, self.redo, self.invert, self.clear):
            bar.addWidget(button)
        bar.addStretch(1)
        bar.addWidget(self.done)
        hint = caption_label(self)
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        hint.setContentsMargins(0, theme.SPACE // 2, 0, theme.SPACE)
        hint.setText(self.tr("Paint over what is to be made anew; the rest stays as it is."))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.painter, 1)
        column.addWidget(hint)

    def _slider(self, name: str, limits: tuple[int, int]) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(*limits)
        slider.setAccessibleName(name)
        slider.setMinimumWidth(_SLIDER_WIDTH // 2)
        slider.setMaximumWidth(_SLIDER_WIDTH)
        slider.setMinimumSize(QSize(_SLIDER_WIDTH // 2, theme.CONTROL_HEIGHT))
        return slider
