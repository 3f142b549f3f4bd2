"""What the chosen model can do, as far as controls depend on it: plain values. Knows no widget."""

from dataclasses import dataclass

from app.engine.types import ModelInfo
from app.generation.request import MOST_CLIP_SKIP

PAINTING_CHANNELS = 9
"""A UNet that takes so many channels is told of the mask and of the picture below it."""


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What to offer; the defaults are those of a model that is not known yet: everything.

    `clip_skip` is the largest that the text encoder has layers for. `begins_from_pictures` needs an
    encoder. `paints_into_pictures` is what an inpainting model was trained for. `text_width` and
    `context_width` are what an embedding and a LoRA must have been made for; 0: not known. With two
    text encoders no embedding fits: they are made for one.
    """

    clip_skip: int = MOST_CLIP_SKIP
    begins_from_pictures: bool = True
    paints_into_pictures: bool = False
    has_one_encoder: bool = True
    text_width: int = 0
    context_width: int = 0

    def fits_embedding(self, width: int) -> bool:
        """Whether an embedding made for a text encoder of this width (0: not known) can work."""
        fits = not (width and self.text_width) or width == self.text_width
        return fits and self.has_one_encoder

    def fits_lora(self, width: int) -> bool:
        """Whether a LoRA made for a text of this width (0: not known) can work."""
        return not (width and self.context_width) or width == self.context_width


def abilities_of(model: ModelInfo) -> Abilities:
    """What a model can do, with the VAE that was chosen for it."""
    return Abilities(
        clip_skip=min(MOST_CLIP_SKIP, model.text_layers, model.text2_layers or model.text_layers),
        begins_from_pictures=model.has_vae_encoder,
        paints_into_pictures=model.unet_in_channels == PAINTING_CHANNELS,
        has_one_encoder=not model.text2_width,
        text_width=model.text_width,
        context_width=model.context_width,
    )
