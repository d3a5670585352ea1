"""Compiling: the training section of a spec → `model.compile`.

Losses, weights and metrics go to Keras as full dicts by output name: Keras would apply a loss weight under a wrong key
to another output, and ignore a missing loss.
"""

from __future__ import annotations

from typing import Any

import keras

from graphspec.distribution.share import SharedLoss
from graphspec.language.log_keys import metric_names
from graphspec.language.objects import Object
from graphspec.spec import Spec
from graphspec.to_keras.keras_internals import loss_of
from graphspec.to_keras.objects import make
from graphspec.training.metrics import LossMean, OutputLoss, track_graph_losses


def compile_model(
    spec: Spec,
    model: keras.Model,
    *,
    optimizer: Object | None = None,
    steps_per_execution: int = 1,
    shared: bool = False,
) -> dict[str, LossMean]:
    """Compile a model as its spec says.

    Args:
        spec: The spec, with a training.
        model: Its model.
        optimizer: The optimizer of a stage; None for that of the training.
        steps_per_execution: Batches per call of the compiled function.
        shared: Replicas share each batch, so that each computes a part of the loss.

    Returns:
        The metric of each loss, by the name of its output or its own.

    Raises:
        SpecError: Keras refuses an object.
    """
    assert spec.training is not None
    assert spec.model.training is not None
    settings = spec.model.training
    outputs = spec.graph.outputs
    trained = {name: make(output.loss) for name, output in outputs.items() if output.loss is not None}
    arguments: dict[str, Any] = {
        "optimizer": make(optimizer or spec.training.optimizer),
        "loss": {name: trained.get(name) for name in outputs},
        "loss_weights": {name: float(output.loss_weight) for name, output in outputs.items()},
        "metrics": {name: _metrics(output.metrics) for name, output in outputs.items()},
        "weighted_metrics": {name: _metrics(output.weighted_metrics) for name, output in outputs.items()},
        "jit_compile": settings.jit_compile,
        "steps_per_execution": steps_per_execution,
    }
    if not trained:  # all of the loss is computed in the graph
        arguments |= {"loss": None, "loss_weights": None}
    model.compile(**arguments)
    # OutputLoss is for the log of this run. A saved file keeps only the compile settings of the spec, so that plain
    # Keras loads it.
    config = type(model).get_compile_config(model)
    if shared:
        trained = {name: SharedLoss(loss_of(loss)) for name, loss in trained.items()}
        arguments["loss"] = (arguments["loss"] or {}) | trained or None
        arguments["jit_compile"] = False  # XLA compiles no reductions between devices
    others = len(spec.graph.loss_weights) - 1
    only = next(iter(outputs)) if len(outputs) == 1 else None
    losses: dict[str, LossMean] = {name: OutputLoss(loss, others, only) for name, loss in trained.items()}
    for name, loss in losses.items():
        arguments["weighted_metrics"][name] = [*arguments["weighted_metrics"][name], loss]
    model.compile(**arguments)
    model.get_compile_config = lambda: config
    in_graph = {name: (loss.layer.name, loss.weight) for name, loss in spec.graph.losses.items()}
    return losses | (track_graph_losses(model, in_graph) if in_graph else {})


def _metrics(metrics: list[Object]) -> list[Any]:
    """Return the metrics of one output under fixed names, which Keras would number."""
    return [make(each) if each.is_identifier else make(each, name=name) for each, name in metric_names(metrics)]
