"""Checks of vocabularies: the model has an index for each word."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.checks.embeddings import embeddings
from graphspec.checks.targets import takes_classes
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import DATA_NAMES, INDEX_RANGE, LABEL_RANGE
from graphspec.sources import AUTO, DataSource, Split


def check_vocabularies(context: CheckContext) -> Iterator[Diagnostic]:
    """Report vocabularies larger than an `Embedding` or an output, and `auto` without one to use."""
    data = context.data
    for split in data.splits() if data is not None else ():
        for name, source in split.inputs.items():
            yield from _check_input(context, name, source)
        for name, source in split.outputs.items():
            yield from _check_output(context, name, source)
        if data is not None and data.train is not None and split is not data.train:
            yield from _check_auto(split, data.train)


def _check_input(context: CheckContext, name: str, source: DataSource) -> Iterator[Diagnostic]:
    words = source.transforms.vocabulary
    if name not in context.graph.inputs or words is None or words == AUTO:
        return
    for count, span in dict.fromkeys(embeddings(context.graph, name)):
        if len(words) > count:
            yield Diagnostic(
                INDEX_RANGE,
                f"the vocabulary of `{name}` has {len(words)} words, but `Embedding` has {count} indices",
                source.span_of("vocabulary"),
                expected=f"{count} words or fewer",
                help=f"write `input_dim: {len(words)}`",
                labels=(Label(span, f"it has {count} indices"),),
            )


def _check_output(context: CheckContext, name: str, source: DataSource) -> Iterator[Diagnostic]:
    words, output = source.transforms.vocabulary, context.graph.outputs.get(name)
    if output is None or words is None or words == AUTO or not takes_classes(output):
        return
    shape = context.output_shape(output)
    classes = shape[-1] if shape else None
    if classes is not None and len(words) > classes and source.transforms.one_hot is None:
        yield Diagnostic(
            LABEL_RANGE,
            f"the vocabulary of `{name}` has {len(words)} words, but the output has {classes} classes",
            source.span_of("vocabulary"),
            expected=f"{classes} words or fewer",
            help=f"give the last layer {len(words)} units",
            labels=(Label(output.span, "the output"),),
        )


def _check_auto(split: Split, train: Split) -> Iterator[Diagnostic]:
    for sources, trained in ((split.inputs, train.inputs), (split.outputs, train.outputs)):
        for name, source in sources.items():
            if source.transforms.vocabulary == AUTO and name in trained and not trained[name].transforms.vocabulary:
                yield Diagnostic(
                    DATA_NAMES,
                    f"`vocabulary: auto` takes the words of the training split, whose `{name}` has no vocabulary",
                    source.span_of("vocabulary"),
                    expected="a vocabulary in the training split too",
                    help=f"write `vocabulary: auto` under `train` for `{name}`, or the words here",
                    labels=(Label(trained[name].span, "without a vocabulary"),),
                )
