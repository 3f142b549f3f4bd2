"""Asks whether there is a newer version, if the user wished for that: the app's one way out.

Owns the request and how its answer is read. It tells the other side nothing: no version, no
language, no cookie, no machine. What goes wrong is noted in the log and nowhere else.
"""

import logging
import re

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtNetwork import QNetworkAccessManager, QNetworkReply, QNetworkRequest

from app.version import NEWEST_VERSION_URL, VERSION

LIMIT_MS, LIMIT_BYTES = 10_000, 64
_FORM = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}")
_log = logging.getLogger("version check")


class VersionCheck(QObject):
    """`ask` asks once, in the background."""

    newer = Signal(str)
    """There is this newer version."""
    ended = Signal()
    """The question was answered, or will not be."""

    def __init__(self, parent: QObject | None = None, *, url: str = NEWEST_VERSION_URL) -> None:
        super().__init__(parent)
        self._network = QNetworkAccessManager(self)
        self._url = QUrl(url)
        self._reply: QNetworkReply | None = None

    def ask(self) -> None:
        """Sends the one request."""
        self._reply = self._network.get(self._request())
        self._reply.downloadProgress.connect(self._watch)
        self._reply.finished.connect(self._read)

    def _watch(self, received: int, _total: int) -> None:
        if self._reply and received > LIMIT_BYTES:
            self._reply.abort()

    def _request(self) -> QNetworkRequest:
        request = QNetworkRequest(self._url)
        request.setTransferTimeout(LIMIT_MS)
        attribute, manual = QNetworkRequest.Attribute, QNetworkRequest.LoadControl.Manual
        request.setAttribute(attribute.CookieLoadControlAttribute, manual)
        request.setAttribute(attribute.CookieSaveControlAttribute, manual)
        request.setAttribute(
            attribute.RedirectPolicyAttribute,
            QNetworkRequest.RedirectPolicy.ManualRedirectPolicy,
        )
        for name, value in ((b"User-Agent", b"Aquatint"), (b"Accept-Language", b"*")):
            request.setRawHeader(name, value)
        return request

    def _read(self) -> None:
        reply, self._reply = self._reply, None
        if reply is None:
            return
        if reply.error() is QNetworkReply.NetworkError.NoError:
            self._judge(bytes(reply.read(LIMIT_BYTES).data()).decode("ascii", "replace").strip())
        else:
            _log.info("no answer: %s", reply.error().name)
        reply.deleteLater()
        self.ended.emit()

    def _judge(self, answer: str) -> None:
        if not _FORM.fullmatch(answer):
            _log.info("the answer is no version")
        elif is_newer(answer, VERSION):
            self.newer.emit(answer)
        else:
            _log.info("this is the newest version")


def is_newer(version: str, than: str) -> bool:
    """Whether one version, numbers with dots, comes after another."""
    return _numbers(version) > _numbers(than)


def _numbers(version: str) -> list[int]:
    """Without zeros at the end, so that 1.0 is 1.0.0."""
    return [int(part) for part in re.sub(r"(\.0+)+$", "", version).split(".")]
