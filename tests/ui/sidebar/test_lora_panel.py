"""LoRAs and embeddings in the window, under real clicks and keys."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget
from safetensors.numpy import save_file

from app.generation.add_ons import LoraReceipt
from app.generation.request import LoraUse
from app.library.model_entry import ModelEntry, ModelKind
from app.library.model_library import describe_model
from app.ui.draft.request_draft import RequestDraft
from app.ui.prompt.token_counter import TokenCounter
from app.ui.sidebar.generation_panel import GenerationPanel
from app.ui.window.add_on_desk import AddOnDesk
from tests.fake_engine_client import FakeEngineClient
from tests.ui.sidebar.sidebar import LABELS, count_words, new_draft, press, retype, show

INK, WASH = Path("/loras/ink.safetensors"), Path("/loras/wash.safetensors")


def entry(
    path: Path, kind: ModelKind, *words: str, alias: str = "", token_count: int = 0
) -> ModelEntry:
    """What the library knows of a file."""
    return ModelEntry(
        path=path,
        kind=kind,
        family="lora",
        title=path.stem,
        dtype_label="f16",
        size_bytes=1,
        modified_ns=0,
        sentence="",
        words=words,
        alias=alias,
        token_count=token_count,
    )


ENTRIES = (
    entry(INK, ModelKind.LORA, "ink style", "brush & ink"),
    entry(WASH, ModelKind.LORA, alias="thin wash"),
    entry(Path("/words/bad-dream.pt"), ModelKind.EMBEDDING, token_count=3),
)


@pytest.fixture
def draft() -> RequestDraft:
    """A draft with a prompt."""
    return new_draft("a fox")


@pytest.fixture
def desk(draft: RequestDraft, qtbot) -> Iterator[AddOnDesk]:
    """The section in a sidebar, in a window."""
    window = QWidget()
    window.resize(360, 900)
    panel = GenerationPanel(draft, count_words, LABELS, window)
    QVBoxLayout(window).addWidget(panel)
    counter = TokenCounter(window)
    desk = AddOnDesk(draft, window, panel, FakeEngineClient(window), counter)
    desk.set_entries(ENTRIES)
    show(qtbot, window)
    yield desk
    counter.close()


def click(widget: QWidget) -> None:
    """A click of the left button."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_a_lora_is_added_from_the_list(desk: AddOnDesk, draft: RequestDraft) -> None:
    """Plus, a few letters, return; the list goes and the row stands."""
    click(desk.lora_panel.add_button)
    assert desk.popover.isVisible()
    QTest.keyClicks(desk.chooser.search, "was")
    shown = [desk.chooser.list.item(row).isHidden() for row in range(2)]
    assert shown == [True, False]
    press(desk.chooser.search, Qt.Key.Key_Return)
    assert not desk.popover.isVisible()
    assert draft.request.loras == (LoraUse(path=WASH),)
    click(desk.lora_panel.add_button)
    assert desk.chooser.search.text() == ""
    press(desk.chooser.search, Qt.Key.Key_Down)
    press(desk.chooser.search, Qt.Key.Key_Up)
    press(desk.chooser.search, Qt.Key.Key_Return)
    assert [use.path for use in draft.request.loras] == [WASH, INK]
    desk.lora_panel.add(INK)
    assert len(draft.request.loras) == 2


def test_strength_by_slider_and_by_field(desk: AddOnDesk, draft: RequestDraft) -> None:
    """The slider goes from 0 to 2, the field below 0 too; emptied it is 1 again."""
    desk.lora_panel.add(INK)
    desk.lora_panel.add(WASH)
    row = desk.lora_panel.rows[0]
    row.weight.slider.setValue(row.weight.slider.maximum())
    assert draft.request.loras[0].weight == 2.0
    retype(row.weight.field, "-0.35")
    assert [use.weight for use in draft.request.loras] == [-0.35, 1.0]
    assert row.weight.slider.value() == row.weight.slider.minimum()
    retype(row.weight.field, "")
    assert draft.request.loras[0].weight == 1.0
    assert desk.lora_panel.rows[0] is row, "rows stay while only a strength changes"


