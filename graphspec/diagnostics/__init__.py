"""Say what is wrong with a spec: diagnostics, the report that collects them, and the formats that show it."""

from __future__ import annotations

from graphspec.diagnostics.model import Diagnostic, Edit, Fix, Label, SourceText, Span
from graphspec.diagnostics.report import Report, SpecError

__all__ = ["Diagnostic", "Edit", "Fix", "Label", "Report", "SourceText", "Span", "SpecError"]
