"""How messages travel between the two processes: frames on a connected stream socket.

Owns the socket and the frame. Knows nothing of what a message means.

Pixels go through the same socket, as raw bytes behind the message that bears them. Nothing has a
name that could outlive a killed process, so there is nothing to clean up; and the reader takes them
in one system call, without the interpreter's lock, so a large picture does not hold up the window
as copying it out of a mapped block would. On Linux a 1024 x 1024 picture takes about a millisecond.
"""

import pickle
import socket
import struct
import threading
from contextlib import suppress

_HEADER = struct.Struct("!QI")  # bytes of the pickle, number of buffers behind it
_LENGTH = struct.Struct("!Q")
_BUFFER_BYTES = 1 << 20  # macOS gives such a socket 8 KB, which would cut a picture in hundreds


class ChannelClosed(Exception):
    """The other end is gone."""


class Channel:
    """One end. Any thread may send; one thread receives. Both raise ChannelClosed."""

    def __init__(self, end: socket.socket) -> None:
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        self._socket = end
        self._sending = threading.Lock()

    def send(self, message: object) -> None:
        """Sends, waiting while the other end does not read."""
        pickled: list[pickle.PickleBuffer] = []
        body = pickle.dumps(message, protocol=5, buffer_callback=pickled.append)
        buffers = [buffer.raw() for buffer in pickled]
        lengths = b"".join(_LENGTH.pack(buffer.nbytes) for buffer in buffers)
        try:
            with self._sending:
                self._socket.sendall(_HEADER.pack(len(body), len(buffers)) + lengths + body)
                for buffer in buffers:
                    self._socket.sendall(buffer)
        except OSError as error:
            raise ChannelClosed from error

    def receive(self) -> object:
        """Waits for the next message."""
        body_bytes, count = _HEADER.unpack(self._read(_HEADER.size))
        lengths = [_LENGTH.unpack(self._read(_LENGTH.size))[0] for _ in range(count)]
        body = self._read(body_bytes)
        return pickle.loads(body, buffers=[self._read(length) for length in lengths])

    def close(self) -> None:
        """Ends the channel in both directions; a thread that waits on it wakes."""
        with suppress(OSError):  # the other end may have been quicker
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self, size: int) -> bytes:
        """Exactly `size` bytes, as a rule in one call."""
        data = self._receive_bytes(size) if size else b""
        while len(data) < size:
            data += self._receive_bytes(size - len(data))
        return data

    def _receive_bytes(self, size: int) -> bytes:
        try:
            data = self._socket.recv(size, socket.MSG_WAITALL)
        except OSError as error:
            raise ChannelClosed from error
        if not data:
            raise ChannelClosed
        return data
