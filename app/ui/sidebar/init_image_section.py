"""The place to begin from a picture, as far as the model can: shown, hidden, or explained.

Owns what is said of the model there. Knows nothing of how a picture is chosen.
"""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.draft.request_draft import RequestDraft
from app.ui.parts import theme
from app.ui.parts.setting_row import caption_label


class InitImageSection(QWidget):
    """`panel` with a sentence below it while there is something to say of the model.

    A picture that is chosen already stays in sight with a model that cannot use it: it can be taken
    away there.
    """

    def __init__(self, draft: RequestDraft, panel: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft, self._panel = draft, panel
        self.sentence = caption_label(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(panel)
        column.addWidget(self.sentence)
        draft.changed.connect(self._follow)
        draft.abilities_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        able, request = self._draft.abilities, self._draft.request
        self._panel.setVisible(able.begins_from_pictures or request.init_image is not None)
        text = ""
        if not able.begins_from_pictures:
            text = self.tr("This model cannot begin from a picture: its VAE has no encoder.")
        elif able.paints_into_pictures and request.mask_image is None:
            text = self.tr(
                "This model is made to paint into a picture: begin from one and paint a mask on it."
            )
        self.sentence.setText(text)
        self.sentence.setVisible(bool(text))
