"""The engine's sentences in the window's language, held against the rooms that say them."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication

from app.checkpoint.family import NOT_OPENED
from app.checkpoint.reader import PICKLE, SIGNATURES, USE_SAFETENSORS
from app.generation.add_ons import AddOns
from app.generation.request import RequestError
from app.library.model_library import describe_model
from app.paths import resource_path
from app.ui.parts.engine_words import PHRASES, SENTENCES, in_own_words

ROOT = Path(__file__).parents[3]
LEAST_WORDS = 8


@pytest.fixture
def chinese(qapp: QApplication):
    translator = QTranslator()
    assert translator.load(str(resource_path("translations/zh_CN.qm")))
    qapp.installTranslator(translator)
    yield
    qapp.removeTranslator(translator)


def said() -> str:
    """All that the rooms below the window may say, literals that are parted being joined."""
    files = [*(ROOT / "engine_c").rglob("*.c")]
    for room in ("checkpoint", "engine", "generation", "library", "prompt"):
        files += (ROOT / "app" / room).glob("*.py")
    return re.sub(r'"\s*f?"', "", "".join(path.read_text() for path in files))


def test_each_row_is_what_a_room_says() -> None:
    source = said()
    for row in (*SENTENCES, *PHRASES):
        pieces = [piece.strip(" ().:?") for piece in re.split(r"\{\w+\}|and add the ", row)]
        for piece in pieces:
            assert len(piece) < LEAST_WORDS or piece in source, (row, piece)


@pytest.mark.usefixtures("chinese")
def test_every_kind_of_file_that_is_refused_says_so_in_chinese() -> None:
    rows = [*NOT_OPENED.values(), *((what, act) for _, what, act in SIGNATURES)]
    for what, act in (*rows, (PICKLE, USE_SAFETENSORS)):
        sentence = in_own_words(f"flower: new.safetensors is {what}: {act}.")
        assert sentence.startswith("flower: new.safetensors 是"), what
        assert sentence.endswith("。")
        assert not re.search("[a-z] (is|a|an|the|and|not|it|of) ", sentence), sentence


@pytest.mark.usefixtures("chinese")
def test_real_refusals_are_told_in_chinese(tmp_path: Path) -> None:
    picture = tmp_path / "picture.safetensors"
    picture.write_bytes(b"\x89PNG and so on, for a while")
    sentence = in_own_words(describe_model(picture).sentence)
    assert sentence == "picture.safetensors 是 PNG 图片：请选择 .safetensors 模型。"
    short = tmp_path / "short.safetensors"
    short.write_bytes((100).to_bytes(8, "little") + b"{}")
    sentence = in_own_words(describe_model(short).sentence)
    assert sentence == "short.safetensors 不完整：文件在文件头处中断；请重新下载。"
    with pytest.raises(RequestError) as refused:
        AddOns.of([tmp_path / "ink.safetensors"], []).lora("inc")
    assert in_own_words(str(refused.value)) == "没有名为 inc 的 LoRA：是否指 ink？"


def test_what_is_not_known_and_english_stay_as_they_are(chinese: None, qapp: QApplication) -> None:
    assert in_own_words("something new: try again") == "something new: try again"
    assert in_own_words("") == ""


def test_in_english_nothing_changes() -> None:
    for what, act in NOT_OPENED.values():
        sentence = f"a {{strange}} name is {what}: {act}."
        assert in_own_words(sentence) == sentence
