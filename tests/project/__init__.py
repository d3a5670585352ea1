"""The repository: its documents, packages, locks, examples and own tools."""
