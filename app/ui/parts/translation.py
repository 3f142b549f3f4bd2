"""The language of the window. Knows where the translations lie; knows no widget."""

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from app.paths import resource_path
from app.settings import Language

TRANSLATED = (Language.CHINESE,)


def chosen_language(language: Language, system: QLocale | None = None) -> Language:
    """What SYSTEM means on this machine: the first of its languages that the app speaks."""
    if language is not Language.SYSTEM:
        return language
    for name in (system or QLocale.system()).uiLanguages():
        if name.startswith(("zh-Hans", "zh-CN", "zh-SG")) or name == "zh":
            return Language.CHINESE
        if name.startswith("en"):
            break
    return Language.ENGLISH


def install_translation(app: QCoreApplication, language: Language) -> None:
    """Makes the widgets that are built from now on speak `language`; English needs nothing."""
    chosen = chosen_language(language)
    if chosen not in TRANSLATED:
        return
    own = str(resource_path(f"translations/{chosen.value}.qm"))
    of_qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for path in (f"{of_qt}/qtbase_{chosen.value}.qm", own):
        translator = QTranslator(app)
        if translator.load(path):
            app.installTranslator(translator)
