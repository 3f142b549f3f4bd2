"""Pixels of a message as an image. Knows no widget."""

from PySide6.QtGui import QImage

from app.generation.messages import Pixels


def pixel_image(pixels: Pixels, picture: int = 0) -> QImage:
    """One of the pictures; the image owns its pixels."""
    data, width, height = pixels.pictures[picture], pixels.width, pixels.height
    return QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
