"""Ctrl-C, SIGTERM and SIGHUP while a model is trained: noted when they come, and heeded between two steps.

So a training ends where it can go on from. A second Ctrl-C ends it at once.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


class StoppedError(Exception):
    """A training was asked to stop, by the signal of that number, and what it takes to go on is written."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    def as_exit(self) -> BaseException:
        """What ends a process that the signal has reached, as Python itself would end it."""
        return KeyboardInterrupt() if self.number == signal.SIGINT else SystemExit(128 + self.number)


class Interruption:
    """Within it, signals that would end the process are noted; `asked` tells that one has come.

    Python hears signals in its main thread alone; in another one, nothing is changed.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether the training is to stop."""
        return self.number is not None

    def as_error(self) -> StoppedError:
        """What is raised where the training stops."""
        assert self.number is not None
        return StoppedError(self.number)

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:  # whoever started this does not want it to end by that
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            raise KeyboardInterrupt
        self.number = number
