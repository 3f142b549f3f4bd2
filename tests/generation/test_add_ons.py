"""LoRAs and embeddings by name."""

from pathlib import Path

import pytest

from app.generation.add_ons import AddOns
from app.generation.request import RequestError

FOLDER = Path("/loras")
ADD_ONS = AddOns.of(
    [FOLDER / "ink.safetensors", FOLDER / "old/ink.safetensors", FOLDER / "v1.5: x.safetensors"],
    [Path("/words/bad-dream.pt"), Path("/words/b.safetensors")],
)


@pytest.mark.parametrize("name", ["ink", "INK", "ink.safetensors", "styles/ink", "a\\Ink.pt"])
def test_a_lora_by_the_names_that_programs_write(name: str) -> None:
    """With folders, ending and capitals or without; of two of a name the first."""
    assert ADD_ONS.lora(name) == FOLDER / "ink.safetensors"


def test_a_name_that_a_tag_cannot_hold() -> None:
    """It is found without the colon, and a dot in it is no ending."""
    assert ADD_ONS.lora("v1.5 x") == FOLDER / "v1.5: x.safetensors"


def test_an_exact_name_is_meant() -> None:
    """Where two differ in capitals only."""
    two = AddOns.of([FOLDER / "Ink.safetensors", FOLDER / "ink.safetensors"], [])
    assert two.lora("ink") == FOLDER / "ink.safetensors"
    assert two.lora("INK") == FOLDER / "Ink.safetensors"


def test_near_names_are_told() -> None:
    """Or what to do where nothing is near."""
    with pytest.raises(RequestError, match=r"named ikn: did you mean ink\?"):
        ADD_ONS.lora("ikn")
    with pytest.raises(RequestError, match="add its file or its folder"):
        ADD_ONS.lora("watercolour")


def test_embeddings_are_named_as_their_files() -> None:
    """Without the ending."""
    assert list(ADD_ONS.embeddings) == ["bad-dream", "b"]
