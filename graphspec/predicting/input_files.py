"""Input files → sources: `name=file#part`, and a table with the columns of the training data.

The values of an input file are transformed as those of the training were: vocabulary, scale, decoding, windows. Needs
neither TensorFlow nor NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from graphspec.diagnostics import SourceText, SpecError
from graphspec.diagnostics.rules import DATA_NAMES, UNKNOWN_FORMAT
from graphspec.diagnostics.suggest import one_of
from graphspec.language.graph import Graph
from graphspec.sources import COMMAND_LINE, DataSource, Split, endings, format_of


@dataclass(frozen=True)
class Files:
    """The files to predict from or evaluate on, each a source or `file#part`.

    `part` is an array of an .npz, a feature of a TFRecord, or the comma-separated columns of a table.

    Attributes:
        inputs: Files by input.
        targets: Target files by output.
        weights: Sample weight files by output.
        rows: A table with the columns that the training read; inputs and targets in it need not be named.
    """

    inputs: Mapping[str, DataSource | str] = field(default_factory=dict)
    targets: Mapping[str, DataSource | str] = field(default_factory=dict)
    weights: Mapping[str, DataSource | str] = field(default_factory=dict)
    rows: Path | str | None = None

    def split(self, graph: Graph, trained: Split | None, *, targets: bool) -> Split:
        """Return the files as a split of data for `graph`.

        Args:
            graph: Names and dtypes of inputs and outputs.
            trained: The training split; a file is read as its source of the same name.
            targets: Also read targets from `rows`.

        Raises:
            SpecError: A file has an unknown format, or lacks the part.
        """
        inputs = _sources("--input", self.inputs, trained.inputs if trained is not None else {})
        outputs = _sources("--target", self.targets, trained.outputs if trained is not None else {})
        weights = _sources("--weight", self.weights, {})
        if self.rows is not None:
            inputs = table_sources(trained, self.rows) | inputs
            outputs = (_columns(trained.outputs, self.rows) if targets and trained is not None else {}) | outputs
        texts = [name for name, each in graph.inputs.items() if each.dtype == "string"]
        inputs = {name: replace(each, as_text=each.as_text or name in texts) for name, each in inputs.items()}
        outputs = {name: replace(each, is_target=True) for name, each in outputs.items()}
        return Split(name=COMMAND_LINE, inputs=inputs, outputs=outputs, sample_weights=weights, span=graph.span)


def table_sources(trained: Split | None, file: Path | str) -> dict[str, DataSource]:
    """Return a source in the table `file` for each input that the training read from a table.

    Raises SpecError if `file` is no table, or the training read no input from one.
    """
    span = SourceText("--rows", str(file)).first_line
    format = format_of(Path(file).suffix.lower())
    tables = [ending for ending in endings() if (each := format_of(ending)) is not None and "columns" in each.keys]
    if format is None or "columns" not in format.keys:
        raise SpecError.of(UNKNOWN_FORMAT, f"`{file}` is not a table", span, expected=f"a file in {one_of(tables)}")
    sources = _columns(trained.inputs, file) if trained is not None else {}
    if not sources:
        raise SpecError.of(
            DATA_NAMES,
            "the training read no input from a table, so the columns of the inputs are unknown",
            span,
            help="name a file for each input with --input NAME=FILE",
        )
    return sources


def _columns(trained: Mapping[str, DataSource], file: Path | str) -> dict[str, DataSource]:
    """Return the sources that are columns of a table, moved to `file`."""
    span = SourceText("--rows", str(file)).first_line
    return {
        name: replace(source, path=Path(file), text=str(file), span=span, spans={})
        for name, source in trained.items()
        if source.column is not None or source.columns is not None
    }


def _sources(
    option: str, files: Mapping[str, DataSource | str], trained: Mapping[str, DataSource]
) -> dict[str, DataSource]:
    sources = {}
    for name, each in files.items():
        source = each if isinstance(each, DataSource) else _source(option, name, each, trained.get(name))
        sources[name] = _transform_as(trained[name], source) if name in trained else source
    return sources


def _transform_as(trained: DataSource, source: DataSource) -> DataSource:
    """Return `source` with the transforms of `trained`."""
    return replace(
        source,
        transforms=trained.transforms,
        as_text=trained.as_text,
        decode=trained.decode,
        size=trained.size,
        channels=trained.channels,
        on_error=trained.on_error,
        interpolation=trained.interpolation,
        as_classes=trained.as_classes,
    )


def _source(option: str, name: str, written: str, trained: DataSource | None) -> DataSource:
    """Parse `file#part`."""
    file, _, part = written.partition("#")
    span = SourceText(option, f"{name}={written}").first_line
    path = Path(file)
    format = format_of(path.suffix.lower(), trained.decode if trained is not None else None)
    if format is None:
        raise SpecError.of(
            UNKNOWN_FORMAT, f"`{file}` has an unknown format", span, expected=f"a file in {one_of(endings())}"
        )
    if not part:
        return DataSource(path, file, span)
    if not format.keys:
        raise SpecError.of(
            DATA_NAMES, f"`{file}` holds one array, so it has no part `{part}`", span, expected="the file alone"
        )
    if "key" in format.keys:
        return DataSource(path, file, span, key=part)
    if "feature" in format.keys:
        return DataSource(path, file, span, feature=part)
    columns = tuple(part.split(","))
    if len(columns) == 1:
        return DataSource(path, file, span, column=part)
    return DataSource(path, file, span, columns=columns)
