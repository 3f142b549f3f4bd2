"""Bytes as people read them. Knows no widget."""

from PySide6.QtCore import QCoreApplication

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def byte_text(count: int) -> str:
    """Such as "3.1 GB", "450 MB" or "12 KB"; a GB has 1024 MB, as memory is sold."""
    number, unit = byte_parts(count)
    return f"{number} {unit}"


def byte_parts(count: int) -> tuple[str, str]:
    """The number and its unit, such as ("3.1", "GB")."""
    if count >= 1000 * MIB:
        gigabytes = count / GIB
        return (f"{gigabytes:.1f}" if gigabytes < 99.95 else f"{gigabytes:.0f}"), "GB"
    if count >= 1000 * KIB or count == 0:
        return f"{count / MIB:.0f}", "MB"
    return f"{max(1, round(count / KIB))}", "KB"


def share_text(part: int, whole: int) -> str:
    """Such as "2.1 of 16 GB": both in the unit of the whole, which is without a fraction."""
    text = QCoreApplication.translate("ByteText", "{part} of {whole} GB")
    return text.format(part=f"{part / GIB:.1f}", whole=f"{whole / GIB:.0f}")
