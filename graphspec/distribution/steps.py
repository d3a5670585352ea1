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
from graphspec.to_keras.keras_internals import counting_variables, seeds_of_replicas, state_variables

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
        self.counters = counting_variables(model)
        self.regularized = [each for each in model.trainable_weights if each.regularizer is not None]

    def __call__(self, parts: Any) -> dict[str, Any]:
        """Take the step, and return the metrics of all batches so far."""
        strategy = self.distribution.strategy
        summed, counters = strategy.run(self._replica_step, args=(parts,))
        (gradients, loss, changes, decisions), counters = tf.nest.map_structure(
            lambda each: strategy.experimental_local_results(each)[0], (summed, counters)
        )
        if self.training:
            found = iter(gradients)
            every = [next(found) if is_present else None for is_present in self._present]
            self.model.optimizer.apply_gradients(zip(every, self.weights, strict=True))
        self.total.update_state(loss, sample_weight=parts[0][2])
        for variable, change in zip(self.metrics + self.states, changes, strict=True):
            variable.assign(variable + change)
        for variable, value in zip(self.counters, counters, strict=True):
            variable.assign(value)
        self.after()
        return {**self.model.get_metrics_result(), DECISIONS: decisions}

    def _replica_step(self, parts: Any) -> Any:
        """Compute the share of one replica; return the sums over all replicas, and the counters after it."""
        context = tf.distribute.get_replica_context()
        replica = int(tf.get_static_value(context.replica_id_in_sync_group))
        index = replica - self.distribution.first
        data, rows, size = parts[index]
        share = Share(rows=rows, size=size, replica=replica, replicas=self.distribution.replicas)
        with share.in_use():
            gradients, loss, changes, counters = self._compute(data, share)
        own = self.decisions if index == 0 else tf.zeros_like(self.decisions)
        with_devices = [_on_device(each) for each in (*gradients, loss, *changes, own)]
        values = context.all_reduce(tf.distribute.ReduceOp.SUM, with_devices)
        end = len(gradients)
        return (values[:end], values[end], values[end + 1 : -1], values[-1]), [tf.identity(each) for each in counters]

    def _compute(self, data: Any, share: Share) -> tuple[list[Any], Any, list[Any], list[Any]]:
        """Return the gradients, the loss, the changes of metrics and states, and the counters; no variable changes."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        model = self.model
        empty = [(each, tf.zeros_like(each.value)) for each in self.metrics]
        with tf.GradientTape() as tape:
            # Keras takes weights to regularise from the scope alone.
            read = [(each, tf.convert_to_tensor(each.value)) for each in self.regularized]
            with keras.StatelessScope(state_mapping=empty + read, collect_losses=True) as scope:
                y_pred = model(x, training=self.training)
                loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=self.training)
                loss += sum(map(share.correction, scope.losses))
                scaled = model.optimizer.scale_loss(loss) if self.training else loss
                model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
                after = {id(each): each.value for each in (*self.metrics, *self.states, *self.counters)}
        gradients = tape.gradient(scaled, self.weights) if self.training else []
        self._present = [each is not None for each in gradients]
        counts, portion = tf.cast(share.rows > 0, tf.float32), share.rows / share.size
        metrics = [after[id(each)] * tf.cast(counts, each.dtype) for each in self.metrics]
        states = [(after[id(each)] - each.value) * tf.cast(portion, each.dtype) for each in self.states]
        counters = [after[id(each)] for each in self.counters]
        return [each for each in gradients if each is not None], loss, [*metrics, *states], counters


def _on_device(value: Any) -> Any:
    """Return a tensor that knows its device, which reductions choose their way by."""
    return tf.identity(value) if not isinstance(value, tf.IndexedSlices) else value
