"""The settings of a picture.

Owns which settings there are, in which order and under which names. Each control shows a field of
the draft and sets it; a field that is None shows the model's default, greyed, and what was chosen
has a way back to it.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.engine.types import Rng, Sampler, Schedule
from app.generation.request import (
    LARGEST_CFG_SCALE,
    MOST_CLIP_SKIP,
    MOST_PICTURES,
    MOST_STEPS,
    GenerationRequest,
    RequestError,
    VaeTiling,
)
from app.ui.draft.request_draft import RequestDraft
from app.ui.parts import theme
from app.ui.parts.choice_field import ChoiceField
from app.ui.parts.engine_words import in_own_words
from app.ui.parts.icons import icon
from app.ui.parts.number_field import NumberField, NumberRange
from app.ui.parts.setting_row import SettingRow
from app.ui.parts.slider_field import SliderField
from app.ui.sidebar.seed_setting import SeedSetting
from app.ui.sidebar.size_setting import SizeSetting

_STEPS = NumberRange(low=1, high=MOST_STEPS)
_CFG_SCALES = NumberRange(low=0.0, high=LARGEST_CFG_SCALE, step=0.5, decimals=2)
_BATCHES = NumberRange(low=1, high=MOST_PICTURES)
_CLIP_SKIPS = NumberRange(low=1, high=MOST_CLIP_SKIP)
_USUAL_STEPS, _USUAL_CFG_SCALES = (1, 60), (1.0, 20.0)
_USUAL_BATCHES, _USUAL_CLIP_SKIPS = (1, 8), (1, 4)
_ADVANCED = ("batch_count", "clip_skip", "rng", "vae_tiling")
_SIZE = ("width", "height")
_DEFAULTS = MappingProxyType(
    {field.name: field.default for field in dataclasses.fields(GenerationRequest)}
)


@dataclass(frozen=True, kw_only=True)
class SettingLabels:
    """What samplers and schedules are called, as users know them."""

    samplers: Mapping[Sampler, str]
    schedules: Mapping[Schedule, str]


class SettingsPanel(QWidget):
    """Size, steps, sampler, schedule, CFG scale and seed; the rest behind "Advanced"."""

    def __init__(
        self, draft: RequestDraft, labels: SettingLabels, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._draft = draft
        self._rows: dict[tuple[str, ...], SettingRow] = {}
        self.size_setting = SizeSetting(self)
        self.steps = SliderField(self.tr("Steps"), _STEPS, _USUAL_STEPS, self)
        self.sampler = ChoiceField(self.tr("Sampler"), labels.samplers, self)
        self.schedule = ChoiceField(self.tr("Schedule"), labels.schedules, self)
        self.cfg_scale = SliderField(self.tr("CFG scale"), _CFG_SCALES, _USUAL_CFG_SCALES, self)
        self.seed = SeedSetting(self)
        self.batch_count = SliderField(self.tr("Pictures"), _BATCHES, _USUAL_BATCHES, self)
        self.clip_skip = SliderField(self.tr("Clip skip"), _CLIP_SKIPS, _USUAL_CLIP_SKIPS, self)
        self.rng = ChoiceField(self.tr("Noise"), self._rng_labels(), self)
        self.vae_tiling = ChoiceField(self.tr("Decoder"), self._tiling_labels(), self)
        self._single: dict[str, Any] = {
            "steps": self.steps,
            "sampler": self.sampler,
            "schedule": self.schedule,
            "cfg_scale": self.cfg_scale,
            "batch_count": self.batch_count,
            "clip_skip": self.clip_skip,
            "rng": self.rng,
            "vae_tiling": self.vae_tiling,
        }
        self.advanced = QPushButton(self)
        self.advanced.setCheckable(True)
        self.advanced.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # words, then chevron
        self.advanced.setToolTip(self.tr("Settings that are seldom changed."))
        theme.set_role(self.advanced, "disclosure")
        self._advanced_rows = QWidget(self)
        self._say_what_they_do()
        self._lay_out()
        self._connect()
        self._show_defaults()
        self._show_request(draft.request)
        self._unfold(False)

    def set_last_seed(self, seed: int) -> None:
        """The seed that the last picture was made with."""
        self.seed.set_last_seed(seed)

    def commit(self) -> None:
        """Take what stands half typed in any field, corrected where it must be."""
        for field in self.findChildren(NumberField):
            field.commit()

    def _rng_labels(self) -> Mapping[Rng, str]:
        return {Rng.CPU: self.tr("CPU"), Rng.NV: self.tr("NVIDIA GPU")}

    def _tiling_labels(self) -> Mapping[VaeTiling, str]:
        return {
            VaeTiling.AUTO: self.tr("Tiles if memory is short"),
            VaeTiling.ON: self.tr("Always in tiles"),
            VaeTiling.OFF: self.tr("Never in tiles"),
        }

    def _say_what_they_do(self) -> None:
        self.vae_tiling.setToolTip(
            self.tr("Tiles need less memory, and may shift colours a little between them.")
        )
        self.steps.setToolTip(
            self.tr("More steps take longer and show more detail, up to a point.")
        )
        self.sampler.setToolTip(self.tr("How the picture is found, step by step."))
        self.schedule.setToolTip(self.tr("How much noise goes at each step."))
        self.cfg_scale.setToolTip(self.tr("How closely the picture keeps to the prompt."))
        self.batch_count.setToolTip(self.tr("How many pictures are made at once, seed by seed."))
        self.clip_skip.setToolTip(
            self.tr("How many of the text encoder's last layers count, 2 for many anime models.")
        )
        self.rng.setToolTip(
            self.tr("Which random numbers a seed stands for, to match pictures of other programs.")
        )

    def _lay_out(self) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(theme.SPACE)
        for row in (
            self._row(self.tr("Size"), self.size_setting, "width", "height"),
            self._row(self.tr("Steps"), self.steps, "steps"),
            self._row(self.tr("CFG scale"), self.cfg_scale, "cfg_scale"),
            self._row(self.tr("Sampler"), self.sampler, "sampler"),
            self._row(self.tr("Schedule"), self.schedule, "schedule"),
            self._row(self.tr("Seed"), self.seed, "seed"),
        ):
            rows.addWidget(row)
        rows.addWidget(
            self.advanced, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute
        )
        rows.addWidget(self._advanced_rows)
        hidden = QVBoxLayout(self._advanced_rows)
        hidden.setContentsMargins(0, 0, 0, 0)
        hidden.setSpacing(theme.SPACE)
        hidden.addWidget(self._row(self.tr("Pictures"), self.batch_count, "batch_count"))
        hidden.addWidget(self._row(self.tr("Clip skip"), self.clip_skip, "clip_skip"))
        hidden.addWidget(self._row(self.tr("Noise"), self.rng, "rng"))
        hidden.addWidget(self._row(self.tr("Decoder"), self.vae_tiling, "vae_tiling"))

    def _row(self, name: str, control: QWidget, *fields: str) -> SettingRow:
        row = SettingRow(name, control, self)
        row.reset_requested.connect(lambda: self._reset(fields))
        self._rows[fields] = row
        return row

    def _reset(self, fields: tuple[str, ...]) -> None:
        self._rows[fields].set_caption("")
        self._set(fields, **{name: _DEFAULTS[name] for name in fields})

    def _set(self, fields: tuple[str, ...], **values: object) -> None:
        """Put values into the draft; what it refuses is said below, and the control goes back."""
        try:
            self._draft.set(**values)
        except RequestError as refusal:
            self._rows[fields].set_caption(in_own_words(str(refusal)))
            self._show_request(self._draft.request)

    def _connect(self) -> None:
        self.size_setting.size_edited.connect(
            lambda width, height: self._set(_SIZE, width=width, height=height)
        )
        self.size_setting.corrected.connect(self._rows[_SIZE].set_caption)
        self.seed.seed_edited.connect(lambda seed: self._set(("seed",), seed=seed))
        self.seed.corrected.connect(self._rows["seed",].set_caption)
        for name, control in self._single.items():
            control.value_edited.connect(
                lambda value, name=name: self._set((name,), **{name: value})
            )
        for name in ("steps", "cfg_scale", "batch_count", "clip_skip"):
            self._single[name].corrected.connect(self._rows[name,].set_caption)
        self.advanced.toggled.connect(self._unfold)
        self._draft.changed.connect(self._show_request)
        self._draft.defaults_changed.connect(self._show_defaults)
        self._draft.abilities_changed.connect(self._show_abilities)

    def _show_request(self, request: GenerationRequest) -> None:
        self.size_setting.set_size(request.width, request.height)
        self.seed.set_seed(request.seed)
        for name, control in self._single.items():
            control.set_value(getattr(request, name))
        for fields, row in self._rows.items():
            changed = any(getattr(request, name) != _DEFAULTS[name] for name in fields)
            row.set_changed(changed and fields != ("seed",))  # the dice are its way back
        self._show_abilities()
        self._show_advanced()

    def _show_defaults(self) -> None:
        defaults = self._draft.defaults
        self.size_setting.set_default(defaults.width, defaults.height)
        self.steps.set_default(defaults.steps)
        self.sampler.set_default(defaults.sampler)
        self.schedule.set_default(defaults.schedule)
        self.cfg_scale.set_default(defaults.cfg_scale)

    def _show_abilities(self) -> None:
        """Only as many clip skips as the text encoder has layers; none to choose: no setting."""
        most = self._draft.abilities.clip_skip
        self.clip_skip.set_most(most)
        chosen = self._draft.request.clip_skip != _DEFAULTS["clip_skip"]
        self._rows["clip_skip",].setVisible(most > 1 or chosen)

    def _show_advanced(self) -> None:
        """While the rest is folded away, say how many of it are changed."""
        is_open = self.advanced.isChecked()
        request = self._draft.request
        changed = sum(getattr(request, name) != _DEFAULTS[name] for name in _ADVANCED)
        words = self.tr("Advanced")
        if changed and not is_open:
            words = self.tr("Advanced, {count} changed").format(count=changed)
        self.advanced.setText(words)

    def _unfold(self, is_open: bool) -> None:
        self.advanced.setIcon(icon("chevron_open" if is_open else "chevron_closed"))
        self._advanced_rows.setVisible(is_open)
        self._show_advanced()
