"""A run as one HTML page that needs nothing else: what it reached, what its model says, and what it came from.

`write` puts the page together from sections; each makes HTML of what it reads, and draws with `plots` and `drawing`.
"""

from __future__ import annotations

from graphspec.runs.report.write import report_page, write_report

__all__ = ["report_page", "write_report"]
