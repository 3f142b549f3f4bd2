"""How the disk image looks in the Finder; dmgbuild runs this file and reads the names below.

`defines` are the -D of make_dmg.sh: the app, and the folder of this file.
"""

from pathlib import Path

defines: dict[str, str]
application = Path(defines["app"])  # noqa: F821 - dmgbuild gives it
packaging = Path(defines["packaging"])  # noqa: F821

format = "ULFO"
filesystem = "APFS"
files = [str(application)]
symlinks = {"Applications": "/Applications"}
icon = str(packaging / "Aquatint.icns")
background = str(packaging / "dmg_background.png")
window_rect = ((200, 160), (600, 400))
default_view = "icon-view"
icon_size = 112
text_size = 13
icon_locations = {application.name: (160, 190), "Applications": (440, 190)}
