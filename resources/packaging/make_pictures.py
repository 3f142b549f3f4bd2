"""Makes Aquatint.icns, the About box's picture and the disk image's from the drawings beside it.

Owns which drawing serves which size, the grain of the print and the shadow under it. Run it after
a drawing changed: `python -m resources.packaging.make_pictures`.
"""

import io
import os
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageFilter
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

PACKAGING = Path(__file__).resolve().parent
LARGE, SMALL = PACKAGING / "Aquatint.svg", PACKAGING / "Aquatint-small.svg"
ICNS = PACKAGING / "Aquatint.icns"
DMG_DRAWING, DMG_SIZE = PACKAGING / "dmg_background.svg", (600, 400)
ABOUT = PACKAGING.parent / "icons" / "aquatint.png"
# The kinds of picture in an .icns, as iconutil writes them, with their sides in pixels. The first
# two hold plain ARGB: a PNG under them is shown scrambled as the icon of an app.
ARGB_KINDS = {b"ic04": 16, b"ic05": 32}
PNG_KINDS = {
    **{b"ic11": 32, b"ic12": 64, b"ic07": 128, b"ic13": 256},
    **{b"ic08": 256, b"ic14": 512, b"ic09": 512, b"ic10": 1024},
}
SMALL_SIDE, GRAIN_SIDE, ABOUT_SIDE = 32, 128, 256
SHADOW_SHARE, SHADOW_BLUR, SHADOW_DOWN = 0.3, 14 / 1024, 10 / 1024
GRAIN_SHARE, GRAIN_SEED = 0.05, 7
_LENGTH = struct.Struct(">I")


def draw(side: int) -> Image.Image:
    """The icon, RGBA, `side` pixels wide and high."""
    drawn = _render(SMALL if side <= SMALL_SIDE else LARGE, (side, side))
    if side <= SMALL_SIDE:
        return drawn
    if side >= GRAIN_SIDE:
        drawn = _with_grain(drawn)
    return Image.alpha_composite(_shadow_of(drawn), drawn)


def _render(drawing: Path, size: tuple[int, int]) -> Image.Image:
    image = QImage(*size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(str(drawing)).render(painter, QRectF(0, 0, *size))
    painter.end()
    straight = image.convertToFormat(QImage.Format.Format_RGBA8888)
    return Image.frombytes("RGBA", size, bytes(straight.constBits()))


def _with_grain(drawn: Image.Image) -> Image.Image:
    """The dust of resin that gives an aquatint its tone: lighter and darker specks, very faint."""
    side = drawn.width
    noise = np.random.default_rng(GRAIN_SEED).normal(size=(512, 512))
    level = np.clip(128 + 127 * GRAIN_SHARE * noise * 2, 0, 255).astype(np.uint8)
    tile = Image.fromarray(level).resize((side, side), Image.Resampling.BICUBIC)
    printed = ImageChops.soft_light(drawn.convert("RGB"), tile.convert("RGB"))
    printed.putalpha(drawn.getchannel("A"))
    return printed


def _shadow_of(drawn: Image.Image) -> Image.Image:
    side = drawn.width
    alpha = drawn.getchannel("A").point(lambda value: round(value * SHADOW_SHARE))
    moved = ImageChops.offset(alpha, 0, round(SHADOW_DOWN * side))
    shadow = Image.new("RGBA", drawn.size, (20, 16, 30, 0))
    shadow.putalpha(moved.filter(ImageFilter.GaussianBlur(SHADOW_BLUR * side)))
    return shadow


def icns() -> bytes:
    """All sizes in the system's container: kinds and lengths, each with its picture."""
    rows = [(kind, _argb(draw(side))) for kind, side in ARGB_KINDS.items()]
    rows += [(kind, _png(draw(side))) for kind, side in PNG_KINDS.items()]
    body = b"".join(kind + _LENGTH.pack(len(data) + 8) + data for kind, data in rows)
    return b"icns" + _LENGTH.pack(len(body) + 8) + body


def _argb(picture: Image.Image) -> bytes:
    """The channels A, R, G, B, each in runs: a byte n below 128 is followed by n + 1 bytes."""
    channels = b"".join(picture.getchannel(name).tobytes() for name in "ARGB")
    runs = [channels[begin : begin + 128] for begin in range(0, len(channels), 128)]
    return b"ARGB" + b"".join(bytes([len(run) - 1]) + run for run in runs)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    """Writes all files."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    _app = QGuiApplication(sys.argv[:1])
    ICNS.write_bytes(icns())
    ABOUT.write_bytes(_png(draw(ABOUT_SIDE)))
    for scale, name in ((1, "dmg_background.png"), (2, "dmg_background@2x.png")):
        width, height = DMG_SIZE
        picture = _render(DMG_DRAWING, (width * scale, height * scale)).convert("RGB")
        (PACKAGING / name).write_bytes(_png(picture))


if __name__ == "__main__":
    main()
