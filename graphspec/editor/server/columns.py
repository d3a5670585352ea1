"""The names that a data file gives to its columns or arrays, from its first line or its directory."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from zipfile import BadZipFile

from graphspec.files import open_file, zip_in

_MAX_BYTES = 1_000_000
_MAX_NAMES = 2_000


def column_names(path: str) -> list[str]:
    """Return the columns of a table (`.csv`, `.tsv`, `.jsonl`), or the arrays of an `.npz`; none of any other file."""
    ending = Path(path).suffix.lower()
    try:
        if ending == ".npz":
            with open_file(path) as file, zip_in(file) as archive:
                return [each.removesuffix(".npy") for each in archive.namelist()[:_MAX_NAMES]]
        if ending not in (".csv", ".tsv", ".jsonl", ".ndjson"):
            return []
        with open_file(path) as file:
            line = file.readline(_MAX_BYTES).decode("utf-8-sig")
        if ending in (".csv", ".tsv"):
            return next(csv.reader([line], delimiter="\t" if ending == ".tsv" else ","), [])[:_MAX_NAMES]
        row = json.loads(line)
        return list(row)[:_MAX_NAMES] if isinstance(row, dict) else []
    except (OSError, ValueError, csv.Error, BadZipFile, RecursionError):
        return []
