"""Checks of data files by their headers: names, existence, shapes, dtypes and counts.

They need neither TensorFlow nor NumPy. `checks.values` reads the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from graphspec.checks.context import CheckContext, output_shape
from graphspec.checks.metrics import check_metrics_with
from graphspec.checks.targets import check_target
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import (
    DATA_DTYPE,
    DATA_NAMES,
    DATA_SHAPE,
    MISSING_FILE,
    NOTHING_TO_TRAIN,
    SAMPLE_COUNT,
    UNKNOWN_COLUMN,
    UNREADABLE_DATA,
    UNUSED_WEIGHTS,
)
from graphspec.diagnostics.shape_text import sample_shape
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.files import names_in, reason_of
from graphspec.language.graph import Graph, Input
from graphspec.shapes import Shapes
from graphspec.sources import COMMAND_LINE, Data, DataError, DataSource, Header, Split, header


def check_data(context: CheckContext) -> Iterator[Diagnostic]:
    """Report splits that do not fit the graph, and a `split` that is empty."""
    data = context.data
    for split in data.splits() if data is not None else ():
        yield from check_split(context.graph, split, context.shapes)
    if data is not None and data.held_out and data.train is not None:
        yield from check_held_out(data, _count_of(data.train))


def split_counts(data: Data) -> tuple[int | None, int | None]:
    """Return the numbers of samples to train on and to validate on, by the headers; None if unknown or not there."""
    train = _count_of(data.train) if data.train is not None else None
    held_out = data.held_out_of(train) if train is not None and data.held_out else 0
    validation = _count_of(data.validation) if data.validation is not None else held_out or None
    return train - held_out if train is not None else None, validation


def _count_of(split: Split) -> int | None:
    """Return the number of samples from the first header that states it, or None."""
    for _, source in split.sources():
        head = read_header(source, "")
        if isinstance(head, Header) and head.samples is not None:
            return head.samples
    return None


def check_held_out(data: Data, samples: int | None) -> Iterator[Diagnostic]:
    """Report a validation split without samples, or one that leaves none to train on.

    Args:
        data: the data with its validation split.
        samples: samples of the training split; None if unknown.
    """
    if not samples:
        return
    held_out = data.held_out_of(samples)
    if not 0 < held_out < samples:
        yield Diagnostic(
            NOTHING_TO_TRAIN,
            f"a validation split of {data.held_out:g} of {samples:,} samples leaves {held_out:,} for validation and "
            f"{samples - held_out:,} for training",
            data.split_span,
            expected="a share that leaves samples in both splits",
            help="change `split` under `data: validation:`",
        )


def check_split(graph: Graph, split: Split, shapes: Shapes | None = None) -> Iterator[Diagnostic]:
    """Report everything in the headers of a split that does not fit the graph.

    Args:
        graph: the graph that the split feeds.
        split: the sources of inputs, outputs and sample weights.
        shapes: inferred shapes to check targets against; None to skip this.
    """
    yield from _check_names(graph, split)
    headers: dict[int, Header] = {}
    for name, source in split.sources():
        head = read_header(source, "the folder you are in" if split.name == COMMAND_LINE else "the spec file")
        if isinstance(head, Diagnostic):
            yield head
        else:
            headers[id(source)] = head
            if split.inputs.get(name) is source and name in graph.inputs:
                yield from check_array(graph.inputs[name], source, head)
            yield from check_trained_with(split, name, source, head)
            if shapes is not None and split.outputs.get(name) is source and name in graph.outputs:
                output = graph.outputs[name]
                shape = output_shape(shapes, graph, output)
                if shape is not None:
                    yield from check_target(output, head.shape, shape, source.span)
                    yield from check_metrics_with(output, head.shape, shape, source.span)
    yield from check_counts(split, {key: each.samples for key, each in headers.items()})


def _check_names(graph: Graph, split: Split) -> Iterator[Diagnostic]:
    trained = {name for name, output in graph.outputs.items() if output.loss is not None or output.is_faulty}
    sound = {name for name in trained if not graph.outputs[name].is_faulty}
    yield from _check_keys(split, "input", split.inputs, graph.inputs, required=set(graph.inputs))
    yield from _check_keys(split, "output", split.outputs, graph.outputs, required=sound)
    for name, source in split.sample_weights.items():
        if name not in trained:
            yield Diagnostic(
                UNUSED_WEIGHTS,
                f"`{split.name}` has sample weights for `{name}`, which is not an output with a loss",
                source.span_of("name"),
                expected="an output with a loss" if trained else "no sample weights",
                help=did_you_mean(name, trained, f"the outputs with a loss are {one_of(trained)}" if trained else ""),
            )


def _check_keys(
    split: Split, kind: str, sources: Mapping[str, DataSource], known: Mapping[str, object], *, required: set[str]
) -> Iterator[Diagnostic]:
    """Report unknown and missing names: Keras would feed a wrong dict to wrong inputs."""
    missing = [name for name in known if name in required and name not in sources]
    for name, source in sources.items():
        if name not in known:
            yield Diagnostic(
                DATA_NAMES,
                f"`{split.name}` names the {kind} `{name}`, which the model does not have",
                source.span_of("name"),
                expected=f"a source for an {kind} of the model",
                help=did_you_mean(name, missing or known, f"the {kind}s are {one_of(known)}"),
            )
            missing = [each for each in missing if did_you_mean(name, [each]) == ""]
    for name in missing:
        if split.name == COMMAND_LINE:
            option = "--input" if kind == "input" else "--target"
            yield Diagnostic(
                DATA_NAMES, f"the {kind} `{name}` has no file", help=f"pass it with `{option} {name}=FILE`"
            )
            continue
        yield Diagnostic(
            DATA_NAMES,
            f"`{split.name}` has no source for the {kind} `{name}`",
            split.span,
            expected=f"a source for every {kind}{'' if kind == 'input' else ' that has a loss'}",
            help=f"add `{name}: <file>` under `{split.name}: {kind}s:`",
        )


def read_header(source: DataSource, base: str) -> Header | Diagnostic:
    """Return the header of a source, or a diagnostic; paths are relative to `base`."""
    try:
        return header(source)
    except DataError as error:
        if error.missing:
            return replace(unreadable(source, error), rule=UNKNOWN_COLUMN, expected=f"one that {source.text} has")
        return replace(unreadable(source, error), expected="an array of numbers or text")
    except FileNotFoundError:
        here = names_in(source.path.parent)
        return Diagnostic(
            MISSING_FILE,
            f"there is no file {source.path}",
            source.span_of("file"),
            expected=f"a path relative to {base}",
            help=did_you_mean(source.path.name, here, "" if here else f"there is no folder {source.path.parent}"),
        )
    except OSError as error:
        return replace(unreadable(source, error), expected="a regular file")


def unreadable(source: DataSource | None, error: DataError | OSError | ValueError) -> Diagnostic:
    """Return the diagnostic of a source that cannot be read, at the faulty key."""
    part = error.part if isinstance(error, DataError) else "file"
    span = source.span_of(part) if source is not None else None
    if isinstance(error, DataError):
        return Diagnostic(UNREADABLE_DATA, error.message, span, help=error.help)
    filename = getattr(error, "filename", None)
    name = filename if isinstance(filename, str) else source.text if source is not None else "the data"
    reason = reason_of(error) if isinstance(error, OSError) else str(error)
    return Diagnostic(UNREADABLE_DATA, f"cannot read {name}: {reason}", span)


def check_array(model_input: Input, source: DataSource, head: Header) -> Iterator[Diagnostic]:
    """Report an array whose shape or dtype does not fit its input.

    One number a sample fits an input of shape [1].

    Args:
        model_input: the input.
        source: where the spec names the array.
        head: the header of the array.
    """
    shape = (1,) if head.shape == () and model_input.shape == (1,) else head.shape
    fits = model_input.is_faulty or (
        len(shape) == len(model_input.shape)
        and all(
            size is None or have is None or size == have for size, have in zip(model_input.shape, shape, strict=True)
        )
    )
    if not fits:
        yield Diagnostic(
            DATA_SHAPE,
            f"{source.text} holds samples of shape {sample_shape(head.shape)}, not {sample_shape(model_input.shape)} "
            f"as declared for `{model_input.name}`",
            source.span_of("columns" if source.columns is not None else "file"),
            expected=f"samples of shape {sample_shape(model_input.shape)}",
            help=f"declare `{model_input.name}` with the shape {sample_shape(head.shape)}, or fix the file",
            labels=(Label(model_input.span, f"`{model_input.name}` is declared here"),),
        )
    if head.dtype is not None and not _readable(head.dtype, model_input.dtype):
        yield Diagnostic(
            DATA_DTYPE,
            f"{source.text} holds {_values(head.dtype)}, but `{model_input.name}` takes {_values(model_input.dtype)}",
            source.place,
            expected=f"values that can be converted to {model_input.dtype} without loss",
            help=f"declare `{model_input.name}` with `dtype: string`, or map words to indices with `vocabulary: auto`"
            if head.dtype == "string"
            else f"declare `{model_input.name}` with `dtype: {head.dtype}`, or save the file as {model_input.dtype}",
            labels=(Label(model_input.span, f"`{model_input.name}` is declared here"),),
        )


def check_trained_with(split: Split, name: str, source: DataSource, head: Header) -> Iterator[Diagnostic]:
    """Report targets and sample weights that are text, but samples of several weights.

    Args:
        split: the split that the source belongs to.
        name: the output that it serves.
        source: the source; ignored if it serves an input.
        head: its header.
    """
    is_weight = split.sample_weights.get(name) is source
    if not is_weight and split.outputs.get(name) is not source:
        return
    what = "sample weights" if is_weight else "targets"
    if head.dtype == "string":
        yield Diagnostic(
            DATA_DTYPE,
            f"{source.text} holds text, but the {what} of `{name}` are numbers",
            source.place,
            expected="numbers",
            help="save numbers" if is_weight else "map words to indices with `vocabulary: auto`",
        )
    if is_weight and head.shape not in ((), (1,), (None,)):
        yield Diagnostic(
            DATA_SHAPE,
            f"{source.text} holds samples of shape {sample_shape(head.shape)}, but a sample has one weight",
            source.span_of("columns" if source.columns is not None else "file"),
            expected="one number per sample",
        )


def _values(dtype: str) -> str:
    return "text" if dtype == "string" else f"{dtype} values"


def _readable(have: str, want: str) -> bool:
    """Return whether dtype `want` holds values of `have` without loss of text or fractions."""
    if "string" in (have, want):
        return have == want
    return not (have.startswith("float") and not want.startswith(("float", "bfloat")))


def check_counts(split: Split, samples: Mapping[int, int | None]) -> Iterator[Diagnostic]:
    """Report sources of a split without samples, or with unequal numbers of samples.

    Args:
        split: the split.
        samples: numbers of samples by the id of each source; None for an unknown number.
    """
    counted = [
        (name, source, samples[id(source)]) for name, source in split.sources() if samples.get(id(source)) is not None
    ]
    if not counted:
        return
    first_name, first, count = counted[0]
    if count == 0:
        yield Diagnostic(
            SAMPLE_COUNT, f"{first.text} holds no samples", first.span_of("file"), expected="at least one sample"
        )
    for _name, source, number in counted[1:]:
        if number != count:
            in_one_file = source.text == first.text  # which would name and underline the same file twice
            names = [each.part_text if in_one_file else each.text for each in (source, first)]
            places = [each.place if in_one_file else each.span_of("file") for each in (source, first)]
            yield Diagnostic(
                SAMPLE_COUNT,
                f"{names[0]} holds {number:,} samples, but {names[1]} holds {count:,}",
                places[0],
                expected=f"{count:,} samples, as for `{first_name}`",
                help=f"all sources of `{split.name}` need the same number of samples",
                labels=(Label(places[1], f"{count:,} samples"),),
            )
