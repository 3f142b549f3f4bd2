"""The packaging scripts, with tools on the path that note how they are called, and dry."""

import os
import plistlib
import runpy
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from resources.packaging.bundle_parts import PROJECT
from tests.bundle import layout

PACKAGING = PROJECT / "resources" / "packaging"
SCRIPTS = ("sign.sh", "notarise.sh", "make_dmg.sh", "release.sh")
IDENTITY = "Developer ID Application: Ada Lovelace (ABCDE12345)"
NOTARY = {
    "NOTARY_KEY": "/keys/key file.p8",
    "NOTARY_KEY_ID": "KEY1",
    "NOTARY_ISSUER": "1-2-3",
}
ALL = {"SIGN_AS": IDENTITY, **NOTARY}
FAKE_TOOL = """#!/bin/sh
printf '%s' "$(basename "$0")" >> "{calls}"
for argument in "$@"; do printf '\\t%s' "$argument" >> "{calls}"; done
printf '\\n' >> "{calls}"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The smallest thing with a library, a framework inside another, and three programs."""
    app = tmp_path / "with space" / "Aquatint.app"
    for name in (
        "MacOS/Aquatint",
        "MacOS/aquatint_engine",
        "MacOS/python",
        "Frameworks/Python.framework/Versions/3.12/Python",
        "Resources/lib/python3.12/PySide6/QtCore.abi3.so",
        "Resources/lib/python3.12/PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore",
        "Resources/lib/python3.12/PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        "Resources/lib/python3.12/app/resources/models/a.safetensors",
    ):
        (app / "Contents" / name).parent.mkdir(parents=True, exist_ok=True)
        (app / "Contents" / name).write_bytes(b"")
    return app


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with fakes of a Mac's tools, which note their calls in `calls` beside them."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("codesign", "ditto", "hdiutil", "spctl", "xcrun"):
        (folder / name).write_text(FAKE_TOOL.format(calls=folder / "calls"))
        (folder / name).chmod(0o755)
    return folder


def run(
    script: str, *arguments: str | Path, tools: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ALL}
    if tools:
        environment["PATH"] = f"{tools}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        [str(PACKAGING / script), *map(str, arguments)],
        env={**environment, "PYTHON": sys.executable, **variables},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def calls(tools: Path) -> list[list[str]]:
    return [line.split("\t") for line in (tools / "calls").read_text().splitlines()]


def arguments_of(script: str, app: Path) -> tuple[str, ...]:
    given = {
        "sign.sh": (str(app),),
        "notarise.sh": (str(app),),
        "make_dmg.sh": (str(app), "/nowhere/Aquatint.dmg"),
    }
    return given.get(script, ())


@pytest.mark.parametrize(
    ("script", "variable"),
    [
        ("sign.sh", "SIGN_AS"),
        *(("notarise.sh", name) for name in NOTARY),
        ("make_dmg.sh", "SIGN_AS"),
        *(("release.sh", name) for name in ALL),
    ],
)
@pytest.mark.parametrize("value", ["missing", "empty"])
def test_a_missing_variable_is_refused_with_a_sentence(
    script: str, variable: str, value: str, app: Path, tools: Path
) -> None:
    variables = {**ALL, variable: ""}
    if value == "missing":
        del variables[variable]
    done = run(script, *arguments_of(script, app), tools=tools, **variables)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{script}: {variable} is not set: give ")
    assert done.stderr.count("\n") == 1
    assert not (tools / "calls").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_wrong_arguments_are_refused(script: str, tools: Path, tmp_path: Path) -> None:
    for arguments in ([tmp_path / "none.app"], ["a", "b", "c"]):
        done = run(script, *arguments, tools=tools, **ALL)
        assert done.returncode == 2
        assert done.stderr.startswith(f"{script}: ")
        assert not (tools / "calls").exists()


