"""Signals that end a process: the first one raises, later ones do not interrupt the clean-up.

Python handles signals only in the main thread; in other threads these functions do nothing.
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
"""Seconds after a signal in which no other one raises."""


class _SignalState:
    """The time of the last signal of this process, and the number of the one that raised."""

    handled_at = float("-inf")
    raised: int | None = None


def as_exit(number: int) -> BaseException:
    """Return the exception by which Python ends a process after signal `number`."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)


def heed() -> float:
    """Let no other signal raise within the grace period; return the time."""
    _SignalState.handled_at = time.monotonic()
    return _SignalState.handled_at


def exit_status() -> int | None:
    """Return the exit status of the signal that raised; None if none has."""
    return 128 + _SignalState.raised if _SignalState.raised is not None else None


def forget() -> None:
    """Forget the signal, in a command that a signal ends normally."""
    _SignalState.raised = None


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], None], *, ignored_afterwards: bool = False) -> Iterator[None]:
    """Handle SIGNALS by `handler` inside the `with` block, except those that the process was started to ignore.

    Args:
        handler: A handler, as for `signal.signal`.
        ignored_afterwards: Ignore signals after the block, since the process is about to end.
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
    """Raise the first signal inside the `with` block; later ones within the grace period do not raise."""

    def end(number: int, frame: FrameType | None) -> None:
        if time.monotonic() - _SignalState.handled_at >= _GRACE:
            heed()
            _SignalState.raised = number
            raise as_exit(number)

    _SignalState.raised = None
    return handled_by(end, ignored_afterwards=ignored_afterwards)


@contextmanager
def put_off() -> Iterator[None]:
    """Delay signals inside a short `with` block that must not be interrupted; the first one raises at its end."""
    heard: list[int] = []
    try:
        with handled_by(lambda number, frame: heard.append(number)):
            yield
    finally:
        if heard:
            heed()
            _SignalState.raised = heard[0]
            raise as_exit(heard[0])
