"""The middle of the window: a picture, or the one that is being made, and what can be done with it.

Owns the small toolbar, the strip of a batch and what is compared with what. Owns no file: what is
to be done outside the canvas is asked for by signals.
"""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.library.gallery_entry import GalleryEntry
from app.ui.canvas.canvas import Canvas, CompareMode
from app.ui.canvas.canvas_actions import CanvasActions
from app.ui.canvas.film_strip import FilmStrip
from app.ui.parts import theme
from app.ui.parts.action_button import ActionButton
from app.ui.parts.elided_label import ElidedLabel
from app.ui.pictures.picture_drag import drag_picture, picture_data
from app.ui.pictures.shown_picture import ShownPicture

translate = QCoreApplication.translate
_ICON_SIDE = 18
_BUTTON_SIDE = 30


class CanvasView(QWidget):
    """The canvas with its toolbar. Its `actions` may stand in menus as well."""

    copy_requested = Signal(object)
    """Put this ShownPicture on the clipboard (see picture_drag.picture_data)."""
    reveal_requested = Signal(object)
    """Show this file (Path) in its folder."""
    delete_requested = Signal(object)
    """Move this GalleryEntry to the trash; `remove` takes it off the canvas."""
    use_settings_requested = Signal(object)
    """Take all settings of this GalleryEntry."""
    use_seed_requested = Signal(object)
    """Take only the seed of this GalleryEntry."""
    use_as_init_requested = Signal(object)
    """Begin the next picture from this file (Path)."""
    current_changed = Signal(object)
    """The ShownPicture that is looked at now, or None."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas_actions = CanvasActions(self)
        self.canvas = Canvas(self)
        self._strip = FilmStrip(self)
        self._strip.hide()
        self._batch: list[ShownPicture] = []
        self._current: ShownPicture | None = None
        self._before: QImage | None = None
        self._compared: tuple[QImage, tuple[str, str]] | None = None
        self._is_preview = False
        self._tool: QWidget | None = None
        self._about = ElidedLabel(self)  # below the picture, where the narrowest window has room
        self._about.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._about.setContentsMargins(theme.SPACE * 2, 0, theme.SPACE * 2, theme.SPACE)
        theme.set_role(self._about, "caption")
        self._percent = QLabel(self)
        theme.set_role(self._percent, "caption")
        self._toolbar = self._make_toolbar()
        self._stack = QStackedWidget(self)
        self._sentence = _empty_label(self)
        self._empty: QWidget = self._sentence
        self._page = self._make_picture_page()
        self._stack.addWidget(self._sentence)
        self._stack.addWidget(self._page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._connect()
        self._refresh()

    # ------------------------------------------------------------ what is shown

    @property
    def current(self) -> ShownPicture | None:
        """The picture that is looked at; None while there is none or one is being made."""
        return None if self._is_preview else self._current

    def show_preview(self, image: QImage, step: int, steps: int, size: QSize | None = None) -> None:
        """The picture as it forms. `size` is what it will have in pixels, None: that of `image`."""
        self._is_preview = True
        self.canvas.set_other(None)
        self.canvas.show_image(image, size)
        self.canvas.set_progress(step / max(steps, 1))
        self._refresh()
        text = self.tr("Step {step} of {steps}")
        self._about.setText(text.format(step=step, steps=steps))

    def end_preview(self) -> None:
        """Goes back to the picture before, where a job ended without one."""
        if self._is_preview:
            self._show(self._current)

    def show_picture(self, image: QImage, entry: GalleryEntry | None = None) -> None:
        """One picture; what it is compared with is the one before, until `set_compare`."""
        self.show_batch([ShownPicture(image=image, entry=entry)])

    def show_batch(self, pictures: Sequence[ShownPicture]) -> None:
        """The first of these pictures, and a strip to choose among them."""
        self._batch = list(pictures)
        self._compared = None
        self._strip.show_pictures(self._batch)
        self._choose(0)

    def remove(self, entry_id: int) -> None:
        """Takes a picture off the canvas, and shows its neighbour in the strip if it has one."""
        places = [p for p, shown in enumerate(self._batch) if _id(shown) == entry_id]
        for place in places:
            del self._batch[place]
            self._current = self._before = None
            near = min(place, len(self._batch) - 1)
            self._strip.show_pictures(self._batch, max(near, 0))
            self._choose(near)

    def show_empty(self, widget: QWidget | None = None) -> None:
        """Nothing to look at: `widget` (such as the first run's) or one sentence."""
        self._empty = widget or self._sentence
        if self._stack.indexOf(self._empty) < 0:
            self._stack.addWidget(self._empty)
        self._batch = []
        self._show(None)

    @property
    def tool(self) -> QWidget | None:
        """What stands in the canvas's place, if something does."""
        return self._tool

    def show_tool(self, widget: QWidget | None) -> None:
        """Puts `widget` in the canvas's place, until it is None; what is shown goes on below."""
        self._tool = widget
        if widget and self._stack.indexOf(widget) < 0:
            self._stack.addWidget(widget)
        self._refresh()

    def set_compare(self, image: QImage | None, title: str = "", own_title: str = "") -> None:
        """What the picture is compared with; None: the picture shown before it.

        `title` is the name of `image`, `own_title` that of the picture; empty ones are not shown.
        """
        self._compared = (image, (title, own_title)) if image is not None else None
        self._refresh()

    # ------------------------------------------------------------ inside

    def _choose(self, place: int) -> None:
        shown = self._batch[place] if 0 <= place < len(self._batch) else None
        if self._current and shown is not self._current:
            self._before = self._current.image
        self._show(shown)

    def _show(self, shown: ShownPicture | None) -> None:
        self._is_preview = False
        self._current = shown
        self.canvas.set_progress(None)
        if shown:
            self.canvas.show_image(shown.image)
        else:
            self.canvas.clear()
        self._refresh()
        self.current_changed.emit(shown)

    def _refresh(self) -> None:
        """Makes everything around the picture agree with it."""
        shown, act = self.current, self.canvas_actions
        is_seen = shown is not None or self._is_preview
        self._stack.setCurrentWidget(self._tool or (self._page if is_seen else self._empty))
        self._strip.setVisible(len(self._batch) > 1 and not self._is_preview)
        for action in (act.fit, act.actual_size, act.zoom_in, act.zoom_out):
            action.setEnabled(is_seen)
        act.copy.setEnabled(shown is not None)
        entry = shown.entry if shown else None
        for action in (act.reveal, act.use_settings, act.use_as_init, act.delete):
            action.setEnabled(entry is not None)
        act.use_seed.setEnabled(entry is not None and entry.seed is not None)
        about = _about(shown) if shown else ""
        self._about.setText(about)
        self.canvas.setAccessibleDescription(about)
        self._set_other(shown)
        self._show_zoom()

    def _set_other(self, shown: ShownPicture | None) -> None:
        before = (self._before, (self.tr("Before"), self.tr("After")))
        other, titles = (self._compared or before) if shown else (None, ("", ""))
        self.canvas.set_other(other, titles)
        for action in (self.canvas_actions.split, self.canvas_actions.side_by_side):
            action.setEnabled(other is not None)

    def _show_zoom(self) -> None:
        self._percent.setText(f"{self.canvas.zoom * 100:.0f} %")

    def _compare(self, mode: CompareMode, wanted: bool) -> None:
        act = self.canvas_actions
        act.split.setChecked(wanted and mode is CompareMode.SPLIT)
        act.side_by_side.setChecked(wanted and mode is CompareMode.SIDE_BY_SIDE)
        self.canvas.set_mode(mode if wanted else CompareMode.NONE)

    def _drag(self) -> None:
        if shown := self.current:
            drag_picture(self.canvas, picture_data(shown.paths, shown.image), shown.image)

    def _connect(self) -> None:
        act, canvas = self.canvas_actions, self.canvas
        act.fit.triggered.connect(canvas.fit)
        act.actual_size.triggered.connect(canvas.actual_size)
        act.zoom_in.triggered.connect(canvas.zoom_in)
        act.zoom_out.triggered.connect(canvas.zoom_out)
        act.split.triggered.connect(lambda on: self._compare(CompareMode.SPLIT, on))
        act.side_by_side.triggered.connect(lambda on: self._compare(CompareMode.SIDE_BY_SIDE, on))
        act.copy.triggered.connect(lambda: self.copy_requested.emit(self.current))
        act.reveal.triggered.connect(lambda: self.reveal_requested.emit(self._entry().path))
        act.use_settings.triggered.connect(lambda: self.use_settings_requested.emit(self._entry()))
        act.use_seed.triggered.connect(lambda: self.use_seed_requested.emit(self._entry()))
        act.use_as_init.triggered.connect(
            lambda: self.use_as_init_requested.emit(self._entry().path)
        )
        act.delete.triggered.connect(lambda: self.delete_requested.emit(self._entry()))
        canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        canvas.addActions(
            [act.copy, act.reveal, act.use_settings, act.use_seed, act.use_as_init, act.delete]
        )
        canvas.zoom_changed.connect(self._show_zoom)
        canvas.drag_started.connect(self._drag)
        canvas.step_requested.connect(self._strip.step)
        self._strip.chosen.connect(self._choose)

    def _entry(self) -> GalleryEntry:
        """The entry of the picture; the actions that ask for it are off where there is none."""
        assert self._current and self._current.entry
        return self._current.entry

    # ------------------------------------------------------------ parts

    def _make_toolbar(self) -> QWidget:
        act = self.canvas_actions
        bar = QWidget(self)
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.SPACE, theme.SPACE // 2, theme.SPACE, theme.SPACE // 2)
        row.setSpacing(2)
        for action in (act.fit, act.actual_size):
            row.addWidget(_button(action, bar))
        row.addSpacing(theme.SPACE // 2)
        row.addWidget(self._percent)
        row.addStretch(1)
        for action in (act.split, act.side_by_side):
            row.addWidget(_button(action, bar))
        row.addSpacing(theme.SPACE * 3 // 2)
        for action in (act.use_settings, act.use_seed, act.use_as_init):
            row.addWidget(_button(action, bar))
        row.addSpacing(theme.SPACE * 3 // 2)
        for action in (act.copy, act.reveal, act.delete):
            row.addWidget(_button(action, bar))
        return bar

    def _make_picture_page(self) -> QWidget:
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._toolbar)
        column.addWidget(self.canvas, 1)
        column.addWidget(self._strip, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._about)
        return page

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Toolbar and strip lie on the canvas's colour: one surface."""
        QPainter(self).fillRect(self.rect(), QColor(theme.colors().canvas))


def _button(action: QAction, parent: QWidget) -> ActionButton:
    button = ActionButton(action, parent)
    button.setIconSize(QSize(_ICON_SIDE, _ICON_SIDE))
    button.setFixedSize(_BUTTON_SIDE, theme.CONTROL_HEIGHT)
    return button


def _empty_label(view: CanvasView) -> QLabel:
    sentence = translate("CanvasView", "Write what you want to see, then press Generate.")
    label = QLabel(sentence, view)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    return label


def _id(shown: ShownPicture) -> int | None:
    return shown.entry.id if shown.entry else None


def _about(shown: ShownPicture) -> str:
    """Size, model and seed: what tells this picture from the next."""
    parts = [f"{shown.image.width()} × {shown.image.height()}"]  # noqa: RUF001 - the sign for times
    if shown.entry:
        parts += [shown.entry.model] if shown.entry.model else []
        if shown.entry.seed is not None:
            seed = QCoreApplication.translate("CanvasView", "seed {seed}")
            parts.append(seed.format(seed=shown.entry.seed))
    return " · ".join(parts)
