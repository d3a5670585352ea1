"""Specs as Python modules, executed where graphspec cannot be imported."""
