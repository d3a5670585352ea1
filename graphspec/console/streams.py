"""The standard streams of a command: every line is made harmless, and a failed write gives no traceback.

`diagnostics.escapes` escapes each untrusted text where a line is composed. The streams escape each line once more when
it is written, whoever wrote it: a wrapped table, a warning of a library, a diff.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from graphspec.diagnostics.escapes import COLOURS, CONTROLS, safe_line


class Stream:
    """A text stream for `sys.stdout` and `sys.stderr`.

    After a failed write, kept in `failure`, nothing more is written.
    """

    def __init__(self, stream: TextIO | None, *, ends: bool) -> None:
        """Wrap `stream`.

        Args:
            stream: The stream; None if it was closed before Python started.
            ends: Raise SystemExit after a failed write, unless the stream is `patient`.
        """
        self._stream = stream
        self._ends = ends
        self._at_start = True
        self.patient = False
        self.failure: OSError | None = None
        self.encoding: str = getattr(stream, "encoding", None) or "utf-8"
        self.errors = "backslashreplace"

    def __getattr__(self, name: str) -> Any:
        if name == "buffer" and self.encoding.lower() in ("ascii", "us-ascii"):
            raise AttributeError(name)  # click would write UTF-8 to it whatever the encoding
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write `text` with every line escaped."""
        if not isinstance(text, str):
            raise TypeError(f"a text stream takes text, not {type(text).__name__}")
        allowed = CONTROLS if self.isatty() else COLOURS
        *lines, last = text.split("\n")
        escaped = []
        for line in lines:
            body, end = (line[:-1], "\r\n") if line.endswith("\r") else (line, "\n")
            escaped.append(safe_line(body, allowed, at_start=self._at_start) + end)
            self._at_start = True
        escaped.append(safe_line(last, allowed, at_start=self._at_start))
        self._at_start = self._at_start and not last.strip()
        self._put("".join(escaped))
        return len(text)

    def write_command(self, text: str) -> None:
        """Write `text` unchanged: workflow commands for a CI service."""
        self._put(text)

    def write_bytes(self, data: bytes) -> None:
        """Write `data` unchanged."""
        self.flush()
        if self.failure is None:
            try:
                cast(TextIO, self._stream).buffer.write(data)
            except (OSError, ValueError, AttributeError) as error:
                self._fail(error)
        self.flush()

    def flush(self) -> None:
        if self._stream is not None and self.failure is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._fail(error)

    def isatty(self) -> bool:
        with suppress(OSError, ValueError):
            return self._stream is not None and self._stream.isatty()
        return False

    def _put(self, text: str) -> None:
        if not text or self.failure is not None:
            return
        encodable = text if text.isascii() else text.encode(self.encoding, self.errors).decode(self.encoding)
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._stream.write(encodable)
        except (OSError, ValueError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failure = error if isinstance(error, OSError) else OSError(errno.EBADF, os.strerror(errno.EBADF))
        stream = self._stream
        if stream is not None and any(stream is each for each in (sys.__stdout__, sys.__stderr__)):
            with suppress(OSError, ValueError):  # so that Python's flush at exit does not fail again
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
        if self._ends and not self.patient:
            raise SystemExit(1)


class ClosedInput:
    """Standard input that was closed before Python started: reading it is an OSError, a prompt ends at once."""

    encoding = "utf-8"

    @property
    def buffer(self) -> ClosedInput:
        return self

    def read(self, size: int = -1) -> bytes:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def readline(self, size: int = -1) -> str:
        return ""

    def isatty(self) -> bool:
        return False


@contextmanager
def standard_streams() -> Iterator[Stream]:
    """Replace the standard streams inside the `with` block; yield that of standard output."""
    _open_closed_descriptors()
    before = sys.stdin, sys.stdout, sys.stderr
    output, errors = Stream(sys.stdout, ends=True), Stream(sys.stderr, ends=False)
    sys.stdin = before[0] if before[0] is not None else cast(TextIO, ClosedInput())
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    try:
        yield output
    finally:
        errors.flush()
        sys.stdin, sys.stdout, sys.stderr = before


def outlive_output() -> None:
    """Continue a long command after standard output fails; its exit status reports the failure in the end."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.patient = True


def _open_closed_descriptors() -> None:
    """Open closed standard descriptors, or the next file that is opened becomes one."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            os.dup2(opened, number)
            if opened != number:
                os.close(opened)