@pytest.mark.parametrize("script", ["sign.sh", "notarise.sh", "make_dmg.sh"])
def test_away_from_a_mac_they_say_so(script: str, app: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("the tools are here")
    done = run(script, *arguments_of(script, app), **ALL)
    assert done.returncode == 2
    assert f"{script}: there is no " in done.stderr


def test_signing_goes_from_the_inside_out(app: Path, tools: Path) -> None:
    done = run("sign.sh", app, tools=tools, SIGN_AS=IDENTITY)
    assert done.returncode == 0, done.stderr
    *signed, verified = calls(tools)
    places = [Path(call[-1]).relative_to(app).as_posix() for call in signed]
    python = "Contents/Resources/lib/python3.12"
    assert places == [
        f"{python}/PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        f"{python}/PySide6/QtCore.abi3.so",
        f"{python}/PySide6/Qt/lib/QtCore.framework",
        "Contents/Frameworks/Python.framework",
        "Contents/MacOS/aquatint_engine",
        "Contents/MacOS/python",
        ".",
    ]
    options = ["--force", "--options", "runtime", "--sign", IDENTITY, "--timestamp"]
    assert all(call[1:7] == options for call in signed)
    assert ["--entitlements" in call for call in signed] == [False] * 4 + [True] * 3
    assert verified == ["codesign", "--verify", "--deep", "--strict", str(app)]


def test_every_library_of_the_real_bundle_is_signed_before_what_holds_it(
    tmp_path: Path, tools: Path
) -> None:
    site = Path(sysconfig.get_path("purelib"))
    bundle = layout.assemble(tmp_path, site, layout.HERE)
    done = run("sign.sh", bundle, tools=tools, SIGN_AS="-")
    assert done.returncode == 0, done.stderr
    signed = [Path(call[-1]) for call in calls(tools)[:-1]]
    libraries = {path for path in bundle.rglob("*") if path.suffix in (".so", ".dylib")}
    assert libraries
    assert libraries <= set(signed)
    assert len(signed) == len(set(signed))
    for number, path in enumerate(signed):
        assert not any(outer in path.parents for outer in signed[:number])


def test_a_build_that_nobody_signs_asks_for_no_time_stamp(app: Path, tools: Path) -> None:
    assert run("sign.sh", app, tools=tools, SIGN_AS="-").returncode == 0
    assert "--timestamp=none" in calls(tools)[0]


def test_an_app_travels_packed_and_is_stapled(app: Path, tools: Path) -> None:
    done = run("notarise.sh", app, tools=tools, **NOTARY)
    assert done.returncode == 0, done.stderr
    packed, sent, stapled = calls(tools)
    assert packed[:5] == ["ditto", "-c", "-k", "--keepParent", str(app)]
    assert sent == [
        *("xcrun", "notarytool", "submit", packed[5], "--wait"),
        *("--key", "/keys/key file.p8", "--key-id", "KEY1", "--issuer", "1-2-3"),
    ]
    assert stapled == ["xcrun", "stapler", "staple", str(app)]


def test_a_disk_image_travels_as_it_is(tmp_path: Path, tools: Path) -> None:
    image = tmp_path / "Aquatint.dmg"
    image.write_bytes(b"")
    assert run("notarise.sh", image, tools=tools, **NOTARY).returncode == 0
    sent, stapled = calls(tools)
    assert sent[3] == str(image)
    assert stapled[-1] == str(image)


@pytest.mark.parametrize(("identity", "is_signed"), [(IDENTITY, True), ("-", False)])
def test_a_disk_image_is_signed_by_somebody_or_not_at_all(
    app: Path, identity: str, is_signed: bool
) -> None:
    done = run("make_dmg.sh", "--dry-run", app, "/out/A.dmg", SIGN_AS=identity)
    made, *signed, verified = [shlex.split(line) for line in done.stdout.splitlines()]
    assert made[1:4] == ["-m", "dmgbuild", "-s"]
    assert Path(made[4]).is_file()
    assert made[-2:] == ["Aquatint", "/out/A.dmg"]
    assert [call[:3] for call in signed] == [["codesign", "--force", "--timestamp"]] * is_signed
    assert verified == ["hdiutil", "verify", "/out/A.dmg"]


def test_a_dry_run_prints_what_would_be_run(app: Path, tools: Path) -> None:
    real = run("sign.sh", app, tools=tools, SIGN_AS=IDENTITY)
    dry = run("sign.sh", "--dry-run", app, SIGN_AS=IDENTITY)
    assert real.stdout == ""
    shown = [shlex.split(line) for line in dry.stdout.splitlines()]
    plist = "entitlements.plist"  # lies in a folder of its own each time
    without = [[word for word in call if not word.endswith(plist)] for call in shown]
    assert without == [[word for word in call if not word.endswith(plist)] for call in calls(tools)]


def test_a_release_does_all_in_order() -> None:
    done = run("release.sh", "--dry-run", **ALL)
    assert done.returncode == 0, done.stderr
    steps = [shlex.split(line) for line in done.stdout.splitlines()]
    names = [Path(step[0]).name for step in steps]
    assert names[1:] == [
        *("sign.sh", "notarise.sh", "Aquatint", "make_dmg.sh", "notarise.sh", "spctl"),
    ]
    assert steps[0][1:] == ["setup_app.py", "py2app"]
    assert steps[3][1:] == ["--self-test"]
    for step in steps[1:]:
        if step[0].endswith(".sh"):
            assert os.access(step[0], os.X_OK)


def test_a_release_is_signed_by_somebody() -> None:
    done = run("release.sh", "--dry-run", **{**ALL, "SIGN_AS": "-"})
    assert done.returncode == 2
    assert "a release is signed by somebody" in done.stderr


def test_the_disk_image_has_its_background_and_the_way_to_applications(tmp_path: Path) -> None:
    defines = {"app": "/build/Aquatint.app", "packaging": str(PACKAGING)}
    settings = runpy.run_path(str(PACKAGING / "dmg_settings.py"), init_globals={"defines": defines})
    assert settings["symlinks"] == {"Applications": "/Applications"}
    assert settings["files"] == ["/build/Aquatint.app"]
    assert set(settings["icon_locations"]) == {"Aquatint.app", "Applications"}
    for file in (settings["background"], settings["background"].replace(".", "@2x."), "icon"):
        assert Path(settings.get(file, file)).is_file()


def test_the_entitlements_that_are_signed_are_the_table_s(app: Path, tools: Path) -> None:
    keep = 'for a in "$@"; do case $a in *entitlements.plist) cp "$a" \'{}\' ;; esac; done\n'
    kept = tools / "kept.plist"
    (tools / "codesign").write_text("#!/bin/sh\n" + keep.format(kept))
    assert run("sign.sh", app, tools=tools, SIGN_AS=IDENTITY).returncode == 0
    assert plistlib.loads(kept.read_bytes()) == {}
