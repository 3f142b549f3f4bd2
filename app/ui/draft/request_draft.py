"""The request that is being put together in the window, and the model's defaults beneath it.

Owns the one current request. Knows no widget: controls set fields and follow `changed`, and a
value that no request may hold is refused here, by the request itself.
"""

import dataclasses
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.checkpoint.description import GenerationDefaults
from app.generation.request import GenerationRequest


class RequestDraft(QObject):
    """A request that changes over time and is valid at every moment."""

    changed = Signal(object)
    """The new GenerationRequest."""
    defaults_changed = Signal(object)
    """The new GenerationDefaults: what stands for each field that is None."""

    def __init__(
        self,
        request: GenerationRequest,
        defaults: GenerationDefaults,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._request = request
        self._defaults = defaults

    @property
    def request(self) -> GenerationRequest:
        """The request as it stands."""
        return self._request

    @property
    def defaults(self) -> GenerationDefaults:
        """What the chosen model draws best with."""
        return self._defaults

    def set(self, **fields: Any) -> None:
        """Change fields by their names; raises RequestError, and then nothing has changed."""
        self.replace(dataclasses.replace(self._request, **fields))

    def replace(self, request: GenerationRequest) -> None:
        """Take another request whole; silent if it is the same."""
        if request != self._request:
            self._request = request
            self.changed.emit(request)

    def set_defaults(self, defaults: GenerationDefaults) -> None:
        """Take the defaults of another model; fields that were chosen stay chosen."""
        if defaults != self._defaults:
            self._defaults = defaults
            self.defaults_changed.emit(defaults)
