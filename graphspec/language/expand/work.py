"""The budget of work for the expressions, blocks and includes of one spec.

One unit is about a microsecond. The count depends on the spec alone, never on a clock, so that a spec is refused on
every machine or on none.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import TOO_LARGE
from graphspec.language.document.tree import Mapping, tree_size

MAX_WORK = 1_500_000


class TooMuchWorkError(Exception):
    """The budget of a spec is exhausted."""

    def at(self, span: Span) -> SpecError:
        """Return the error as a diagnostic at `span`, where the budget ran out."""
        return SpecError.of(
            TOO_LARGE,
            "the files, expressions, blocks and repeats of this spec take too much work",
            span,
            expected="the limit is exceeded here",
            help="write long lists and strings once, where they are used, and use fewer repeats and nested blocks",
        )


@dataclass
class Work:
    """The units of work that are left to a spec."""

    left: int = MAX_WORK

    def spend_on_file(self, tree: Mapping, span: Span) -> None:
        """Count the work of reading another file, named at `span`. Raises SpecError as `spend_at` does."""
        self.spend_at(len(tree.span.source.text) // 8 + 10 * tree_size(tree), span)

    def spend_at(self, units: int, span: Span) -> None:
        """Count work caused at `span`. Raises SpecError where it exceeds the budget."""
        try:
            self.spend(units)
        except TooMuchWorkError as error:
            raise error.at(span) from None

    def spend(self, units: int) -> None:
        """Count `units` of work. Raises TooMuchWorkError where they exceed the budget."""
        self.left -= units
        if self.left < 0:
            raise TooMuchWorkError
