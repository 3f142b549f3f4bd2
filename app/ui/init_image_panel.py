"""The picture that the next one begins from, and how much of it is painted over.

Owns choosing and showing that picture. Writes two fields of the draft and nothing else.
"""

from PySide6.QtWidgets import QWidget

from app.ui.request_draft import RequestDraft


class InitImagePanel(QWidget):
    """A place to drop a picture; once there is one, its thumbnail and the strength."""

    def __init__(self, draft: RequestDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        raise NotImplementedError
