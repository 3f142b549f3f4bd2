"""What is done with the gallery's pictures, in the whole window."""

import pytest
from pytestqt.qtbot import QtBot

from app.ui.canvas.canvas_view import CanvasView
from tests.ui.window.test_application import Open, fake, generate, open_app

__all__ = ["open_app"]  # a fixture


@pytest.mark.parametrize(
    ("prompts", "names"),
    [
        (("a fox", "a hare"), ("a hare", "a fox")),
        (("a fox", "a fox"), ("seed 2", "seed 1")),
    ],
)
def test_pictures_that_are_compared_say_what_tells_them_apart(
    qtbot: QtBot,
    open_app: Open,
    monkeypatch: pytest.MonkeyPatch,
    prompts: tuple[str, str],
    names: tuple[str, str],
) -> None:
    shown = open_app()
    for seed, prompt in enumerate(prompts, 1):
        with qtbot.waitSignal(shown.workbench.pictures_kept):
            generate(shown, prompt, seed=seed)
            fake(shown).finish()
    qtbot.waitUntil(lambda: shown.gallery_model.rowCount() == 2)
    told: list[tuple[str, str]] = []
    compare = CanvasView.set_compare

    def note(view: CanvasView, image: object, *titles: str) -> None:
        told.append((titles[0], titles[1]))
        compare(view, image, *titles)  # type: ignore[arg-type]

    monkeypatch.setattr(CanvasView, "set_compare", note)
    entries = sorted(shown.gallery_model.entries([0, 1]), key=lambda entry: entry.seed or 0)
    shown.gallery_view.compare_requested.emit(*entries)
    qtbot.waitUntil(lambda: bool(told))
    assert told == [names]
    assert shown.canvas.canvas_actions.side_by_side.isChecked()
