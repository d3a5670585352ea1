"""The report of a run: one self-contained HTML page of its metrics, predictions, graph, data and origin.

`write` assembles the page from sections; each returns HTML, and draws with `plots` and `drawing`.
"""

from __future__ import annotations

from graphspec.runs.report.write import report_page, write_report

__all__ = ["report_page", "write_report"]
