"""One engine process and the two threads that serve it, so that the event loop never waits.

Owns the process, its channel and their end. Knows nothing of Qt and of what messages mean: whoever
made it decides when it is to be killed.
"""

import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.generation.channel import Channel, ChannelClosed
from app.generation.messages import Quit, ToEngine

ENGINE_EXECUTABLE = "aquatint_engine"
EXIT_LIMIT_SECONDS = 2.0
_PACKAGE_FOLDER = Path(__file__).resolve().parents[2]


def engine_command(descriptor: int) -> list[str]:
    """The command line of an engine process whose end of the channel is `descriptor`.

    In a bundle the engine is an executable of its own, beside the one that runs here.
    """
    if _is_bundled():
        return [str(Path(sys.executable).with_name(ENGINE_EXECUTABLE)), str(descriptor)]
    return [sys.executable, "-P", "-m", "app.generation.engine_process", str(descriptor)]


def _is_bundled() -> bool:
    return bool(getattr(sys, "frozen", False))


def _environment() -> dict[str, str]:
    """What the process inherits: where the app's modules lie, which a bundle knows by itself."""
    environment = os.environ.copy()
    if not _is_bundled():
        paths = [str(_PACKAGE_FOLDER), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


@dataclass(frozen=True, kw_only=True)
class Death:
    """The process ended, or could not be started: then `returncode` is None, `reason` says why."""

    returncode: int | None
    reason: str = ""


Receiver = Callable[["EngineChild", object], None]


class EngineChild:
    """A process that is being started, runs, or has ended; the last thing received is a Death.

    `receive` is called from another thread, with messages and the Death, until `kill` or `close`.
    """

    def __init__(self, command: Callable[[int], list[str]], receive: Receiver) -> None:
        ours, self._theirs = socket.socketpair()
        self._channel = Channel(ours)
        self._command = command
        self._receive = receive
        self._outgoing: queue.SimpleQueue[ToEngine | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # guards _process and _killed
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._reader = threading.Thread(target=self._read, name="engine reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="engine writer", daemon=True)
        self._reader.start()
        self._writer.start()

    def send(self, message: ToEngine) -> None:
        """Sends soon; never waits. What a dead process does not read is lost."""
        self._outgoing.put(message)

    def kill(self) -> None:
        """Ends the process at once, whatever it does; nothing is received after this."""
        with self._lock:
            self._killed = True
            if self._process:
                self._process.kill()

    def close(self) -> None:
        """Lets the process end in order, kills it after EXIT_LIMIT_SECONDS; waits for that."""
        self.send(Quit())
        self._reader.join(EXIT_LIMIT_SECONDS)
        self.kill()
        self._reader.join(EXIT_LIMIT_SECONDS)
        self._writer.join(EXIT_LIMIT_SECONDS)

    def _read(self) -> None:
        try:
            death = self._start()
            while death is None:
                try:
                    self._deliver(self._channel.receive())
                except ChannelClosed:
                    death = self._wait()
        finally:
            self._outgoing.put(None)
            self._channel.close()
        self._deliver(death)

    def _start(self) -> Death | None:
        # A group of its own: Ctrl-C in a terminal is the window's, which ends the engine in order.
        descriptor = self._theirs.fileno()
        with self._lock, self._theirs:
            if self._killed:
                return Death(returncode=0)
            try:
                self._process = subprocess.Popen(
                    self._command(descriptor),
                    stdin=subprocess.DEVNULL,
                    env=_environment(),
                    pass_fds=(descriptor,),
                    process_group=0,
                )
            except OSError as error:
                return Death(returncode=None, reason=error.strerror or str(error))
        return None

    def _wait(self) -> Death:
        """The channel has ended, so the process has, or is about to."""
        assert self._process
        try:
            returncode = self._process.wait(EXIT_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            returncode = self._process.wait()
        return Death(returncode=returncode)

    def _deliver(self, message: object) -> None:
        with self._lock:
            if not self._killed:
                self._receive(self, message)

    def _write(self) -> None:
        while (message := self._outgoing.get()) is not None:
            try:
                self._channel.send(message)
            except ChannelClosed:
                return  # the reader says so
