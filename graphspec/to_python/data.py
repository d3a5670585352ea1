"""The data files of a spec as functions that load them, where NumPy and `csv` read them in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graphspec.catalog.losses import OF_CLASS_INDICES
from graphspec.checks.targets import ignored_class
from graphspec.language.graph import Graph, Output
from graphspec.sources import AUTO, Data, DataSource, Split
from graphspec.to_python.identifiers import Identifiers
from graphspec.to_python.literals import literal, literal_text
from graphspec.to_python.source import (
    Assign,
    Call,
    Do,
    Expression,
    Function,
    Items,
    Lines,
    Method,
    Pairs,
    Statement,
    Text,
    flat,
)

PathOf = Callable[[Path], Expression]
"""Returns the expression for the path of a file."""

_READ = (".npy", ".npz", ".csv")

_MAX_STACKED = 3
"""Columns that are stacked one by one; more are listed before."""

READ_CSV = Function(
    name="read_csv",
    parameters=["path"],
    doc="Return the columns of a CSV file by their names.",
    body=[
        Lines(
            'with open(path, newline="", encoding="utf-8-sig") as file:\n'
            "    names, *rows = (row for row in csv.reader(file) if row)\n"
            "columns = map(np.array, zip(*rows, strict=True))"
        ),
        Do(Text("dict(zip(names, columns, strict=True))"), "return"),
    ],
)


def unread(data: Data, graph: Graph) -> str:
    """Return why a few lines cannot load the data; empty where they can."""
    splits = list(data.splits())
    for split in splits:
        if set(split.inputs) != set(graph.inputs) or not set(split.outputs) <= set(graph.outputs):
            return f"`{split.name}` names other inputs or outputs"
        for name, source in split.sources():
            made = source.transforms
            if source.path.suffix.lower() not in _READ or any(each in source.text for each in "*?["):
                return f"`{name}` is read from {source.text}"
            for key in ("pad", "window"):
                if getattr(made, key) is not None:
                    return f"`{name}` is made with `{key}`"
            if made.vocabulary == AUTO and len(splits) > 1:
                return f"`{name}` has a vocabulary that its splits share"
    return ""


@dataclass
class Loading:
    """The functions that load the splits.

    Attributes:
        has_weights: There are weights of samples.
        has_text: There are inputs of text, which Keras takes as tensors only.
        calls: The expression for the samples of each split, by its name.
    """

    has_weights: bool
    has_text: bool
    functions: list[Function] = field(default_factory=list)
    calls: dict[str, Expression] = field(default_factory=dict)

    def as_tensors(self, name: str) -> list[Statement]:
        """Return the statement that makes tensors of the inputs of a split, if that is needed."""
        return [Assign(name, Call(Text("as_tensors"), (Text(name),)))] if self.has_text else []

    @property
    def names(self) -> str:
        """The variables for the samples of a split."""
        return "inputs, targets, weights" if self.has_weights else "inputs, targets"


def loading(data: Data, graph: Graph, path_of: PathOf, seed: str) -> Loading:
    """Return the functions that load every split of `data`; one function where splits differ only in their file.

    Args:
        data: The splits.
        graph: The graph that they feed.
        path_of: Returns the expression for the path of a file.
        seed: The expression for the seed, by which samples are held out.
    """
    splits = list(data.splits())
    has_weights = any(each.sample_weights for each in splits) or any(o.weighs_classes for o in graph.outputs.values())
    result = Loading(has_weights, any(each.dtype == "string" for each in graph.inputs.values()))
    kept = ""
    if data.held_out:
        kept = f"np.random.default_rng([{seed}, len(classes)]).permutation(len(classes))"
        kept += f"[round(len(classes) * {data.held_out!r}):]"
    written = {split.name: _SplitWriter(split, graph, has_weights, kept) for split in splits}
    if any(each.reads_csv for each in written.values()):
        result.functions.append(READ_CSV)
    alike = [each.body(None) for each in written.values()]
    if len(alike) > 1 and all(body == alike[0] for body in alike) and all(len(w.files) == 1 for w in written.values()):
        doc = "Load the samples of a file."
        result.functions.append(Function(name="load_samples", parameters=["path"], doc=doc, body=alike[0]))
        for name, writer in written.items():
            result.calls[name] = Call(Text("load_samples"), (path_of(writer.files[0]),))
        return result
    for name, writer in written.items():
        doc = f"Load the {_TITLES[name]} data."
        result.functions.append(Function(name=f"load_{name}", parameters=[], doc=doc, body=writer.body(path_of)))
        result.calls[name] = Call(Text(f"load_{name}"))
    return result


_TITLES = {"train": "training", "validation": "validation", "test": "test"}


class _SplitWriter:
    """The writer of the statements that load one split."""

    def __init__(self, split: Split, graph: Graph, has_weights: bool, kept: str) -> None:
        self.kept = kept
        self.split = split
        self.graph = graph
        self.has_weights = has_weights
        self.files = list(dict.fromkeys(source.path for _, source in split.sources()))
        self.reads_csv = any(path.suffix.lower() == ".csv" for path in self.files)
        self.path_of: PathOf | None = None
        self.variables: dict[Path, str] = {}
        self.listed: dict[tuple[str, ...] | None, str] = {}
        self.words: dict[str, str] = {}

    def body(self, path_of: PathOf | None) -> list[Statement]:
        """Return the statements. path_of: None for the argument `path` in the place of the only file."""
        self.path_of, self.variables, self.listed, self.words = path_of, {}, {}, {}
        reserved = "inputs targets weights path column each read_csv classes kept known counts index number"
        identifiers = Identifiers(reserved.split())
        statements: list[Statement] = []
        for path in self.files:
            suffix = path.suffix.lower()
            if suffix != ".npy":
                self.variables[path] = identifiers.new("table" if suffix == ".csv" else "arrays")
                loaded = Call(Text("read_csv" if suffix == ".csv" else "np.load"), (self._path(path),))
                statements.append(Assign(self.variables[path], loaded))
        for name, source in self.split.sources():
            if source.columns is not None and len(source.columns) > _MAX_STACKED and source.columns not in self.listed:
                self.listed[source.columns] = identifiers.new(f"{name}_columns")
                statements.append(Assign(self.listed[source.columns], literal(list(source.columns))))
        for name, source in self.split.sources():
            vocabulary = source.transforms.vocabulary
            if vocabulary is not None:
                self.words[name] = identifiers.new(f"{name}_words")
                found = Text(f"sorted(set({flat(self._values(source))}))")
                known = found if vocabulary == AUTO else literal([str(each) for each in vocabulary])
                statements.append(Assign(self.words[name], known))
        statements.append(Assign("inputs", self._pairs(self.split.inputs, is_input=True)))
        statements.append(Assign("targets", self._pairs(self.split.outputs, is_input=False)))
        if not self.has_weights:
            return [*statements, Do(Text("inputs, targets"), "return")]
        return [*statements, *self._weights(), Do(Text("inputs, targets, weights"), "return")]

    def _path(self, path: Path) -> Expression:
        return self.path_of(path) if self.path_of is not None else Text("path")

    def _pairs(self, sources: dict[str, DataSource], *, is_input: bool) -> Pairs:
        return Pairs(
            tuple((literal(name), self._transformed(name, source, is_input)) for name, source in sources.items())
        )

    def _values(self, source: DataSource) -> Expression:
        """Return the expression for the values that a file holds."""
        if source.path not in self.variables:
            return Call(Text("np.load"), (self._path(source.path),))
        variable = self.variables[source.path]
        if source.columns in self.listed:
            return Text(f"np.column_stack([{variable}[column] for column in {self.listed[source.columns]}])")
        if source.columns is not None:
            items = tuple(Text(f"{variable}[{literal_text(each)}]") for each in source.columns)
            return Call(Text("np.column_stack"), (Items(items),))
        key = source.column if source.column is not None else source.key
        return Text(f"next(iter({variable}.values()))" if key is None else f"{variable}[{literal_text(key)}]")

    def _transformed(self, name: str, source: DataSource, is_input: bool) -> Expression:
        """Return what a source makes of the values of its file."""
        made = source.transforms
        dtype = self._dtype(name, is_input)
        value = self._values(source)
        if name in self.words:
            value = Text(f"np.array([{self.words[name]}.index(str(each)) for each in {flat(value)}])")
        elif source.path.suffix.lower() == ".csv" and dtype != "string":
            value = _method(value, "astype", Text(literal_text(dtype)))
        if made.scale is not None:
            value = Call(Text("np.multiply"), (value, Text(repr(made.scale))), (("dtype", Text('"float32"')),))
        if made.cast is not None and made.cast != "string":
            value = _method(value, "astype", Text(literal_text(made.cast)))
        if made.one_hot is not None:
            value = Call(Text("keras.utils.to_categorical"), (value, Text(str(made.one_hot))))
        if is_input and self.graph.inputs[name].shape == (1,) and source.column is not None:
            value = _method(value, "reshape", Text("-1"), Text("1"))
        return value

    def _dtype(self, name: str, is_input: bool) -> str:
        if is_input:
            return self.graph.inputs[name].dtype
        loss = self.graph.outputs[name].loss
        return "int64" if loss is not None and loss.name in OF_CLASS_INDICES else "float32"

    def _weights(self) -> Iterator[Statement]:
        """Yield the statements that make the weights of samples: for every trained output, as Keras wants them."""
        trained = [name for name, output in self.graph.outputs.items() if output.loss is not None]
        items: list[tuple[Expression, Expression]] = []
        for name in trained:
            value: Expression = Text(f"np.ones(len(targets[{literal_text(name)}]))")
            if name in self.split.sample_weights:
                value = _method(self._values(self.split.sample_weights[name]), "astype", Text('"float32"'))
            items.append((literal(name), value))
        yield Assign("weights", Pairs(tuple(items)))
        for name in trained if self.split.name == "train" else ():
            yield from _by_class(name, self.graph.outputs[name], self.kept)


def weights_of_arrays(graph: Graph, *, is_always: bool) -> list[Statement]:
    """Return the statements that complete the weights which a caller gives for the samples of arrays.

    Args:
        graph: The graph, whose outputs may weigh classes.
        is_always: There have to be weights, whether the caller gives any or not.
    """
    weighing = {name: output for name, output in graph.outputs.items() if output.weighs_classes}
    ones = "{each: np.ones(len(targets[each])) for each in targets}"
    if weighing or is_always:
        lines = [
            f"weights = {ones}",
            "for each, values in (sample_weight or {}).items():",
            "    weights[each] = weights[each] * values",
        ]
    else:
        lines = [
            "weights = None",
            "if sample_weight:  # Keras wants weights for each output",
            f"    weights = {ones} | sample_weight",
        ]
    statements: list[Statement] = [Lines("\n".join(lines))]
    for name, output in weighing.items():
        statements += _by_class(name, output, "")
    return statements


def _by_class(name: str, output: Output, kept: str) -> Iterator[Statement]:
    """Yield the statement that weighs the samples that are trained on by their class."""
    if not output.weighs_classes:
        return
    weights, target = f"weights[{literal_text(name)}]", f"targets[{literal_text(name)}]"
    ignored = ignored_class(output)
    lines = [
        f"classes = {target}.reshape(len({target}), -1)",
        "classes = classes.argmax(axis=1) if classes.shape[1] > 1 else classes[:, 0]",
        f"kept = {kept or 'np.arange(len(classes))'}",
        *([f"kept = kept[classes[kept] != {ignored}]"] if ignored is not None and output.is_balanced else []),
        *(f"{weights}[kept[classes[kept] == {each}]] *= {by!r}" for each, by in output.class_weight.items()),
    ]
    if output.is_balanced:
        lines += [
            "known, counts = np.unique(classes[kept], return_counts=True)",
            "for index, number in zip(known, counts):",
            f"    {weights}[kept[classes[kept] == index]] *= len(kept) / (len(known) * number)",
        ]
    yield Lines("\n".join(lines))


def _method(value: Expression, name: str, *arguments: Expression) -> Call:
    return Call(Method(value, name), arguments)
