"""Checks that the files of a run do not contradict each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec.run_directory.records import damaged
from graphspec.run_directory.rows import FIXED, Row
from graphspec.run_paths import METRICS, RECORD


def check_record(run: Path, record: dict[str, Any], rows: list[Row]) -> None:
    """Raise SpecError where the `record` of `run` contradicts its `rows` of metrics.

    Rows are written before the record, so there may be more of them than it counts.
    """
    epochs = record.get("epochs", 0)
    if len(rows) < epochs:
        raise damaged(run / METRICS, f"it holds {len(rows)} of the {epochs} epochs that were trained")
    best = record.get("best")
    if best is not None:
        if best["epoch"] >= len(rows):
            raise damaged(run / RECORD, f"its best epoch is number {best['epoch'] + 1}, and {len(rows)} were trained")
        row = rows[best["epoch"]]
        if row.get(best["monitor"], best["value"]) != best["value"]:
            raise damaged(run / RECORD, f"the `{best['monitor']}` of its best epoch is not that in {METRICS}")
    last = rows[epochs - 1] if epochs else {}
    for name, value in record.get("metrics", {}).items():
        if last.get(name) != value:
            raise damaged(run / RECORD, f"its `{name}` is not that of the last epoch in {METRICS}")


def check_rows(run: Path, rows: list[Row], epoch_steps: int) -> None:
    """Raise SpecError where the `rows` of `run` are not of epochs of `epoch_steps` steps."""
    for number, row in enumerate(rows, 1):
        if row.get("step", number * epoch_steps) != number * epoch_steps:
            raise damaged(
                run / METRICS, f"epoch {number} ends after step {row['step']}, not after {number * epoch_steps}"
            )


def metrics_of(rows: list[Row]) -> dict[str, Any]:
    """Return the metrics of the last of `rows` by their names."""
    return {name: value for name, value in rows[-1].items() if name not in FIXED and "/" not in name} if rows else {}
