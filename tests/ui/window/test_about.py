import itertools
import json

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QListWidget, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.paths import resource_path
from app.ui.window.about import About
from app.ui.window.licences import Licences
from app.version import VERSION
from resources.packaging import bundle_parts, licences

# Which part of the list a library that is shipped belongs to.
PART_OF = {
    "PySide6": "Qt and Qt for Python",
    "shiboken6": "Qt and Qt for Python",
    "numpy": "NumPy",
    "PIL": "Pillow",
    "tokenizers": "Tokenizers",
    "_cffi_backend": "cffi",
}


def test_it_tells_the_version_and_leads_to_the_licences(qtbot: QtBot) -> None:
    about = About()
    qtbot.addWidget(about)
    about.show()
    labels = about.findChildren(QLabel)
    assert f"Version {VERSION}" in [label.text() for label in labels]
    (icon,) = (label for label in labels if not label.pixmap().isNull())
    assert icon.pixmap().deviceIndependentSize().toSize() == icon.size()
    places = [label.geometry() for label in labels]
    assert all(above.bottom() < below.top() for above, below in itertools.pairwise(places))
    (button,) = [b for b in about.findChildren(QPushButton) if b.text() == "Licences…"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    shown = about.findChild(Licences)
    assert shown.isVisible()
    parts, text = shown.findChild(QListWidget), shown.findChild(QPlainTextEdit)
    assert text.toPlainText().startswith("MIT License")
    parts.setFocus()
    qtbot.keyClick(parts, Qt.Key.Key_End)
    assert parts.currentItem().text() == "cffi"
    assert "cffi: MIT-0." in " ".join(label.text() for label in shown.findChildren(QLabel))
    for row in range(parts.count()):
        parts.setCurrentRow(row)
        assert len(text.toPlainText()) > 400


def test_every_library_that_is_shipped_has_its_licence() -> None:
    names = {part.name for part in licences.PARTS}
    shipped = {library.name for library in bundle_parts.LIBRARIES if ".libs" not in library.name}
    assert shipped == set(PART_OF)
    assert set(PART_OF.values()) <= names
    assert {"Aquatint", "Python", "The small model", "CLIP's vocabulary"} <= names


def test_the_list_is_that_of_the_table() -> None:
    rows = json.loads(resource_path("licences/parts.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == [part.name for part in licences.PARTS]
    kept = {path.name for path in resource_path("licences").iterdir()}
    assert kept == {"parts.json", *(name for part in licences.PARTS for name in part.texts)}
