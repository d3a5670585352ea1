"""The messages of a training, on the terminal and with the time in `log.txt` of its run."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Protocol

from rich.console import Console

from graphspec.console.cells import print_line
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.escapes import escaped


class Log(Protocol):
    """A file that lines are appended to."""

    def add(self, line: str) -> None:
        """Append a line. Raises SpecError if it cannot be written."""


class Reporter:
    """A writer of messages to `console`, unless it is quiet, and to the log of the run."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self.console = console
        self.quiet = quiet
        self._file: Log | None = None
        self._early: list[str] = []

    @classmethod
    def on_stderr(cls, *, quiet: bool) -> Reporter:
        """Return a reporter on standard error."""
        return cls(Console(stderr=True), quiet=quiet)

    @property
    def progress_console(self) -> Console | None:
        """Return the console for progress; None if quiet."""
        return None if self.quiet else self.console

    def keep_in(self, log: Log) -> None:
        """Write all messages so far, and from now on, to `log`.

        Raises:
            SpecError: The log cannot be written; `info` and `warn` raise it too from now on.
        """
        self._file = log
        lines, self._early = self._early, []
        for line in lines:
            self._write(line)

    def info(self, line: str) -> None:
        """Report progress; not shown if quiet."""
        if not self.quiet:
            self._show(line)
        self._write(line)

    def conclude(self, line: str) -> None:
        """Report the end, also if quiet; errors of the log are ignored."""
        self._show(line)
        with suppress(SpecError):
            self._write(line)

    def warn(self, line: str) -> None:
        """Report a warning, also if quiet."""
        self._show(f"warning: {line}")
        self._write(f"warning: {line}")

    def _show(self, line: str) -> None:
        """Show a line; after the output was closed, the training continues without."""
        try:
            print_line(self.console, line)
        except (OSError, SystemExit):  # rich ends the process for a closed pipe
            self.console = Console(quiet=True)

    def _write(self, line: str) -> None:
        if self._file is None:
            self._early.append(line)
            return
        self._file.add(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}  {escaped(line)}")
