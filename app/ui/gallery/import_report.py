"""What came of pictures that were brought into the gallery: in a sentence, and in full.

Knows nothing of how they are read.
"""

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.ui.gallery.picture_import import ImportReport
from app.ui.parts import theme
from app.ui.parts.engine_words import in_own_words

translate = QCoreApplication.translate


def import_sentence(report: ImportReport) -> str:
    """How many came and how many did not, in one line."""
    added = translate("ImportReport", "%n pictures added.", "", report.added)
    if report.added == 1:
        added = translate("ImportReport", "1 picture added.")
    if report.refused:
        refused = translate("ImportReport", "%n could not be read.", "", len(report.refused))
        return f"{added} {refused}" if report.added else refused
    if report.not_restored:
        lost = translate("ImportReport", "Some settings could not be restored.")
        return f"{added} {lost}"
    return added


class ImportReportDialog(QDialog):
    """The files that were refused, and what of the others' settings could not be restored."""

    def __init__(self, report: ImportReport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Added pictures"))
        self.resize(460, 320)
        title = QLabel(import_sentence(report))
        title.setWordWrap(True)
        theme.set_role(title, "title")
        self.text = QPlainTextEdit(self._text(report))
        self.text.setReadOnly(True)
        self.text.setAccessibleName(self.tr("What could not be read or restored"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(*[theme.SPACE * 2] * 4)
        box.setSpacing(theme.SPACE)
        box.addWidget(title)
        box.addWidget(self.text, 1)
        box.addWidget(buttons)

    def _text(self, report: ImportReport) -> str:
        parts = [in_own_words(sentence) for sentence in report.refused]
        for path, items in report.not_restored:
            listed = "\n".join(f"  {item}" for item in items)
            parts.append(self.tr("{0}: not restored").format(path.name) + f"\n{listed}")
        return "\n\n".join(parts)
