"""The `graphspec` of this checkout as a program on the PATH, for editors that start it by its name."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
EDITORS = ROOT / "editors"


def environment_with_program(folder: Path) -> dict[str, str]:
    """Write a program `graphspec` into a folder, a home, and return the variables of a shell that finds it."""
    program = folder / "bin" / "graphspec"
    program.parent.mkdir()
    started = f"PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m graphspec"
    program.write_text(f'#!/bin/sh\n{started} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
