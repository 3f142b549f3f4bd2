"""Colours, sizes and the style sheet of the window, light and dark.

Owns every colour and every length that more than one widget uses. Widgets ask for roles ("panel",
"muted text"), never for colours of their own. Knows no widget of the app: a widget takes part by
setting the dynamic property `role` to one of the roles below.

Roles: card, toolbar, sidebar, primary (the one important button of a view), quiet (a button without
a frame), segment (one choice of several side by side), pill, title, caption, warning, danger, chip.
"""

from dataclasses import dataclass
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.settings import Appearance

SPACE = 8
"""The unit of spacing: gaps are SPACE / 2, SPACE, SPACE * 1.5, SPACE * 2."""
RADIUS = 8
CONTROL_HEIGHT = 28
BODY_SIZE, CAPTION_SIZE, TITLE_SIZE = 13, 11, 15
TEXT_FAMILIES = [".AppleSystemUIFont", "Inter", "Cantarell", "Noto Sans", "DejaVu Sans"]


@dataclass(frozen=True, kw_only=True)
class Colors:
    """One set of colours, #rrggbb or rgba(). Text on its ground has a contrast of 4.5 or more."""

    window: str
    sidebar: str
    card: str
    field: str
    hover: str
    pressed: str
    raised: str
    line: str
    field_line: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    accent_pressed: str
    on_accent: str
    selection: str
    warning: str
    danger: str
    good: str
    canvas: str
    knob: str


LIGHT = Colors(
    window="#f4f4f2",
    sidebar="#fafaf9",
    card="#ffffff",
    field="#ffffff",
    hover="#ececea",
    pressed="#e0e0dd",
    raised="#ffffff",
    line="#e2e2df",
    field_line="#cfcfcb",
    text="#1c1c1e",
    muted="#5f6166",
    faint="#8d8f94",
    accent="#0b6e7f",
    accent_hover="#095f6e",
    accent_pressed="#07505d",
    on_accent="#ffffff",
    selection="#cfe7eb",
    warning="#9a5b00",
    danger="#b3261e",
    good="#1d7a3e",
    canvas="#e9e9e6",
    knob="#ffffff",
)
DARK = Colors(
    window="#1d1e20",
    sidebar="#232427",
    card="#2a2b2f",
    field="#18191b",
    hover="#34353a",
    pressed="#3f4046",
    raised="#4d4e55",
    line="#36373c",
    field_line="#46474d",
    text="#f1f1ef",
    muted="#a9abb1",
    faint="#7d7f86",
    accent="#4bb7c8",
    accent_hover="#62c4d3",
    accent_pressed="#7ccfdc",
    on_accent="#06262c",
    selection="#1f4b54",
    warning="#e6b35c",
    danger="#ff8a80",
    good="#7fd29b",
    canvas="#141516",
    knob="#c4c5c9",
)

