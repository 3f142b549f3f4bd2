"""How the files of metal/ become the texts that Metal compiles."""

from pathlib import Path

import pytest

from app.engine.metal_sources import metal_sources


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def test_each_header_comes_once_where_it_is_first_asked_for(tmp_path: Path) -> None:
    write(
        tmp_path,
        a_metal='#include <metal_stdlib>\n#include "x.h"\nA1\n',
        b_metal='#include "y.h"\n  #  include "x.h"\nB1\n',
        x_h='#include "y.h"\nX1\n',
        y_h="Y1\n",
    )
    (core,) = metal_sources(tmp_path)
    assert (core.library, core.language) == ("core", 30)
    assert core.text.splitlines() == [
        '#line 1 "a.metal"',
        "#include <metal_stdlib>",
        '#line 1 "x.h"',
        '#line 1 "y.h"',
        "Y1",
        '#line 2 "x.h"',
        "X1",
        '#line 3 "a.metal"',
        "A1",
        '#line 1 "b.metal"',
        "",
        "",
        "B1",
    ]


def test_the_tensor_library_stands_alone(tmp_path: Path) -> None:
    write(tmp_path, a_metal="A1\n", tensor_metal='#include "x.h"\nT1\n', x_h="X1\n")
    core, tensor = metal_sources(tmp_path)
    assert "T1" not in core.text
    assert (tensor.library, tensor.language) == ("tensor", 40)
    assert "X1" in tensor.text


def test_a_missing_header_is_named(tmp_path: Path) -> None:
    write(tmp_path, a_metal='#include "x.h"\n')
    with pytest.raises(FileNotFoundError, match=r"x\.h"):
        metal_sources(tmp_path)


def test_the_app_s_own_kernels_are_one_text() -> None:
    core = metal_sources()[0]
    assert core.library == "core"
    assert '#include "' not in core.text
    assert "kernel void" in core.text
