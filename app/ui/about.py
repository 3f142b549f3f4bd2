"""About: the name, the version, what it stands on. Knows nothing else of the app."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.icons import icon
from app.ui.theme import SPACE, set_role
from app.version import VERSION

WIDTH, ICON_SIDE = 340, 64


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
        drawing = icon("generate", QPalette.ColorRole.Link)
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
        layout.addWidget(done, alignment=Qt.AlignmentFlag.AlignHCenter)
