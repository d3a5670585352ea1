"""Handling of Ctrl-C, SIGTERM and SIGHUP, which stop a training between two steps.

So it stops where it can be resumed. Another signal, after a second, stops it at once. The record of the run is written
in any case.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack
from types import FrameType

from graphspec.signals import as_exit, handled_by, heed

MIN_SECONDS_TO_FORCE = 1.0
"""Seconds after which another signal stops the training at once; within them it repeats the first one."""


class StoppedError(Exception):
    """A signal has stopped a training; its checkpoint is written."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    def as_exit(self) -> BaseException:
        """Return the exception by which Python itself would end the process on this signal."""
        return as_exit(self.number)


class Interruption:
    """A context that records signals which would end the process.

    Attributes:
        is_immediate: A later signal has raised KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.is_immediate = False
        self._is_closed = False
        self._noted_at = 0.0
        self._handling = ExitStack()

    @property
    def is_requested(self) -> bool:
        """Return whether a signal has requested a stop."""
        return self.number is not None

    def as_error(self) -> StoppedError:
        """Return the error to raise where the training stops."""
        return StoppedError(self.number if self.number is not None else signal.SIGINT)

    def close(self) -> None:
        """Ignore later signals: the training has ended, and the work that is left is short."""
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
        elif not (self.is_immediate or self._is_closed) and now - self._noted_at >= MIN_SECONDS_TO_FORCE:
            self.is_immediate = True
            raise KeyboardInterrupt