_SHEET = Template("""
* { font-size: ${body}px; }
QMainWindow, QDialog, QWidget[role="window"] { background: $window; }
QWidget[role="sidebar"] { background: $sidebar; }
QWidget[role="toolbar"] { background: $sidebar; border: none; border-bottom: 1px solid $line; }
QToolBar[role="toolbar"] { padding: 5px 8px; spacing: 4px; }
QWidget[role="statusbar"] { background: $sidebar; border-top: 1px solid $line; }
QFrame[role="card"] { background: $card; border: 1px solid $line; border-radius: ${radius}px; }
QFrame[role="line"] { background: $line; border: none; max-height: 1px; min-height: 1px; }
QLabel { color: $text; background: transparent; }
QLabel[role="title"] { font-size: ${title}px; font-weight: 600; }
QLabel[role="headline"] { font-size: 20px; font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="caption"] { font-size: ${caption}px; color: $muted; }
QLabel[role="section"] { font-size: ${caption}px; font-weight: 600; color: $muted; }
QLabel[role="caption_warning"] { font-size: ${caption}px; color: $warning; }
QLabel[role="caption_danger"] { font-size: ${caption}px; color: $danger; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="danger"] { color: $danger; }
QLabel[role="good"] { color: $good; }
QToolTip { color: $text; background: $card; border: 1px solid $line; padding: 4px 6px; }

QPushButton, QToolButton, QComboBox {
  min-height: ${control_inner}px; padding: 0 10px; border-radius: 6px; color: $text;
  background: $card; border: 1px solid $field_line; }
QPushButton:hover, QToolButton:hover, QComboBox:hover { background: $hover; }
QPushButton:pressed, QToolButton:pressed { background: $pressed; }
QPushButton:focus, QToolButton:focus, QComboBox:focus { border: 1px solid $accent; }
QPushButton:disabled, QToolButton:disabled, QComboBox:disabled {
  color: $faint; background: $window; }
QPushButton[role="primary"] { background: $accent; color: $on_accent; border: 1px solid $accent;
  font-weight: 600; min-height: 34px; border-radius: 8px; }
QPushButton[role="primary"]:hover { background: $accent_hover; }
QPushButton[role="primary"]:pressed { background: $accent_pressed; }
QPushButton[role="primary"]:focus { border: 2px solid $text; }
QPushButton[role="primary"]:disabled { background: $hover; color: $faint; border-color: $hover; }
QToolButton[role="quiet"], QPushButton[role="quiet"] {
  background: transparent; border: 1px solid transparent; padding: 0 6px; }
QToolButton[role="quiet"]:hover, QPushButton[role="quiet"]:hover { background: $hover; }
QToolButton[role="quiet"]:pressed, QPushButton[role="quiet"]:pressed { background: $pressed; }
QToolButton[role="quiet"]:checked { background: $selection; }
QToolButton[role="quiet"]:focus, QPushButton[role="quiet"]:focus { border: 1px solid $accent; }
QToolButton[role="segment"], QPushButton[role="segment"] { border-radius: 6px; border: none;
  background: transparent; color: $muted; padding: 0 12px; }
QPushButton[role="segment"]:hover { color: $text; }
QPushButton[role="segment"]:checked { background: $raised; color: $text; font-weight: 600;
  border: 1px solid $line; }
QPushButton[role="segment"]:focus { border: 1px solid $accent; }
QFrame[role="segments"] { background: $hover; border-radius: 8px; border: none; }
QPushButton[role="chip"] { border-radius: 13px; padding: 0 12px; min-height: 24px;
  background: $card; border: 1px solid $line; color: $text; }
QPushButton[role="chip"]:hover { background: $selection; border-color: $accent; }
QPushButton[role="cancel"] { font-weight: 600; min-height: 34px; border-radius: 8px; }
QPushButton[role="model"] { min-height: 54px; padding: 0; border-color: $line;
  border-radius: ${radius}px; }
QPushButton[role="model"]:focus { border-color: $accent; }
QPushButton[role="disclosure"] { background: transparent; border: 1px solid transparent;
  color: $muted; padding: 0; text-align: left; }
QPushButton[role="disclosure"]:hover { color: $text; }
QPushButton[role="disclosure"]:focus { border: 1px solid $accent; }
QLineEdit[role="number"] { placeholder-text-color: $muted; }
QListView[role="popup"] { background: $card; border: 1px solid $field_line; padding: 2px; }
QListView[role="popup"]::item { padding: 3px 6px; }
QComboBox[role="default"] { color: $muted; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url($chevron); width: 10px; height: 10px; }
QComboBox QAbstractItemView { background: $card; color: $text; border: 1px solid $line;
  selection-background-color: $selection; selection-color: $text; outline: none; padding: 4px; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox {
  background: $field; color: $text; border: 1px solid $field_line; border-radius: 6px;
  padding: 0 6px; min-height: ${control_inner}px; selection-background-color: $selection;
  selection-color: $text; }
QPlainTextEdit, QTextEdit { padding: 4px; border-radius: ${radius}px; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus {
  border: 1px solid $accent; }
QLineEdit QToolButton { min-height: 0; padding: 0; border: none; background: transparent; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled {
  color: $faint; background: $window; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
  width: 0; border: none; }

QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $pressed; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { width: 16px; height: 16px; margin: -7px 0; border-radius: 8px;
  background: $knob; border: 1px solid $field_line; }
QSlider::handle:horizontal:focus { border: 2px solid $accent; }
QCheckBox, QRadioButton { color: $text; spacing: 6px; }
QCheckBox::indicator { width: 16px; height: 16px; border-radius: 4px; border: 1px solid $field_line;
  background: $field; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($check); }
QCheckBox:focus { color: $accent; }
QProgressBar { background: $pressed; border: none; border-radius: 2px; max-height: 4px;
  min-height: 4px; text-align: center; color: transparent; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QListView, QTreeView, QTableView { background: transparent; color: $text; border: none;
  outline: none; selection-background-color: $selection; selection-color: $text; }
QListWidget[role="field"] { background: $field; border: 1px solid $field_line;
  border-radius: 6px; }
QListView::item { border-radius: 6px; }
QListWidget[role="field"]::item { padding: 4px 8px; margin: 2px; }
QListView::item:hover { background: $hover; }
QListView::item:selected { background: $selection; color: $text; }
QTableView::item { padding: 0 8px; }
QHeaderView { background: transparent; }
QHeaderView::section { background: transparent; color: $muted; border: none; padding: 4px 11px;
  border-bottom: 1px solid $line; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle { background: $field_line; border-radius: 3px; min-height: 28px;
  min-width: 28px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: none; }
QSplitter::handle { background: $line; }
QMenu { background: $card; color: $text; border: 1px solid $line; border-radius: 8px;
  padding: 4px; }
QMenu::item { padding: 5px 22px 5px 12px; border-radius: 5px; }
QMenu::item:selected { background: $accent; color: $on_accent; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QMenuBar { background: $sidebar; color: $text; }
QMenuBar::item { padding: 4px 8px; background: transparent; }
QMenuBar::item:selected { background: $hover; border-radius: 4px; }
QTabBar::tab { padding: 6px 12px; color: $muted; border: none; background: transparent; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; font-weight: 600; }
QTabWidget::pane { border: none; border-top: 1px solid $line; }
""")


