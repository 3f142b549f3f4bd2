"""The workflow of the Mac: its form, and that every command in it is one that the project has."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.cli import build_parser
from resources.packaging import info_plist
from resources.packaging.bundle_parts import PROJECT, Architecture
from tests.bundle.test_packaging_scripts import FAKE_TOOL

yaml = pytest.importorskip("yaml")
WORKFLOW = PROJECT / ".github" / "workflows" / "macos.yml"
RUNNERS = {Architecture.ARM64: "macos-26", Architecture.X86_64: "macos-15-intel"}
OF_A_MAC = {
    *("codesign", "curl", "du", "grep", "pkgutil", "rm", "sudo", "tee", "xcodebuild", "xcrun"),
    "installer",
}
CONTEXTS = {"matrix.architecture", "matrix.runner", "github.workflow", "github.ref"}


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    return dict(yaml.safe_load(WORKFLOW.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    (job,) = workflow["jobs"].values()
    return list(job["steps"])


def commands(steps: list[dict[str, Any]]) -> list[list[str]]:
    """Every command of every step, without redirections, with the matrix filled in."""
    found = []
    for step in steps:
        text = re.sub(r"\$\{\{ matrix\.architecture \}\}", "arm64", step.get("run", ""))
        for line in text.splitlines():
            for part in re.split(r"\|\||\||&&", line):
                found.append(shlex.split(part))
    return found


def test_it_runs_on_a_mac_of_each_processor_with_few_rights(workflow: dict[Any, Any]) -> None:
    (job,) = workflow["jobs"].values()
    rows = job["strategy"]["matrix"]["include"]
    assert {row["architecture"]: row["runner"] for row in rows} == RUNNERS
    assert job["runs-on"] == "${{ matrix.runner }}"
    assert job["timeout-minutes"] <= 120
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow[True]) == {"push", "pull_request", "workflow_dispatch"}  # YAML's word `on`


def test_every_step_has_a_name_and_does_one_thing(steps: list[dict[str, Any]]) -> None:
    known = {"name", "run", "uses", "with", "env", "if", "timeout-minutes", "working-directory"}
    for step in steps:
        assert step["name"]
        assert ("run" in step) != ("uses" in step)
        assert set(step) <= known
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])
    assert len({step["name"] for step in steps}) == len(steps)


def test_every_context_is_one_that_is_there() -> None:
    asked = set(re.findall(r"\$\{\{\s*([^}]+?)\s*\}\}", WORKFLOW.read_text(encoding="utf-8")))
    assert asked == CONTEXTS


def test_every_command_is_there(steps: list[dict[str, Any]]) -> None:
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    seen = set()
    for command in commands(steps):
        program, *rest = command
        seen.add(program)
        if program == ".venv/bin/python" and rest[0] == "-m":
            assert rest[1] == "pytest" or importlib.util.find_spec(rest[1])
        elif program == ".venv/bin/python":
            assert (PROJECT / rest[0]).is_file()
        elif program == ".venv/bin/aquatint":
            assert "aquatint" in scripts
            build_parser().parse_args(rest)
        elif program.startswith("resources/"):
            assert os.access(PROJECT / program, os.X_OK)
        elif program.startswith("$"):
            built = f"dist/{info_plist.NAME}.app/Contents/MacOS/{info_plist.NAME}"
            venv = "$PYTHON_FRAMEWORK/bin/python3.12"
            assert program in (venv, f"$GITHUB_WORKSPACE/{built}")
        else:
            assert program == ".venv/bin/pip" or program in OF_A_MAC
    assert {".venv/bin/python", "resources/packaging/make_dmg.sh"} <= seen


def test_what_is_installed_are_groups_of_the_project(steps: list[dict[str, Any]]) -> None:
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    (install,) = [row for row in commands(steps) if row[0] == ".venv/bin/pip"]
    named = set(re.findall(r"\w+", install[-1]))
    assert named == {"test", "bundle"}
    assert named <= set(groups["optional-dependencies"])


def test_the_whole_is_tried_in_order(steps: list[dict[str, Any]]) -> None:
    text = "\n".join(step.get("run", step.get("uses", "")) for step in steps)
    order = [
        "compile_kernels",
        "python -m pytest\n",
        "aquatint bench",
        "setup_app.py py2app",
        "--self-test",
        "make_dmg.sh",
        "upload-artifact",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


@pytest.mark.parametrize("refuses", [False, True])
def test_kernels_are_compiled_as_the_app_joins_them(tmp_path: Path, refuses: bool) -> None:
    tool = tmp_path / "xcrun"
    tool.write_text(FAKE_TOOL.format(calls=tmp_path / "calls") + f"exit {int(refuses)}\n")
    tool.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "resources.packaging.compile_kernels"]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == int(refuses)
    calls = [line.split("\t") for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls
    for call in calls:
        assert call[1:4] == ["-sdk", "macosx", "metal"]
        assert re.fullmatch(r"-std=metal\d\.\d", call[4])
        assert "-Werror" in call
    names = {Path(call[call.index("-c") + 1]).name for call in calls}
    assert "core.metal" in names
    assert done.stdout.count("refused" if refuses else "compiled") == len(calls)
