"""Pictures on their way out of the window: dragged or copied, as files and as an image.

Knows no widget and no gallery.
"""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage


def picture_data(paths: Sequence[Path], image: QImage | None = None) -> QMimeData:
    """The files themselves, metadata and all, for whoever takes files; the image for the others."""
    data = QMimeData()
    if paths:
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    if image is not None:
        data.setImageData(image)
    return data
