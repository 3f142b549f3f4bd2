"""Has Apple's compiler read the Metal kernels: `python -m resources.packaging.compile_kernels`.

Compiles the same texts that the app hands to Metal when it starts, each in its version of the
language, with every warning an error. For a Mac with Xcode; makes nothing that is shipped.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from app.engine.metal_sources import metal_sources

FLAGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-unused-const-variable")


def main() -> int:
    """Compiles all libraries; 1 if one was refused. What the compiler says goes to stderr."""
    refused = 0
    with tempfile.TemporaryDirectory() as work:
        for source in metal_sources():
            file = Path(work, f"{source.library}.metal")
            file.write_text(source.text, encoding="utf-8")
            language = f"-std=metal{source.language // 10}.{source.language % 10}"
            command = ["xcrun", "-sdk", "macosx", "metal", language, *FLAGS, "-c", str(file)]
            done = subprocess.run([*command, "-o", str(file.with_suffix(".air"))], check=False)
            print(f"{source.library}: {'refused' if done.returncode else 'compiled'}", flush=True)
            refused += done.returncode != 0
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