def colors() -> Colors:
    """The colours that the app wears now."""
    window = QGuiApplication.palette().color(QPalette.ColorRole.Window)
    return DARK if window == QColor(DARK.window) else LIGHT


def apply_theme(app: QApplication, appearance: Appearance, icon_folder: str) -> None:
    """Dresses the whole app. `icon_folder` holds check_*.svg and chevron_*.svg of each scheme."""
    is_dark = appearance is Appearance.DARK
    if appearance is Appearance.SYSTEM:
        is_dark = app.styleHints().colorScheme() is Qt.ColorScheme.Dark
    chosen, suffix = (DARK, "dark") if is_dark else (LIGHT, "light")
    app.setStyle("Fusion")
    app.setPalette(_palette(chosen))
    app.setFont(body_font())
    app.setStyleSheet(
        _SHEET.substitute(
            vars(chosen),
            body=BODY_SIZE,
            caption=CAPTION_SIZE,
            title=TITLE_SIZE,
            radius=RADIUS,
            control_inner=CONTROL_HEIGHT - 2,
            check=f"{icon_folder}/check_{suffix}.svg",
            chevron=f"{icon_folder}/chevron_{suffix}.svg",
        )
    )


def body_font() -> QFont:
    """The font of ordinary text."""
    font = QFont()
    font.setFamilies(TEXT_FAMILIES)
    font.setPixelSize(BODY_SIZE)
    return font


def number_font() -> QFont:
    """For figures that change while one looks: every digit is as wide as the next."""
    font = body_font()
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def set_role(widget: QWidget, role: str) -> None:
    """Gives a widget one of the roles above; may be changed while it is shown."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def _palette(chosen: Colors) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: chosen.window,
        QPalette.ColorRole.WindowText: chosen.text,
        QPalette.ColorRole.Base: chosen.field,
        QPalette.ColorRole.AlternateBase: chosen.sidebar,
        QPalette.ColorRole.Text: chosen.text,
        QPalette.ColorRole.PlaceholderText: chosen.faint,
        QPalette.ColorRole.Button: chosen.card,
        QPalette.ColorRole.ButtonText: chosen.text,
        QPalette.ColorRole.Highlight: chosen.selection,
        QPalette.ColorRole.HighlightedText: chosen.text,
        QPalette.ColorRole.ToolTipBase: chosen.card,
        QPalette.ColorRole.ToolTipText: chosen.text,
        QPalette.ColorRole.Link: chosen.accent,
    }
    for role, color in roles.items():
        palette.setColor(role, QColor(color))
    disabled = QColor(chosen.faint)
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, disabled)
    return palette
