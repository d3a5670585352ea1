"""Training section → `model.compile`, in the one form in which Keras trains what the spec says.

Losses, weights and metrics go to Keras as full dicts by output name: a loss weight under a wrong key would be handed
to another output, and a missing loss would go unnoticed.
"""

from __future__ import annotations

from typing import Any

import keras

from graphspec.language.graph import Object
from graphspec.language.log_keys import metric_names
from graphspec.spec import Spec
from graphspec.to_keras.objects import make
from graphspec.training.metrics import OutputLoss


def compile_model(spec: Spec, model: keras.Model, *, steps_per_execution: int = 1) -> dict[str, OutputLoss]:
    """Compile `model` as the training section of `spec` says; give the metric that holds each trained output's loss.

    Raises SpecError where Keras refuses an object.
    """
    assert spec.training is not None
    assert spec.model.training is not None
    settings = spec.model.training
    outputs = spec.graph.outputs
    trained = {name: make(output.loss) for name, output in outputs.items() if output.loss is not None}
    arguments: dict[str, Any] = {
        "optimizer": make(spec.training.optimizer),
        "loss": {name: trained.get(name) for name in outputs},
        "loss_weights": {name: float(output.loss_weight) for name, output in outputs.items()},
        "metrics": {name: _metrics(output.metrics) for name, output in outputs.items()},
        "weighted_metrics": {name: _metrics(output.weighted_metrics) for name, output in outputs.items()},
        "jit_compile": settings.jit_compile,
        "steps_per_execution": steps_per_execution,
    }
    model.compile(**arguments)
    # The means of our own are for this run's log. Saved files keep the compile settings of the spec alone, so that
    # plain Keras loads them.
    config = model.get_compile_config()
    losses = {name: OutputLoss(loss, len(trained) - 1) for name, loss in trained.items()}
    for name, loss in losses.items():
        arguments["weighted_metrics"][name] = [*arguments["weighted_metrics"][name], loss]
    model.compile(**arguments)
    model.get_compile_config = lambda: config
    return losses


def _metrics(written: list[Object]) -> list[Any]:
    """The metrics of one output, named so that log keys never vary: Keras would count a class's instances."""
    return [make(each) if each.is_identifier else make(each, name=name) for each, name in metric_names(written)]
