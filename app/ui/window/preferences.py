"""Preferences: every choice holds at once, as on a Mac; there is nothing to apply.

Two wait for the next start, and then a button offers one.

Owns the page and its words. Writes no file: it says what the settings have become.
"""

import dataclasses
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.paths import pictures_folder
from app.settings import Appearance, Language, Settings
from app.ui.parts.segmented_control import SegmentedControl
from app.ui.parts.setting_row import SettingRow
from app.ui.parts.theme import SPACE, set_role

WIDTH, LIST_HEIGHT = 520, 84


class Preferences(QDialog):
    """Appearance, language, notifications, versions and folders."""

    changed = Signal(object)
    """The Settings as they are now."""
    restart_requested = Signal()
    """End the app and open it again, so that all settings hold."""

    def __init__(
        self, settings: Settings, begun_with: Settings, parent: QWidget | None = None
    ) -> None:
        """`begun_with` are the settings of the app's start."""
        super().__init__(parent)
        self.setWindowTitle(self.tr("Preferences"))
        self.setFixedWidth(WIDTH)
        self._settings = settings
        self._in_use = (begun_with.language, begun_with.pictures_folder)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + 4)
        for row in (
            self._appearance_row(),
            self._language_row(),
            self._notifications_row(),
            self._versions_row(),
        ):
            layout.addWidget(row)
        layout.addWidget(_line())
        layout.addWidget(self._pictures_row())
        self._model_list = _FolderList(
            self.tr("Folders of models"), self.tr("A folder with models in it")
        )
        self._gallery_list = _FolderList(
            self.tr("More folders of pictures"), self.tr("A folder with pictures in it")
        )
        self._model_list.changed.connect(lambda paths: self._set(model_folders=paths))
        self._gallery_list.changed.connect(lambda paths: self._set(gallery_folders=paths))
        layout.addWidget(_line())
        layout.addWidget(SettingRow(self.tr("Model folders"), self._model_list))
        layout.addWidget(SettingRow(self.tr("Picture folders"), self._gallery_list))
        self._restart = self._restart_row()
        layout.addWidget(self._restart)
        self.show_settings(settings)

    def show_settings(self, settings: Settings) -> None:
        """Shows other settings, such as after a folder was added elsewhere."""
        self._settings = settings
        self._show_restart()
        self._appearance.set_current(settings.appearance)
        self._language.setCurrentIndex(self._language.findData(settings.language.value))
        self._notifications.setChecked(settings.notifications)
        self._versions.setChecked(settings.version_check)
        folder = str(settings.pictures_folder or pictures_folder())
        self._pictures.setText(
            self._pictures.fontMetrics().elidedText(
                folder, Qt.TextElideMode.ElideMiddle, WIDTH // 2 - SPACE
            )
        )
        self._pictures.setToolTip(folder)
        self._model_list.show_paths(settings.model_folders)
        self._gallery_list.show_paths(settings.gallery_folders)

    def _set(self, **fields: Any) -> None:
        settings = dataclasses.replace(self._settings, **fields)
        if settings != self._settings:
            self._settings = settings
            self._show_restart()
            self.changed.emit(settings)

    def _show_restart(self) -> None:
        late = (self._settings.language, self._settings.pictures_folder)
        self._restart.setVisible(late != self._in_use)
        self.adjustSize()

    def _appearance_row(self) -> SettingRow:
        self._appearance = SegmentedControl(
            (
                (Appearance.SYSTEM, self.tr("System"), self.tr("Follows the system at once.")),
                (Appearance.LIGHT, self.tr("Light"), self.tr("Always light.")),
                (Appearance.DARK, self.tr("Dark"), self.tr("Always dark.")),
            )
        )
        self._appearance.setAccessibleName(self.tr("Appearance"))
        self._appearance.chosen.connect(lambda word: self._set(appearance=Appearance(word)))
        return SettingRow(self.tr("Appearance"), _at_left(self._appearance))

    def _language_row(self) -> SettingRow:
        self._language = QComboBox()
        self._language.setToolTip(self.tr("The language of the window."))
        self._language.setAccessibleName(self.tr("Language"))
        for language, name in (
            (Language.SYSTEM, self.tr("As the system")),
            (Language.ENGLISH, "English"),
            (Language.CHINESE, "简体中文"),
        ):
            self._language.addItem(name, language.value)
        self._language.activated.connect(self._choose_language)
        return SettingRow(self.tr("Language"), _at_left(self._language))

    def _choose_language(self, _index: int) -> None:
        self._set(language=Language(self._language.currentData()))

    def _notifications_row(self) -> SettingRow:
        self._notifications = QCheckBox(self.tr("When a long job is done behind other windows"))
        self._notifications.setToolTip(self.tr("Shows a note of the system."))
        self._notifications.clicked.connect(lambda checked: self._set(notifications=checked))
        return SettingRow(self.tr("Notifications"), self._notifications)

    def _versions_row(self) -> SettingRow:
        self._versions = QCheckBox(self.tr("Check for new versions when Aquatint opens"))
        self._versions.setToolTip(
            self.tr("Asks one address on the web and tells it nothing. Otherwise nothing is asked.")
        )
        self._versions.clicked.connect(lambda checked: self._set(version_check=checked))
        return SettingRow(self.tr("Versions"), self._versions)

    def _pictures_row(self) -> SettingRow:
        self._pictures = QLabel()
        self._pictures.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        choose = QPushButton(self.tr("Choose…"))
        choose.setToolTip(self.tr("Chooses where finished pictures are kept."))
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose_pictures)
        row = QHBoxLayout()
        row.addWidget(self._pictures, 1)
        row.addWidget(choose)
        return SettingRow(self.tr("Pictures"), row)

    def _restart_row(self) -> QWidget:
        """Shown while something waits for the next start."""
        shown = QWidget()
        row = QHBoxLayout(shown)
        row.setContentsMargins(0, 0, 0, 0)
        words = QLabel(self.tr("Language and pictures folder change at the next start."))
        set_role(words, "caption")
        button = QPushButton(self.tr("Restart Aquatint"))
        button.setToolTip(self.tr("Ends Aquatint and opens it again; the queue goes on."))
        button.setAutoDefault(False)
        button.clicked.connect(self.restart_requested)
        row.addWidget(words, 1)
        row.addWidget(button)
        return shown

    def _choose_pictures(self) -> None:
        before = str(self._settings.pictures_folder or pictures_folder())
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder for pictures"), before)
        if chosen:
            self._set(pictures_folder=Path(chosen))
            self.show_settings(self._settings)


