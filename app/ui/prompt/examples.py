"""What the small model can be asked for: examples for the first run and for the prompt's chips.

The words are the model's own and so are not translated. `MINI_DEFAULTS` stand until the engine has
read the chosen model. Knows no widget.
"""

from app.checkpoint.description import GenerationDefaults
from app.engine.types import Sampler, Schedule

FIRST_PROMPT = "a fox in the snow"
MINI_PROMPTS = (
    "three lemons",
    "an octopus, pixel art",
    "a rocket, sticker",
    "a cake on the beach",
    "a cat wearing a crown",
    "a sunflower, flat icon",
    "a banana and a red apple",
    "a blue car on a mint background",
)
MINI_DEFAULTS = GenerationDefaults(
    width=256,
    height=256,
    steps=20,
    sampler=Sampler.EULER_A,
    schedule=Schedule.NORMAL,
    cfg_scale=5.0,
)
