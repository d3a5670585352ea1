"""A model and the spec that names its data → a `Predictor`: the two must have the same inputs and outputs."""

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
    """What `make` gives, called `name`, with the data of `spec`; known are the vocabularies that it was trained with.

    Vocabularies that are not known are taken from the training split. Raises SpecError where a file of one cannot be
    read.
    """
    wanted = auto_sources(spec.data.train) if spec.data is not None and spec.data.train is not None else {}
    if spec.data is not None and not wanted.keys() <= known.keys():
        known = {**read_vocabularies(spec.graph, spec.data), **known}
    return Predictor(name, spec.graph, make, spec, known, labels_of(spec.graph, spec.data, known))


def predictor_of_file(path: Path, spec: Spec) -> Predictor:
    """The model in a file, with the data, losses and metrics of `spec`. It is loaded when it is asked for."""

    def make() -> keras.Model:
        from graphspec.predicting.model_file import loaded
        from graphspec.training.compiling import compile_model

        model = loaded(path, spec)
        check_names(spec, list(model.input), list(model.output), str(path))
        if spec.training is not None:
            compile_model(spec, model)
        return model

    return predictor_with_spec(str(path), make, spec, read_vocabularies_of_run(spec.path.parent))


def check_names(spec: Spec, inputs: Collection[str], outputs: Collection[str], name: str) -> None:
    """Raise SpecError unless these, of the model called `name`, are the inputs and outputs of `spec`."""
    for kind, has, wanted in (("inputs", inputs, spec.graph.inputs), ("outputs", outputs, spec.graph.outputs)):
        if set(has) != set(wanted):
            raise SpecError.of(
                DATA_NAMES,
                f"{name} has the {kind} {one_of(has)}, and {spec.path} has {one_of(wanted)}",
                help="name the spec that it was trained with",
            )
