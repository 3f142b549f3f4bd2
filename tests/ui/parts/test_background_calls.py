"""Calls in other threads: who answers, when, and when nobody does."""

import threading
from concurrent.futures import wait

import pytest

from app.ui.parts.background_calls import BackgroundCalls


@pytest.fixture
def calls(qapp):
    calls = BackgroundCalls(1)
    yield calls
    calls.close()


def test_the_answer_comes_in_this_thread(qtbot, calls: BackgroundCalls) -> None:
    seen = []
    calls.call(threading.get_ident, lambda there: seen.append((there, threading.get_ident())), seen)
    qtbot.waitUntil(lambda: seen != [])
    there, here = seen[0]
    assert here == threading.get_ident() != there


def test_one_that_ends_at_once_is_answered_after_the_call(qtbot, calls, monkeypatch) -> None:
    submit = calls._executor.submit

    def slow_submit(function):
        future = submit(function)
        wait([future])
        return future

    monkeypatch.setattr(calls._executor, "submit", slow_submit)
    seen = []
    assert calls.call(lambda: 7, seen.append, seen.append).done()
    assert seen == []
    qtbot.waitUntil(lambda: seen == [7])


def test_a_failure_is_answered_by_the_other_function(qtbot, calls: BackgroundCalls) -> None:
    failures = []

    def fail() -> None:
        raise OSError("gone")

    calls.call(fail, lambda _: failures.append("done"), failures.append)
    qtbot.waitUntil(lambda: failures != [])
    assert [str(error) for error in failures] == ["gone"]


def test_a_cancelled_call_and_those_after_close_are_not_answered(qtbot, qapp) -> None:
    calls, gate, seen = BackgroundCalls(1), threading.Event(), []
    calls.call(lambda: gate.wait(10), seen.append, seen.append)
    cancelled = calls.call(lambda: 1, seen.append, seen.append)
    assert cancelled.cancel()
    after = calls.call(lambda: 2, seen.append, seen.append)
    threading.Timer(0.05, gate.set).start()
    calls.close()
    assert after.cancelled()
    qapp.processEvents()
    assert seen == []
