"""What canvas, progress and sidebar show while jobs come and go.

Owns that order of things: a job begins, its previews are shown, its pictures are kept and then
shown. Asks the queue for nothing but to make pictures; knows no menu and no file.
"""

from PySide6.QtCore import QObject, QSize, Signal

from app.generation.job import JobState
from app.generation.job_queue import JobQueue
from app.generation.messages import Finished, Progress
from app.generation.request import GenerationRequest, InpaintArea
from app.ui.canvas.canvas_view import CanvasView
from app.ui.draft.request_draft import RequestDraft
from app.ui.gallery.picture_keeper import PictureKeeper
from app.ui.parts.engine_words import in_own_words
from app.ui.parts.pixel_image import pixel_image
from app.ui.pictures.shown_picture import ShownPicture
from app.ui.queue.progress_bar import JobProgress
from app.ui.sidebar.generation_panel import GenerationPanel
from app.ui.window.live_mode import LiveMode


class Workbench(QObject):
    """Follows the queue. While the user looks at another picture, the canvas is left alone."""

    pictures_kept = Signal(object)
    """The GalleryEntries (list) of a job that is finished and saved."""
    job_began = Signal()
    job_done = Signal(str)
    """A job that was asked for is finished; its prompt."""

    def __init__(
        self,
        draft: RequestDraft,
        queue: JobQueue,
        keeper: PictureKeeper,
        panel: GenerationPanel,
        canvas: CanvasView,
        progress: JobProgress,
    ) -> None:
        super().__init__(canvas)
        self._draft, self._queue, self._keeper = draft, queue, keeper
        self._panel, self._canvas, self._progress = panel, canvas, progress
        self._is_watching = True
        self._edited_id: str | None = None
        self.live = LiveMode(draft, self._start_live, self._cancel)
        queue.job_started.connect(self._begin)
        queue.job_progressed.connect(self._show_progress)
        queue.job_finished.connect(self._finish)
        queue.job_failed.connect(self._fail)
        queue.warned.connect(self.warn)
        keeper.kept.connect(self._show_kept)
        keeper.failed.connect(self._show_unkept)

    # ------------------------------------------------------------ what a user does

    def generate(self, front: bool = False) -> None:
        """Queues the draft, or gives it to the waiting job that is being edited."""
        request = self._draft.request
        edited_id, self._edited_id = self._edited_id, None
        if edited_id and self._is_waiting(edited_id):
            self._queue.replace(edited_id, request)
            self._progress.show_message(self.tr("The waiting picture was changed."))
            return
        if not request.prompt.strip():
            self._progress.show_message(self.tr("Write what you want to see first."), "warning")
            self._panel.focus_prompt()
            return
        self._is_watching = True
        self._queue.enqueue(request, front=front)

    def cancel(self) -> None:
        """Stops the job that runs."""
        if self._queue.running_id:
            self._queue.cancel(self._queue.running_id)

    def edit(self, job_id: str) -> None:
        """Puts a waiting job's request before the user; Generate then changes that job."""
        if self._is_waiting(job_id):
            self._edited_id = job_id
            self._draft.replace(self._queue.job(job_id).request)
            self._panel.focus_prompt()
            words = self.tr("Change what you like; Generate changes the waiting picture.")
            self._progress.show_message(words)

    def look_away(self) -> None:
        """The user chose a picture to look at: the job that runs no longer takes the canvas."""
        self._is_watching = False

    def set_live(self, live: bool) -> None:
        """Whether quick pictures follow the draft; they are shown and not kept."""
        self._is_watching = True
        self.live.set_enabled(live)
        if live:
            self._progress.show_message(
                self.tr("Live pictures are quick and are not kept; Generate makes one to keep.")
            )

    def warn(self, sentence: str) -> None:
        """Says something that went wrong."""
        self._progress.show_message(in_own_words(sentence), "warning")

    # ------------------------------------------------------------ what jobs do

    def _begin(self, job_id: str) -> None:
        self._panel.set_running(True)
        self._progress.show_started()
        self.job_began.emit()

    def _show_progress(self, job_id: str, progress: Progress) -> None:
        self._progress.show_progress(progress)
        if progress.preview and self._is_watching:
            request = self._queue.job(job_id).request
            defaults = self._draft.defaults
            image = pixel_image(progress.preview)
            size = QSize(request.width or defaults.width, request.height or defaults.height)
            if request.mask_image and request.inpaint_area is InpaintArea.ONLY_MASKED:
                size = image.size()  # of the first picture, or in its proportions
            self._canvas.show_preview(image, progress.step, progress.steps, size)

    def _finish(self, job_id: str, finished: Finished) -> None:
        self._panel.set_running(False)
        told = (finished.note, *(each.sentence for each in finished.embeddings))
        self._progress.show_message(" ".join(map(in_own_words, filter(None, told))))
        self.live.job_ended(job_id)
        if self._queue.job(job_id).is_transient:
            if self._is_watching:
                self._canvas.show_picture(pixel_image(finished.pictures))
            return
        self._panel.set_last_seed(finished.request.seed)
        self._keeper.keep(finished)
        self.job_done.emit(finished.request.prompt)

    def _fail(self, job_id: str, sentence: str) -> None:
        self._panel.set_running(False)
        self.live.job_ended(job_id)
        self._canvas.end_preview()
        cancelled = self._queue.job(job_id).state is JobState.CANCELLED
        self._progress.show_message(in_own_words(sentence), "" if cancelled else "danger")

    def _show_kept(self, finished: Finished, shown: list[ShownPicture]) -> None:
        if self._is_watching:
            self._canvas.show_batch(shown)
        self.pictures_kept.emit([each.entry for each in shown])

    def _show_unkept(self, finished: Finished, sentence: str) -> None:
        """The pictures are not lost while the window is open: they can be copied from there."""
        images = range(len(finished.pictures.pictures))
        shown = [ShownPicture(image=pixel_image(finished.pictures, place)) for place in images]
        self._canvas.show_batch(shown)
        self._progress.show_message(in_own_words(sentence), "danger")

    # ------------------------------------------------------------ live

    def _start_live(self, request: GenerationRequest) -> str:
        return self._queue.enqueue(request, front=True, is_transient=True)

    def _cancel(self, job_id: str) -> None:
        self._queue.cancel(job_id)

    def _is_waiting(self, job_id: str) -> bool:
        return any(job.id == job_id and job.state is JobState.QUEUED for job in self._queue.jobs())
