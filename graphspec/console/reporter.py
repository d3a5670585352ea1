"""What a training tells: on the terminal, and with the time in `log.txt` of its run."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Protocol

from rich.console import Console

from graphspec.console.cells import print_line
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.escapes import escaped


class Log(Protocol):
    """A file that lines are added to."""

    def add(self, line: str) -> None:
        """Add a line. Raises SpecError where it cannot be written."""


class Reporter:
    """Shows lines on `console`, unless it is quiet; once there is a run, writes them to its log as well."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self.console = console
        self.quiet = quiet
        self._file: Log | None = None
        self._before: list[str] = []

    def keep_in(self, log: Log) -> None:
        """Write what has been told so far, and what follows, to `log`.

        Raises SpecError where it cannot be written, as all that tells of something does from then on.
        """
        self._file = log
        lines, self._before = self._before, []
        for line in lines:
            self._write(line)

    def info(self, line: str) -> None:
        """Tell of progress."""
        if not self.quiet:
            self._show(line)
        self._write(line)

    def conclude(self, line: str) -> None:
        """Tell how it has ended, which is shown in any case; a log that cannot be written is no matter then."""
        self._show(line)
        with suppress(SpecError):
            self._write(line)

    def warn(self, line: str) -> None:
        """Tell what somebody should know who wants to see no progress."""
        self._show(f"warning: {line}")
        self._write(f"warning: {line}")

    def _show(self, line: str) -> None:
        """Show a line; where nobody is there any more to see it (a closed pipe), the training goes on without."""
        try:
            print_line(self.console, line)
        except (OSError, SystemExit):  # rich ends the process for a closed pipe
            self.console = Console(quiet=True)

    def _write(self, line: str) -> None:
        if self._file is None:
            self._before.append(line)
            return
        self._file.add(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}  {escaped(line)}")
