"""Formats of data files, each against the library that writes them."""
