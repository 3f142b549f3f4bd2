"""The mask: painted with real events at any zoom, taken back, kept in files, shown where it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.engine.types import MaskedContent
from app.generation.init_image import MaskShape, read_mask
from app.generation.request import GenerationRequest, InpaintArea
from app.ui.canvas.canvas_view import CanvasView
from app.ui.canvas.mask_drawing import Brush, MaskDrawing, tinted
from app.ui.canvas.mask_editor import MaskEditor
from app.ui.canvas.mask_store import MaskStore
from app.ui.draft.request_draft import RequestDraft
from app.ui.sidebar.init_image_panel import InitImagePanel
from app.ui.sidebar.picture_well import PictureWell
from app.ui.window.mask_desk import MaskDesk
from app.ui.window.menus import Command
from tests import fake_engine
from tests.ui.canvas.shown_pictures import image

LEFT, NONE, ALT = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.AltModifier,
)
BRUSH = Brush(diameter=10, erases=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "fox.png"
    assert image("#2060c0", 200, 120).save(str(path))
    return path


@pytest.fixture
def draft(qtbot: QtBot, picture: Path) -> RequestDraft:
    request = GenerationRequest(prompt="a fox", init_image=picture)
    return RequestDraft(request, fake_engine.DEFAULTS)


@pytest.fixture
def desk(draft: RequestDraft, qtbot: QtBot, tmp_path: Path) -> MaskDesk:
    view = CanvasView()
    qtbot.addWidget(view)
    view.resize(800, 600)
    view.show()
    desk = MaskDesk(draft, view, tmp_path / "masks")
    qtbot.waitExposed(view)
    return desk


def at(editor: MaskEditor, x: float, y: float) -> QPoint:
    """Where a pixel of the picture lies on the painter."""
    painter = editor.painter
    return (painter.picture_rect.topLeft() + QPointF(x, y) * painter.zoom).toPoint()


def stroke(
    qtbot: QtBot,
    editor: MaskEditor,
    *points: tuple[float, float],
    keys: Qt.KeyboardModifier = NONE,
) -> None:
    """Presses at the first point, moves over the others and lets go."""
    painter = editor.painter
    qtbot.mousePress(painter, LEFT, keys, at(editor, *points[0]))
    for point in points[1:]:
        qtbot.mouseMove(painter, at(editor, *point))
    qtbot.mouseRelease(painter, LEFT, keys, at(editor, *points[-1]))


def painted(mask: QImage, x: int, y: int) -> bool:
    return QColor(mask.pixel(x, y)).red() > 127


def kept_mask(draft: RequestDraft) -> QImage:
    assert draft.request.mask_image
    return QImage(str(draft.request.mask_image))


# ---------------------------------------------------------------- painting


@pytest.mark.parametrize("zoom", [0, 1, 4])
def test_a_stroke_lands_under_the_pointer_at_any_zoom(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot, zoom: int
) -> None:
    desk.open()
    editor = desk.editor
    if zoom:
        editor.painter.actual_size()
        for _ in range(zoom - 1):
            editor.painter.zoom_in()
    editor.painter.set_diameter(20)
    stroke(qtbot, editor, (80, 60), (120, 60))
    mask = kept_mask(draft)
    assert (mask.width(), mask.height()) == (200, 120)
    assert all(painted(mask, x, 60) for x in (78, 100, 122))
    assert not any(painted(mask, x, y) for x, y in ((60, 60), (140, 60), (100, 45), (100, 75)))


def test_alt_and_the_eraser_take_away(desk: MaskDesk, draft: RequestDraft, qtbot: QtBot) -> None:
    desk.open()
    editor = desk.editor
    editor.painter.set_diameter(30)
    stroke(qtbot, editor, (50, 60), (150, 60))
    stroke(qtbot, editor, (50, 60), keys=ALT)
    assert not painted(kept_mask(draft), 50, 60)
    qtbot.mouseClick(editor.eraser, LEFT)
    stroke(qtbot, editor, (150, 60))
    assert not painted(kept_mask(draft), 150, 60)
    assert painted(kept_mask(draft), 100, 60)
    qtbot.mouseClick(editor.brush, LEFT)
    stroke(qtbot, editor, (150, 60))
    assert painted(kept_mask(draft), 150, 60)


def test_brackets_and_slider_change_the_brush(desk: MaskDesk, qtbot: QtBot) -> None:
    desk.open()
    editor = desk.editor
    before = editor.painter.diameter
    qtbot.keyClicks(editor.painter, "]]")
    assert before * 1.3 < editor.painter.diameter == editor.diameter.value()
    qtbot.keyClicks(editor.painter, "[[[")
    assert editor.painter.diameter < before
    editor.diameter.setValue(77)
    assert editor.painter.diameter == 77


def test_steps_are_taken_back_and_done_again(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot
) -> None:
    desk.open()
    editor = desk.editor
    assert not editor.undo.isEnabled()
    stroke(qtbot, editor, (40, 60))
    one = draft.request.mask_image
    stroke(qtbot, editor, (160, 60))
    two = draft.request.mask_image
    assert desk.edit(Command.UNDO)
    assert draft.request.mask_image == one
    qtbot.mouseClick(editor.undo, LEFT)
    assert draft.request.mask_image is None
    qtbot.mouseClick(editor.redo, LEFT)
    assert desk.edit(Command.REDO)
    assert draft.request.mask_image == two
    assert not editor.redo.isEnabled()
    assert not desk.edit(Command.COPY)


def test_invert_and_clear(desk: MaskDesk, draft: RequestDraft, qtbot: QtBot) -> None:
    desk.open()
    editor = desk.editor
    editor.painter.set_diameter(30)
    stroke(qtbot, editor, (50, 60))
    qtbot.mouseClick(editor.invert, LEFT)
    assert not painted(kept_mask(draft), 50, 60)
    assert painted(kept_mask(draft), 150, 60)
    qtbot.mouseClick(editor.clear, LEFT)
    assert draft.request.mask_image is None
    desk.edit(Command.UNDO)
    assert painted(kept_mask(draft), 150, 60)


def test_the_overlay_shows_what_is_painted(desk: MaskDesk, qtbot: QtBot) -> None:
    desk.open()
    editor = desk.editor
    editor.painter.set_diameter(60)
    stroke(qtbot, editor, (50, 60))
    shot = editor.painter.grab().toImage()
    scale = shot.width() / editor.painter.width()
    colors = [
        shot.pixelColor((QPointF(at(editor, x, 60)) * scale).toPoint())
        for x in (*range(30, 70), *range(110, 150))
    ]
    assert {color.name() for color in colors[40:]} == {"#2060c0"}
    assert "#2060c0" not in {color.name() for color in colors[:40]}
    assert len({color.name() for color in colors[:40]}) > 1  # stripes


def seen_share(desk: MaskDesk) -> NDArray[np.float64]:
    """How opaque the overlay is on the screen, 0..1 of its most, for each pixel of the picture."""

    def brightness() -> NDArray[np.float64]:
        painter = desk.editor.painter
        painter.leaveEvent(QEvent(QEvent.Type.Leave))  # no ring
        painter.set_area(None)
        shot = painter.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        data = np.frombuffer(shot.constBits(), np.uint8).reshape(shot.height(), -1)
        rows = data[:, : 3 * shot.width()].reshape(shot.height(), shot.width(), 3)
        corner, size = painter.picture_rect.topLeft().toPoint(), desk.drawing.image.size()
        x, y = corner.x(), corner.y()
        return rows[y : y + size.height(), x : x + size.width()].sum(2).astype(float)

    seen = brightness()
    desk.drawing.clear()
    desk.drawing.invert()
    most = brightness()
    return seen / most


@pytest.mark.parametrize("blur", [0, 4, 12, 40])
@pytest.mark.parametrize(
    "changes",
    [
        {"width": 200, "height": 120},
        {"width": 400, "height": 128},  # 400 x 240 of which a band is cut
        {"width": 64, "height": 64, "inpaint_area": InpaintArea.ONLY_MASKED},
    ],
)
def test_the_overlay_is_as_soft_as_the_mask_that_is_used(
    desk: MaskDesk,
    draft: RequestDraft,
    monkeypatch: pytest.MonkeyPatch,
    blur: int,
    changes: dict[str, Any],
) -> None:
    monkeypatch.setattr("app.ui.canvas.mask_drawing._STRIPE", QColor(0, 0, 0, 0))
    assert draft.request.init_image
    assert image("#000000", 200, 120).save(str(draft.request.init_image))
    desk.open()
    desk.editor.painter.actual_size()
    draft.set(**changes)
    draft.set(mask_blur=blur)
    drawing, brush = desk.drawing, Brush(diameter=24, erases=False)
    for start, end in ((60, 50), (90, 64)), ((90, 64), (110, 70)), ((195, 5), (195, 5)):
        drawing.begin()
        drawing.draw(QPointF(*start), QPointF(*end), brush)
        drawing.end()
    finished = (400, 240) if changes["width"] == 400 else (200, 120)
    shape = MaskShape(width=finished[0], height=finished[1], blur=blur, is_inverted=False)
    assert draft.request.mask_image
    pixels = read_mask(draft.request.mask_image, shape)
    used = np.asarray(Image.frombytes("L", finished, pixels).resize((200, 120))) / 255
    inside = np.s_[2:-2, 2:-2]  # the picture's own edge has a shadow
    difference = np.abs(seen_share(desk) - used)[inside]
    assert difference.max() < (0.03 if finished == (200, 120) else 0.2)
    assert difference.mean() < 0.01


def test_painting_on_a_large_picture_tints_only_what_changes(
    desk: MaskDesk, draft: RequestDraft, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert image("#203040", 4096, 4096).save(str(picture))
    desk.open()
    draft.set(mask_blur=8, width=768, height=768)
    tinted_pixels: list[int] = []

    def count(mask: QImage, *rest: Any) -> QImage:
        tinted_pixels.append(mask.width() * mask.height())
        return tinted(mask, *rest)

    monkeypatch.setattr("app.ui.canvas.mask_painter.tinted", count)
    drawing = desk.drawing
    assert drawing.image.size() == QSize(1536, 1536)
    drawing.begin()
    drawing.draw(QPointF(700, 700), QPointF(720, 700), Brush(diameter=100, erases=False))
    reach = 2 * (6 * 8 * 1536 / 768 + 10)
    assert len(tinted_pixels) == 1
    assert tinted_pixels[0] < (124 + reach) * (104 + reach)


def test_a_frame_shows_the_part_that_is_made(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot
) -> None:
    desk.open()
    painter = desk.editor.painter
    painter.actual_size()
    draft.set(mask_blur=0, width=64, height=64, masked_area_padding=10)
    painter.set_diameter(20)
    stroke(qtbot, desk.editor, (100, 60))
    plain = painter.grab().toImage()
    draft.set(inpaint_area=InpaintArea.ONLY_MASKED)
    framed = painter.grab().toImage()
    changed = [
        x
        for x in range(200)
        if plain.pixel(at(desk.editor, x, 60)) != framed.pixel(at(desk.editor, x, 60))
    ]
    assert 78 <= min(changed) <= 81
    assert 119 <= max(changed) <= 122
    desk.edit(Command.UNDO)
    assert draft.request.mask_image is None
    assert painter.grab().toImage().pixel(at(desk.editor, 80, 60)) == plain.pixel(
        at(desk.editor, 40, 60)
    )


def test_content_area_and_padding_stand_there_while_a_mask_does(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot
) -> None:
    panel = InitImagePanel(draft)
    qtbot.addWidget(panel)
    panel.resize(308, 400)
    panel.show()
    settings = panel.mask_settings
    assert not settings.isVisible()
    desk.open()
    stroke(qtbot, desk.editor, (100, 60))
    assert settings.isVisible()
    assert not settings.padding.isVisible()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(settings.area, key)
    assert draft.request.inpaint_area is InpaintArea.ONLY_MASKED
    assert settings.padding.isVisible()
    settings.padding.field.setFocus()
    qtbot.keyClick(settings.padding.field, Qt.Key.Key_Up)
    assert draft.request.masked_area_padding == 33
    qtbot.keyClick(settings.content, Qt.Key.Key_Down)
    assert draft.request.masked_content is MaskedContent.FILL
    draft.set(masked_content=MaskedContent.LATENT_NOISE)
    assert settings.content.currentText() == "Latent noise"
    for control in (settings.content, settings.area, settings.padding.field):
        assert control.toolTip().endswith(".")
        assert control.accessibleName()
    draft.set(mask_image=None)
    assert not settings.isVisible()


def test_feather_is_the_draft_s(desk: MaskDesk, draft: RequestDraft) -> None:
    desk.open()
    assert desk.editor.feather.value() == draft.request.mask_blur
    desk.editor.feather.setValue(11)
    assert draft.request.mask_blur == 11
    draft.set(mask_blur=50)
    assert desk.editor.feather.value() == 50


# ---------------------------------------------------------------- opening, closing, keeping


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Return])
def test_it_stands_in_the_canvas_s_place_until_done(
    desk: MaskDesk, qtbot: QtBot, key: Qt.Key
) -> None:
    assert not desk.is_open
    desk.open()
    assert desk.is_open
    assert desk.editor.isVisible()
    qtbot.keyClick(desk.editor.painter, key)
    assert not desk.is_open
    assert not desk.editor.isVisible()


def test_a_mask_is_taken_up_again_and_an_inverted_one_as_it_means(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot
) -> None:
    desk.open()
    desk.editor.painter.set_diameter(30)
    stroke(qtbot, desk.editor, (50, 60))
    desk.close()
    draft.set(mask_invert=True)
    desk.open()
    assert not painted(desk.drawing.image, 50, 60)
    assert painted(desk.drawing.image, 150, 60)
    stroke(qtbot, desk.editor, (50, 60))
    assert not draft.request.mask_invert
    assert painted(kept_mask(draft), 50, 60)


def test_another_picture_begins_without_the_mask(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot, tmp_path: Path
) -> None:
    desk.open()
    stroke(qtbot, desk.editor, (50, 60))
    waiting = draft.request
    other = tmp_path / "cat.png"
    assert image("#ff0000", 64, 64).save(str(other))
    draft.set(init_image=other)
    assert draft.request.mask_image is None
    assert not desk.is_open
    draft.replace(waiting)
    assert draft.request.mask_image == waiting.mask_image


def test_a_job_s_mask_does_not_change_under_it_and_outlives_a_restart(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot
) -> None:
    desk.open()
    stroke(qtbot, desk.editor, (50, 60))
    waiting = draft.request
    assert waiting.mask_image
    before = waiting.mask_image.read_bytes()
    stroke(qtbot, desk.editor, (150, 60))
    middle = draft.request.mask_image
    stroke(qtbot, desk.editor, (100, 60))
    assert waiting.mask_image.read_bytes() == before
    desk.tidy([waiting])
    assert waiting.mask_image.exists()
    assert draft.request.mask_image
    assert draft.request.mask_image.exists()
    assert middle
    assert not middle.exists()


def test_a_picture_that_is_gone_is_said(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot, picture: Path
) -> None:
    picture.unlink()
    with qtbot.waitSignal(desk.failed) as said:
        desk.open()
    assert "cannot be read" in said.args[0]
    assert not desk.is_open


def test_a_folder_that_cannot_be_written_is_said(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "masks").write_text("in the way")
    desk.open()
    with qtbot.waitSignal(desk.failed) as said:
        stroke(qtbot, desk.editor, (50, 60))
    assert said.args[0].startswith("The mask could not be kept")
    assert draft.request.mask_image is None


def test_the_panel_asks_for_the_mask_shows_it_and_removes_it(
    desk: MaskDesk, draft: RequestDraft, qtbot: QtBot
) -> None:
    panel = InitImagePanel(draft)
    qtbot.addWidget(panel)
    panel.resize(308, 240)
    panel.show()
    panel.mask_requested.connect(desk.open)
    well = panel.findChild(PictureWell)
    assert well
    bare = well.grab().toImage()
    assert panel.mask_button.text() == "Paint mask"
    assert panel.unmask_button.isHidden()
    qtbot.mouseClick(panel.mask_button, LEFT)
    assert desk.is_open
    stroke(qtbot, desk.editor, (100, 60))
    assert panel.mask_button.text() == "Edit mask"
    assert well.grab().toImage() != bare
    qtbot.mouseClick(panel.unmask_button, LEFT)
    assert draft.request.mask_image is None
    assert well.grab().toImage() == bare
    assert all(button.toolTip() for button in panel.findChildren(QPushButton))


# ---------------------------------------------------------------- the drawing and the files alone


def test_a_stroke_of_many_lines_is_one_step(qtbot: QtBot) -> None:
    drawing = MaskDrawing()
    drawing.open(image("#000000", 100, 100).size())
    drawing.begin()
    for x in range(10, 90, 5):
        drawing.draw(QPointF(x, 50), QPointF(x + 5, 50), BRUSH)
    drawing.end()
    assert not drawing.is_empty
    drawing.undo()
    assert drawing.is_empty
    assert not drawing.can_undo


def test_a_stroke_outside_is_no_step(qtbot: QtBot) -> None:
    drawing = MaskDrawing()
    drawing.open(image("#000000", 100, 100).size())
    drawing.begin()
    drawing.draw(QPointF(-50, -50), QPointF(-60, -50), BRUSH)
    drawing.end()
    assert not drawing.can_undo


def test_equal_masks_are_one_file(tmp_path: Path, qtbot: QtBot) -> None:
    store = MaskStore(tmp_path / "masks")
    drawing = MaskDrawing()
    drawing.open(image("#000000", 64, 48).size())
    first = store.save(drawing.image)
    assert store.save(QImage(drawing.image)) == first
    drawing.invert()
    second = store.save(drawing.image)
    assert second != first
    assert QImage(str(second)).size() == drawing.image.size()
    store.tidy([second, None])
    assert [path.name for path in (tmp_path / "masks").iterdir()] == [second.name]
