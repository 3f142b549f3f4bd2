"""Only what the model can do is shown: real small models of several kinds, read by the engine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine.engine import Engine
from app.engine.types import BackendName
from app.generation.engine_process import _planned
from app.generation.messages import Plan
from app.generation.picture_maker import PictureMaker
from app.generation.request import GenerationRequest
from app.library.model_library import describe_model
from app.paths import MINI_MODEL, resource_path
from app.settings import Settings
from tests.fake_engine_client import FakeEngineClient
from tests.random_loras import Dialect, layer_shapes, lora_arrays, write_lora
from tests.random_weights import (
    INPAINT,
    PRUNED_XL,
    TINY,
    VAE,
    WeightDtype,
    checkpoint_specs,
    write_checkpoint,
    write_tensors,
)

ARCHITECTURES = {
    "tiny": TINY,
    "inpainting": INPAINT,
    "one layer": replace(TINY, text_layers=1),
    "sdxl": PRUNED_XL,
}


class PlanningClient(FakeEngineClient):
    """Plans as the engine's process does, in this one; makes no picture."""

    def __init__(self, maker: PictureMaker) -> None:
        super().__init__()
        self._maker = maker

    def plan(self, plan_id: int, request: GenerationRequest) -> None:
        self.planned.emit(_planned(self._maker, Plan(plan_id=plan_id, request=request)))


@pytest.fixture
def shown(qapp: QApplication, tmp_path: Path, monkeypatch) -> Iterator[Application]:
    monkeypatch.setenv("AQUATINT_HOME", str(tmp_path / "home"))
    with Engine(backend=BackendName.CPU) as engine, PictureMaker(engine) as maker:
        shown = Application(qapp, PlanningClient(maker), Settings())
        shown.window.resize(1200, 1400)
        shown.show()
        yield shown
        shown.quit()
    for part in (shown.window, shown):
        part.deleteLater()
        QApplication.sendPostedEvents(part, QEvent.Type.DeferredDelete)
    qapp.setStyleSheet("")


def choose(qtbot: QtBot, shown: Application, model: Path | None) -> None:
    with qtbot.waitSignal(shown.forecaster.described):
        shown.shelf.choose(model)


def words(shown: Application) -> str:
    labels = shown.panel.findChildren(QLabel)
    return " ".join(label.text() for label in labels if label.isVisible())


def model(folder: Path, kind: str) -> Path:
    """A small file of a kind."""
    path = folder / f"{kind}.safetensors"
    if kind == "no encoder":
        specs = [s for s in checkpoint_specs(TINY) if not s.name.startswith(f"{VAE}encoder")]
        specs = [s for s in specs if not s.name.startswith(f"{VAE}quant_conv")]
        metadata = {"aquatint.unet_heads": "8", "aquatint.text_heads": "2"}
        write_tensors(path, specs, WeightDtype.F16, metadata)
    else:
        write_checkpoint(path, ARCHITECTURES[kind], WeightDtype.F16)
    return path


def test_the_mini_model_offers_all(qtbot: QtBot, shown: Application) -> None:
    qtbot.waitUntil(lambda: shown.draft.abilities.clip_skip == 6)
    assert shown.init_panel.isVisible()
    assert "This model" not in words(shown)


def test_without_an_encoder_no_picture_to_begin_from(
    qtbot: QtBot, shown: Application, tmp_path: Path
) -> None:
    picture = tmp_path / "before.png"
    Image.new("RGB", (64, 64)).save(picture)
    choose(qtbot, shown, model(tmp_path, "no encoder"))
    assert not shown.init_panel.isVisible()
    assert "cannot begin from a picture" in words(shown)
    shown.canvas.use_as_init_requested.emit(picture)
    assert shown.draft.request.init_image is None
    assert "choose another model" in " ".join(
        label.text() for label in shown.desk.notice.findChildren(QLabel)
    )
    shown.shelf.choose(None)
    qtbot.waitUntil(shown.init_panel.isVisible)
    assert "cannot begin" not in words(shown)


