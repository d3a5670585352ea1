"""Steps of training and evaluation that are divided among replicas.

Keras runs its own loop and calls these steps, on whole batches of this process. Each replica computes its share; what
they compute is added up in one reduction; then every process applies the same update to its own copy of the variables,
by the optimizer and the metrics of Keras, which see what they would see in one process. So clipping, accumulated and
scaled gradients and the metrics are those of the whole batch, and all state is the same in every process at each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from graphspec.distribution.share import Share, current_share
from graphspec.distribution.strategy import Distribution
from graphspec.to_keras.keras_internals import seeds_of_replicas, state_variables

DECISIONS = "graphspec_decisions"
"""The key in the logs of a step with the sum of what the processes have decided; see `Decisions`."""


def distribute_steps(
    model: keras.Model, distribution: Distribution, decisions: tf.Variable, after: Callable[[], None]
) -> None:
    """Divide the steps of a compiled and built `model` among the replicas of `distribution`.

    Args:
        model: The model; its metrics and its optimizer are built.
        distribution: The replicas.
        decisions: A vector of this process, whose sum over all processes comes with the logs of each step.
        after: Called in each step, once the metrics of the whole batch are known.
    """
    seeds_of_replicas(_replica)
    for training, name in ((True, "train_step"), (False, "test_step")):
        setattr(model, name, _Step(model, distribution, decisions, after, training=training))


def _replica() -> int:
    share = current_share()
    return share.replica if share is not None else 0


class _Step:
    """A step on the parts of a batch that the replicas of this process have."""

    def __init__(
        self,
        model: keras.Model,
        distribution: Distribution,
        decisions: tf.Variable,
        after: Callable[[], None],
        *,
        training: bool,
    ) -> None:
        self.model = model
        self.distribution = distribution
        self.decisions = decisions
        self.after = after
        self.training = training
        self.total = next(each for each in model.metrics if each.name == "loss")
        own = {id(each) for each in self.total.variables}
        self.weights = model.trainable_weights if training else []
        self.metrics = [each for each in model.metrics_variables if id(each) not in own]
        self.states = state_variables(model) if training else []

    def __call__(self, parts: Any) -> dict[str, Any]:
        """Take the step, and return the metrics of all batches so far."""
        strategy = self.distribution.strategy
        with tf.control_dependencies(tf.nest.flatten(parts)):  # nothing is reset where no batch is left
            before = [tf.identity(each.value) for each in self.metrics + self.states]
        summed = strategy.run(self._replica_step, args=(parts, before))
        summed = tf.nest.map_structure(lambda each: strategy.experimental_local_results(each)[0], summed)
        gradients, loss, changes, decisions = summed
        if self.training:
            found = iter(gradients)
            every = [next(found) if is_present else None for is_present in self._present]
            self.model.optimizer.apply_gradients(zip(every, self.weights, strict=True))
        self.total.update_state(loss, sample_weight=parts[0][2])
        for variable, value, change in zip(self.metrics + self.states, before, changes, strict=True):
            variable.assign(value + change)
        self.after()
        return {**self.model.get_metrics_result(), DECISIONS: decisions}

    def _replica_step(self, parts: Any, before: list[Any]) -> Any:
        """Compute the share of one replica, and add up those of all."""
        context = tf.distribute.get_replica_context()
        replica = int(tf.get_static_value(context.replica_id_in_sync_group))
        index = replica - self.distribution.first
        data, rows, size = parts[index]
        share = Share(rows=rows, size=size, replica=replica, replicas=self.distribution.replicas)
        with share.in_use():
            gradients, loss, changes = self._compute(data, share, before)
        own = self.decisions if index == 0 else tf.zeros_like(self.decisions)
        with_devices = [_on_device(each) for each in (*gradients, loss, *changes, own)]
        values = context.all_reduce(tf.distribute.ReduceOp.SUM, with_devices)
        end = len(gradients)
        return values[:end], values[end], values[end + 1 : -1], values[-1]

    def _compute(self, data: Any, share: Share, before: list[Any]) -> tuple[list[Any], Any, list[Any]]:
        """Return the gradients, the loss, and the changes of metrics and states; all variables keep their values."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        model = self.model
        counts = tf.cast(share.rows > 0, tf.float32)
        with tf.GradientTape() as tape:
            y_pred = model(x, training=self.training)
            loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=self.training)
            scaled = model.optimizer.scale_loss(loss) if self.training else loss
        gradients = tape.gradient(scaled, self.weights) if self.training else []
        self._present = [each is not None for each in gradients]
        number = len(self.metrics)
        for variable in self.metrics:
            variable.assign(tf.zeros_like(variable.value))
        model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        metrics = [tf.identity(each.value) * tf.cast(counts, each.value.dtype) for each in self.metrics]
        portion = share.rows / share.size
        states = [
            (tf.identity(each.value) - value) * tf.cast(portion, each.value.dtype)
            for each, value in zip(self.states, before[number:], strict=True)
        ]
        for variable, value in zip(self.metrics + self.states, before, strict=True):
            variable.assign(value)
        return [each for each in gradients if each is not None], loss, [*metrics, *states]


def _on_device(value: Any) -> Any:
    """Return a tensor that knows its device, which reductions choose their way by."""
    return tf.identity(value) if not isinstance(value, tf.IndexedSlices) else value
