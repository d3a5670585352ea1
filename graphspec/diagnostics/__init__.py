"""Diagnostics of a spec: their model, the report that collects them, and the formats that show them."""

from __future__ import annotations

from graphspec.diagnostics.model import Diagnostic, Edit, Fix, Label, SourceText, Span
from graphspec.diagnostics.report import Report, SpecError

__all__ = ["Diagnostic", "Edit", "Fix", "Label", "Report", "SourceText", "Span", "SpecError"]
