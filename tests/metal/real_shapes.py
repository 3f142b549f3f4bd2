"""Operators at the shapes of Stable Diffusion.

One head, or a part of the picture, where the whole would take a simulator minutes.
"""

from tests.graph.op_cases import Case, attention, group_norm, layer_norm

REAL_SHAPES = (
    *(
        Case(op="attention", title=title, build=build)
        for title, build in {
            "64x64 latents": attention(1, (64, 64), 4096, 1, 40),
            "32x32 latents": attention(1, (32, 32), 1024, 2, 80),
            "16x16 latents": attention(2, (16, 16), 256, 4, 160),
            "8x8 latents": attention(2, (8, 8), 64, 8, 160),
            "77 tokens": attention(2, (32, 32), 77, 2, 40, k_n=2),
            "two chunks of tokens": attention(4, (16, 16), 154, 2, 80, k_n=2, counts=(154, 77)),
            "three chunks of tokens": attention(1, (8, 8), 231, 8, 160),
            "text encoder": attention(2, (1, 77), 77, 12, 64, causal=1),
            "SDXL": attention(1, (32, 32), 1024, 1, 64),
            "SDXL text": attention(1, (1, 77), 77, 20, 64, causal=1),
            "VAE": attention(1, (24, 24), 576, 1, 512),
            "mini": attention(2, (16, 16), 256, 4, 32),
            "wider than a slice": attention(1, (5, 9), 70, 1, 700),
            "wide causal": attention(1, (1, 77), 77, 2, 176, causal=1),
        }.items()
    ),
    *(
        Case(op="group_norm", title=title, build=build)
        for title, build in {
            "320": group_norm(2, 64, 64, (320,), 32, act="silu"),
            "640": group_norm(1, 32, 32, (640,), 32, act="silu"),
            "640 and 320": group_norm(2, 32, 32, (640, 320), 32, act="silu"),
            "1280 and 640": group_norm(1, 16, 16, (1280, 640), 32, act="silu"),
            "1280 and 1280": group_norm(2, 8, 8, (1280, 1280), 32),
            "VAE": group_norm(1, 128, 128, (128,), 32, act="silu"),
            "one group": group_norm(2, 9, 7, (2100,), 1),
        }.items()
    ),
    Case(op="layer_norm", title="320", build=layer_norm(1, 1, 4096, 320)),
    Case(op="layer_norm", title="1280", build=layer_norm(2, 1, 256, 1280)),
    Case(op="layer_norm", title="2048", build=layer_norm(1, 1, 77, 2048)),
)
