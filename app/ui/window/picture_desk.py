"""What is done with a picture that is there: looked at, compared, copied, taken as a beginning.

Owns the way of a picture between the gallery, the canvas, the draft and the clipboard.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QGuiApplication, QImage

from app.library.gallery_entry import GalleryEntry
from app.ui.canvas.canvas_view import CanvasView
from app.ui.draft.request_draft import RequestDraft
from app.ui.gallery.gallery_model import GalleryModel
from app.ui.gallery.gallery_view import GalleryView
from app.ui.gallery.import_report import ImportReportDialog
from app.ui.gallery.picture_import import ImportReport
from app.ui.parts.background_calls import BackgroundCalls
from app.ui.parts.notice import Notice
from app.ui.parts.reveal import reveal
from app.ui.pictures.picture_drag import picture_data
from app.ui.pictures.shown_picture import ShownPicture
from app.ui.window.main_window import MainWindow, View
from app.ui.window.workbench import Workbench


class PictureDesk(QObject):
    """Connects canvas and gallery view; reads picture files in the background."""

    def __init__(
        self,
        *,
        draft: RequestDraft,
        window: MainWindow,
        canvas: CanvasView,
        view: GalleryView,
        model: GalleryModel,
        workbench: Workbench,
    ) -> None:
        super().__init__(window)
        self._draft, self._window, self._canvas = draft, window, canvas
        self._workbench = workbench
        self._calls = BackgroundCalls(1, self)
        self.notice = Notice(canvas)
        canvas.copy_requested.connect(self._copy_shown)
        canvas.delete_requested.connect(lambda entry: view.delete([entry.id]))
        view.copy_requested.connect(self._copy_files)
        view.show_requested.connect(self._show_large)
        view.current_changed.connect(self._look_at)
        view.compare_requested.connect(self._compare)
        model.deleted.connect(self._take_off)
        model.failed.connect(workbench.warn)
        for source in (canvas, view):
            source.reveal_requested.connect(reveal)
            source.use_settings_requested.connect(self._use_settings)
            source.use_seed_requested.connect(lambda entry: draft.set(seed=entry.seed))
            source.use_as_init_requested.connect(self._begin_from)

    def show_opened(self, image: QImage, report: ImportReport) -> None:
        """A picture from outside whose settings the draft has now, as far as they are known."""
        self._window.set_view(View.CREATE)
        self._workbench.look_away()
        self._canvas.show_picture(image)
        if report.not_restored:
            self.notice.say(
                self.tr("Some settings of the picture could not be restored."),
                self.tr("Details"),
                lambda: ImportReportDialog(report, self._window).open(),
            )
        else:
            self._say_restored()

    def close(self) -> None:
        """Ends the reading, and the scaling of what is shown."""
        self._calls.close()
        self._canvas.canvas.end_work()

    def _look_at(self, entry: GalleryEntry | None) -> None:
        """Shows the gallery's picture on the canvas, if that is in sight and shows another."""
        if entry is None or self._window.view is not View.CREATE:
            return
        shown = self._canvas.current
        if shown and shown.entry and shown.entry.id == entry.id:
            return
        self._workbench.look_away()
        self._read([entry.path], lambda images: self._canvas.show_picture(images[0], entry))

    def _show_large(self, entry: GalleryEntry) -> None:
        self._window.set_view(View.CREATE)
        self._look_at(entry)

    def _compare(self, first: GalleryEntry, second: GalleryEntry) -> None:
        def show(images: list[QImage]) -> None:
            self._canvas.show_picture(images[0], first)
            self._canvas.set_compare(images[1], *_names(second, first))
            act = self._canvas.canvas_actions
            if not (act.split.isChecked() or act.side_by_side.isChecked()):
                act.side_by_side.trigger()

        self._window.set_view(View.CREATE)
        self._workbench.look_away()
        self._read([first.path, second.path], show)

    def _read(self, paths: list[Path], show: Callable[[list[QImage]], None]) -> None:
        def check(images: list[QImage]) -> None:
            missing = [
                path.name for path, image in zip(paths, images, strict=True) if image.isNull()
            ]
            if missing:
                sentence = self.tr("{name} can no longer be read.").format(name=missing[0])
                self._workbench.warn(sentence)
            else:
                show(images)

        self._calls.call(
            lambda: [QImage(str(path)) for path in paths],
            check,
            lambda error: self._workbench.warn(str(error)),
        )

    def _take_off(self, ids: tuple[int, ...]) -> None:
        """What was deleted is no longer looked at."""
        for entry_id in ids:
            self._canvas.remove(entry_id)

    def _use_settings(self, entry: GalleryEntry) -> None:
        self._draft.replace(entry.request())
        self._say_restored()

    def _begin_from(self, path: Path) -> None:
        if self._draft.abilities.begins_from_pictures:
            self._draft.set(init_image=path)
        else:
            self.notice.say(
                self.tr("This model cannot begin from a picture: choose another model first.")
            )

    def _say_restored(self) -> None:
        self.notice.say(self.tr("Prompt, seed and settings are those of the picture."))

    def _copy_shown(self, shown: ShownPicture) -> None:
        paths = [shown.entry.path] if shown.entry else []
        QGuiApplication.clipboard().setMimeData(picture_data(paths, shown.image))

    @staticmethod
    def _copy_files(paths: list[Path]) -> None:
        image = QImage(str(paths[0])) if len(paths) == 1 else None
        QGuiApplication.clipboard().setMimeData(picture_data(paths, image))


def _names(one: GalleryEntry, other: GalleryEntry) -> tuple[str, str]:
    """What tells two pictures apart: their prompts, or what is different though these are not."""
    facts = ((entry.prompt, entry.model, _seed_text(entry)) for entry in (one, other))
    pairs = tuple(zip(*facts, strict=True))
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def _seed_text(entry: GalleryEntry) -> str:
    return QCoreApplication.translate("CanvasView", "seed {seed}").format(seed=entry.seed)
