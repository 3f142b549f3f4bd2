"""The dialog in which a model, its VAE and the folders of models are chosen.

Is handed everything that it shows; reads no model file. Stays open beside the window, so that files
can be dragged into it.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.library.model_entry import KnownFolder, ModelEntry
from app.ui.models.model_choice import ModelChoice
from app.ui.models.model_list import ModelDelegate, ModelListModel
from app.ui.parts import theme
from app.ui.parts.byte_text import byte_text
from app.ui.parts.dropped_files import local_files
from app.ui.parts.icons import icon

WALKING_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
LABEL_WIDTH = 72


class ModelPicker(QDialog):
    """A searchable list of models; below it the VAE and the folders."""

    model_chosen = Signal(object)
    """The Path of the chosen model, None for the mini model."""
    vae_chosen = Signal(object)
    """The Path of the chosen VAE, None for the model's own."""
    model_highlighted = Signal(object)
    """The ModelChoice that has the focus: a chance to forecast its memory."""
    add_folder_requested = Signal(object)
    """Watch this folder (Path), or ask for one (None)."""
    remove_folder_requested = Signal(object)
    """Stop watching this folder (Path)."""
    reveal_requested = Signal(object)
    """Show this file (Path) in the Finder."""
    files_dropped = Signal(object)
    """Files (list of Path) were dropped here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ModelListModel(self)
        self._vae: Path | None = None
        self._is_scanning = False
        self._folders: Sequence[Path] = ()
        self._known: Sequence[KnownFolder] = ()
        self.search = self._make_search()
        self.list = self._make_list()
        self.vaes = self._make_vaes()
        self.free_label, self.state_label = QLabel(), QLabel()
        self.folders_button = QPushButton(self.tr("Add folder…"))
        self.use_button = QPushButton(self.tr("Use this model"))
        self.setWindowTitle(self.tr("Models"))
        self.setAcceptDrops(True)
        self._arrange()
        self._connect()
        self.resize(560, 600)
        self._show_state()

    # ------------------------------------------------------------ what it is handed

    def set_choices(self, choices: Sequence[ModelChoice]) -> None:
        """What can be chosen; the mini model (path None) is shown first, refused files last."""
        before = self._highlighted()
        self._model.set_choices(choices)
        self._highlight(before.path if before else self._model.current)
        self._show_state()

    def set_current(self, model: Path | None, vae: Path | None) -> None:
        """What is in use now."""
        self._model.current, self._vae = model, vae
        self._model.repaint()
        self._highlight(model)
        self.vaes.setCurrentIndex(max(0, self.vaes.findData(vae)))

    def set_vaes(self, vaes: Sequence[ModelEntry]) -> None:
        """The VAE files that can be chosen."""
        self.vaes.clear()
        self.vaes.addItem(self.tr("The model's own"), None)
        for vae in vaes:
            self.vaes.addItem(vae.title, vae.path)
        self.vaes.setCurrentIndex(max(0, self.vaes.findData(self._vae)))
        self.vaes.setEnabled(bool(vaes))

    def set_folders(self, folders: Sequence[Path], known: Sequence[KnownFolder] = ()) -> None:
        """The folders that are watched, and those of other programs that could be."""
        self._folders, self._known = folders, known
        self.folders_button.setText(
            self.tr("Folders…") if folders or known else self.tr("Add folder…")
        )
        self._show_state()

    def set_free(self, free_bytes: int | None) -> None:
        """The memory that is free now, against which each need is shown."""
        self._model.free_bytes = free_bytes
        self._model.repaint()
        free = "" if free_bytes is None else self.tr("{0} of memory free")
        self.free_label.setText(free.format(byte_text(free_bytes or 0)))

    def set_need(self, model: Path | None, need_bytes: int | None) -> None:
        """The memory that a picture with this model takes."""
        self._model.set_need(model, need_bytes)

    def set_scanning(self, scanning: bool) -> None:
        """Says whether folders are being looked at."""
        self._is_scanning = scanning
        self._show_state()

    def close_down(self) -> None:
        """Ends the work in the background; call it before the app ends."""
        self._model.close()

    # ------------------------------------------------------------ parts

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText(self.tr("Search models"))
        search.setToolTip(self.tr("Search by words of the name, the family or the file"))
        search.setAccessibleName(self.tr("Search models"))
        search.setClearButtonEnabled(True)
        search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        search.installEventFilter(self)
        return search

    def _make_list(self) -> QListView:
        models = QListView()
        models.setModel(self._model)
        models.setItemDelegate(ModelDelegate(self._model, models))
        models.setUniformItemSizes(True)
        models.setMouseTracking(True)
        models.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        models.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        models.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        models.setAccessibleName(self.tr("Models"))
        return models

    def _make_vaes(self) -> QComboBox:
        vaes = QComboBox()
        vaes.addItem(self.tr("The model's own"), None)
        vaes.setEnabled(False)
        vaes.setAccessibleName(self.tr("VAE"))
        vaes.setToolTip(self.tr("Another VAE turns latents into pixels in other colours"))
        vaes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return vaes

    def _arrange(self) -> None:
        for label in (self.free_label, self.state_label):
            theme.set_role(label, "caption")
        theme.set_role(self.use_button, "primary")
        self.use_button.setDefault(True)
        self.folders_button.setAutoDefault(False)
        self.folders_button.setToolTip(self.tr("Choose where Aquatint looks for models"))
        line = QFrame()
        theme.set_role(line, "line")
        vae_label = QLabel(self.tr("VAE"))
        vae_label.setFixedWidth(LABEL_WIDTH)
        vae_label.setBuddy(self.vaes)
        vae_row = QHBoxLayout()
        vae_row.addWidget(vae_label)
        vae_row.addWidget(self.vaes, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.folders_button)
        foot.addWidget(self.state_label, 1)
        foot.addWidget(self.use_button)
        head = QHBoxLayout()
        head.addWidget(self.search, 1)
        head.addWidget(self.free_label)
        head.setSpacing(theme.SPACE * 2)
        box = QVBoxLayout(self)
        box.setContentsMargins(*[theme.SPACE * 2] * 4)
        box.setSpacing(theme.SPACE * 3 // 2)
        box.addLayout(head)
        box.addWidget(self.list, 1)
        box.addWidget(line)
        box.addLayout(vae_row)
        box.addLayout(foot)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._search)
        self.search.returnPressed.connect(self._use)
        self.list.doubleClicked.connect(self._use)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.list.selectionModel().currentChanged.connect(self._highlight_changed)
        self.use_button.clicked.connect(self._use)
        self.vaes.activated.connect(self._choose_vae)
        self.folders_button.clicked.connect(self._ask_folders)

    # ------------------------------------------------------------ choosing

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """The keyboard is in the search field, the highlight on the model in use."""
        super().showEvent(event)
        self.search.setFocus()
        self.search.selectAll()
        self._highlight(self._model.current)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Arrows in the search field walk through the list."""
        walks = isinstance(event, QKeyEvent) and event.key() in WALKING_KEYS
        if walks and event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            self.list.keyPressEvent(event)
        return walks

    def _highlighted(self) -> ModelChoice | None:
        return self._model.choice(self.list.currentIndex())

    def _highlight(self, path: Path | None) -> None:
        row = max(0, self._model.row_of(path))
        if self._model.rowCount():
            self.list.setCurrentIndex(self._model.index(row))

    def _search(self, words: str) -> None:
        before = self._highlighted()
        self._model.set_words(words)
        self._highlight(before.path if before else None)
        self._show_state()

    def _highlight_changed(self) -> None:
        choice = self._highlighted()
        self.use_button.setEnabled(choice is not None and not choice.is_refused)
        if choice is not None and not choice.is_refused:
            self.model_highlighted.emit(choice)

    def _use(self) -> None:
        choice = self._highlighted()
        if choice is not None and not choice.is_refused:
            self.model_chosen.emit(choice.path)
            self.accept()

    def _choose_vae(self) -> None:
        self._vae = self.vaes.currentData()
        self.vae_chosen.emit(self._vae)

    def _show_menu(self, position: QPoint) -> None:
        choice = self._model.choice(self.list.indexAt(position))
        if choice is None or choice.path is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        reveal = partial(self.reveal_requested.emit, choice.path)
        menu.addAction(icon("reveal"), self.tr("Show the file")).triggered.connect(
            lambda _checked: reveal()
        )
        menu.popup(self.list.viewport().mapToGlobal(position))

    # ------------------------------------------------------------ folders

    def _ask_folders(self) -> None:
        if not self._folders and not self._known:
            self.add_folder_requested.emit(None)
            return
        menu = self.folders_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.folders_button.mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)))

    def folders_menu(self) -> QMenu:
        """Add a folder, take one of another program, show or stop watching those that are there."""
        menu = QMenu(self)
        add = menu.addAction(icon("plus"), self.tr("Add folder…"))
        add.triggered.connect(lambda _checked: self.add_folder_requested.emit(None))
        for known in self._known:
            if known.path not in self._folders:
                text = self.tr("Use the models of {0}").format(known.program)
                use = partial(self.add_folder_requested.emit, known.path)
                self._add(menu, text, use).setToolTip(str(known.path))
        if self._folders:
            menu.addSeparator()
        for folder in self._folders:
            below = menu.addMenu(icon("reveal"), _short(folder))
            show, stop = self.tr("Show the folder"), self.tr("Stop looking there")
            self._add(below, show, partial(self.reveal_requested.emit, folder))
            self._add(below, stop, partial(self.remove_folder_requested.emit, folder))
        return menu

    @staticmethod
    def _add(menu: QMenu, text: str, act: partial[None]) -> QAction:
        action = QAction(text.replace("&", "&&"), menu)
        action.triggered.connect(lambda _checked: act())
        menu.addAction(action)
        return action

    def _show_state(self) -> None:
        """One caption beside the folders: what is going on, or how to come by models."""
        if self._is_scanning:
            text = self.tr("Looking for models…")
        elif not self._model.rowCount() and self.search.text():
            text = self.tr("No model is called that.")
        elif not self._folders:
            text = self.tr("or drop a model file here")
        else:
            text = ""
        self.state_label.setText(text)
        self._highlight_changed()

    # ------------------------------------------------------------ dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Files and folders may be dropped."""
        if local_files(event.mimeData()):
            event.acceptProposedAction()
            self.state_label.setText(self.tr("Let go to add"))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """As before."""
        self._show_state()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Hands the files on."""
        event.acceptProposedAction()
        self._show_state()
        self.files_dropped.emit(local_files(event.mimeData()))


def _short(folder: Path) -> str:
    """A folder's path with ~ for the user's home."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
