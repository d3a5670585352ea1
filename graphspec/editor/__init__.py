"""Serve editors: canonical formatting, and a JSON Schema for completion."""
