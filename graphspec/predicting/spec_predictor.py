"""A model and the spec that names its data → a `Predictor`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from graphspec.datasets.samples import read_vocabularies
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import DATA_NAMES
from graphspec.diagnostics.suggest import one_of
from graphspec.predicting.labels import labels_of
from graphspec.predicting.predictor import Predictor
from graphspec.run_directory import read_vocabularies as read_vocabularies_of_run
from graphspec.sources.vocabularies import Vocabularies, auto_sources
from graphspec.spec import Spec

if TYPE_CHECKING:
    import keras


def predictor_with_spec(name: str, make: Callable[[], keras.Model], spec: Spec, known: Vocabularies) -> Predictor:
    """Return a predictor of the model that `make` returns, with the data of `spec`.

    Args:
        name: Name of the model in messages.
        make: Returns the model.
        spec: Its spec.
        known: Vocabularies that it was trained with; others are read from the training split.

    Raises:
        SpecError: A file of a vocabulary cannot be read.
    """
    automatic = auto_sources(spec.data.train) if spec.data is not None and spec.data.train is not None else {}
    if spec.data is not None and not automatic.keys() <= known.keys():
        known = {**read_vocabularies(spec.graph, spec.data), **known}
    return Predictor(
        name=name,
        graph=spec.graph,
        make=make,
        spec=spec,
        vocabularies=known,
        labels=labels_of(spec.graph, spec.data, known),
    )


def predictor_of_file(path: Path, spec: Spec) -> Predictor:
    """Return a predictor of the model in a file, loaded lazily, with data, losses and metrics of `spec`."""

    def make() -> keras.Model:
        from graphspec.predicting.model_file import load_model
        from graphspec.training.compiling import compile_model

        model = load_model(path, spec)
        check_names(spec, list(model.input), list(model.output), str(path))
        if spec.training is not None:
            compile_model(spec, model)
        return model

    return predictor_with_spec(str(path), make, spec, read_vocabularies_of_run(spec.path.parent))


def check_names(spec: Spec, inputs: Collection[str], outputs: Collection[str], name: str) -> None:
    """Raise SpecError unless `inputs` and `outputs`, of the model `name`, are those of `spec`."""
    for kind, actual, expected in (("inputs", inputs, spec.graph.inputs), ("outputs", outputs, spec.graph.outputs)):
        if set(actual) != set(expected):
            raise SpecError.of(
                DATA_NAMES,
                f"{name} has the {kind} {one_of(actual)}, but {spec.path} has {one_of(expected)}",
                help="name the spec that it was trained with",
            )
