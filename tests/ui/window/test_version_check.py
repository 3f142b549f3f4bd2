"""The check for a newer version against a server that notes what it is asked and told."""

import ast
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pytestqt.qtbot import QtBot

from app.settings import Settings
from app.ui.window.version_check import LIMIT_BYTES, VersionCheck, is_newer
from app.version import NEWEST_VERSION_URL, VERSION

ROOT = Path(__file__).parents[3]
NETWORKS = {"PySide6.QtNetwork", "urllib.request", "http.client", "ftplib", "smtplib", "ssl"}


class Server(ThreadingHTTPServer):
    """Answers each request with `answer`; keeps path and headers of all that were made."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = b""
        self.status = 200
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/newest.txt"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "who=you")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(qtbot: QtBot, url: str) -> list[str]:
    """The newer versions that one check told of: none or one."""
    check = VersionCheck(url=url)
    told: list[str] = []
    check.newer.connect(told.append)
    with qtbot.waitSignal(check.ended, timeout=15_000):
        check.ask()
    return told


def test_a_newer_version_is_told_and_nothing_is_given_away(qtbot: QtBot, server: Server) -> None:
    server.answer = b"9.0.1\n"
    assert ask(qtbot, server.url) == ["9.0.1"]
    assert ask(qtbot, server.url) == ["9.0.1"]
    for path, headers in server.asked:
        assert path == "/newest.txt"
        assert headers["User-Agent"] == "Aquatint"
        assert headers["Accept-Language"] == "*"
        plain = {"User-Agent", "Accept-Language", "Accept-Encoding", "Connection", "Host"}
        assert set(headers) <= plain | {"Cache-Control", "Pragma"}
        assert VERSION not in str(headers)
    assert len(server.asked) == 2


@pytest.mark.parametrize("answer", [VERSION.encode(), b"0.0.1", b"0.0"])
def test_the_same_or_an_older_one_is_no_news(qtbot: QtBot, server: Server, answer: bytes) -> None:
    server.answer = answer
    assert ask(qtbot, server.url) == []


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, b""),
        (200, b"<html>9.0</html>"),
        (200, b"9.0\nand more"),
        (200, b"99999.0"),
        (200, b"9" * (LIMIT_BYTES * 1000)),
        (200, "９.0".encode()),
        (404, b"9.0"),
        (500, b"9.0"),
        (302, b"9.0.0 moved"),
    ],
)
def test_what_is_no_answer_is_silence_and_a_line_in_the_log(
    qtbot: QtBot, server: Server, caplog: pytest.LogCaptureFixture, status: int, answer: bytes
) -> None:
    server.status, server.answer = status, answer
    with caplog.at_level(logging.INFO, "version check"):
        assert ask(qtbot, server.url) == []
    assert [path for path, _ in server.asked] == ["/newest.txt"]
    assert len(caplog.records) == 1


def test_no_network_is_silence(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "version check"):
        assert ask(qtbot, "http://127.0.0.1:9/none") == []
    assert "no answer" in caplog.text


@pytest.mark.parametrize(
    ("version", "than", "expected"),
    [
        ("0.2.0", "0.1.9", True),
        ("0.10.0", "0.9.0", True),
        ("1.0", "1.0.0", False),
        ("1.0.0.1", "1.0", True),
        ("0.1.0", "0.1.0", False),
        ("0.0.9", "0.1.0", False),
        ("10.0", "9.0", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, than: str, expected: bool) -> None:
    assert is_newer(version, than) is expected


def test_it_is_off_and_the_address_is_safe() -> None:
    assert not Settings().version_check
    address = urlsplit(NEWEST_VERSION_URL)
    assert address.scheme == "https"
    assert not address.query


def test_no_other_module_knows_of_networks() -> None:
    found = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {node.module or ""}
            else:
                continue
            if names & NETWORKS:
                found.add(path.name)
    assert found == {"version_check.py"}
