"""The window's composition root: makes every part, connects them, and ends them in order.

Owns who is connected to whom and the order of beginning and end; all decisions are the parts' own.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QKeySequence
from PySide6.QtWidgets import QApplication, QFileDialog

from app.generation.engine_client import EngineClient
from app.generation.job_queue import JobQueue
from app.generation.messages import Memory, Ready
from app.generation.request import GenerationRequest
from app.generation.request_json import read_request, request_json
from app.library.gallery import Gallery
from app.library.gallery_entry import GalleryEntry
from app.library.image_metadata import SAMPLER_LABELS, SCHEDULE_LABELS
from app.paths import cache_folder, data_folder, log_folder, pictures_folder, resource_path
from app.settings import Settings, save_settings
from app.ui.canvas.canvas_view import CanvasView
from app.ui.canvas.first_run import FirstRun
from app.ui.draft.forecast import Forecast
from app.ui.draft.forecaster import Forecaster
from app.ui.draft.plan_asker import PlanAsker
from app.ui.draft.request_draft import RequestDraft
from app.ui.files.drop_overlay import DropOverlay
from app.ui.files.dropped_content import describe_drop
from app.ui.files.file_opener import FileOpener
from app.ui.gallery.gallery_model import GalleryModel
from app.ui.gallery.gallery_upkeep import GalleryUpkeep
from app.ui.gallery.gallery_view import GalleryView
from app.ui.gallery.picture_keeper import PictureKeeper
from app.ui.gallery.recollection import Recollection
from app.ui.memory.memory_monitor import MemoryCard, MemoryPill
from app.ui.models.model_picker import ModelPicker
from app.ui.models.model_shelf import ModelShelf
from app.ui.parts.icons import icon
from app.ui.parts.popover import Popover
from app.ui.parts.reveal import reveal
from app.ui.parts.theme import apply_theme
from app.ui.prompt.examples import FIRST_PROMPT, MINI_DEFAULTS, MINI_PROMPTS
from app.ui.prompt.token_counter import TokenCounter
from app.ui.queue.progress_bar import JobProgress
from app.ui.queue.queue_pill import QueuePill
from app.ui.queue.queue_view import QueueView
from app.ui.sidebar.generation_panel import GenerationPanel
from app.ui.sidebar.init_image_panel import InitImagePanel
from app.ui.sidebar.init_image_section import InitImageSection
from app.ui.sidebar.settings_panel import SettingLabels
from app.ui.window.add_on_desk import AddOnDesk
from app.ui.window.after_first_paint import AfterFirstPaint
from app.ui.window.backend_panel import BackendPanel
from app.ui.window.edit_commands import EDIT_COMMANDS, edit_text
from app.ui.window.main_window import MainWindow, View
from app.ui.window.mask_desk import MaskDesk
from app.ui.window.menus import Command, MenuName, Menus
from app.ui.window.notifier import Notifier
from app.ui.window.picture_desk import PictureDesk
from app.ui.window.workbench import Workbench

SETTINGS_FILE, QUEUE_FILE, GALLERY_FILE = "settings.json", "queue.json", "gallery.db"
MODEL_FOLDER, MASK_FOLDER = "models", "masks"
FEW_EXAMPLES = 4


class Application(QObject):
    """The window and all that stands behind it; `quit` ends it, in order, once."""

    def __init__(self, app: QApplication, client: EngineClient, settings: Settings) -> None:
        super().__init__(app)
        self._app, self.client, self.settings = app, client, settings
        self._begun_with = settings
        self._is_over = self.is_restart_wished = False
        self.dress()
        self._make_library()
        self._make_widgets()
        self._make_window()
        self._connect_engine()
        self._connect_menus()
        self._connect_files()
        app.styleHints().colorSchemeChanged.connect(self.dress)
        self._beginning = AfterFirstPaint(self.window, *self._beginnings())

    # ------------------------------------------------------------ making

    def _make_library(self) -> None:
        settings = self.settings
        folder = settings.pictures_folder or pictures_folder()
        self.gallery = Gallery(folder, data_folder() / GALLERY_FILE)
        self.gallery_model = GalleryModel(self.gallery, cache_folder(), self)
        self.upkeep = GalleryUpkeep(self.gallery, cache_folder(), self)
        self.queue = JobQueue(self.client, data_folder() / QUEUE_FILE, self)
        request = read_request(dict(settings.last_request))[0]
        if not settings.last_request:
            request = GenerationRequest(prompt=FIRST_PROMPT)
        self.draft = RequestDraft(request, MINI_DEFAULTS, self)
        self.keeper = PictureKeeper(self.gallery, self)
        self.notifier = Notifier(self._app, icon("generate"), self)

    def _make_widgets(self) -> None:
        labels = SettingLabels(samplers=SAMPLER_LABELS, schedules=SCHEDULE_LABELS)
        self.counter = TokenCounter(self)
        self.panel = GenerationPanel(self.draft, self.counter.count, labels)
        self.counter.loaded.connect(self.panel.prompt_panel.count_again)
        self.canvas = CanvasView()
        self.mask_desk = MaskDesk(self.draft, self.canvas, data_folder() / MASK_FOLDER)
        self.init_panel = InitImagePanel(self.draft)
        self.gallery_view = GalleryView(self.gallery_model)
        self.gallery_view.set_cell_side(self.settings.thumbnail_size)
        self.progress = JobProgress()
        self.queue_pill = QueuePill(self.queue)
        self.memory_pill = MemoryPill()
        self.queue_view = QueueView(self.queue)
        self.memory_card = MemoryCard()
        self.workbench = Workbench(
            self.draft, self.queue, self.keeper, self.panel, self.canvas, self.progress
        )

    def _make_window(self) -> None:
        self.window = MainWindow(self.panel, self.canvas, self.gallery_view)
        self.window.setWindowIcon(QIcon(str(resource_path("icons/aquatint.png"))))
        self.window.add_status(self.progress, 1)
        self.window.add_status(self.queue_pill)
        self.window.add_status(self.memory_pill)
        self.queue_popover = Popover(self.window, self.queue_view)
        self.memory_popover = Popover(self.window, self.memory_card)
        self.add_ons = AddOnDesk(self.draft, self.window, self.panel, self.client, self.counter)
        self.panel.add_section(InitImageSection(self.draft, self.init_panel))
        self.backend_panel = BackendPanel(self.window)
        self.asker = PlanAsker(self.client)
        self.picker = ModelPicker(self.window)
        self.shelf = ModelShelf(
            self.draft,
            self.picker,
            self.settings.model_folders,
            lambda request, answer: self.asker.ask("models", request, answer),
        )
        self.opener = FileOpener(
            self.draft, self.shelf, self.gallery_model, data_folder() / MODEL_FOLDER
        )
        self.desk = PictureDesk(
            draft=self.draft,
            window=self.window,
            canvas=self.canvas,
            view=self.gallery_view,
            model=self.gallery_model,
            workbench=self.workbench,
        )
        self.forecaster = Forecaster(
            self.draft, lambda request, answer: self.asker.ask("draft", request, answer)
        )
        self.menus = Menus(self.window)
        self._add_canvas_actions()
        if self.settings.first_run_done:
            self.canvas.show_empty()
            self.panel.set_examples(list(MINI_PROMPTS[:FEW_EXAMPLES]))
        else:
            first_run = FirstRun(FIRST_PROMPT, MINI_PROMPTS)
            first_run.example_requested.connect(self._make_example)
            first_run.add_model_requested.connect(self.show_picker)
            self.canvas.show_empty(first_run)
        self.window.restore_state(self.settings.window_geometry, self.settings.window_state)

    def _add_canvas_actions(self) -> None:
        act = self.canvas.canvas_actions
        act.copy.setShortcut(QKeySequence())  # the Edit menu's, which also serves the gallery
        views = (act.zoom_in, act.zoom_out, act.actual_size, act.fit, act.split, act.side_by_side)
        pictures = (act.use_settings, act.use_seed, act.use_as_init, act.reveal, act.delete)
        self.menus.add(MenuName.VIEW, views)
        self.menus.add(MenuName.PICTURE, pictures)

    # ------------------------------------------------------------ connecting

    def _connect_engine(self) -> None:
        client, panel = self.client, self.panel
        client.ready.connect(self._take_ready)
        client.memory_changed.connect(self._take_memory)
        client.restarted.connect(self.workbench.warn)
        client.restarted.connect(self.backend_panel.show_trouble)
        client.unavailable.connect(self.backend_panel.show_trouble)
        self.backend_panel.copy_requested.connect(self._copy_report)
        self.forecaster.changed.connect(self._show_forecast)
        self.forecaster.described.connect(self.shelf.take_description)
        self.shelf.model_shown.connect(panel.set_model)
        self.shelf.folders_changed.connect(lambda paths: self.change_settings(model_folders=paths))
        self.shelf.failed.connect(self.workbench.warn)
        self.shelf.add_ons_changed.connect(self.add_ons.set_entries)
        self.add_ons.changed.connect(self.forecaster.ask)
        self.queue.job_finished.connect(self.add_ons.show_receipts)
        panel.generate_requested.connect(self.workbench.generate)
        panel.generate_requested.connect(self.mask_desk.close)
        self.init_panel.mask_requested.connect(self.mask_desk.open)
        self.mask_desk.failed.connect(self.workbench.warn)
        panel.cancel_requested.connect(self.workbench.cancel)
        panel.live_toggled.connect(self._set_live)
        panel.model_requested.connect(self.show_picker)
        self.progress.cancel_requested.connect(self.workbench.cancel)
        self.queue_pill.clicked.connect(lambda: self.queue_popover.toggle(self.queue_pill))
        self.memory_pill.clicked.connect(lambda: self.memory_popover.toggle(self.memory_pill))
        self.queue_view.edit_requested.connect(self._edit_job)
        self.queue_view.use_settings_requested.connect(
            lambda job_id: self.draft.replace(self.queue.job(job_id).request)
        )
        self.workbench.job_began.connect(self.notifier.job_started)
        self.workbench.job_done.connect(
            lambda prompt: self.notifier.job_ended(self.tr("Your picture is ready"), prompt)
        )
        self.workbench.pictures_kept.connect(self._take_kept)
        self.upkeep.scanned.connect(self.gallery_model.refresh)
        self.upkeep.recollected.connect(self._take_recollection)
        self.upkeep.failed.connect(self.workbench.warn)
        self.gallery_view.cell_side_changed.connect(self._keep_cell_side)

    def _connect_menus(self) -> None:
        window, queue = self.window, self.queue
        acts = {
            Command.OPEN: self._choose_files,
            Command.IMPORT: self._choose_imports,
            Command.MODELS: self.show_picker,
            Command.SHOW_PICTURES: self._show_pictures_folder,
            Command.CLOSE: self.quit,
            Command.QUIT: self.quit,
            Command.FIND: self._find,
            Command.PREFERENCES: self.show_preferences,
            Command.GENERATE: lambda: self.panel.ask(front=False),
            Command.GENERATE_FIRST: lambda: self.panel.ask(front=True),
            Command.CANCEL: self.workbench.cancel,
            Command.LIVE: self.panel.live_button.toggle,
            Command.FOCUS_PROMPT: self.panel.focus_prompt,
            Command.CREATE: lambda: window.set_view(View.CREATE),
            Command.GALLERY: lambda: window.set_view(View.GALLERY),
            Command.SIDEBAR: window.toggle_sidebar,
            Command.GALLERY_PANEL: window.toggle_gallery_panel,
            Command.PREVIOUS: lambda: self.gallery_view.select_next(-1),
            Command.NEXT: lambda: self.gallery_view.select_next(1),
            Command.FULL_SCREEN: window.toggle_full_screen,
            Command.QUEUE: lambda: self.queue_popover.toggle(self.queue_pill),
            Command.PAUSE: lambda: setattr(queue, "paused", not queue.paused),
            Command.CANCEL_ALL: queue.cancel_all,
            Command.CLEAR_ENDED: queue.clear_ended,
            Command.MINIMIZE: window.showMinimized,
            Command.ZOOM: window.toggle_zoom,
            Command.MEMORY: lambda: self.memory_popover.toggle(self.memory_pill),
            Command.ENGINE: self.backend_panel.show,
            Command.ABOUT: self.show_about,
        }
        for command, act in acts.items():
            self.menus.action(command).triggered.connect(lambda _checked, act=act: act())
        for command in EDIT_COMMANDS:
            self.menus.action(command).triggered.connect(
                lambda _checked, command=command: self._edit(command)
            )
        window.view_changed.connect(self._show_view)
        window.panels_changed.connect(self._show_panels)
        queue.paused_changed.connect(self.menus.action(Command.PAUSE).setChecked)
        window.close_requested.connect(self.quit)
        window.engine_button.clicked.connect(self.backend_panel.show)

    def _connect_files(self) -> None:
        self.overlay = DropOverlay(self.window, describe_drop)
        self.overlay.dropped.connect(self.opener.act)
        self.picker.files_dropped.connect(self.opener.open)
        self.picker.reveal_requested.connect(reveal)
        self.opener.said.connect(self.desk.notice.say)
        self.opener.failed.connect(self.workbench.warn)
        self.opener.picture_opened.connect(self.desk.show_opened)

    def open_files(self, paths: list[Path]) -> None:
        """Files that the Finder hands over, by Open With or on the icon in the Dock."""
        if not self._is_over:
            self.opener.open(paths)

    # ------------------------------------------------------------ beginning and end

    def show(self) -> None:
        """Shows the window."""
        self.window.show()
        self.panel.focus_prompt()

    def _beginnings(self) -> tuple[Callable[[], object], ...]:
        """What can wait until the window stands: what is seen first comes first."""
        return (
            self._show_state,
            self.gallery_model.refresh,
            self.forecaster.ask,
            self.counter.load,
            self.shelf.scan,
            self.upkeep.recollect,
            lambda: self.upkeep.scan(self.settings.gallery_folders),
            lambda: self.mask_desk.tidy([job.request for job in self.queue.jobs()]),
            self.upkeep.tidy,
            lambda: self._ask_version() if self.settings.version_check else None,
        )

    def _show_state(self) -> None:
        """What the menus and the status bar say of how the app was left."""
        self._show_panels(not self.window.sidebar.isHidden(), True)
        self._show_view(self.window.view)
        self.menus.action(Command.PAUSE).setChecked(self.queue.paused)
        if self.queue.restore_note:
            self.workbench.warn(self.queue.restore_note)

    def quit(self) -> None:
        """Ends everything in order: queue, finished pictures, engine, gallery, settings."""
        if self._is_over:
            return
        self._is_over = True
        self._beginning.stop()
        geometry, state = self.window.state_text()
        self.window.hide()
        self.queue.close()
        self.keeper.close()
        self.client.close()
        for part in (
            self.shelf,
            self.opener,
            self.desk,
            self.counter,
            self.upkeep,
            self.gallery_model,
        ):
            part.close()
        self.gallery.close()
        self.change_settings(
            window_geometry=geometry,
            window_state=state,
            last_request=request_json(self.draft.request),
        )
        self._app.quit()

    def restart(self) -> None:
        """Ends everything; whoever runs the app sees `is_restart_wished` and opens it again."""
        self.is_restart_wished = True
        self.quit()

    def change_settings(self, **fields: Any) -> None:
        """Changes settings by their names and keeps them."""
        self.take_settings(dataclasses.replace(self.settings, **fields))

    def take_settings(self, settings: Settings) -> None:
        """Makes other settings hold, and keeps them."""
        before, self.settings = self.settings, settings
        if settings.appearance is not before.appearance:
            self.dress()
        self.notifier.is_enabled = settings.notifications
        if settings.version_check and not before.version_check:
            self._ask_version()
        self.shelf.set_folders(settings.model_folders)
        if settings.gallery_folders != before.gallery_folders:
            self.upkeep.scan(self.settings.gallery_folders)
        try:
            save_settings(settings, data_folder() / SETTINGS_FILE)
        except OSError as error:
            reason = error.strerror or str(error)
            self.workbench.warn(
                self.tr("The settings could not be saved: {reason}.").format(reason=reason)
            )

    def dress(self) -> None:
        """Wears the chosen appearance, and the system's if that is what is chosen."""
        apply_theme(self._app, self.settings.appearance, str(resource_path("icons")))

    # ------------------------------------------------------------ the engine's words

    def _take_ready(self, ready: Ready) -> None:
        self.backend_panel.show_ready(ready)
        self.forecaster.ask()

    def _copy_report(self, with_words: bool) -> None:
        from app.ui.window.problem_report import problem_report

        requests = (self.draft.request, *(job.request for job in self.queue.jobs()))
        engine = self.backend_panel.report
        text = problem_report(engine, requests, log_folder(), with_words=with_words)
        QGuiApplication.clipboard().setText(text)

    def _take_memory(self, memory: Memory) -> None:
        for part in (self.memory_pill, self.memory_card):
            part.set_memory(memory)
        self.forecaster.take_memory(memory)
        self.shelf.take_memory(memory)

    def _show_forecast(self, forecast: Forecast) -> None:
        self.panel.set_forecast(forecast.text, forecast.level.value)
        for part in (self.memory_pill, self.memory_card):
            part.set_forecast(forecast)

    def _take_kept(self, entries: list[GalleryEntry]) -> None:
        self.gallery_model.refresh()
        self.upkeep.recollect()
        if not self.settings.first_run_done:
            self.change_settings(first_run_done=True)

    def _set_live(self, live: bool) -> None:
        self.menus.action(Command.LIVE).setChecked(live)
        self.workbench.set_live(live)

    def _edit_job(self, job_id: str) -> None:
        self.queue_popover.close_up()
        self.workbench.edit(job_id)

    def _make_example(self, prompt: str) -> None:
        self.draft.set(prompt=prompt)
        self.workbench.generate()

    # ------------------------------------------------------------ wishes

    def _take_recollection(self, found: Recollection) -> None:
        self.panel.set_history(list(found.prompts), list(found.negative_prompts))
        self.shelf.take_pictures(found.pictures)

    def _keep_cell_side(self, side: int) -> None:
        """Kept with the other settings when the app ends."""
        self.settings = dataclasses.replace(self.settings, thumbnail_size=side)

    def _edit(self, command: Command) -> None:
        """What no text field takes is the mask's, the gallery's, or the canvas's."""
        if edit_text(command) or self.mask_desk.edit(command):
            return
        if command is Command.UNDO:
            self.gallery_view.undo_delete()
        elif command is Command.COPY:
            self._copy()

    def _copy(self) -> None:
        holder = self._app.focusWidget()
        if holder and self.gallery_view.isAncestorOf(holder):
            self.gallery_view.copy_selected()
        else:
            self.canvas.canvas_actions.copy.trigger()

    def _find(self) -> None:
        if self.window.view is View.CREATE:
            self.window.set_gallery_panel_shown(True)
        self.gallery_view.focus_search()

    def _show_view(self, view: str) -> None:
        self.menus.action(Command.CREATE).setChecked(view == View.CREATE)
        self.menus.action(Command.GALLERY).setChecked(view == View.GALLERY)

    def _show_panels(self, sidebar: bool, gallery: bool) -> None:
        self.menus.action(Command.SIDEBAR).setChecked(sidebar)
        self.menus.action(Command.GALLERY_PANEL).setChecked(gallery)

    def _show_pictures_folder(self) -> None:
        folder = self.settings.pictures_folder or pictures_folder()
        folder.mkdir(parents=True, exist_ok=True)
        reveal(folder)

    def _choose_files(self) -> None:
        title = self.tr("Open a model or a picture")
        names, _ = QFileDialog.getOpenFileNames(self.window, title)
        self.opener.open([Path(name) for name in names])

    def _choose_imports(self) -> None:
        title = self.tr("Add pictures to the gallery")
        names, _ = QFileDialog.getOpenFileNames(self.window, title)
        self.gallery_model.import_paths([Path(name) for name in names])

    # ------------------------------------------------------------ dialogs

    def show_picker(self) -> None:
        """The list of models."""
        self.picker.show()
        self.picker.raise_()

    def _ask_version(self) -> None:
        from app.ui.window.version_check import VersionCheck  # loads all that knows of networks

        check = VersionCheck(self)
        check.newer.connect(
            lambda version: self.desk.notice.say(
                self.tr("Aquatint {version} is out.").format(version=version)
            )
        )
        check.ended.connect(check.deleteLater)
        check.ask()

    def show_preferences(self) -> None:
        """The preferences."""
        from app.ui.window.preferences import Preferences  # dialogs are loaded when wanted

        dialog = Preferences(self.settings, self._begun_with, self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(self.take_settings)
        dialog.restart_requested.connect(self.restart)
        dialog.show()

    def show_about(self) -> None:
        """About this app."""
        from app.ui.window.about import About

        dialog = About(self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
