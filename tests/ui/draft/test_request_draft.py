"""The draft is valid at every moment and says each change once."""

import dataclasses

import pytest

from app.generation.request import RequestError
from tests.ui.sidebar.sidebar import DEFAULTS, new_draft


def test_set_changes_and_tells(qtbot) -> None:
    draft = new_draft("a fox")
    with qtbot.waitSignal(draft.changed) as told:
        draft.set(steps=30, seed=2**64 - 64)
    assert told.args == [draft.request]
    assert (draft.request.steps, draft.request.seed) == (30, 2**64 - 64)
    assert draft.request.prompt == "a fox"


def test_the_same_is_silent(qtbot) -> None:
    draft = new_draft("a fox")
    with qtbot.assertNotEmitted(draft.changed):
        draft.set(prompt="a fox")
        draft.replace(draft.request)
    with qtbot.assertNotEmitted(draft.defaults_changed):
        draft.set_defaults(dataclasses.replace(DEFAULTS))


def test_what_no_request_may_hold_is_refused(qtbot) -> None:
    draft = new_draft("a fox")
    with qtbot.assertNotEmitted(draft.changed), pytest.raises(RequestError):
        draft.set(width=13)
    assert draft.request.width is None


def test_other_defaults_keep_what_was_chosen(qtbot) -> None:
    draft = new_draft()
    draft.set(steps=30)
    with qtbot.waitSignal(draft.defaults_changed):
        draft.set_defaults(dataclasses.replace(DEFAULTS, steps=4))
    assert draft.request.steps == 30
    assert draft.defaults.steps == 4
