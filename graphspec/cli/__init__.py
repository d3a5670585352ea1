"""The command line: one module per command, each a thin call of the Python API.

Exit status: 0 clean, 1 findings or a failed run, 2 wrong usage, 3 an internal error.
"""

from graphspec.cli.main import main

__all__ = ["main"]
