"""Drives the whole app, with its real engine and the mini model, and writes what it looks like.

    python -m tests.ui.screenshots FOLDER --appearance dark --language zh_CN --size 1000x700

The pictures are drawn at two pixels a point, into memory or, under Xvfb, on its screen.
"""

import argparse
import dataclasses
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_SCALE_FACTOR"] = "2"

from PySide6.QtCore import QElapsedTimer, QEventLoop, QMimeData, QPoint, QPointF, QUrl
from PySide6.QtGui import QDragLeaveEvent
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from app.application import Application
from app.generation.engine_client import EngineClient
from app.generation.job_queue import JobQueue
from app.generation.messages import Memory
from app.generation.request import InpaintArea, LoraUse
from app.paths import MINI_MODEL, resource_path
from app.settings import Appearance, Language, Settings
from app.ui.canvas.mask_drawing import Brush
from app.ui.files.dropped_content import DropWord
from app.ui.gallery.gallery_grid import USUAL_CELL
from app.ui.parts.translation import install_translation
from app.ui.window.main_window import View
from app.ui.window.menus import Command
from tests.random_loras import Dialect, layer_shapes, lora_arrays, write_lora
from tests.ui.gallery.gallery_set_up import drag_at

LIMIT_MS = 1_200_000
"""Generous: a tour on a busy machine is slow, not wrong."""
SMALL_MAC = Memory(
    engine_bytes=115_000_000,
    resident_bytes=206_000_000,
    machine_total_bytes=8 << 30,
    machine_available_bytes=None,
)
PROMPTS = (
    "a banana and a red apple",
    "an owl in the forest",
    "a fox in a meadow",
    "a cat wearing sunglasses",
    "a sunflower, flat icon",
    "an octopus, pixel art",
    "a red apple on a yellow background",
    "a cake on the beach",
    "a cat wearing a crown",
    "a rocket, sticker",
    "a blue car on a mint background",
    "three lemons",
    "a whale in the sea",
    "a house in the forest",
)
LARGE_CELL = 190


