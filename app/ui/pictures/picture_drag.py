"""Pictures on their way out of the window: dragged or copied, as files and as an image.

Knows no widget and no gallery.
"""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDrag, QImage, QPixmap
from PySide6.QtWidgets import QWidget

_SIDE = 128
"""Of what hangs on the pointer, in points."""


def picture_data(paths: Sequence[Path], image: QImage | None = None) -> QMimeData:
    """The files themselves, metadata and all, for whoever takes files; the image for the others."""
    data = QMimeData()
    if paths:
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    if image is not None:
        data.setImageData(image)
    return data


def drag_picture(source: QWidget, data: QMimeData, image: QImage) -> None:
    """Lets the user carry a picture away; returns when it is let go."""
    ratio = source.devicePixelRatioF()
    side = round(_SIDE * ratio)
    small = image.scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    small.setDevicePixelRatio(ratio)
    drag = QDrag(source)
    drag.setMimeData(data)
    drag.setPixmap(QPixmap.fromImage(small))
    drag.setHotSpot(QPoint(_SIDE // 2, _SIDE // 2))
    drag.exec(Qt.DropAction.CopyAction)