def test_a_lora_is_taken_out(desk: AddOnDesk, draft: RequestDraft) -> None:
    """The one whose button it is; the other keeps its strength."""
    draft.set(loras=(LoraUse(path=INK), LoraUse(path=WASH, weight=0.5)))
    click(desk.lora_panel.rows[0].remove_button)
    assert draft.request.loras == (LoraUse(path=WASH, weight=0.5),)
    assert [row.path for row in desk.lora_panel.rows] == [WASH]
    assert desk.lora_panel.rows[0].weight.field.text() == "0.5"


def test_words_of_the_training_are_chips(desk: AddOnDesk, draft: RequestDraft) -> None:
    """A press puts one behind the prompt."""
    desk.lora_panel.add(INK)
    chips = desk.lora_panel.rows[0].findChildren(QPushButton)
    assert [chip.accessibleName() for chip in chips] == ["ink style", "brush & ink"]
    click(chips[1])
    assert draft.request.prompt == "a fox, brush & ink"


def test_receipts_stand_below(desk: AddOnDesk, draft: RequestDraft) -> None:
    """With the row, warning where something was left out; those of tags in a line of their own."""
    desk.lora_panel.add(INK)
    receipts = (
        LoraReceipt(name="ink", applied=3, layers=5, left_out=("2 layers of a kind",)),
        LoraReceipt(name="wash", applied=7, layers=7, left_out=()),
    )
    desk.lora_panel.show_receipts(receipts)
    caption = desk.lora_panel.rows[0].caption
    assert not caption.isHidden() and caption.text() == "3 of 5 layers"
    assert caption.toolTip() == "2 layers of a kind"
    assert caption.property("role") == "caption_warning"
    assert desk.lora_panel.tagged.text() == "wash: 7 of 7 layers"
    desk.lora_panel.show_receipts(receipts[:1])
    assert desk.lora_panel.tagged.isHidden()


def test_everyone_hears_of_what_there_is(desk: AddOnDesk, qtbot) -> None:
    """The engine gets names and files, the editor completions, the counter lengths."""
    client = desk._client
    assert isinstance(client, FakeEngineClient)
    assert dict(client.add_ons.loras) == {"ink": INK, "wash": WASH, "thin wash": WASH}
    assert list(client.add_ons.embeddings) == ["bad-dream"]
    editor = desk._panel.prompt_panel.prompt.editor
    editor.setFocus()
    QTest.keyClicks(editor, " <lora:in")
    press(editor, Qt.Key.Key_Return)
    assert editor.toPlainText() == "a fox <lora:ink:1>"
    QTest.keyClicks(editor, " bad")
    press(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "a fox <lora:ink:1> bad-dream"


def test_tokens_of_embeddings_and_tags_are_counted(qtbot) -> None:
    """A tag counts for nothing, an embedding for its rows."""
    counter = TokenCounter()
    assert counter.count("a") is None
    with qtbot.waitSignal(counter.loaded):
        counter.load()
    plain = counter.count("a fox, bad-dream")
    assert plain and plain.count > 4
    with qtbot.waitSignal(counter.loaded):
        counter.set_embeddings({"bad-dream": 7})
    found = counter.count("a fox,<lora:ink:x> bad-dream")
    assert found and found.count == 3 + 7
    counter.close()


def test_files_are_told_apart(tmp_path: Path) -> None:
    """A LoRA with its words, an embedding with its length, also as torch writes it."""
    half = np.zeros((2, 4), np.float16)
    tags = '{"5_a": {"ink style": 9, "fox": 20}, "b": {"ink style": 30}}'
    metadata = {"ss_tag_frequency": tags, "ss_output_name": "old_ink"}
    save_file({"x.lora_up.weight": half}, tmp_path / "a.safetensors", metadata)
    save_file({"emb_params": half}, tmp_path / "b.safetensors")
    lora, word = (describe_model(tmp_path / f"{name}.safetensors") for name in "ab")
    assert (lora.kind, lora.words) == (ModelKind.LORA, ("ink style", "fox"))
    assert lora.alias == "old_ink"
    assert (word.kind, word.token_count) == (ModelKind.EMBEDDING, 2)
