"""A text file that a script generates: written, or compared with what the script would write."""

from __future__ import annotations

import sys
from pathlib import Path


def keep(path: Path, text: str, source: str = "") -> int:
    """Write a generated file; with `--check` on the command line, compare it instead.

    Args:
        path: The file.
        text: Its whole text.
        source: The release that it is generated from, where that is not among the locked ones.

    Returns:
        The exit status of the script: 1 where `--check` finds another text in the file.
    """
    if "--check" not in sys.argv[1:]:
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {path.stat().st_size:,} bytes")
        return 0
    fresh = path.exists() and path.read_text(encoding="utf-8") == text
    stale = f"stale{source and f' for {source}'}: run python scripts/{Path(sys.argv[0]).name}"
    print(f"{path.name} is {'up to date' if fresh else stale}")
    return int(not fresh)
