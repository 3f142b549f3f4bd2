"""Operators at the shapes of Stable Diffusion.

One head, or a part of the picture, where the whole would take a simulator minutes.
"""

from tests.graph.op_cases import Case, Conv, attention, group_norm, layer_norm, linear

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
    *(
        Case(op="linear", title=title, build=build)
        for title, build in {
            "64x64 latents": linear((1, 64, 64, 320), 320, residual=True),
            "context": linear((2, 1, 77, 768), 640, bias=False),
            "GEGLU": linear((1, 16, 16, 640), 2560, act="geglu"),
            "out of GEGLU": linear((1, 8, 8, 5120), 1280, residual=True),
            "time": linear((2, 1, 1, 320), 1280, act="silu"),
            "text encoder": linear((1, 1, 77, 768), 3072, act="quick_gelu"),
        }.items()
    ),
    *(
        Case(op="conv2d", title=title, build=build)
        for title, build in {
            "first": Conv(x=(1, 64, 64), channels=(4,), out=320, size=(64, 64)),
            "first of inpainting": Conv(x=(1, 32, 32), channels=(9,), out=320, size=(32, 32)),
            "last": Conv(x=(1, 64, 64), channels=(320,), out=4, size=(64, 64)),
            "320": Conv(x=(1, 32, 32), channels=(320,), out=320, size=(32, 32), channel_add=-1),
            "640 and 320": Conv(x=(1, 16, 16), channels=(640, 320), out=640, size=(16, 16)),
            "1280": Conv(x=(1, 8, 8), channels=(1280,), out=1280, size=(8, 8), residual=True),
            "smaller": Conv(x=(1, 32, 32), channels=(320,), out=320, size=(16, 16), stride=2),
            "larger": Conv(x=(1, 8, 8), channels=(640,), out=640, size=(16, 16), upsample=1),
            "VAE": Conv(x=(1, 64, 64), channels=(128,), out=128, size=(64, 64)),
            "VAE, picture": Conv(x=(1, 96, 96), channels=(128,), out=3, size=(96, 96)),
        }.items()
    ),
)
