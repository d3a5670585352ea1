"""What became of a run, as its record and its lock tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec.run_directory.folders import is_held

KILLED = "killed"


def status_of(run: Path, record: dict[str, Any]) -> str:
    """`running`, `finished`, `stopped`, `failed`; `killed` where the record says `running` and no process holds it."""
    status = str(record.get("status", "unknown"))
    return KILLED if status == "running" and not is_held(run) else status
