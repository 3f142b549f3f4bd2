"""Whole pictures of a small random SDXL whose latents and pixels are kept as goldens.

Owns: the list of runs, shared by the script that makes the goldens and the test that reads them.
Knows neither torch nor the engine.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SdxlCase:
    """One request, by euler on the normal schedule; picture i of the batch has seed + i."""

    name: str
    prompt: str
    negative_prompt: str
    seed: int
    steps: int = 4
    width: int = 64
    height: int = 64
    batch_count: int = 1
    cfg_scale: float = 5.0


SDXL_CASES = (
    SdxlCase(name="empty_negative", prompt="a red apple", negative_prompt="", seed=3),
    SdxlCase(
        name="batch",
        prompt="a cat wearing sunglasses, studio light",
        negative_prompt="blurry",
        seed=11,
        width=96,
        height=72,
        batch_count=2,
    ),
    SdxlCase(name="no_guidance", prompt="", negative_prompt="", seed=5, cfg_scale=1.0),
)
