"""What goes wrong while samples are gathered, told as what it is.

TensorFlow reads in threads of its own, and makes of an exception there a text in an error of its own. So a fault is
noted where it arises, and told in the place of that error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import UNREADABLE_DATA
from graphspec.files import reason_of
from graphspec.sources import DataError, DataSource


@dataclass(frozen=True)
class Fault:
    """That a source could not be read, and why."""

    source: DataSource | None
    error: DataError | OSError

    def as_spec_error(self) -> SpecError:
        """The finding, at the key of the source that is at fault."""
        if isinstance(self.error, DataError):
            span = self.source.span_of(self.error.part) if self.source is not None else None
            return SpecError.of(UNREADABLE_DATA, self.error.message, span, help=self.error.help)
        name = self.source.text if self.source is not None else self.error.filename
        reason = reason_of(self.error)
        span = self.source.span_of("file") if self.source is not None else None
        return SpecError.of(UNREADABLE_DATA, f"cannot read {name}: {reason}", span)


Faults = list[Fault]


@contextmanager
def raise_faults(*noted: Faults) -> Iterator[None]:
    """Raise SpecError with the first fault that was noted, if there is one, in the place of what is raised within."""
    try:
        yield
    except Exception as error:
        for fault in chain.from_iterable(noted):
            raise fault.as_spec_error() from error
        raise
