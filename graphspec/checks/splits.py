"""Check that splits share no samples: metrics on training samples say nothing about others."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import SAME_DATA
from graphspec.sources import DataSource, Split


def check_splits(context: CheckContext) -> Iterator[Diagnostic]:
    """Report a validation or test split whose inputs are those of another split."""
    if context.data is None:
        return
    seen: dict[tuple[object, ...], Split] = {}
    for split in (context.data.train, context.data.validation, context.data.test):
        if split is None or not split.inputs:
            continue
        key = tuple(sorted((name, *_samples(source)) for name, source in split.inputs.items()))
        other = seen.setdefault(key, split)
        if other is not split:
            yield Diagnostic(
                SAME_DATA,
                f"`{split.name}` uses the same samples as `{other.name}`",
                split.span,
                expected=f"other samples than `{other.name}`",
                help="hold out a part of the training data: `validation: {split: 0.1}`"
                if split.name == "validation"
                else "name other files",
                labels=(Label(other.span, f"`{other.name}` uses them too"),),
            )


def _samples(source: DataSource) -> tuple[str, ...]:
    part = source.key or source.column or source.feature or ""
    return str(source.path), part, repr(source.columns or ()), repr(source.transforms.window)
