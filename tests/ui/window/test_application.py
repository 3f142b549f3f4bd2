"""The window as a whole, from a press to the gallery, with a fake engine and once with the real."""

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.application import SETTINGS_FILE, Application
from app.generation.add_ons import EmbeddingReceipt
from app.generation.engine_client import EngineClient
from app.generation.job import JobState
from app.generation.messages import Plan, Ready
from app.library.gallery_entry import GalleryQuery
from app.library.picture_file import save_png
from app.paths import MINI_MODEL, data_folder, log_folder, resource_path
from app.settings import Appearance, Settings, load_settings
from app.ui.canvas.first_run import FirstRun
from app.ui.files.dropped_content import DropWord
from app.ui.parts import theme
from app.ui.sidebar.init_image_panel import InitImagePanel
from app.ui.sidebar.lora_panel import LoraPanel
from app.ui.window.main_window import View
from app.ui.window.menus import Command
from app.ui.window.version_check import VersionCheck
from tests import fake_engine
from tests.fake_engine_client import FakeEngineClient
from tests.random_loras import Dialect, layer_shapes, lora_arrays, write_lora
from tests.random_weights import UNET
from tests.ui.gallery.gallery_set_up import drag_at, drop_at

REAL_LIMIT_MS = 60_000
Open = Callable[..., Application]


@pytest.fixture
def open_app(qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Open]:
    """Opens the window on a folder of its own; ends and forgets it after the test."""
    monkeypatch.setenv("AQUATINT_HOME", str(tmp_path))
    opened: list[Application] = []

    def open_app(
        settings: Settings | None = None, client: EngineClient | None = None
    ) -> Application:
        shown = Application(qapp, client or FakeEngineClient(), settings or Settings())
        opened.append(shown)
        shown.show()
        return shown

    yield open_app
    for shown in opened:
        shown.quit()
        for part in (shown.window, shown):
            part.deleteLater()
            QApplication.sendPostedEvents(part, QEvent.Type.DeferredDelete)
    qapp.setStyleSheet("")


def fake(shown: Application) -> FakeEngineClient:
    assert isinstance(shown.client, FakeEngineClient)
    return shown.client


def generate(shown: Application, prompt: str = "a fox", **fields: object) -> str:
    shown.draft.set(prompt=prompt, width=64, height=64, **fields)
    shown.menus.action(Command.GENERATE).trigger()
    return shown.queue.jobs()[-1].id


def message(shown: Application) -> str:
    return " ".join(label.text() for label in shown.progress.findChildren(QLabel))


