"""Pictures for the canvas: plain colours, so that a test can read off what is where."""

from pathlib import Path

from PySide6.QtGui import QColor, QImage

from app.library.gallery_entry import Flag, GalleryEntry
from app.ui.pictures.shown_picture import ShownPicture


def image(color: str, width: int = 64, height: int = 64) -> QImage:
    made = QImage(width, height, QImage.Format.Format_RGB888)
    made.fill(QColor(color))
    return made


def shown(folder: Path, number: int, color: str, side: int = 64) -> ShownPicture:
    """A picture of the gallery whose file exists."""
    made = image(color, side, side)
    path = folder / f"{number}.png"
    assert made.save(str(path))
    return ShownPicture(image=made, entry=entry(number, path, side))


def entry(number: int, path: Path, side: int) -> GalleryEntry:
    return GalleryEntry(
        id=number,
        path=path,
        created_at=0.0,
        width=side,
        height=side,
        prompt="a plain colour",
        negative_prompt="",
        model="mini",
        model_hash="",
        loras=(),
        seed=100 + number,
        steps=20,
        cfg_scale=5.0,
        sampler="euler",
        schedule="normal",
        program="Aquatint",
        rating=0,
        flag=Flag.NONE,
        request_json="{}",
    )
