"""Formatting, and the JSON Schema in an editor."""
