"""What of the gallery is shown: words, stars, flags, model, LoRA, date and order.

Owns the query that is being put together. One row where there is room, else two. Knows no picture.
"""

import dataclasses
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QToolButton,
    QWidget,
)

from app.library.gallery_entry import Flag, GalleryQuery, NameCount, Order
from app.ui.parts import theme
from app.ui.parts.icons import icon
from app.ui.parts.rating_stars import RatingStars

TYPING_MS = 150  # from the last letter to the search
ONE_ROW_FROM = 620  # px
WIDE_SEARCH = 300
MOST_NAMES = 30  # in a menu


class GalleryFilters(QWidget):
    """The controls above the grid."""

    query_changed = Signal(object)
    """The new GalleryQuery."""
    leave_requested = Signal()
    """The keyboard should go on to the pictures (Down or Return in the search field)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._query = GalleryQuery()
        self._days: int | None = None
        self._models: Sequence[NameCount] = ()
        self._loras: Sequence[NameCount] = ()
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._take_text)
        self.search = self._make_search()
        self.stars = RatingStars()
        self.stars.rating_chosen.connect(lambda stars: self._set(least_rating=stars))
        self.picks = self._make_flag("pick", self.tr("Show only picks"), Flag.PICK)
        self.rejects = self._make_flag("reject", self.tr("Show only rejects"), Flag.REJECT)
        self.more = self._make_more()
        self._arrange()

    @property
    def query(self) -> GalleryQuery:
        """What is asked for now."""
        return self._query

    def set_names(self, models: Sequence[NameCount], loras: Sequence[NameCount]) -> None:
        """The models and LoRAs that can be chosen."""
        self._models, self._loras = models, loras

    def clear(self) -> None:
        """Shows all pictures again, in the order that was chosen."""
        self._typing.stop()
        self.search.blockSignals(True)
        self.search.clear()
        self.search.blockSignals(False)
        self.stars.set_rating(0)
        for button in (self.picks, self.rejects):
            button.setChecked(False)
        self._days = None
        self._replace(GalleryQuery(order=self._query.order))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """One row where there is room."""
        super().resizeEvent(event)
        wide = event.size().width() >= ONE_ROW_FROM
        self._box.setDirection(
            QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        )
        self.search.setMinimumWidth(WIDE_SEARCH if wide else 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Down in the search field goes on to the pictures."""
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Down:
                self._search_now()
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
        return False

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE // 2)
        row.addWidget(self.stars)
        row.addWidget(self.picks)
        row.addWidget(self.rejects)
        row.addStretch(1)
        row.addWidget(self.more)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(theme.SPACE)
        self._box.addWidget(self.search)
        self._box.addLayout(row)
        self._box.setStretch(1, 1)
        QWidget.setTabOrder(self.search, self.stars)

    # ------------------------------------------------------------ controls

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText(self.tr("Search words, models"))
        search.setToolTip(
            self.tr(
                "Search by words of the prompt, the model or a LoRA;"
                ' "in quotes" together, -word leaves out'
            )
        )
        search.setAccessibleName(self.tr("Search the gallery"))
        search.setClearButtonEnabled(True)
        search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        search.textChanged.connect(self._begin_typing)
        search.returnPressed.connect(self._search_now)
        search.installEventFilter(self)
        return search

    def _make_flag(self, name: str, text: str, flag: Flag) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setIconSize(QSize(18, 18))
        button.setFixedSize(theme.CONTROL_HEIGHT + 4, theme.CONTROL_HEIGHT)
        button.setCheckable(True)
        button.setToolTip(text)
        button.setAccessibleName(text)
        theme.set_role(button, "quiet")
        button.clicked.connect(lambda checked: self._choose_flag(flag if checked else None))
        return button

    def _make_more(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("filter"))
        button.setIconSize(QSize(18, 18))
        button.setFixedSize(theme.CONTROL_HEIGHT + 4, theme.CONTROL_HEIGHT)
        button.setToolTip(self.tr("Order, date, model and LoRA"))
        button.setAccessibleName(self.tr("Order, date, model and LoRA"))
        theme.set_role(button, "quiet")
        button.clicked.connect(self._show_more)
        return button

    # ------------------------------------------------------------ the menu

    def _show_more(self) -> None:
        menu = self.more_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 2)))

    def more_menu(self) -> QMenu:
        """Order, date, model and LoRA as they are chosen now."""
        menu = QMenu(self)
        orders = {
            Order.NEWEST: self.tr("Newest first"),
            Order.OLDEST: self.tr("Oldest first"),
            Order.RATING: self.tr("Best rated first"),
        }
        self._add_choices(menu, orders, self._query.order, lambda order: self._set(order=order))
        menu.addSeparator()
        days = {
            None: self.tr("Any date"),
            0: self.tr("Today"),
            7: self.tr("Last 7 days"),
            30: self.tr("Last 30 days"),
            365: self.tr("Last 12 months"),
        }
        self._add_choices(menu, days, self._days, self._choose_days)
        if self._models or self._loras:
            menu.addSeparator()
        if self._models:
            models = {"": self.tr("Any model"), **_names(self._models, self._query.model)}
            below = menu.addMenu(self.tr("Model"))
            self._add_choices(below, models, self._query.model, lambda m: self._set(model=m))
        if self._loras:
            loras = {"": self.tr("With or without"), **_names(self._loras, self._query.lora)}
            below = menu.addMenu(self.tr("LoRA"))
            self._add_choices(below, loras, self._query.lora, lambda x: self._set(lora=x))
        return menu

    @staticmethod
    def _add_choices(menu: QMenu, labels: dict[Any, str], chosen: object, choose: Any) -> None:
        group = QActionGroup(menu)
        for value, label in labels.items():
            action = QAction(label.replace("&", "&&"), menu, checkable=True)
            action.setChecked(value == chosen)
            action.triggered.connect(lambda _, value=value: choose(value))
            group.addAction(action)
            menu.addAction(action)

    # ------------------------------------------------------------ the query

    def _begin_typing(self) -> None:
        self._typing.start()

    def _search_now(self) -> None:
        self._typing.stop()
        self._take_text()
        self.leave_requested.emit()

    def _take_text(self) -> None:
        self._set(text=self.search.text().strip())

    def _choose_flag(self, flag: Flag | None) -> None:
        self.picks.setChecked(flag is Flag.PICK)
        self.rejects.setChecked(flag is Flag.REJECT)
        self._set(flag=flag)

    def _choose_days(self, days: int | None) -> None:
        """So many days back from the beginning of today."""
        self._days = days
        since = None
        if days is not None:
            today = datetime.combine(date.today(), datetime.min.time())
            since = (today - timedelta(days=days)).timestamp()
        self._set(since=since)

    def _set(self, **values: Any) -> None:
        self._replace(dataclasses.replace(self._query, **values))

    def _replace(self, query: GalleryQuery) -> None:
        if query != self._query:
            self._query = query
            hidden = query.since is not None or bool(query.model or query.lora)
            self.more.setCheckable(hidden)
            self.more.setChecked(hidden)
            self.query_changed.emit(query)


def _names(found: Sequence[NameCount], chosen: str) -> dict[str, str]:
    """The most used names, and the chosen one, with the number of their pictures."""
    shown = {name.name: f"{name.name}\t{name.count}" for name in found[:MOST_NAMES]}
    return shown if not chosen or chosen in shown else {**shown, chosen: chosen}
