"""The finding for what the version of Keras in use lacks and another one has."""

from __future__ import annotations

from graphspec.catalog.generated import number
from graphspec.catalog.history import Versions, in_words, requirement
from graphspec.catalog.versions import is_chosen, version_in_use
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import OTHER_KERAS


def report_other_version(what: str, versions: Versions, span: Span, report: Report) -> bool:
    """Report that other versions of Keras have something; return whether there are any.

    Args:
        what: What the spec names, such as "the layer `RMSNormalization`".
        versions: The versions that have it.
        span: Where the spec names it.
        report: Receives the diagnostic.
    """
    if versions:
        here = version_in_use()
        report.add(
            OTHER_KERAS,
            f"{what} needs {in_words(versions)}, and the spec is checked for Keras {here}",
            span,
            expected=f"what Keras {here} has",
            help=_help(versions, here),
        )
    return bool(versions)


def _help(versions: Versions, here: str) -> str:
    if is_chosen():
        return f"leave it out, or check for another version: `--keras {versions[-1]}`"
    if number(versions[-1]) > number(here):
        return f"upgrade Keras: `pip install '{requirement(versions)}'`"
    return f"leave it out, or install an older Keras: `pip install '{requirement(versions)}'`"
