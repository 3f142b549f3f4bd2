"""NovelAI's text inside the pixels: one bit of each pixel's transparency, column after column.

Form: a mark of 15 letters, the length in bits as 32 bits, then the text, plain or as gzip. Knows
nothing of what the text says.
"""

import zlib

from PIL import Image

MARKS = {b"stealth_pnginfo": False, b"stealth_pngcomp": True}  # whether gzip follows
MARK_BYTES, LENGTH_BYTES = 15, 4
TEXT_LIMIT_BYTES = 4_000_000
GZIP = 31  # zlib's number for a gzip header


def read_hidden_text(image: Image.Image) -> str:
    """The text in an open picture's transparency; empty where there is none."""
    if image.format not in {"PNG", "WEBP"} or image.mode != "RGBA":
        return ""
    alpha = image.getchannel("A")
    head = MARK_BYTES + LENGTH_BYTES
    start = _low_bits(alpha, head)
    if start[:MARK_BYTES] not in MARKS:
        return ""
    length = int.from_bytes(start[MARK_BYTES:], "big") // 8
    data = _low_bits(alpha, head + min(length, TEXT_LIMIT_BYTES))[head:]
    if MARKS[start[:MARK_BYTES]]:
        try:
            data = zlib.decompressobj(GZIP).decompress(data, TEXT_LIMIT_BYTES)
        except zlib.error:
            return ""
    return data.decode("utf-8", "replace")


def _low_bits(alpha: Image.Image, length: int) -> bytes:
    """The first `length` bytes that the lowest bits make, read down each column in turn."""
    columns = min(alpha.width, -(-length * 8 // alpha.height))
    strip = alpha.crop((0, 0, columns, alpha.height)).transpose(Image.Transpose.TRANSPOSE)
    bits = strip.point([255 * (value & 1) for value in range(256)]).tobytes()
    row = Image.frombytes("L", (len(bits), 1), bits)
    return row.convert("1", dither=Image.Dither.NONE).tobytes()[:length]
