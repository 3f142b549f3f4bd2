"""One line of settings: what it is, its control, a way back to the default, a sentence.

Owns the shape that all settings share. Knows no setting.
"""

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.ui.parts import theme
from app.ui.parts.icons import icon

LABEL_WIDTH = 96
ICON_SIDE = 16


class SettingRow(QWidget):
    """A label in its column, the control beside it, and a caption below while there is one.

    The arrow back to the default shows between the two while `set_changed(True)`.
    """

    reset_requested = Signal()

    def __init__(
        self, name: str, control: QWidget | QLayout, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._label = QLabel(name, self)
        self._reset = icon_button("undo", self.tr("Back to the default"), self)
        self._reset.setAccessibleName(self.tr("{name}: back to the default").format(name=name))
        self._reset.clicked.connect(self.reset_requested)
        self._reset.hide()
        self._caption = caption_label(self)
        theme.set_role(self._caption, "caption_warning")
        self._caption.hide()
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 2, 0)
        head.setSpacing(0)
        head.addWidget(self._label, 1)
        head.addWidget(self._reset)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(0)
        grid.setVerticalSpacing(theme.SPACE // 2)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        grid.addLayout(head, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.setRowMinimumHeight(0, theme.CONTROL_HEIGHT)
        self._label.setMinimumHeight(theme.CONTROL_HEIGHT)
        if isinstance(control, QLayout):
            grid.addLayout(control, 0, 1)
        else:
            grid.addWidget(control, 0, 1)
            self._label.setBuddy(control)
        grid.addWidget(self._caption, 1, 1)

    @property
    def caption(self) -> str:
        """The sentence that stands below, empty for none."""
        return self._caption.text()

    def set_caption(self, sentence: str) -> None:
        """Say something about the setting; empty takes it away."""
        self._caption.setText(sentence)
        self._caption.setVisible(bool(sentence))

    def set_changed(self, changed: bool) -> None:
        """Whether the setting differs from its default."""
        self._reset.setVisible(changed)


class WheelGuard(QObject):
    """Lets the wheel scroll past a control that does not have the keyboard."""

    def __init__(self, *controls: QWidget) -> None:
        super().__init__(controls[0])
        for control in controls:
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Ignore the wheel there, so that what lies below gets it."""
        if event.type() is QEvent.Type.Wheel and not _has_keyboard(watched):
            event.ignore()
            return True
        return False


def _has_keyboard(watched: QObject) -> bool:
    return isinstance(watched, QWidget) and watched.hasFocus()


def icon_button(name: str, sentence: str, parent: QWidget | None = None) -> QToolButton:
    """A quiet square button with an icon; the sentence is its tooltip and its name."""
    button = QToolButton(parent)
    button.setIcon(icon(name))
    button.setIconSize(QSize(ICON_SIDE, ICON_SIDE))
    button.setFixedSize(theme.CONTROL_HEIGHT, theme.CONTROL_HEIGHT)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.setToolTip(sentence)
    button.setAccessibleName(sentence)
    theme.set_role(button, "quiet")
    return button


def caption_label(parent: QWidget | None = None) -> QLabel:
    """Small words below a control, as many lines as they need."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.MinimumExpanding)
    theme.set_role(label, "caption")
    return label
