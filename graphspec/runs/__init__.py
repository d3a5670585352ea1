"""Read runs again: one run, an overview of several, and the report page."""
