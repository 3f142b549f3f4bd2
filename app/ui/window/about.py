"""About: the name, the version, what it stands on. Knows nothing else of the app."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.paths import resource_path
from app.ui.parts.theme import SPACE, set_role
from app.ui.window.licences import Licences
from app.version import VERSION

WIDTH, ICON_SIDE = 340, 112


class About(QDialog):
    """One small card."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About Aquatint"))
        self.setFixedWidth(WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        picture = QLabel()
        picture.setFixedSize(ICON_SIDE, ICON_SIDE)
        drawing = QIcon(str(resource_path("icons/aquatint.png")))
        picture.setPixmap(drawing.pixmap(QSize(ICON_SIDE, ICON_SIDE), self.devicePixelRatioF()))
        layout.addWidget(picture, alignment=Qt.AlignmentFlag.AlignHCenter)
        for text, role in (
            ("Aquatint", "title"),
            (self.tr("Version {version}").format(version=VERSION), "caption"),
            (
                self.tr(
                    "Makes pictures from words on your own computer. Nothing leaves the machine."
                ),
                "",
            ),
            (
                self.tr(
                    "MIT licence. The small model was trained on Microsoft Fluent Emoji (MIT);"
                    " the window is drawn with Qt (LGPL)."
                ),
                "caption",
            ),
        ):
            label = QLabel(text)
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            set_role(label, role)
            layout.addWidget(label)
        layout.addSpacing(SPACE)
        done = QPushButton(self.tr("Done"))
        done.setToolTip(self.tr("Closes this window."))
        done.clicked.connect(self.accept)
        done.setDefault(True)
        licences = QPushButton(self.tr("Licences…"))
        licences.setToolTip(self.tr("Shows the licences of all parts of Aquatint."))
        licences.setAutoDefault(False)
        licences.clicked.connect(self._show_licences)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(licences)
        row.addWidget(done)
        row.addStretch()
        layout.addLayout(row)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """As high as its words are in the fonts that they are shown in."""
        super().showEvent(event)
        layout = self.layout()
        assert layout
        for label in self.findChildren(QLabel):
            label.ensurePolished()
        layout.invalidate()
        self.setFixedHeight(layout.totalHeightForWidth(WIDTH))

    def _show_licences(self) -> None:
        dialog = Licences(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
