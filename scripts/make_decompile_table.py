"""Write the tables of docs/decompile.md: every model of `keras.applications` and of the shipped specs, decompiled.

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
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras

import graphspec
from graphspec import catalog
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file
from graphspec.to_keras.keras_internals import weightless_scope

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.from_keras.round_trip import structural

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "decompile.md"
END = "<!-- end of table -->\n"
BEGIN, BEGIN_SPECS = (f"<!-- table{of}: scripts/make_decompile_table.py -->\n" for of in ("", " of specs"))

Row = tuple[str, int, int, float]


def row(name: str, make: Callable[[], keras.Model], folder: Path) -> Row:
    """Return the name of a model, the lines of its spec and of its configuration, and the seconds it took."""
    keras.backend.clear_session()
    with weightless_scope():
        model = make()
    config, spec = folder / "model.json", folder / "spec.yaml"
    config.write_text(json.dumps(keras.saving.serialize_keras_object(model)), encoding="utf-8")
    file = read_model_file(config)
    began = time.process_time()
    decompile_file(file, DecompileOptions(path=spec, force=True))
    seconds = time.process_time() - began
    if differences := structural(model, graphspec.build(spec, weightless=True)):
        raise SystemExit(f"{name} differs: {differences[0][:500]}")
    lines = spec.read_text(encoding="utf-8").count("\n")
    return name, lines, json.dumps(file.config, indent=2).count("\n") + 1, seconds


def applications(folder: Path) -> list[Row]:
    """Return the rows of all applications."""
    return [
        row(name, partial(getattr(keras.applications, name), weights=None), folder) for name in catalog.applications()
    ]


def specs(folder: Path) -> list[Row]:
    """Return the rows of all shipped specs."""
    paths = sorted([*(ROOT / "specs").glob("*.yaml"), *(ROOT / "specs" / "zoo").glob("*.yaml")])
    return [row(str(path.relative_to(ROOT)), partial(graphspec.build, path, weightless=True), folder) for path in paths]


def table(rows: list[Row]) -> str:
    """Return the rows as a table of Markdown, with the medians below."""
    lines = ["| model | lines of spec | lines of JSON | seconds |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {spec:,} | {config:,} | {seconds:.1f} |" for name, spec, config, seconds in rows]
    ratio = statistics.median(config / spec for _, spec, config, _ in rows)
    return "\n".join([*lines, "", f"The median spec has 1/{ratio:.0f} of the lines.", ""])


def main() -> None:
    """Measure all models, and write the page."""
    for begin, measure in ((BEGIN, applications), (BEGIN_SPECS, specs)):
        with tempfile.TemporaryDirectory() as folder:
            written = table(measure(Path(folder)))
        before, rest = PAGE.read_text(encoding="utf-8").split(begin)
        PAGE.write_text(before + begin + written + END + rest.split(END, 1)[1], encoding="utf-8")
        print(written)


if __name__ == "__main__":
    main()
