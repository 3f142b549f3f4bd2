from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QListWidget, QPushButton
from pytestqt.qtbot import QtBot

from app.settings import Appearance, Language, Settings
from app.ui.parts.segmented_control import SegmentedControl
from app.ui.window.preferences import Preferences


def opened(qtbot: QtBot, settings: Settings) -> Preferences:
    dialog = Preferences(settings, settings)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def press(qtbot: QtBot, dialog: Preferences, text: str, place: int = 0) -> None:
    found = [button for button in dialog.findChildren(QPushButton) if button.text() == text]
    qtbot.mouseClick(found[place], Qt.MouseButton.LeftButton)


def test_appearance_holds_at_once(qtbot: QtBot) -> None:
    dialog = opened(qtbot, Settings())
    with qtbot.waitSignal(dialog.changed) as signal:
        press(qtbot, dialog, "Dark")
    assert signal.args is not None
    assert signal.args[0].appearance is Appearance.DARK


def test_arrow_keys_choose_among_segments(qtbot: QtBot) -> None:
    dialog = opened(qtbot, Settings(appearance=Appearance.LIGHT))
    control = dialog.findChild(SegmentedControl)
    with qtbot.waitSignal(control.chosen) as signal:
        qtbot.keyClick(control, Qt.Key.Key_Right)
    assert signal.args == [Appearance.DARK]
    assert control.current == Appearance.DARK


def test_language_and_notes(qtbot: QtBot) -> None:
    dialog = opened(qtbot, Settings())
    seen: list[Settings] = []
    dialog.changed.connect(seen.append)
    box = dialog.findChild(QComboBox)
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_End)
    assert seen[-1].language is Language.CHINESE
    qtbot.mouseClick(dialog.findChild(QCheckBox), Qt.MouseButton.LeftButton, pos=_on_the_box())
    assert seen[-1].notifications is False


def test_folders_are_added_and_taken_away(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dialog = opened(qtbot, Settings())
    seen: list[Settings] = []
    dialog.changed.connect(seen.append)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    press(qtbot, dialog, "Add…")
    assert seen[-1].model_folders == (tmp_path,)
    dialog.findChildren(QListWidget)[0].setCurrentRow(0)
    press(qtbot, dialog, "Remove")
    assert seen[-1].model_folders == ()
    press(qtbot, dialog, "Choose…")
    assert seen[-1].pictures_folder == tmp_path


def test_what_waits_for_the_next_start_offers_one(qtbot: QtBot) -> None:
    dialog = opened(qtbot, Settings(language=Language.ENGLISH))
    (restart,) = (b for b in dialog.findChildren(QPushButton) if b.text() == "Restart Aquatint")
    assert not restart.isVisible()
    box = dialog.findChild(QComboBox)
    qtbot.keyClick(box, Qt.Key.Key_End)
    assert restart.isVisible()
    with qtbot.waitSignal(dialog.restart_requested):
        qtbot.mouseClick(restart, Qt.MouseButton.LeftButton)
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert not restart.isVisible()


def _on_the_box():  # type: ignore[no-untyped-def]
    from PySide6.QtCore import QPoint

    return QPoint(8, 12)


def test_versions_are_asked_for_only_on_wish(qtbot: QtBot) -> None:
    dialog = opened(qtbot, Settings())
    (box,) = [b for b in dialog.findChildren(QCheckBox) if "new versions" in b.text()]
    assert not box.isChecked()
    with qtbot.waitSignal(dialog.changed) as signal:
        qtbot.keyClick(box, Qt.Key.Key_Space)
    assert signal.args is not None
    assert signal.args[0].version_check
