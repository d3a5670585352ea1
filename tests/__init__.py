"""The tests of graphspec."""
