"""Aquatint's own `bench` command on the CPU, with the process's memory beside it.

python -m benchmarks.peer_aquatint CHECKPOINT THREADS STEPS [PRECISION]
"""

import contextlib
import io
import json
import sys

from app.cli import main as aquatint
from benchmarks.measurement import SIDE, Measurement, peak_mib, report


def main() -> None:
    """Runs the command in this process and reports."""
    checkpoint, threads, steps, *precision = sys.argv[1:]
    command = ["bench", "--model", checkpoint, "--threads", threads, "--steps", steps]
    command += ["--width", str(SIDE), "--height", str(SIDE), "--backend", "cpu", "--json"]
    if precision:
        command += ["--precision", *precision]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = aquatint(command)
    if code:
        raise SystemExit(code)
    figures = json.loads(printed.getvalue())
    report(
        Measurement(
            load_s=figures["load_s"],
            text_s=figures["text_s"],
            step_s=figures["step_s"],
            decode_s=figures["decode_s"],
            peak_mib=peak_mib(),
        )
    )


if __name__ == "__main__":
    main()
