"""The work that the expressions of one spec may take, counted as they are evaluated.

One unit is about a microsecond. The count follows from the spec alone, never from a clock, so that a spec is refused
on every machine or on none.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import TOO_LARGE
from graphspec.language.document.tree import Mapping, tree_size

MAX_WORK = 1_500_000


class TooMuchWorkError(Exception):
    """The expressions of a spec take more work than all of them together may."""

    def at(self, span: Span) -> SpecError:
        """Return the error as a finding about what stands at `span`, where the work ran out."""
        return SpecError.of(
            TOO_LARGE,
            "the files, expressions, blocks and repeats of this spec take too much work",
            span,
            expected="the limit is exceeded here",
            help="write long lists and strings once, where they are used, and use fewer repeats and nested blocks",
        )


@dataclass
class Work:
    """The work that is left to the expressions of a spec, its blocks and the files that it includes."""

    left: int = MAX_WORK

    def spend_on_file(self, tree: Mapping, span: Span) -> None:
        """Count the work of reading another file, which `span` names. Raises SpecError as `spend_at`."""
        self.spend_at(len(tree.span.source.text) // 8 + 10 * tree_size(tree), span)

    def spend_at(self, units: int, span: Span) -> None:
        """Count work that what stands at `span` makes. Raises SpecError where it is more than is left."""
        try:
            self.spend(units)
        except TooMuchWorkError as error:
            raise error.at(span) from None

    def spend(self, units: int) -> None:
        """Count `units` of work. Raises TooMuchWorkError where they are more than is left."""
        self.left -= units
        if self.left < 0:
            raise TooMuchWorkError
