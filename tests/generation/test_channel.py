"""Messages and pixels over a socket, whole, and an end that is noticed."""

import pickle
import socket
import threading
from collections.abc import Iterator

import pytest

from app.generation.channel import Channel, ChannelClosed
from app.generation.messages import Pixels, Quit, Start
from app.generation.request import GenerationRequest


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = (Channel(end) for end in socket.socketpair())
    yield one, other
    one.close()
    other.close()


def test_a_message_arrives_equal(ends: tuple[Channel, Channel]) -> None:
    start = Start(job_id="a", request=GenerationRequest(prompt="ein Bär \N{BEAR FACE}"))
    ends[0].send(start)
    ends[0].send(Quit())
    assert ends[1].receive() == start
    assert ends[1].receive() == Quit()


@pytest.mark.parametrize("side", [0, 1, 64, 2048])
def test_pixels_arrive_whole(ends: tuple[Channel, Channel], side: int) -> None:
    """Larger than any buffer of the system, and empty."""
    pictures = tuple(bytes(range(first, first + 64)) * (side * side * 3 // 64) for first in (0, 64))
    pixels = Pixels(width=side, height=side, pictures=pictures)
    sender = threading.Thread(target=ends[0].send, args=(pixels,))
    sender.start()
    received = ends[1].receive()
    sender.join()
    assert received == pixels
    assert isinstance(received, Pixels)
    assert all(type(picture) is bytes for picture in received.pictures)


def test_many_threads_may_send(ends: tuple[Channel, Channel]) -> None:
    pixels = [Pixels(width=1, height=1, pictures=(bytes([i]) * 70_000,)) for i in range(8)]
    threads = [threading.Thread(target=ends[0].send, args=(value,)) for value in pixels]
    for thread in threads:
        thread.start()
    received = [ends[1].receive() for _ in pixels]
    for thread in threads:
        thread.join()
    assert sorted(map(repr, received)) == sorted(map(repr, pixels))


def test_the_end_is_noticed(ends: tuple[Channel, Channel]) -> None:
    ends[1].close()
    with pytest.raises(ChannelClosed):
        ends[0].receive()
    with pytest.raises(ChannelClosed):
        ends[0].send(Quit())


def test_half_a_message_is_an_end() -> None:
    one, other = socket.socketpair()
    channel = Channel(other)
    one.sendall(b"\0\0\0")
    one.close()
    with pytest.raises(ChannelClosed):
        channel.receive()
    channel.close()


def test_pixels_can_be_pickled_alone() -> None:
    pixels = Pixels(width=1, height=1, pictures=(b"rgb",))
    assert pickle.loads(pickle.dumps(pixels, protocol=5)) == pixels