def test_a_picture_that_is_there_can_still_be_taken_away(
    qtbot: QtBot, shown: Application, tmp_path: Path
) -> None:
    picture = tmp_path / "before.png"
    Image.new("RGB", (64, 64)).save(picture)
    shown.draft.set(init_image=picture)
    choose(qtbot, shown, model(tmp_path, "no encoder"))
    assert shown.init_panel.isVisible()
    assert not shown.panel.generate_button.isEnabled()
    shown.init_panel.remove()
    assert not shown.init_panel.isVisible()
    qtbot.waitUntil(shown.panel.generate_button.isEnabled)


def test_an_inpainting_model_says_what_it_is_for(
    qtbot: QtBot, shown: Application, tmp_path: Path
) -> None:
    choose(qtbot, shown, model(tmp_path, "inpainting"))
    assert shown.init_panel.isVisible()
    assert "made to paint into a picture" in words(shown)
    choose(qtbot, shown, model(tmp_path, "tiny"))
    assert "made to paint" not in words(shown)


@pytest.mark.parametrize(
    ("kind", "most"), [("tiny", 3), ("inpainting", 2), ("one layer", 1), ("sdxl", 3)]
)
def test_clip_skip_goes_as_far_as_there_are_layers(
    qtbot: QtBot, shown: Application, tmp_path: Path, kind: str, most: int
) -> None:
    settings = shown.panel.settings_panel
    settings.advanced.click()
    choose(qtbot, shown, model(tmp_path, kind))
    assert settings.clip_skip.isVisible() is (most > 1)
    if most > 1:
        field = settings.clip_skip.field
        field.setFocus()
        field.selectAll()
        qtbot.keyClicks(field, "9")
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert shown.draft.request.clip_skip == most
        assert settings.clip_skip.slider.maximum() == most


def test_presets_are_sizes_of_the_model(qtbot: QtBot, shown: Application, tmp_path: Path) -> None:
    presets = shown.panel.settings_panel.size_setting.presets
    qtbot.waitUntil(lambda: "256" in presets.itemText(0))
    choose(qtbot, shown, model(tmp_path, "tiny"))
    assert "512" in presets.itemText(0)
    choose(qtbot, shown, model(tmp_path, "sdxl"))
    assert "1024" in presets.itemText(0)


def test_no_embedding_is_offered_where_there_are_two_encoders(
    qtbot: QtBot, shown: Application, tmp_path: Path
) -> None:
    """The small SDXL's first encoder is as wide as this embedding, but is not alone."""
    choose(qtbot, shown, model(tmp_path, "tiny"))
    assert shown.draft.abilities.fits_embedding(TINY.text_width)
    choose(qtbot, shown, model(tmp_path, "sdxl"))
    assert not shown.draft.abilities.fits_embedding(PRUNED_XL.text_width)


def test_loras_of_other_models_are_not_offered(
    qtbot: QtBot, shown: Application, tmp_path: Path
) -> None:
    tiny, names = model(tmp_path, "tiny"), []
    for name, of in (("small", resource_path(MINI_MODEL)), ("other", tiny)):
        shapes = layer_shapes(of)
        layers = [layer for layer in shapes if "attn2" in layer]
        arrays = lora_arrays(shapes, layers, Dialect.KOHYA, rank=2, alpha=None)
        names.append(write_lora(tmp_path / f"{name}.safetensors", arrays))
    entries = [describe_model(path) for path in names]
    assert [entry.text_width for entry in entries] == [192, 64]
    qtbot.waitUntil(lambda: shown.draft.abilities.context_width == 192)
    shown.add_ons.set_entries(entries)
    chooser = shown.add_ons.chooser

    def listed() -> list[str]:
        return [chooser.list.item(row).text() for row in range(chooser.list.count())]

    assert listed() == ["small"]
    assert "other models are not listed: 1" in chooser.findChildren(QLabel)[0].text()
    choose(qtbot, shown, tiny)
    assert listed() == ["other"]
