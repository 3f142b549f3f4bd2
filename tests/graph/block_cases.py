"""More cases of test_ops.py: products of whole blocks of 32 channels.

bf16 has code of its own for them: pixels are read where they lie or gathered, the sum has parts.
"""

from tests.graph.op_cases import Case, Conv, linear

BLOCK_CASES = (
    Case(op="linear", title="whole blocks", build=linear((2, 1, 205, 1312), 70, residual=True)),
    Case(
        op="linear",
        title="geglu of whole blocks",
        build=linear((2, 1, 50, 96), 200, act="geglu"),
        has_weights=True,
    ),
    *(
        Case(op="conv2d", title=title, build=conv)
        for title, conv in {
            "rows of a picture": Conv(
                x=(2, 9, 40), channels=(64, 32), out=70, size=(9, 40), residual=True, act="silu"
            ),
            "every second of a row": Conv(
                x=(1, 10, 66), channels=(96,), out=32, size=(5, 33), stride=2
            ),
            "1x1 of two": Conv(
                x=(1, 13, 17), channels=(640, 64), out=40, size=(13, 17), kernel=1, pad=0
            ),
            "upsample whole blocks": Conv(
                x=(2, 6, 20), channels=(64,), out=64, size=(12, 40), upsample=1
            ),
            "upsample wide in phases": Conv(
                x=(2, 12, 23), channels=(64,), out=70, size=(24, 46), upsample=1, residual=True
            ),
            "a part of few taps": Conv(x=(1, 8, 8), channels=(192,), out=40, size=(8, 8)),
        }.items()
    ),
)
