import subprocess
from pathlib import Path
from xml.etree import ElementTree

import PySide6
import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

from app.paths import resource_path
from app.settings import Language
from app.ui.parts.translation import chosen_language

ROOT = Path(__file__).parents[3]
SOURCE = resource_path("translations/zh_CN.ts")


def messages(path: Path) -> dict[tuple[str, str], list[str]]:
    """Translations by context and English text; an unfinished one is empty."""
    found = {}
    for context in ElementTree.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            forms = translation.findall("numerusform") or [translation]
            texts = [form.text or "" for form in forms]
            if translation.get("type") == "unfinished":
                texts = []
            found[context.find("name").text, message.find("source").text] = texts
    return found


def test_every_text_of_the_window_is_translated(tmp_path: Path) -> None:
    tool = Path(PySide6.__file__).parent / "lupdate"
    if not tool.exists():
        pytest.skip("this PySide6 comes without lupdate")
    sources = [str(path) for path in (ROOT / "app").rglob("*.py")]
    target = tmp_path / "new.ts"
    command = [str(tool), *sources, "-silent", "-locations", "none", "-ts", str(target)]
    subprocess.run(command, check=True)
    translated = messages(SOURCE)
    lacking = [key for key in messages(target) if not all(translated.get(key) or [""])]
    assert not lacking
    assert set(translated) <= set(messages(target)), "texts that the window no longer has"


def test_what_is_filled_in_stays_filled_in() -> None:
    for (_, source), texts in messages(SOURCE).items():
        for text in texts:
            for name in ("{", "}"):
                assert source.count(name) == text.count(name), source


def test_the_compiled_file_is_that_of_its_source(qapp: QCoreApplication) -> None:
    translator = QTranslator()
    assert translator.load(str(SOURCE.with_suffix(".qm")))
    for (context, source), texts in messages(SOURCE).items():
        assert translator.translate(context, source, None, 2) == texts[-1], source


@pytest.mark.parametrize(
    ("wish", "system", "chosen"),
    [
        (Language.SYSTEM, "zh_CN", Language.CHINESE),
        (Language.SYSTEM, "en_GB", Language.ENGLISH),
        (Language.SYSTEM, "de_DE", Language.ENGLISH),
        (Language.ENGLISH, "zh_CN", Language.ENGLISH),
        (Language.CHINESE, "en_US", Language.CHINESE),
    ],
)
def test_the_language_is_the_chosen_or_the_system_s(
    wish: Language, system: str, chosen: Language
) -> None:
    assert chosen_language(wish, QLocale(system)) is chosen
