"""LoRA tags as A1111's users write them."""

import pytest

from app.prompt.lora_tags import LoraTag, TagError, split_tags, tag_text, without_tags


@pytest.mark.parametrize(
    ("tag", "text_weight", "unet_weight"),
    [
        ("<lora:ink>", 1, 1),
        ("<lora:ink:0.8>", 0.8, 0.8),
        ("<lora:ink:-1>", -1, -1),
        ("<lora:ink: 0.5 : 0.8 >", 0.5, 0.8),
        ("<lora:ink:0.5:0.8:16>", 0.5, 0.8),
        ("<lora:ink:te=0.5:unet=0.8>", 0.5, 0.8),
        ("<lora:ink:0.5:unet=0.8:dyn=8>", 0.5, 0.8),
        ("<lora:ink:te=0>", 0, 0),
        ("<lyco:ink:0.8>", 0.8, 0.8),
    ],
)
def test_strengths(tag: str, text_weight: float, unet_weight: float) -> None:
    """One number for both networks; two are the text encoder's and the UNet's, as in A1111."""
    text, tags = split_tags(f"a {tag}fox")
    assert text == "a fox"
    assert tags == (LoraTag(name="ink", unet_weight=unet_weight, text_weight=text_weight),)


def test_several_tags_and_other_angles() -> None:
    """Order is kept; what is no LoRA's tag is text."""
    text, tags = split_tags("<lora:a b/c.safetensors:1>, 1 < 2 > 0, <hypernet:x:1> <lora:b:2>")
    assert text == ", 1 < 2 > 0, <hypernet:x:1> "
    assert [tag.name for tag in tags] == ["a b/c.safetensors", "b"]


@pytest.mark.parametrize("strength", ["x", "", "nan", "inf", "te=", "unet=a"])
def test_a_strength_that_is_none(strength: str) -> None:
    """It is refused with what it should be like, and still no part of the text."""
    with pytest.raises(TagError, match=r"<lora:ink:0\.8>"):
        split_tags(f"a <lora:ink:{strength}>")
    assert without_tags(f"a <lora:ink:{strength}>") == "a "


@pytest.mark.parametrize(("unet_weight", "text_weight"), [(1, None), (0.8, 0.8), (0.8, -0.5)])
def test_a_written_tag_reads_back(unet_weight: float, text_weight: float | None) -> None:
    """Also where the two networks differ."""
    text, (tag,) = split_tags(tag_text("ink", unet_weight, text_weight))
    wanted = unet_weight if text_weight is None else text_weight
    assert (text, tag) == ("", LoraTag(name="ink", unet_weight=unet_weight, text_weight=wanted))
