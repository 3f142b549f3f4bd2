"""The window: toolbar, sidebars, centre and status bar.

Owns where the parts stand, which of them are seen and what the window remembers of itself. The
parts are made elsewhere and handed in; it knows them only as widgets.
"""

from enum import StrEnum

from PySide6.QtCore import QByteArray, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QSizePolicy,
    QSplitter,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app.ui.parts.segmented_control import SegmentedControl
from app.ui.parts.setting_row import icon_button
from app.ui.parts.theme import SPACE, set_role

SIDEBAR_WIDTH, GALLERY_WIDTH, STATUS_HEIGHT = 340, 300, 28
FIRST_SIZE, SMALLEST_SIZE = QSize(1280, 800), QSize(880, 600)
STATE_VERSION = 1


class View(StrEnum):
    """What the middle of the window shows."""

    CREATE = "create"
    GALLERY = "gallery"


class MainWindow(QMainWindow):
    """The left sidebar, the canvas, the gallery, and a status bar below.

    In the gallery's view the canvas gives its place to the gallery.
    """

    view_changed = Signal(str)
    """The View that is shown now."""
    panels_changed = Signal(bool, bool)
    """Whether the sidebar and the gallery beside the picture are shown."""
    close_requested = Signal()
    """The user closed the window."""

    def __init__(self, sidebar: QWidget, canvas: QWidget, gallery: QWidget) -> None:
        super().__init__()
        self.setWindowTitle("Aquatint")
        self.setMinimumSize(SMALLEST_SIZE)
        self.resize(FIRST_SIZE)
        self.setUnifiedTitleAndToolBarOnMac(True)
        self.sidebar, self.canvas, self.gallery = sidebar, canvas, gallery
        self._view = View.CREATE
        self._shows_gallery_panel = True
        self._sizes_beside_canvas = [SIDEBAR_WIDTH, FIRST_SIZE.width(), GALLERY_WIDTH]
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        for widget in (sidebar, canvas, gallery):
            self.splitter.addWidget(widget)
        self.splitter.setStretchFactor(1, 1)
        gallery.setMinimumWidth(GALLERY_WIDTH - 60)
        self.splitter.setSizes(self._sizes_beside_canvas)
        self.status = QWidget()
        set_role(self.status, "statusbar")
        self.status.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.status.setFixedHeight(STATUS_HEIGHT)
        self._status_row = QHBoxLayout(self.status)
        self._status_row.setContentsMargins(SPACE + 4, 0, SPACE, 0)
        self._status_row.setSpacing(SPACE // 2)
        self.setCentralWidget(self._whole())
        self.addToolBar(self._make_toolbar())

    @property
    def view(self) -> View:
        """What the middle shows."""
        return self._view

    def set_view(self, view: View) -> None:
        """Shows the canvas, or the gallery in its place."""
        if view is not self._view:
            self._view = view
            self._arrange()
            self.view_changed.emit(view)

    def set_sidebar_shown(self, shown: bool) -> None:
        """Shows or hides the left sidebar."""
        self.sidebar.setVisible(shown)
        self._tell_panels()

    def set_gallery_panel_shown(self, shown: bool) -> None:
        """Shows or hides the gallery beside the picture."""
        self._shows_gallery_panel = shown
        self._arrange()
        self._tell_panels()

    def toggle_sidebar(self) -> None:
        """Shows the left sidebar, or hides it."""
        self.set_sidebar_shown(self.sidebar.isHidden())

    def toggle_gallery_panel(self) -> None:
        """Shows the gallery beside the picture, or hides it."""
        self.set_gallery_panel_shown(not self._shows_gallery_panel)

    def toggle_full_screen(self) -> None:
        """Fills the screen, or goes back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def toggle_zoom(self) -> None:
        """As large as the screen allows, or back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowMaximized)

    def add_status(self, widget: QWidget, stretch: int = 0) -> None:
        """Puts a widget at the right end of the status bar."""
        self._status_row.addWidget(widget, stretch)

    def state_text(self) -> tuple[str, str]:
        """Geometry and state in Base64, for `restore_state`."""
        shown = bytes([not self.sidebar.isHidden(), self._shows_gallery_panel])
        state = shown + self.splitter.saveState().data()
        return _base64(self.saveGeometry()), _base64(QByteArray(state))

    def restore_state(self, geometry: str, state: str) -> None:
        """Takes up where `state_text` left off; texts that are not its own change nothing."""
        if geometry:
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode()))
        words = QByteArray.fromBase64(state.encode()).data()
        if len(words) > 2 and self.splitter.restoreState(QByteArray(words[2:])):
            self.set_sidebar_shown(bool(words[0]))
            self.set_gallery_panel_shown(bool(words[1]))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Closing is a wish: the app ends in order, and hides the window itself."""
        event.ignore()
        self.close_requested.emit()

    def _whole(self) -> QWidget:
        whole = QWidget()
        rows = QVBoxLayout(whole)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.splitter, 1)
        rows.addWidget(self.status)
        return whole

    def _make_toolbar(self) -> QToolBar:
        bar = QToolBar(self.tr("Toolbar"))
        bar.setMovable(False)
        bar.setFloatable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.toggleViewAction().setEnabled(False)
        set_role(bar, "toolbar")
        self.sidebar_button = icon_button("sidebar", self.tr("Shows or hides the sidebar."))
        self.gallery_button = icon_button(
            "sidebar_right", self.tr("Shows or hides the gallery beside the picture.")
        )
        self.engine_button = icon_button("memory", self.tr("What the engine runs on."))
        for button, toggled in (
            (self.sidebar_button, self.toggle_sidebar),
            (self.gallery_button, self.toggle_gallery_panel),
        ):
            button.clicked.connect(toggled)
        self._views = SegmentedControl(
            (
                (View.CREATE, self.tr("Create"), self.tr("Make pictures.")),
                (View.GALLERY, self.tr("Gallery"), self.tr("Look through all pictures.")),
            )
        )
        self._views.setAccessibleName(self.tr("View"))
        self._views.set_current(View.CREATE)
        self._views.chosen.connect(lambda word: self.set_view(View(word)))
        for widget in (
            self.sidebar_button,
            _spring(),
            self._views,
            _spring(),
            self.engine_button,
            self.gallery_button,
        ):
            bar.addWidget(widget)
        return bar

    def _arrange(self) -> None:
        in_gallery = self._view is View.GALLERY
        if in_gallery and self.canvas.isVisible():
            self._sizes_beside_canvas = self.splitter.sizes()
        self._views.set_current(self._view)
        self.canvas.setVisible(not in_gallery)
        self.gallery.setVisible(in_gallery or self._shows_gallery_panel)
        self.gallery_button.setEnabled(not in_gallery)
        if in_gallery:
            sidebar = self._sizes_beside_canvas[0] or SIDEBAR_WIDTH
            self.splitter.setSizes([sidebar, 0, max(1, self.width() - sidebar)])
        elif self._shows_gallery_panel:
            self.splitter.setSizes(self._sizes_beside_canvas)

    def _tell_panels(self) -> None:
        sidebar = not self.sidebar.isHidden()
        self.panels_changed.emit(sidebar, self._shows_gallery_panel)


def _spring() -> QWidget:
    spring = QWidget()
    spring.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return spring


def _base64(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode()
