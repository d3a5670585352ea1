"""Write the table of docs/decompile.md: every model of `keras.applications`, decompiled.

    python scripts/make_decompile_table.py

Each is made without weights, serialised, decompiled and built again; a model that does not come back the same ends
the script. The seconds are those of the processor for decompiling alone.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras

import graphspec
from graphspec import catalog
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file
from graphspec.to_keras.keras_internals import weightless_scope

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.from_keras.round_trip import structural

PAGE = Path(__file__).resolve().parent.parent / "docs" / "decompile.md"
BEGIN, END = "<!-- table: scripts/make_decompile_table.py -->\n", "<!-- end of table -->\n"


def row(name: str, folder: Path) -> tuple[str, int, int, float]:
    """Return the name of an application, the lines of its spec and of its configuration, and the seconds it took."""
    keras.backend.clear_session()
    with weightless_scope():
        model = getattr(keras.applications, name)(weights=None)
    config, spec = folder / f"{name}.json", folder / f"{name}.yaml"
    config.write_text(json.dumps(keras.saving.serialize_keras_object(model)), encoding="utf-8")
    file = read_model_file(config)
    began = time.process_time()
    decompile_file(file, DecompileOptions(path=spec))
    seconds = time.process_time() - began
    if differences := structural(model, graphspec.build(spec, weightless=True)):
        raise SystemExit(f"{name} differs: {differences[0][:500]}")
    lines = spec.read_text(encoding="utf-8").count("\n")
    return name, lines, json.dumps(file.config, indent=2).count("\n") + 1, seconds


def table(rows: list[tuple[str, int, int, float]]) -> str:
    """Return the rows as a table of Markdown, with the medians below."""
    lines = ["| model | lines of spec | lines of JSON | seconds |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {spec:,} | {config:,} | {seconds:.1f} |" for name, spec, config, seconds in rows]
    ratio = statistics.median(config / spec for _, spec, config, _ in rows)
    return "\n".join([*lines, "", f"The median spec has 1/{ratio:.0f} of the lines.", ""])


def main() -> None:
    """Measure all applications, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(name, Path(folder)) for name in catalog.applications()]
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + table(rows) + END + rest.split(END)[1], encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
