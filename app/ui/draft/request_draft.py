"""The request that is being put together in the window, and the model beneath it.

Owns the one current request, the model's defaults and what the model can do. Knows no widget:
controls set fields and follow `changed`, and a value that no request may hold is refused here, by
the request itself.
"""

import dataclasses
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.checkpoint.description import GenerationDefaults
from app.generation.request import GenerationRequest
from app.ui.draft.abilities import Abilities


class RequestDraft(QObject):
    """A request that changes over time and is valid at every moment."""

    changed = Signal(object)
    """The new GenerationRequest."""
    defaults_changed = Signal(object)
    """The new GenerationDefaults: what stands for each field that is None."""

    abilities_changed = Signal(object)
    """What another model can do: Abilities."""

    def __init__(
        self,
        request: GenerationRequest,
        defaults: GenerationDefaults,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._request = request
        self._defaults = defaults
        self._abilities = Abilities()

    @property
    def request(self) -> GenerationRequest:
        """The request as it stands."""
        return self._request

    @property
    def defaults(self) -> GenerationDefaults:
        """What the chosen model draws best with."""
        return self._defaults

    @property
    def abilities(self) -> Abilities:
        """What the chosen model can do."""
        return self._abilities

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

    def set_abilities(self, abilities: Abilities) -> None:
        """Take what another model can do; what it cannot stays in the request, which is refused."""
        if abilities != self._abilities:
            self._abilities = abilities
            self.abilities_changed.emit(abilities)