def test_a_picture_comes_from_a_press_to_canvas_and_gallery(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    job_id = generate(shown, "a fox", seed=5)
    client = fake(shown)
    assert client.running is not None
    client.advance(2, 4)
    assert shown.queue.job(job_id).step == 2
    with qtbot.waitSignal(shown.workbench.pictures_kept) as kept:
        client.finish()
    (entry,) = kept.args[0]
    qtbot.waitUntil(lambda: shown.gallery_model.rowCount() == 1)
    assert entry.path.is_file()
    assert shown.canvas.current is not None
    assert shown.canvas.current.entry == entry
    assert shown.canvas.current.image.pixelColor(1, 1).getRgb()[:3] == (5, 128, 64)
    assert shown.settings.first_run_done
    qtbot.waitUntil(lambda: shown.panel.prompt_panel.prompt.editor._history == ["a fox"])


def test_the_first_run_s_button_makes_a_picture(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    first_run = shown.canvas.findChild(FirstRun)
    qtbot.mouseClick(first_run.button, Qt.MouseButton.LeftButton)
    assert fake(shown).started[0].request.prompt == "a fox in the snow"
    chips = [b for b in first_run.findChildren(QPushButton) if b.text() == "three lemons"]
    qtbot.mouseClick(chips[0], Qt.MouseButton.LeftButton)
    assert shown.draft.request.prompt == "three lemons"
    assert len(shown.queue.jobs()) == 2


def test_keys_generate_before_others_and_cancel(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    shown.window.activateWindow()
    qtbot.waitUntil(shown.window.isActiveWindow)
    shown.draft.set(prompt="one")
    shown.panel.focus_prompt()
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier

    def press(key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
        qtbot.keyClick(QApplication.focusWidget(), key, modifiers)

    press(Qt.Key.Key_Return, control)
    press(Qt.Key.Key_Return, control)
    shown.draft.set(prompt="first")
    press(Qt.Key.Key_Return, control | shift)
    assert [job.request.prompt for job in shown.queue.jobs()] == ["one", "first", "one"]
    press(Qt.Key.Key_Period, control)
    assert fake(shown).cancelled == [shown.queue.jobs()[0].id]


def test_a_batch_is_kept_whole(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    generate(shown, batch_count=3, seed=1)
    with qtbot.waitSignal(shown.workbench.pictures_kept) as kept:
        fake(shown).finish()
    assert [entry.seed for entry in kept.args[0]] == [1, 2, 3]


def test_a_failure_is_one_sentence_and_the_next_job_runs(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    first, second = generate(shown, "one"), generate(shown, "two")
    fake(shown).fail("The engine crashed.")
    assert shown.queue.job(first).state is JobState.FAILED
    assert shown.queue.running_id == second
    with qtbot.waitSignal(shown.workbench.pictures_kept):
        fake(shown).finish()


def test_an_empty_prompt_is_asked_for(open_app: Open) -> None:
    shown = open_app()
    shown.draft.set(prompt="  ")
    shown.menus.action(Command.GENERATE).trigger()
    assert shown.queue.jobs() == ()
    assert "Write what you want to see first." in message(shown)


def test_a_waiting_job_is_edited(open_app: Open) -> None:
    shown = open_app()
    generate(shown, "one")
    waiting = generate(shown, "two")
    shown.draft.set(prompt="something else")
    shown.queue_view.edit_requested.emit(waiting)
    assert shown.draft.request.prompt == "two"
    generate(shown, "changed")
    assert [job.request.prompt for job in shown.queue.jobs()] == ["one", "changed"]


def test_the_sidebar_has_each_part_once(open_app: Open) -> None:
    shown = open_app()
    parts = [shown.panel.findChildren(kind) for kind in (LoraPanel, InitImagePanel)]
    assert parts == [[shown.add_ons.lora_panel], [shown.init_panel]]


def test_the_forecast_reaches_sidebar_and_pill(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    client = fake(shown)
    client.ready.emit(Ready(device=fake_engine.DEVICE, checks=(), elapsed_ms=1.0))
    client.memory_changed.emit(fake_engine.memory())
    shown.draft.set(width=2048, height=2048)
    answered: list[int] = []

    def answer() -> bool:
        for number, request in client.plans[len(answered) :]:
            answered.append(number)
            client.planned.emit(fake_engine.planned(Plan(plan_id=number, request=request)))
        return shown.memory_pill.is_alarmed

    qtbot.waitUntil(answer)
    assert not shown.panel.generate_button.isEnabled()
    assert shown.panel.forecast.text().startswith("Needs 39.1 GB, more than")


def test_live_pictures_follow_and_are_not_kept(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    shown.menus.action(Command.LIVE).trigger()
    shown.draft.set(prompt="a live one", width=64, height=64)
    client = fake(shown)
    qtbot.waitUntil(lambda: client.running is not None)
    client.finish()
    assert shown.canvas.current is not None
    assert shown.canvas.current.entry is None
    shown.quit()
    assert not list(Path(data_folder().parent / "pictures").rglob("*.png"))


def test_looking_at_another_picture_is_not_disturbed(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    for seed in (1, 2):
        generate(shown, seed=seed)
        with qtbot.waitSignal(shown.workbench.pictures_kept):
            fake(shown).finish()
    qtbot.waitUntil(lambda: shown.gallery_model.rowCount() == 2)
    generate(shown, seed=3)
    older = shown.gallery_model.entries([1])[0]
    shown.gallery_view.show_requested.emit(older)
    qtbot.waitUntil(lambda: shown.canvas.current is not None)
    qtbot.waitUntil(lambda: shown.canvas.current.entry == older)
    fake(shown).advance(1, 4)
    assert shown.canvas.current is not None
    assert shown.canvas.current.entry == older


def test_the_gallery_takes_the_centre_and_gives_it_back(open_app: Open) -> None:
    shown = open_app()
    shown.menus.action(Command.GALLERY).trigger()
    assert shown.window.view is View.GALLERY
    assert not shown.canvas.isVisible()
    assert shown.gallery_view.isVisible()
    shown.menus.action(Command.CREATE).trigger()
    assert shown.canvas.isVisible()
    shown.menus.action(Command.GALLERY_PANEL).trigger()
    assert not shown.gallery_view.isVisible()
    shown.menus.action(Command.SIDEBAR).trigger()
    assert not shown.panel.isVisible()


def test_a_picture_from_outside_gives_its_settings(
    qtbot: QtBot, open_app: Open, tmp_path: Path
) -> None:
    text = "a boat\nSteps: 12, Sampler: Euler, CFG scale: 4, Seed: 9, Size: 64x64, Hires upscale: 2"
    path = tmp_path / "boat.png"
    save_png(path, bytes(64 * 64 * 3), (64, 64), text)
    shown = open_app()
    with qtbot.waitSignal(shown.opener.picture_opened) as opened:
        shown.opener.open([path])
    request = shown.draft.request
    assert (request.prompt, request.steps, request.seed) == ("a boat", 12, 9)
    assert opened.args[1].not_restored == ((path, ("Hires upscale: 2",)),)
    assert shown.canvas.current is not None


def test_a_model_that_is_dropped_says_what_it_is_and_becomes_the_model(
    qtbot: QtBot, open_app: Open, tmp_path: Path
) -> None:
    shown = open_app()
    path = _mini_copy(tmp_path)
    data, place = QMimeData(), QPoint(5, 5)
    data.setUrls([QUrl.fromLocalFile(str(path))])
    window = shown.window.windowHandle()
    QApplication.sendEvent(window, drag_at(data, place))
    told = [label.text() for label in shown.overlay.findChildren(QLabel)]
    assert {"Aquatint Mini", "SD 1.5 · f16 · 76 MB"} <= set(told)
    QApplication.sendEvent(window, drop_at(data, place))
    qtbot.waitUntil(lambda: shown.draft.request.model == path)
    assert shown.settings.model_folders == (path,)
    qtbot.waitUntil(lambda: [entry.path for entry in shown.shelf.entries] == [path])


def test_a_model_is_copied_and_moved_to_the_app_s_folder(
    qtbot: QtBot, open_app: Open, tmp_path: Path
) -> None:
    shown = open_app()
    path = _mini_copy(tmp_path)
    shown.opener.act([path], DropWord.COPY)
    target = data_folder() / "models" / path.name
    qtbot.waitUntil(lambda: shown.draft.request.model == target)
    assert path.read_bytes() == target.read_bytes()
    with qtbot.waitSignal(shown.opener.failed) as failed:
        shown.opener.act([path], DropWord.MOVE)
    assert failed.args == [f"There is a model {path.name} already."]
    assert path.exists()


def test_what_nobody_can_use_says_why(qtbot: QtBot, open_app: Open, tmp_path: Path) -> None:
    shown = open_app()
    path = tmp_path / "notes.txt"
    path.write_text("nothing", encoding="utf-8")
    shown.opener.open([path])
    assert "neither a model nor a picture" in message(shown)


def test_appearance_is_worn_at_once(open_app: Open) -> None:
    shown = open_app()
    shown.change_settings(appearance=Appearance.DARK)
    assert theme.colors() is theme.DARK
    shown.change_settings(appearance=Appearance.LIGHT)
    assert theme.colors() is theme.LIGHT
    assert load_settings(data_folder() / SETTINGS_FILE)[0].appearance is Appearance.LIGHT


def test_copy_takes_the_file_and_the_image(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    generate(shown)
    with qtbot.waitSignal(shown.workbench.pictures_kept) as kept:
        fake(shown).finish()
    shown.canvas.canvas_actions.copy.trigger()
    data = QGuiApplication.clipboard().mimeData()
    assert [Path(url.toLocalFile()) for url in data.urls()] == [kept.args[0][0].path]
    assert data.hasImage()


def test_a_deleted_picture_leaves_the_canvas_and_comes_back(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    generate(shown)
    with qtbot.waitSignal(shown.workbench.pictures_kept) as kept:
        fake(shown).finish()
    (entry,) = kept.args[0]
    qtbot.waitUntil(lambda: shown.gallery_model.rowCount() == 1)
    shown.canvas.canvas_actions.delete.trigger()
    qtbot.waitUntil(lambda: not entry.path.exists())
    qtbot.waitUntil(lambda: shown.canvas.current is None)
    QApplication.focusWidget().clearFocus()
    shown.menus.action(Command.UNDO).trigger()
    qtbot.waitUntil(entry.path.exists)


def test_quit_ends_all_in_order_and_keeps_what_was_there(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    order: list[str] = []
    running = generate(shown, "the last words")
    for name, part in (
        ("queue", shown.queue),
        ("keeper", shown.keeper),
        ("client", shown.client),
        ("gallery", shown.gallery),
    ):
        _note_close(part, name, order)
    shown.window.close()
    assert order == ["queue", "keeper", "client", "gallery"]
    assert fake(shown).is_closed
    assert not shown.window.isVisible()
    shown.quit()
    assert len(order) == 4
    again = open_app(load_settings(data_folder() / SETTINGS_FILE)[0])
    assert again.draft.request.prompt == "the last words"
    qtbot.waitUntil(lambda: again.queue.running_id == running)


def test_a_picture_that_is_finished_as_the_app_ends_is_kept(open_app: Open) -> None:
    shown = open_app()
    generate(shown)
    fake(shown).finish()
    shown.quit()
    assert len(list((data_folder().parent / "pictures").rglob("*.png"))) == 1


def test_the_window_remembers_its_panels(open_app: Open) -> None:
    shown = open_app()
    shown.window.set_gallery_panel_shown(False)
    shown.quit()
    again = open_app(load_settings(data_folder() / SETTINGS_FILE)[0])
    assert not again.gallery_view.isVisible()


def test_the_real_engine_draws_in_the_window(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app(client=EngineClient())
    previews: list[int] = []
    shown.queue.job_progressed.connect(lambda _id, progress: previews.append(progress.step))
    shown.draft.set(steps=4, seed=7)
    first_run = shown.canvas.findChild(FirstRun)
    with qtbot.waitSignal(shown.workbench.pictures_kept, timeout=REAL_LIMIT_MS) as kept:
        qtbot.mouseClick(first_run.button, Qt.MouseButton.LeftButton)
    (entry,) = kept.args[0]
    assert (entry.width, entry.height, entry.seed) == (256, 256, 7)
    assert 4 in previews
    qtbot.waitUntil(lambda: shown.forecaster.forecast is not None, timeout=REAL_LIMIT_MS)
    assert shown.panel.forecast.text().startswith("Needs")
    assert shown.backend_panel.report
    qtbot.waitUntil(lambda: shown.memory_pill.text() != "Memory", timeout=REAL_LIMIT_MS)
    assert entry.request().seed == 7


def test_a_lora_that_is_dropped_makes_the_picture_and_finds_it_again(
    qtbot: QtBot, open_app: Open, tmp_path: Path
) -> None:
    """Dropped, slid, drawn by the real engine, told, found by its name, and restored as a tag."""
    shown = open_app(client=EngineClient())
    path = _lora(tmp_path)
    data, place = QMimeData(), QPoint(5, 5)
    data.setUrls([QUrl.fromLocalFile(str(path))])
    window = shown.window.windowHandle()
    QApplication.sendEvent(window, drag_at(data, place))
    QApplication.sendEvent(window, drop_at(data, place))
    panel = shown.add_ons.lora_panel
    qtbot.waitUntil(lambda: [row.path for row in panel.rows] == [path])
    qtbot.waitUntil(lambda: shown.add_ons.chooser.list.count() == 1)
    panel.rows[0].weight.slider.setValue(10)
    with qtbot.waitSignal(shown.workbench.pictures_kept, timeout=REAL_LIMIT_MS) as kept:
        generate(shown, "a fox", steps=1, seed=3)
    assert panel.rows[0].caption.text() == "1 of 1 layers"
    (entry,) = kept.args[0]
    assert entry.loras == ("ink",)
    assert shown.gallery.search(GalleryQuery(lora="ink")) == [entry]
    shown.draft.set(prompt="", loras=())
    with qtbot.waitSignal(shown.opener.picture_opened) as opened:
        shown.opener.open([entry.path])
    assert shown.draft.request.prompt == "a fox <lora:ink:0.5>"
    assert opened.args[1].not_restored == ()
    with qtbot.waitSignal(shown.workbench.pictures_kept, timeout=REAL_LIMIT_MS) as again:
        shown.menus.action(Command.GENERATE).trigger()
    with Image.open(entry.path) as first, Image.open(again.args[0][0].path) as second:
        assert first.tobytes() == second.tobytes()


def test_a_lora_that_is_not_here_is_told(qtbot: QtBot, open_app: Open, tmp_path: Path) -> None:
    """Among what a picture's settings could not be restored with."""
    path = tmp_path / "boat.png"
    text = "a boat <lora:wash:0.8>\nSteps: 12, Sampler: Euler, Seed: 9, RNG: CPU"
    save_png(path, bytes(64 * 64 * 3), (64, 64), text)
    shown = open_app()
    with qtbot.waitSignal(shown.opener.picture_opened) as opened:
        shown.opener.open([path])
    assert opened.args[1].not_restored == ((path, ("LoRA: wash",)),)


def test_an_embedding_that_was_of_no_use_is_told(qtbot: QtBot, open_app: Open) -> None:
    """In the line of the last picture."""
    shown = open_app()
    generate(shown)
    client = fake(shown)
    assert client.running
    receipt = EmbeddingReceipt(name="fox", count=0, sentence="fox was read as plain words.")
    finished = fake_engine.finished(client.running)
    client.finished.emit(dataclasses.replace(finished, embeddings=(receipt,)))
    assert "fox was read as plain words." in message(shown)


def _lora(folder: Path) -> Path:
    layers = (f"{UNET}middle_block.1.transformer_blocks.0.attn2.to_q",)
    shapes = layer_shapes(resource_path(MINI_MODEL))
    arrays = lora_arrays(shapes, layers, Dialect.KOHYA, rank=2, alpha=None)
    return write_lora(folder / "ink.safetensors", arrays)


def test_a_copied_report_holds_words_only_on_wish(qtbot: QtBot, open_app: Open) -> None:
    shown = open_app()
    generate(shown, "a secret wish")
    log_folder().mkdir(parents=True)
    (log_folder() / "aquatint.log").write_text("it broke at: a secret wish")
    shown.backend_panel.copy_requested.emit(False)
    text = QGuiApplication.clipboard().text()
    assert text.startswith("Aquatint ")
    assert "it broke at: [words]" in text
    assert "secret" not in text
    shown.backend_panel.copy_requested.emit(True)
    assert "prompt: a secret wish" in QGuiApplication.clipboard().text()


def test_versions_are_asked_for_when_that_is_wished(
    qtbot: QtBot, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[VersionCheck] = []

    def note(check: VersionCheck) -> None:
        asked.append(check)
        check.newer.emit("9.9")
        check.ended.emit()

    monkeypatch.setattr(VersionCheck, "ask", note)
    shown = open_app()
    QApplication.processEvents()
    assert asked == []
    shown.change_settings(version_check=True)
    assert len(asked) == 1
    assert "Aquatint 9.9 is out." in [label.text() for label in shown.window.findChildren(QLabel)]
    shown.change_settings(notifications=False)
    assert len(asked) == 1
    shown.quit()
    open_app(load_settings(data_folder() / SETTINGS_FILE)[0])
    qtbot.waitUntil(lambda: len(asked) == 2)


def _note_close(part: object, name: str, order: list[str]) -> None:
    close = part.close  # type: ignore[attr-defined]

    def noted() -> None:
        order.append(name)
        close()

    part.close = noted  # type: ignore[attr-defined]


def _mini_copy(folder: Path) -> Path:
    path = folder / "mine.safetensors"
    shutil.copyfile(resource_path(MINI_MODEL), path)
    return path
