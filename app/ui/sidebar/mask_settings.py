"""What the painted part begins from and how much is made, shown only while there is a mask.

Owns these controls. Each shows a field of the draft and sets it.
"""

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.engine.types import MaskedContent
from app.generation.request import MOST_MASKED_AREA_PADDING, GenerationRequest, InpaintArea
from app.ui.draft.request_draft import RequestDraft
from app.ui.parts import theme
from app.ui.parts.choice_field import ChoiceField
from app.ui.parts.number_field import NumberRange
from app.ui.parts.setting_row import SettingRow
from app.ui.parts.slider_field import SliderField

_PADDINGS = NumberRange(low=0, high=MOST_MASKED_AREA_PADDING)
_USUAL_PADDINGS = (0, 128)


class MaskSettings(QWidget):
    """Masked content, area, and the padding where only a part is made."""

    def __init__(self, draft: RequestDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = ChoiceField(self.tr("Begins from"), self._content_labels(), self)
        self.area = ChoiceField(self.tr("Made anew"), self._area_labels(), self)
        self.padding = SliderField(self.tr("Padding"), _PADDINGS, _USUAL_PADDINGS, self)
        self._padding_row = SettingRow(self.tr("Padding"), self.padding, self)
        self._say_what_they_do()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.SPACE // 2, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(SettingRow(self.tr("Begins from"), self.content, self))
        column.addWidget(SettingRow(self.tr("Made anew"), self.area, self))
        column.addWidget(self._padding_row)
        controls: dict[str, Any] = {
            "masked_content": self.content,
            "inpaint_area": self.area,
            "masked_area_padding": self.padding,
        }
        for name, control in controls.items():
            control.value_edited.connect(lambda value, name=name: draft.set(**{name: value}))
        self.padding.corrected.connect(self._padding_row.set_caption)
        draft.changed.connect(self._follow)
        self._follow(draft.request)

    # ------------------------------------------------------------ inside

    def _follow(self, request: GenerationRequest) -> None:
        self.setVisible(request.mask_image is not None)
        self.content.set_value(request.masked_content)
        self.area.set_value(request.inpaint_area)
        self.padding.set_value(request.masked_area_padding)
        self._padding_row.setVisible(request.inpaint_area is InpaintArea.ONLY_MASKED)

    def _content_labels(self) -> Mapping[MaskedContent, str]:
        return {
            MaskedContent.ORIGINAL: self.tr("What is there"),
            MaskedContent.FILL: self.tr("Colours around it"),
            MaskedContent.LATENT_NOISE: self.tr("Latent noise"),
            MaskedContent.LATENT_NOTHING: self.tr("Latent nothing"),
        }

    def _area_labels(self) -> Mapping[InpaintArea, str]:
        return {
            InpaintArea.WHOLE_PICTURE: self.tr("Whole picture"),
            InpaintArea.ONLY_MASKED: self.tr("Only masked"),
        }

    def _say_what_they_do(self) -> None:
        self.content.setToolTip(
            self.tr("What the painted part begins from; with less strength more of it stays.")
        )
        self.area.setToolTip(
            self.tr("“Only masked” makes the painted part at the full size and puts it back.")
        )
        self.padding.setToolTip(
            self.tr("How many pixels around the painted part are seen while it is made.")
        )
