"""The mask of the request in the making: painted on the canvas, kept in a file, told to the draft.

Owns when the editor is open and which file the draft's mask is. Knows neither jobs nor brushes.
"""

from collections.abc import Callable, Collection
from pathlib import Path

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader

from app.generation.mask_edge import patch_box_of
from app.generation.request import GenerationRequest, InpaintArea
from app.ui.canvas.canvas_view import CanvasView
from app.ui.canvas.mask_drawing import MaskDrawing
from app.ui.canvas.mask_editor import MaskEditor
from app.ui.canvas.mask_painter import grey_pixels
from app.ui.canvas.mask_store import MaskStore
from app.ui.draft.request_draft import RequestDraft
from app.ui.window.menus import Command

LARGEST_SIDE = 1536
"""A larger picture is masked at this size, which is written within a frame after each stroke."""


class MaskDesk(QObject):
    """Opens the editor on the canvas and follows the draft."""

    failed = Signal(str)
    """A sentence."""

    def __init__(self, draft: RequestDraft, canvas: CanvasView, folder: Path) -> None:
        super().__init__(canvas)
        self._draft, self._canvas = draft, canvas
        self._store = MaskStore(folder)
        self._known = draft.request
        self._picture_side = 1  # the longer one of the picture to begin from, in its own pixels
        self.drawing = MaskDrawing(self)
        self.editor = MaskEditor(self.drawing)
        self.editor.done_requested.connect(self.close)
        self.editor.blur_edited.connect(lambda blur: draft.set(mask_blur=blur))
        self.drawing.edited.connect(self._keep)
        draft.changed.connect(self._follow)
        draft.defaults_changed.connect(self._show_use)

    @property
    def is_open(self) -> bool:
        """Whether the mask is being painted."""
        return self._canvas.tool is self.editor

    def open(self) -> None:
        """Shows the picture to begin from, with its mask, to paint on."""
        request = self._draft.request
        picture = _read(request.init_image)
        self._picture_side = max(*QImageReader(str(request.init_image)).size().toTuple(), 1)
        if picture.isNull():
            self.failed.emit(self.tr("The picture cannot be read: choose another to paint on."))
            return
        mask = _read(request.mask_image) if request.mask_image else None
        if mask and request.mask_invert:
            mask.invertPixels()
        self._canvas.show_tool(self.editor)
        self.editor.open(picture, mask, request.mask_blur)
        self._show_use()

    def close(self) -> None:
        """Back to the picture."""
        if self.is_open:
            self._canvas.show_tool(None)

    def edit(self, command: Command) -> bool:
        """Takes back a stroke, or does it again; False if no mask is being painted."""
        acts: dict[Command, Callable[[], None]] = {
            Command.UNDO: self.drawing.undo,
            Command.REDO: self.drawing.redo,
        }
        if not self.is_open or command not in acts:
            return False
        acts[command]()
        return True

    def tidy(self, requests: Collection[GenerationRequest]) -> None:
        """Throws away the masks that neither these requests nor the draft use."""
        self._store.tidy([request.mask_image for request in (*requests, self._draft.request)])

    # ------------------------------------------------------------ inside

    def _keep(self) -> None:
        """The draft's mask is what is painted now; none if nothing is."""
        try:
            path = None if self.drawing.is_empty else self._store.save(self.drawing.image)
        except OSError as error:
            self.failed.emit(self.tr("The mask could not be kept: {error}").format(error=error))
            return
        self._known = self._draft.request
        self._draft.set(mask_image=path, mask_invert=False)

    def _follow(self, request: GenerationRequest) -> None:
        """Another picture needs another mask; the editor shows what the draft has."""
        before, self._known = self._known, request
        if request.init_image != before.init_image:
            self.close()
            if request.mask_image and request.mask_image == before.mask_image:
                self._draft.set(mask_image=None)
        elif self.is_open:
            self.editor.set_blur(request.mask_blur)
            self._show_use()

    def _show_use(self) -> None:
        """The edge as soft as it will be, and the frame of the part that will be made.

        Blur and padding are pixels of the finished picture, which is the first one's size where
        only a part is made; else the mask is cropped and scaled to the request's size.
        """
        if not self.is_open:
            return
        request, defaults, mask = self._draft.request, self._draft.defaults, self.drawing.image
        size = request.width or defaults.width, request.height or defaults.height
        is_part = request.inpaint_area is InpaintArea.ONLY_MASKED
        share = max(mask.width(), mask.height()) / self._picture_side
        if not is_part:
            share = min(mask.width() / size[0], mask.height() / size[1])
        blur = request.mask_blur * share
        self.editor.painter.set_blur(blur)
        padding = round(request.masked_area_padding * share)
        box = patch_box_of(grey_pixels(mask), blur, padding, size) if is_part else None
        area = QRectF(box[0], box[1], box[2] - box[0], box[3] - box[1]) if box else None
        self.editor.painter.set_area(area)


def _read(path: Path | None) -> QImage:
    """An image file, upright and no larger than is needed; null if it cannot be read."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    size = reader.size()
    if max(size.width(), size.height()) > LARGEST_SIDE:
        most = QSize(LARGEST_SIDE, LARGEST_SIDE)
        reader.setScaledSize(size.scaled(most, Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()
