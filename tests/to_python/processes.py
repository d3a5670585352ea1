"""Modules executed in a process that cannot import graphspec."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def start(jobs: list[dict[str, Any]], folder: Path) -> subprocess.Popen[str]:
    """Let `describe.py` work on jobs: `module`, a path; `run`, a function to call; `weightless`."""
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    command = [sys.executable, str(Path(__file__).with_name("describe.py")), str(folder / "jobs.json")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


def found_by(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What the process finds of each job."""
    output, errors = process.communicate()
    assert "FOUND" in output, errors
    found: list[dict[str, Any]] = json.loads(output.rpartition("FOUND")[2])
    return found
