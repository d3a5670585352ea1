"""Errors of sources while batches are gathered, raised in the place of TensorFlow's errors.

tf.data gathers in threads, and turns an exception there into the text of an error of its own. So an error is noted
where it is raised, and raised again in the place of TensorFlow's.
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
    """A source that cannot be read, and the error."""

    source: DataSource | None
    error: DataError | OSError

    def as_spec_error(self) -> SpecError:
        """Return the error as a diagnostic at the key of the source that is at fault."""
        return SpecError(Report([unreadable(self.source, self.error)]))


Faults = list[Fault]


@contextmanager
def raise_faults(*noted: Faults) -> Iterator[None]:
    """Replace an error within by the SpecError of the first noted fault, if there is one."""
    try:
        yield
    except Exception as error:
        for fault in chain.from_iterable(noted):
            raise fault.as_spec_error() from error
        raise
