"""Everything that writes to a terminal: lines, tables, progress bars, and the standard streams of a command.

`diff`, `echo`, `metrics`, `shell`, `silence` and `streams` do not import rich.
"""
