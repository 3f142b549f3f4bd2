"""Which part of a picture is seen, and how large: the arithmetic of zoom and pan.

Owns no widget and no pixel. All lengths are device pixels of the view, or pixels of the picture
where it says so; a zoom of 1 shows one pixel of the picture on one of the device.
"""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF

LEAST_ZOOM, LARGEST_ZOOM = 0.02, 32.0
LARGEST_FIT = 3.0
"""A small picture fits at this many points for each of its pixels, not larger: it would be mush."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The place that a picture is shown in; `margin` is left free around a picture that fits."""

    size: QSizeF
    margin: float
    device_pixel_ratio: float


class PictureViewport:
    """A picture in a view: fitted into it, or with a zoom and a centre of its own."""

    def __init__(self) -> None:
        self._view = View(size=QSizeF(1, 1), margin=0, device_pixel_ratio=1)
        self._picture = QSizeF(1, 1)
        self._zoom = 1.0
        self._centre = QPointF()  # of the view, in pixels of the picture
        self._is_fit = True

    @property
    def is_fit(self) -> bool:
        """Whether the picture follows the size of the view."""
        return self._is_fit

    @property
    def zoom(self) -> float:
        """Device pixels for each pixel of the picture."""
        return self.fit_zoom if self._is_fit else self._zoom

    @property
    def fit_zoom(self) -> float:
        """The zoom at which the whole picture shows, with the margin around it."""
        view, picture = self._view, self._picture
        width = max(view.size.width() - 2 * view.margin, 1)
        height = max(view.size.height() - 2 * view.margin, 1)
        fitting = min(width / picture.width(), height / picture.height())
        return min(fitting, LARGEST_FIT * view.device_pixel_ratio)

    @property
    def can_pan(self) -> bool:
        """Whether some of the picture is out of sight."""
        width, height = self._scaled()
        return width > self._view.size.width() or height > self._view.size.height()

    def set_view(self, view: View) -> None:
        """The view has another size; what was in its centre stays there."""
        self._view = view
        self._keep_in_sight()

    def set_picture(self, size: QSize) -> None:
        """Another picture; one of the same size is looked at from where one stands."""
        if QSizeF(size) != self._picture:
            self._picture = QSizeF(max(size.width(), 1), max(size.height(), 1))
            self.fit()

    def rect(self) -> QRectF:
        """Where the picture lies in the view; its corner is a whole pixel, so 1:1 is exact."""
        width, height = self._scaled()
        left = self._view.size.width() / 2 - self._centre.x() * self.zoom
        top = self._view.size.height() / 2 - self._centre.y() * self.zoom
        if self._is_fit:
            left = (self._view.size.width() - width) / 2
            top = (self._view.size.height() - height) / 2
        return QRectF(round(left), round(top), width, height)

    def fit(self) -> None:
        """Show all of the picture, from now on."""
        self._is_fit = True

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Another zoom; the point of the picture at `at` in the view stays there."""
        middle = QPointF(self._view.size.width() / 2, self._view.size.height() / 2)
        at = middle if at is None else at
        rect = self.rect()
        held = (at - rect.topLeft()) / self.zoom
        low = min(LEAST_ZOOM, self.fit_zoom)
        self._zoom = min(max(zoom, low), max(LARGEST_ZOOM, self.fit_zoom))
        self._is_fit = False
        self._centre = held + (middle - at) / self._zoom
        self._keep_in_sight()

    def pan(self, moved: QPointF) -> None:
        """Move the picture by so many device pixels, not beyond its edges."""
        if self.can_pan:
            self._centre -= moved / self._zoom
            self._keep_in_sight()

    def _scaled(self) -> tuple[float, float]:
        return self._picture.width() * self.zoom, self._picture.height() * self.zoom

    def _keep_in_sight(self) -> None:
        if not self._is_fit:
            x = self._within(self._centre.x(), self._picture.width(), self._view.size.width())
            y = self._within(self._centre.y(), self._picture.height(), self._view.size.height())
            self._centre = QPointF(x, y)

    def _within(self, centre: float, length: float, seen: float) -> float:
        """The centre along one side: in the middle if all of it shows, else up to the margin."""
        half = seen / 2 / self._zoom - self._view.margin / self._zoom
        if length <= 2 * half:
            return length / 2
        return min(max(centre, half), length - half)
