"""Signals that end a process, heard once: however many come, what the first one has begun comes to its end.

Python hears signals in its main thread alone; in another one, nothing here changes anything.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))

_GRACE = 2.0
"""Seconds after a signal was heeded in which no other one raises."""


class _Heard:
    """The signals that this process has heard: when the last one was heeded, and which one raised, if any."""

    heeded_at = float("-inf")
    raised: int | None = None


def as_exit(number: int) -> BaseException:
    """Return what ends a process that the signal has reached, as Python itself would end it."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)


def heed() -> float:
    """Let no other signal raise for a moment; return the time."""
    _Heard.heeded_at = time.monotonic()
    return _Heard.heeded_at


def exit_status() -> int | None:
    """Return the status to exit with where a signal has raised; None where none has."""
    return 128 + _Heard.raised if _Heard.raised is not None else None


def forget() -> None:
    """Let a command end with a status of its own, for which a signal is the ordinary end."""
    _Heard.raised = None


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], None], *, ignored_afterwards: bool = False) -> Iterator[None]:
    """Within it, `handler` hears SIGNALS, but for those that whoever started the process lets it ignore.

    ignored_afterwards: the process is about to end, and no signal is heard any more.
    """
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for each, earlier in before.items():
            signal.signal(each, signal.SIG_IGN if ignored_afterwards else earlier)


def raised_once(*, ignored_afterwards: bool = False) -> Any:
    """Within it, a signal raises what ends the process; those that follow in a moment raise nothing."""

    def end(number: int, frame: FrameType | None) -> None:
        if time.monotonic() - _Heard.heeded_at >= _GRACE:
            heed()
            _Heard.raised = number
            raise as_exit(number)

    _Heard.raised = None
    return handled_by(end, ignored_afterwards=ignored_afterwards)


@contextmanager
def put_off() -> Iterator[None]:
    """Within it, signals wait: the first one raises when it is left. For what must not be interrupted, and is short."""
    heard: list[int] = []
    try:
        with handled_by(lambda number, frame: heard.append(number)):
            yield
    finally:
        if heard:
            heed()
            _Heard.raised = heard[0]
            raise as_exit(heard[0])
