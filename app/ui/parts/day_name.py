"""Days as people name them. Knows no widget."""

from datetime import date, timedelta

from PySide6.QtCore import QCoreApplication, QDate, QLocale


def day_name(seconds: float) -> str:
    """The day of a time in seconds since 1970: today, yesterday, or its date."""
    day, today = date.fromtimestamp(seconds), date.today()
    if day == today:
        return QCoreApplication.translate("DayName", "Today")
    if day == today - timedelta(days=1):
        return QCoreApplication.translate("DayName", "Yesterday")
    pattern = (
        QCoreApplication.translate("DayName", "d MMMM", "the form of a date; other letters stay")
        if day.year == today.year
        else QCoreApplication.translate("DayName", "d MMMM yyyy", "the form of a date")
    )
    return QLocale().toString(QDate(day.year, day.month, day.day), pattern)
