"""A process that is killed while it saves: what it had reported is there, whole, with its row."""

import signal
import subprocess
import sys
from pathlib import Path

from app.library.gallery import Gallery
from app.library.gallery_entry import GalleryQuery
from app.library.picture_file import read_text

ROOT = Path(__file__).resolve().parents[2]
SAVED_BEFORE_THE_KILL = 12
CHILD = """
import sys
from pathlib import Path
from app.library.gallery import Gallery
from tests.library.test_gallery import finished
with Gallery(Path(sys.argv[1], "pictures"), Path(sys.argv[1], "data", "g.sqlite3")) as gallery:
    while True:
        print(gallery.save(finished(), 0).path, flush=True)
"""


def test_killed_process_loses_nothing_that_it_had_shown(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        shown = [Path(child.stdout.readline().strip()) for _ in range(SAVED_BEFORE_THE_KILL)]
        child.send_signal(signal.SIGKILL)
        shown += [Path(line.strip()) for line in child.stdout if line.endswith("\n")]
    with Gallery(tmp_path / "pictures", tmp_path / "data" / "g.sqlite3") as gallery:
        assert not gallery.was_rebuilt
        rows = {entry.path for entry in gallery.search(GalleryQuery(), limit=10_000)}
        assert set(shown) <= rows
        report = gallery.scan()
        assert report.removed == 0
        assert report.unreadable == ()
        entries = gallery.search(GalleryQuery(), limit=10_000)
    files = set((tmp_path / "pictures").rglob("*.png"))
    assert {path for path in files if not path.name.startswith(".")} == {e.path for e in entries}
    for entry in entries:
        assert read_text(entry.path)[0] == (64, 72)