class Tour:
    """The app, walked through its states; each is written as one PNG."""

    def __init__(self, app: QApplication, folder: Path, settings: Settings, size: str) -> None:
        self._app, self._folder = app, folder
        self.shown = Application(app, EngineClient(), settings)
        self.shown.show()
        width, height = map(int, size.split("x"))
        self.shown.window.resize(width, height)

    def wait(self, condition: Callable[[], object]) -> None:
        """Runs the event loop until something holds."""
        clock = QElapsedTimer()
        clock.start()
        while not condition():
            if clock.elapsed() > LIMIT_MS:
                raise TimeoutError(f"{condition} did not come to hold")
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)

    def rest(self, milliseconds: int = 400) -> None:
        """Lets what is under way settle."""
        clock = QElapsedTimer()
        clock.start()
        self.wait(lambda: clock.elapsed() > milliseconds)

    def shoot(self, name: str, widget: QWidget | None = None) -> None:
        """Writes what `widget`, or the window, looks like now."""
        self.rest()
        (widget or self.shown.window).grab().save(str(self._folder / f"{name}.png"))
        print(name, flush=True)

    def go(self) -> None:
        """The whole walk."""
        shown, queue = self.shown, self.shown.queue
        self.wait(lambda: shown.forecaster.forecast and shown.backend_panel.report)
        self.shoot("first_run")
        shown.draft.set(prompt="a fox in the snow", seed=7)
        shown.menus.action(Command.GENERATE).trigger()
        self.wait(lambda: _step(queue) >= 9)
        self.shoot("generating")
        self.wait_for_pictures(1)
        self.shoot("finished")
        for seed, prompt in enumerate(PROMPTS):
            shown.draft.set(prompt=prompt, seed=seed, steps=12)
            shown.menus.action(Command.GENERATE).trigger()
        self.wait(lambda: _step(queue) >= 9)
        shown.menus.action(Command.QUEUE).trigger()
        self.shoot("queue")
        shown.menus.action(Command.QUEUE).trigger()
        self.wait_for_pictures(1 + len(PROMPTS))
        self.gallery()
        self.inpainting()
        self.loras()
        self.drop()
        self.memory()
        self.dialogs()
        shown.quit()

    def wait_for_pictures(self, count: int) -> None:
        """Until so many are in the gallery and nothing runs."""
        model, queue = self.shown.gallery_model, self.shown.queue
        self.wait(lambda: model.rowCount() >= count and queue.running_id is None)
        self.rest(1000)

    def gallery(self) -> None:
        """The gallery, and two of its pictures side by side."""
        shown = self.shown
        ids = [shown.gallery_model.id_at(row) for row in range(5)]
        for place, entry_id in enumerate(ids):
            shown.gallery_model.rate([entry_id], 5 - place)
        shown.gallery_view.set_cell_side(LARGE_CELL)
        shown.window.set_view(View.GALLERY)
        self.rest(1000)
        self.shoot("gallery")
        shown.gallery_view.set_cell_side(USUAL_CELL)
        entries = shown.gallery_model.entries([0, 1])
        shown.gallery_view.compare_requested.emit(*entries)
        self.rest()
        self.shoot("compare")

    def inpainting(self) -> None:
        """A mask on the first picture, while it is painted."""
        shown = self.shown
        first = shown.gallery_model.entries([0])[0].path
        shown.window.set_view(View.CREATE)
        shown.draft.set(init_image=first)
        shown.mask_desk.open()
        drawing, side = shown.mask_desk.drawing, shown.mask_desk.drawing.image.width()
        brush = Brush(diameter=side / 6, erases=False)
        drawing.begin()
        for step in range(8):
            points = (QPointF(side * (0.3 + 0.05 * (step + i)), side * 0.4) for i in range(2))
            drawing.draw(*points, brush)
        drawing.end()
        self.scroll_to(shown.init_panel.mask_settings)
        self.shoot("inpainting")
        shown.draft.set(inpaint_area=InpaintArea.ONLY_MASKED, mask_blur=12)
        self.scroll_to(shown.init_panel.mask_settings)
        self.shoot("inpainting_part")
        shown.mask_desk.close()
        shown.draft.set(init_image=None, inpaint_area=InpaintArea.WHOLE_PICTURE, mask_blur=4)

    def scroll_to(self, widget: QWidget) -> None:
        """Brings a part of the sidebar into sight."""
        self.rest()  # the sidebar may be taking another height
        sidebar = self.shown.panel.findChild(QScrollArea)
        assert sidebar
        sidebar.ensureWidgetVisible(widget)

    def loras(self) -> None:
        """All settings, and a LoRA with what became of it in a picture."""
        shown, settings = self.shown, self.shown.panel.settings_panel
        shapes = layer_shapes(resource_path(MINI_MODEL))
        layers = [name for name in shapes if "attn2" in name]
        arrays = lora_arrays(shapes, layers, Dialect.KOHYA, rank=4, alpha=None)
        path = write_lora(self._folder / "watercolour.safetensors", arrays)
        shown.opener.act([path], DropWord.USE)
        self.wait(lambda: shown.draft.request.loras)
        count = shown.gallery_model.rowCount()
        shown.draft.set(loras=(LoraUse(path=path, weight=0.6),), steps=4)
        shown.menus.action(Command.GENERATE).trigger()
        self.wait_for_pictures(count + 1)
        settings.advanced.click()
        self.scroll_to(shown.add_ons.lora_panel)
        self.shoot("loras")
        settings.advanced.click()
        shown.draft.set(loras=())
        path.unlink()

    def drop(self) -> None:
        """A model file, held over the window."""
        data, place = QMimeData(), QPoint(640, 420)
        data.setUrls([QUrl.fromLocalFile(str(resource_path(MINI_MODEL)))])
        window = self.shown.window.windowHandle()
        QApplication.sendEvent(window, drag_at(data, place))
        self.shoot("drop")
        QApplication.sendEvent(window, QDragLeaveEvent())

    def memory(self) -> None:
        """The memory card, then a picture that is much for a small Mac, and too much."""
        shown = self.shown
        shown.gallery_view.select_next(1)
        shown.canvas.set_compare(None)
        shown.canvas.canvas_actions.side_by_side.trigger()
        shown.menus.action(Command.MEMORY).trigger()
        self.shoot("memory")
        shown.client.memory_changed.disconnect()
        for name, free_bytes in (("savings", 3 << 30), ("warning", 256 << 20)):
            shown.draft.set(width=4096, height=4096, batch_count=4)
            memory = dataclasses.replace(SMALL_MAC, machine_available_bytes=free_bytes)
            for part in (shown.memory_card, shown.memory_pill):
                part.set_memory(memory)
            shown.forecaster.take_memory(memory)
            self.rest(1500)
            self.shoot(f"memory_{name}")
        shown.menus.action(Command.MEMORY).trigger()
        shown.draft.set(width=None, height=None, batch_count=1)

    def dialogs(self) -> None:
        """The windows beside the window."""
        shown = self.shown
        shown.backend_panel.show()
        self.shoot("backend", shown.backend_panel)
        shown.backend_panel.hide()
        shown.show_picker()
        self.shoot("models", shown.picker)
        shown.picker.hide()
        before = set(self._app.topLevelWidgets())
        for name, show in (("preferences", shown.show_preferences), ("about", shown.show_about)):
            show()
            (dialog,) = (
                widget
                for widget in set(self._app.topLevelWidgets()) - before
                if widget.isVisible() and widget.isWindow()
            )
            self.shoot(name, dialog)
            dialog.close()


def _step(queue: JobQueue) -> int:
    return queue.job(queue.running_id).step if queue.running_id else 0


def main() -> None:
    """Sets the stage in a folder of its own and walks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--appearance", type=Appearance, default=Appearance.LIGHT)
    parser.add_argument("--language", type=Language, default=Language.ENGLISH)
    parser.add_argument("--size", default="1280x800")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["AQUATINT_HOME"] = home
        app = QApplication([])
        settings = dataclasses.replace(
            Settings(), appearance=chosen.appearance, language=chosen.language
        )
        install_translation(app, settings.language)
        Tour(app, chosen.folder, settings, chosen.size).go()


if __name__ == "__main__":
    main()
