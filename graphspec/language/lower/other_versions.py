"""The finding for what the version of Keras in use lacks and another one has."""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.catalog import Entry
from graphspec.catalog.generated import newest, number
from graphspec.catalog.history import Versions, in_words, requirement, versions_where
from graphspec.catalog.values import accepted, takes
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


def taken_later(entry: Entry, argument: str, value: Any) -> str:
    """Return a sentence on newer versions in which an argument takes a value that it does not take here; "" if none.

    Args:
        entry: The class or operation here.
        argument: The argument.
        value: The value, plain data of a spec.
    """

    def is_taken() -> bool:
        found, described = catalog.find(entry.kind, entry.name), accepted(entry.kind, entry.name, argument)
        return found is not None and argument in found.arguments and (described is None or takes(described, value))

    if version_in_use() == newest():
        return ""  # older catalogues need not be read
    versions = versions_where(is_taken)
    is_later = versions and number(versions[-1]) > number(version_in_use())
    return f"{in_words(versions)} takes it" if is_later else ""


def _help(versions: Versions, here: str) -> str:
    if is_chosen():
        return f"leave it out, or check for another version: `--keras {versions[-1]}`"
    if number(versions[-1]) > number(here):
        return f"upgrade Keras: `pip install '{requirement(versions)}'`"
    return f"leave it out, or install an older Keras: `pip install '{requirement(versions)}'`"
