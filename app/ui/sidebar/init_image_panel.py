"""The picture that the next one begins from, how much of it is painted over, and where.

Owns choosing and showing that picture. Writes its fields of the draft and nothing else; the mask is
painted elsewhere.
"""

from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import (
    QImageReader,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.generation.request import GenerationRequest
from app.ui.draft.request_draft import RequestDraft
from app.ui.parts import theme
from app.ui.parts.elided_label import ElidedLabel
from app.ui.parts.icons import icon
from app.ui.parts.number_field import NumberRange
from app.ui.parts.slider_field import SliderField
from app.ui.sidebar.mask_settings import MaskSettings
from app.ui.sidebar.picture_well import PictureWell

_STRENGTH = NumberRange(low=0.0, high=1.0, step=0.05, decimals=2)


class InitImagePanel(QWidget):
    """A place to drop a picture; once there is one, its thumbnail, strength and mask."""

    mask_requested = Signal()
    """Paint the mask on the picture."""

    def __init__(self, draft: RequestDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._well = PictureWell(self)
        self._name = ElidedLabel(self)
        self._size = ElidedLabel(self)
        theme.set_role(self._size, "caption")
        self._replace = self._button("reveal", self.tr("Choose another picture."), self.choose)
        self._remove = self._button("trash", self.tr("Begin from noise again."), self.remove)
        self._strength = SliderField(self.tr("Strength"), _STRENGTH, (0.0, 1.0), self)
        self._strength.setToolTip(
            self.tr("How much of the picture is painted over: 0 keeps it, 1 forgets it.")
        )
        self._meaning = QLabel(self)
        self.mask_button = QPushButton(self)
        self.unmask_button = self._button("trash", self.tr("Remove the mask."), self._unmask)
        self.mask_settings = MaskSettings(draft, self)
        self._refusal = QLabel(self)
        self._facts = self._make_facts()
        self._settings = self._make_settings()
        self._lay_out()
        self._well.choose_requested.connect(self.choose)
        self._well.dropped.connect(self.take)
        self._well.remove_requested.connect(self.remove)
        self._strength.value_edited.connect(self._set_strength)
        self.mask_button.clicked.connect(self.mask_requested)
        draft.changed.connect(self._follow)
        self._follow(draft.request)

    # ------------------------------------------------------------ what a user does

    def choose(self) -> None:
        """Asks for a file."""
        patterns = " ".join(
            f"*.{bytes(name.data()).decode()}" for name in QImageReader.supportedImageFormats()
        )
        path, _ = QFileDialog.getOpenFileName(
            self,
            self.tr("Begin from a picture"),
            str(self._draft.request.init_image or ""),
            self.tr("Pictures ({patterns})").format(patterns=patterns),
        )
        if path:
            self.take(Path(path))

    def take(self, path: Path) -> None:
        """Begins from this file, or says why not."""
        if QImageReader(str(path)).canRead():
            self._draft.set(init_image=path)
        else:
            sentence = self.tr("{name} cannot be read as a picture: choose a PNG or JPEG.")
            self._say(sentence.format(name=path.name))

    def remove(self) -> None:
        """Begins from noise again."""
        self._draft.set(init_image=None)

    # ------------------------------------------------------------ inside

    def _set_strength(self, strength: float | None) -> None:
        if strength is not None:
            self._draft.set(denoise_strength=strength)

    def _follow(self, request: GenerationRequest) -> None:
        path = request.init_image
        self._say("")
        if (path, request.mask_image) != (self._well.path, self._well.mask_path):
            self._well.show_picture(path, request.mask_image)
        self._show_mask(request)
        self._facts.setVisible(path is not None)
        self._settings.setVisible(path is not None)
        self._strength.set_value(request.denoise_strength)
        self._meaning.setText(self._meaning_of(request.denoise_strength))
        if path:
            self._name.setText(path.name)
            size = self._well.picture_size
            self._size.setText(
                f"{size.width()} × {size.height()}"  # noqa: RUF001 - the sign for times
                if size.isValid()
                else self.tr("The file is gone: choose another.")
            )

    def _show_mask(self, request: GenerationRequest) -> None:
        is_masked = request.mask_image is not None
        self.unmask_button.setVisible(is_masked)
        words = self.tr("Edit mask") if is_masked else self.tr("Paint mask")
        self.mask_button.setText(words)
        self.mask_button.setToolTip(
            self.tr("Only what is painted is made anew: change what that is.")
            if is_masked
            else self.tr("Paint over what is to be made anew, and keep the rest.")
        )

    def _unmask(self) -> None:
        self._draft.set(mask_image=None)

    def _meaning_of(self, strength: float) -> str:
        if strength < 0.35:
            return self.tr("Only small things change.")
        if strength < 0.7:
            return self.tr("Keeps what is where, and changes how it looks.")
        return self.tr("Keeps little but colours and large shapes.")

    def _say(self, sentence: str) -> None:
        self._refusal.setText(sentence)
        self._refusal.setVisible(bool(sentence))

    def _lay_out(self) -> None:
        theme.set_role(self._refusal, "danger")
        self._refusal.setWordWrap(True)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE * 3 // 2)
        top.addWidget(self._well)
        top.addWidget(self._facts, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addLayout(top)
        column.addWidget(self._refusal)
        column.addWidget(self._settings)

    def _make_facts(self) -> QWidget:
        facts = QWidget(self)
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        buttons.addWidget(self._replace)
        buttons.addWidget(self._remove)
        buttons.addStretch(1)
        column = QVBoxLayout(facts)
        column.setContentsMargins(0, theme.SPACE // 2, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._name)
        column.addWidget(self._size)
        column.addStretch(1)
        column.addLayout(buttons)
        return facts

    def _make_settings(self) -> QWidget:
        settings = QWidget(self)
        label = QLabel(self.tr("Strength"), settings)
        theme.set_role(self._meaning, "caption")
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(label)
        row.addWidget(self._strength, 1)
        column = QVBoxLayout(settings)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addLayout(row)
        column.addWidget(self._meaning)
        mask = QHBoxLayout()
        mask.setSpacing(theme.SPACE // 2)
        self.mask_button.setIcon(icon("brush"))
        mask.addWidget(self.mask_button)
        mask.addWidget(self.unmask_button)
        mask.addStretch(1)
        column.addSpacing(theme.SPACE // 2)
        column.addLayout(mask)
        column.addWidget(self.mask_settings)
        return settings

    def _button(self, icon_name: str, tooltip: str, verb: object) -> QToolButton:
        button = QToolButton(self)
        theme.set_role(button, "quiet")
        button.setIcon(icon(icon_name))
        button.setIconSize(QSize(16, 16))
        button.setToolTip(tooltip)
        button.setAccessibleName(tooltip.rstrip("."))
        button.clicked.connect(verb)
        return button
