"""What goes wrong while samples are gathered, told as what it is.

TensorFlow reads in threads of its own, and makes of an exception there a text in an error of its own. So a fault is
noted where it arises, and told in the place of that error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from graphspec.checks.data import unreadable
from graphspec.diagnostics import Report, SpecError
from graphspec.sources import DataError, DataSource


@dataclass(frozen=True)
class Fault:
    """That a source could not be read, and why."""

    source: DataSource | None
    error: DataError | OSError

    def as_spec_error(self) -> SpecError:
        """The finding, at the key of the source that is at fault."""
        return SpecError(Report([unreadable(self.source, self.error)]))


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
