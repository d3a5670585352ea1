"""The interactive page of a graph: one HTML file with its data, its style, its script, and a still drawing."""

from __future__ import annotations

from graphspec.drawing.page.document import as_json, is_plot_page, plot_facts, plot_page

__all__ = ["as_json", "is_plot_page", "plot_facts", "plot_page"]
