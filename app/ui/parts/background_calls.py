"""Functions that run in other threads and answer in the window's.

Owns its threads. Knows nothing of what the functions do; they must not touch a widget.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

Value = TypeVar("Value")


class BackgroundCalls(QObject):
    """Runs calls in `threads` threads, begun in the order of the calls."""

    _ended = Signal(object, object, object)

    def __init__(self, threads: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor = ThreadPoolExecutor(threads, "background")
        self._is_closed = False
        # queued: a function may have ended before `call` returns, and is answered after it
        self._ended.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    def call(
        self,
        function: Callable[[], Value],
        done: Callable[[Value], None],
        failed: Callable[[Exception], None],
    ) -> Future[Value]:
        """Calls `function` elsewhere and then, here, `done` or `failed` with what came of it.

        A future that is cancelled before it begins is answered by neither.
        """
        if self._is_closed:
            future: Future[Value] = Future()
            future.cancel()
            return future
        future = self._executor.submit(function)
        future.add_done_callback(lambda ended: self._ended.emit(ended, done, failed))
        return future

    def close(self) -> None:
        """Waits for what runs; drops what has not begun or comes later, and answers no more."""
        self._is_closed = True
        self._executor.shutdown(cancel_futures=True)

    def _answer(
        self,
        future: Future[Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        if future.cancelled() or self._is_closed:
            return
        error = future.exception()
        if error is None:
            done(future.result())
        elif isinstance(error, Exception):
            failed(error)
        else:
            raise error
