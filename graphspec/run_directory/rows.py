"""The metrics of a run by epoch, as JSON lines and as CSV.

    epoch, step                    the epoch, counted from 0, and the steps taken since the training began
    stage                          the name of the stage, of a training in stages
    loss, val_loss, ...            every metric by its name in Keras
    optimizer/learning_rate        at the end of the epoch
    share/<output>                 share of the total loss, with several trained outputs
    time/seconds                   of the whole epoch
    time/samples_per_second        while training, without validation
    time/data_wait                 the share of that time in which the training waited for data

Only the columns that begin with `time/` differ between two trainings of the same spec and data.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from graphspec.diagnostics.escapes import heading
from graphspec.files import read_bytes, reason_of
from graphspec.run_directory.files import parse_json, write_text
from graphspec.run_directory.records import Count, Metric, damaged
from graphspec.run_paths import METRICS, RECORD, TABLE

Row = dict[str, Any]
"""The metrics of an epoch: numbers, lists for a metric of several values, None if one is not finite."""

FIXED = ("epoch", "step", "stage")
TIMED = "time/"

_MAX_BYTES = 2**29


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: dict[str, Metric]

    epoch: Count
    step: Count = 0
    stage: str | None = None


_ROWS = TypeAdapter(list[_Row])


def write_rows(run: Path, rows: list[Row]) -> None:
    """Write `rows` to both files of `run`."""
    write_text(run / METRICS, "".join(json.dumps(row) + "\n" for row in rows))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    names = columns(rows)
    writer.writerow(map(heading, names))
    writer.writerows([row.get(name) for name in names] for row in rows)
    write_text(run / TABLE, table.getvalue())


def read_rows(run: Path) -> list[Row]:
    """Return the rows of `run`, if any. Raises SpecError if they are damaged."""
    path = run / METRICS
    if not os.path.lexists(path):
        return []
    try:
        rows: list[Row] = [parse_json(line) for line in read_bytes(path, _MAX_BYTES).splitlines()]
        _ROWS.validate_python(rows)
    except OSError as error:
        raise damaged(path, reason_of(error)) from None
    except ValidationError:
        raise damaged(path, "it holds lines that are not rows of metrics") from None
    except ValueError as error:
        raise damaged(path, str(error)) from None
    if [row["epoch"] for row in rows] != list(range(len(rows))):
        raise damaged(path, "its rows are not consecutive epochs from 0")
    steps = [row.get("step", 0) for row in rows]
    if any(later <= earlier for earlier, later in pairwise(steps)) and any(steps):
        raise damaged(path, "its steps do not increase from epoch to epoch")
    times = [value for row in rows for name, value in row.items() if name.startswith(TIMED) and value is not None]
    if any(isinstance(time, list) or time < 0 for time in times):
        raise damaged(path, "it holds times that are negative or not numbers")
    return rows


def row_hashes(rows: list[Row], known: list[str]) -> None:
    """Extend `known`, the chained hashes of the first rows, by those of the others."""
    for row in rows[len(known) :]:
        text = json.dumps(row, sort_keys=True)
        known.append(hashlib.sha256(f"{known[-1] if known else ''}{text}".encode()).hexdigest())


def columns(rows: Iterable[Row]) -> list[str]:
    """Return every key of `rows`: fixed keys, metrics, other statistics."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return sorted(keys, key=lambda key: (key not in FIXED, "/" in key, key.startswith(TIMED)))


def series(rows: list[Row]) -> dict[str, list[Any]]:
    """Return every metric by epoch, and `epoch` itself, without other statistics."""
    names = [key for key in columns(rows) if "/" not in key and key != "step"]
    return {name: [row.get(name) for row in rows] for name in names}


def check_record(run: Path, record: dict[str, Any], rows: list[Row]) -> None:
    """Raise SpecError if the `record` of `run` contradicts its `rows` of metrics.

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
    """Raise SpecError if the `rows` of `run` are not of epochs of `epoch_steps` steps."""
    for number, row in enumerate(rows, 1):
        if row.get("step", number * epoch_steps) != number * epoch_steps:
            raise damaged(
                run / METRICS, f"epoch {number} ends after step {row['step']}, not after {number * epoch_steps}"
            )


def metrics_of(rows: list[Row]) -> dict[str, Any]:
    """Return the metrics of the last of `rows` by their names."""
    return {name: value for name, value in rows[-1].items() if name not in FIXED and "/" not in name} if rows else {}
