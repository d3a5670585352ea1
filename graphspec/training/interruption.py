"""Ctrl-C, SIGTERM and SIGHUP while a model is trained: noted when they come, and heeded between two steps.

So a training ends where it can be resumed. Another Ctrl-C, after a second, ends it at once. However many signals come,
and whenever they come, the record of the run is written.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack
from types import FrameType

from graphspec.signals import as_exit, handled_by, heed

IMPATIENCE = 1.0
"""Seconds after which another signal asks for more than the first one: within them it is the same wish."""


class StoppedError(Exception):
    """A training was asked to stop, by the signal of that number, and what it takes to go on is written."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    def as_exit(self) -> BaseException:
        """What ends a process that the signal has reached, as Python itself would end it."""
        return as_exit(self.number)


class Interruption:
    """Within it, signals that would end the process are noted; `asked` tells that one has come.

    is_at_once tells that KeyboardInterrupt was raised, for another one has come after a while.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.is_at_once = False
        self._is_closed = False
        self._noted_at = 0.0
        self._handling = ExitStack()

    @property
    def asked(self) -> bool:
        """Whether the training is to stop."""
        return self.number is not None

    def as_error(self) -> StoppedError:
        """What is raised where the training stops."""
        return StoppedError(self.number if self.number is not None else signal.SIGINT)

    def close(self) -> None:
        """Hear no signal any more: the training has come to its end, and what is left to do is short."""
        self._is_closed = True

    def __enter__(self) -> Interruption:
        self._handling.enter_context(handled_by(self._note))
        return self

    def __exit__(self, *_: object) -> None:
        self._handling.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = heed()
        if self.number is None:
            self.number, self._noted_at = number, now
        elif not (self.is_at_once or self._is_closed) and now - self._noted_at >= IMPATIENCE:
            self.is_at_once = True
            raise KeyboardInterrupt
