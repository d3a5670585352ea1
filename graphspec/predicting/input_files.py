"""Files given by hand → sources: `name=file#part`, and a table that holds the columns of the training.

What the training did with the values of an input or target — vocabulary, scale, decoding, windows — is done with those
of a file given for it. Needs neither TensorFlow nor NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from graphspec.diagnostics import SourceText, Span, SpecError
from graphspec.diagnostics.rules import DATA_NAMES, UNKNOWN_FORMAT
from graphspec.diagnostics.suggest import one_of
from graphspec.language.graph import Graph
from graphspec.sources import GIVEN, DataSource, Split, endings, format_of


@dataclass(frozen=True)
class Files:
    """Files by the names of inputs and outputs, each a source or `file#part`; what `rows` holds need not be named.

    rows is a table with the columns that the training took. PART is an array of an .npz, a feature of a TFRecord, or
    columns of a table, separated by commas.
    """

    inputs: Mapping[str, DataSource | str] = field(default_factory=dict)
    targets: Mapping[str, DataSource | str] = field(default_factory=dict)
    weights: Mapping[str, DataSource | str] = field(default_factory=dict)
    rows: Path | str | None = None

    def split(self, graph: Graph, trained: Split | None, *, targets: bool) -> Split:
        """The files as a split of data for `graph`, each read as the source of the same name in `trained` is.

        targets: whether they are wanted. Raises SpecError where a file is of no known format, or has no such part.
        """
        inputs = _sources("--input", self.inputs, trained.inputs if trained is not None else {})
        outputs = _sources("--target", self.targets, trained.outputs if trained is not None else {})
        weights = _sources("--weight", self.weights, {})
        if self.rows is not None:
            inputs = rows_of(trained, self.rows) | inputs
            outputs = (_columns(trained.outputs, self.rows) if targets and trained is not None else {}) | outputs
        texts = [name for name, each in graph.inputs.items() if each.dtype == "string"]
        inputs = {name: replace(each, as_text=each.as_text or name in texts) for name, each in inputs.items()}
        outputs = {name: replace(each, is_target=True) for name, each in outputs.items()}
        return Split(GIVEN, inputs, outputs, weights, graph.span)


def rows_of(trained: Split | None, file: Path | str) -> dict[str, DataSource]:
    """A source for each input that the training took from a table: the columns of the same names in `file`.

    Raises SpecError where `file` is no table, or the training took no input from one.
    """
    format = format_of(Path(file).suffix.lower())
    tables = [ending for ending in endings() if (each := format_of(ending)) is not None and "columns" in each.keys]
    if format is None or "columns" not in format.keys:
        raise SpecError.of(
            UNKNOWN_FORMAT, f"`{file}` is no table", _place("--rows", str(file)), expected=f"a file in {one_of(tables)}"
        )
    found = _columns(trained.inputs, file) if trained is not None else {}
    if not found:
        raise SpecError.of(
            DATA_NAMES,
            "the training took no input from a table, so nothing tells which columns the inputs are",
            _place("--rows", str(file)),
            help="give each input with --input NAME=FILE",
        )
    return found


def _columns(trained: Mapping[str, DataSource], file: Path | str) -> dict[str, DataSource]:
    """The sources that are columns of a table, of `file`."""
    place = _place("--rows", str(file))
    return {
        name: replace(source, path=Path(file), text=str(file), span=place, spans={})
        for name, source in trained.items()
        if source.column is not None or source.columns is not None
    }


def _sources(
    option: str, given: Mapping[str, DataSource | str], trained: Mapping[str, DataSource]
) -> dict[str, DataSource]:
    found = {}
    for name, each in given.items():
        source = each if isinstance(each, DataSource) else _source(option, name, each, trained.get(name))
        found[name] = _alike(source, trained[name]) if name in trained else source
    return found


def _alike(source: DataSource, trained: DataSource) -> DataSource:
    """`source`, with all that is done with the values of the one that was trained on."""
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
    """The source that `file#part` is."""
    file, _, part = written.partition("#")
    span = _place(option, f"{name}={written}")
    path = Path(file)
    format = format_of(path.suffix.lower(), trained.decode if trained is not None else None)
    if format is None:
        raise SpecError.of(
            UNKNOWN_FORMAT, f"`{file}` is of no known format", span, expected=f"a file in {one_of(endings())}"
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


def _place(option: str, written: str) -> Span:
    return Span(SourceText(option, written), 1, 1, 1, 1 + len(written))