class _FolderList(QWidget):
    """Folders, and buttons to add one and to take the selected one away."""

    changed = Signal(object)
    """The folders, a tuple of Path."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__()
        self._title = title
        self._paths: tuple[Path, ...] = ()
        self._remove = QPushButton(self.tr("Remove"))
        self.list = QListWidget()
        self._hint = QLabel(self.tr("No folder yet"), self.list)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        set_role(self._hint, "caption")
        QVBoxLayout(self.list).addWidget(self._hint)
        self.list.setFixedHeight(LIST_HEIGHT)
        self.list.setAccessibleName(name)
        self.list.setToolTip(name)
        set_role(self.list, "field")
        self.list.currentRowChanged.connect(lambda row: self._remove.setEnabled(row >= 0))
        add = QPushButton(self.tr("Add…"))
        add.setToolTip(self.tr("Adds a folder."))
        self._remove.setToolTip(self.tr("Takes the folder off the list; no file is deleted."))
        self._remove.setEnabled(False)
        add.clicked.connect(self._add)
        self._remove.clicked.connect(self._take_away)
        buttons = QHBoxLayout()
        for button in (add, self._remove):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        layout.addLayout(buttons)

    def show_paths(self, paths: tuple[Path, ...]) -> None:
        """Shows these folders."""
        self._hint.setVisible(not paths)
        if paths != self._paths:
            self._paths = paths
            self.list.clear()
            self.list.addItems([str(path) for path in paths])

    def _add(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self._title)
        if chosen and Path(chosen) not in self._paths:
            self._become((*self._paths, Path(chosen)))

    def _take_away(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._paths):
            self._become((*self._paths[:row], *self._paths[row + 1 :]))

    def _become(self, paths: tuple[Path, ...]) -> None:
        self.show_paths(paths)
        self.changed.emit(paths)


def _at_left(widget: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(widget)
    row.addStretch()
    return row


def _line() -> QFrame:
    line = QFrame()
    set_role(line, "line")
    return line
