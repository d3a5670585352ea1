"""Readers of data files: one module a format, each with a `FORMAT`, and the modules that they share."""
