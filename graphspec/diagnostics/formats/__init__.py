"""Outcome → text: one module per format, imported when it is used.

The module of a format has a function `write` that takes an `Outcome` and returns the whole text, without a newline at
its end.
"""

from __future__ import annotations

from importlib import import_module

from graphspec.diagnostics.formats.outcome import Outcome

FORMATS = {
    "full": "full",
    "concise": "concise",
    "json": "as_json",
    "github": "github",
    "gitlab": "gitlab",
    "sarif": "sarif",
    "junit": "junit",
}
"""The module of each format."""


def write(outcome: Outcome, format: str) -> str:
    """Return `outcome` in `format`, one of FORMATS, without colours."""
    text: str = import_module(f"graphspec.diagnostics.formats.{FORMATS[format]}").write(outcome)
    return text
