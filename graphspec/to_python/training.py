"""The training of a spec: `compile_model` with dicts by output, and `train` with `fit`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from graphspec.checks.monitors import is_monitoring
from graphspec.language.graph import Graph, KerasLayer, Output
from graphspec.language.log_keys import log_keys, metric_names
from graphspec.language.lower.naming import snake_case
from graphspec.language.objects import Object
from graphspec.language.schema import TrainingModel
from graphspec.language.traversal import layer_paths
from graphspec.spec import Spec
from graphspec.to_python.data import Loading, loading, unread, weights_of_arrays
from graphspec.to_python.external import load_weights
from graphspec.to_python.frame import Frame, Instance
from graphspec.to_python.freezing import learning_rate_factors, stage_freezing
from graphspec.to_python.identifiers import Identifiers
from graphspec.to_python.literals import literal, literal_text
from graphspec.to_python.lora import CLOSED, OPENED, adapting
from graphspec.to_python.module import Module
from graphspec.to_python.objects import Objects
from graphspec.to_python.source import (
    Assign,
    Blank,
    Call,
    Comment,
    Do,
    Expression,
    Function,
    Items,
    Lines,
    Pairs,
    Statement,
    Text,
    flat,
)

_RISING = ("accuracy", "acc", "auc", "precision", "recall", "iou", "score", "sensitivity", "specificity", "similarity")
_FALLING = (
    "error",
    "crossentropy",
    "divergence",
    "mse",
    "mae",
    "mape",
    "msle",
    "hinge",
    "poisson",
    "logcosh",
    "log_cosh",
)


class TrainingWriter:
    """The writer of the functions for the training of a spec."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.spec: Spec = module.spec
        assert self.spec.training is not None
        assert self.spec.model.training is not None
        self.training = self.spec.training
        self.settings: TrainingModel = self.spec.model.training
        variables = module.variables_of(self.spec.graph.span)
        self.frame = Frame(
            [Instance({})], module.places, module.constants, variables, Identifiers((), module.identifiers)
        )
        self.objects: Objects = module.objects(self.frame)

    # --- compile --------------------------------------------------------------------------------------------

    def compile_model(self) -> Function:
        """Return the function that compiles the model."""
        outputs = self.spec.graph.outputs
        counts = Counter(
            each.name for output in outputs.values() for each in (*output.metrics, *output.weighted_metrics)
        )
        keywords: list[tuple[str, Expression]] = [("optimizer", self._optimizer())]
        losses = {
            name: self._made(each.loss) if each.loss is not None else Text("None") for name, each in outputs.items()
        }
        if any(each.loss is not None for each in outputs.values()):
            keywords.append(("loss", _pairs(losses)))
        if any(each.loss_weight != 1.0 for each in outputs.values()):
            weights = {name: self._loss_weight(each) for name, each in outputs.items()}
            keywords.append(("loss_weights", _pairs(weights)))
        for argument in ("metrics", "weighted_metrics"):
            made = {
                name: Items(tuple(self._metrics(output, getattr(output, argument), counts)))
                for name, output in outputs.items()
                if getattr(output, argument)
            }
            if made:
                keywords.append((argument, _pairs(made)))
        if self.settings.jit_compile != "auto":
            keywords.append(("jit_compile", literal(self.settings.jit_compile)))
        if self.settings.steps_per_execution != "auto":
            keywords.append(("steps_per_execution", self._setting("steps_per_execution")))
        body: list[Statement] = []
        if self.spec.graph.losses:
            names = literal([loss.layer.name for loss in self.spec.graph.losses.values()])
            body.append(Do(Call(Text("keep_signs"), (Text("model"), names))))
        body.append(Do(Call(Text("model.compile"), (), tuple(keywords))))
        if self.training.multipliers:
            factors = Items(tuple(learning_rate_factors(self.spec.graph, self.training.multipliers)))
            body.append(Do(Call(Text("multiply_learning_rates"), (Text("model.optimizer"), factors))))
        parameters = ["model", "optimizer=None"] if self._changes_optimizer else ["model"]
        return Function(name="compile_model", parameters=parameters, doc="Compile the model for training.", body=body)

    @property
    def _changes_optimizer(self) -> bool:
        """Return whether a stage has another optimizer than the training."""
        return any(stage.optimizer is not self.training.optimizer for stage in self.training.stages)

    def _optimizer(self) -> Expression:
        made = self._made(self.training.optimizer)
        return Text(f"optimizer or {flat(made)}") if self._changes_optimizer else made

    def _made(self, made: Object) -> Expression:
        return self.objects.make({0: made})

    def _loss_weight(self, output: Output) -> Expression:
        located = self.module.places.under(output.span)
        spans = getattr(located.value, "value_spans", {}) if located is not None else {}
        return self.frame.value({0: output.loss_weight}, spans.get("loss_weight"))

    def _metrics(self, output: Output, metrics: list[Object], counts: Counter[str]) -> list[Expression]:
        """Return metrics, those of a class that is used twice with the names that Keras would number."""
        made: list[Expression] = []
        names = {id(metric): name for metric, name in metric_names(metrics)}
        for metric in metrics:
            name = names[id(metric)]
            is_plain = counts[metric.name] == 1 and name == snake_case(metric.name.rpartition(">")[2])
            defaults: dict[str, Expression] = {}
            if not metric.is_identifier and not is_plain:
                defaults["name"] = Text(literal_text(name))
            made.append(self.objects.make({0: metric}, None, **defaults))
        return made

    def _setting(self, name: str) -> Expression:
        value = getattr(self.settings, name)
        span = self.settings.located(name).span if self.settings.states(name) else None
        return self.frame.value({0: value}, span)

    # --- train ----------------------------------------------------------------------------------------------

    def train(self) -> tuple[list[Function], Loading | None]:
        """Return the functions that load the data and train, and what loads the data; None where the caller does."""
        data, reason = self.spec.data, "the spec names no data"
        if data is not None and data.train is not None:
            reason = unread(data, self.spec.graph)
        if data is None or data.train is None or reason:
            return [self._train(None, reason)], None
        loaded = loading(data, self.spec.graph, self.module.path, self._seed())
        return [*loaded.functions, self._train(loaded, "")], loaded

    def _train(self, loaded: Loading | None, reason: str) -> Function:
        settings = self.settings
        statements: list[Statement] = []
        epochs = [] if self.training.is_staged else [f"epochs={flat(self._setting('epochs'))}"]
        parameters = epochs
        doc = "Train the model on the data of the spec."
        if loaded is None:
            parameters = ["inputs", "targets", "validation_data=None", "sample_weight=None", *epochs]
            doc = "Train the model on arrays, and weights of samples, by the names of inputs and outputs.\n\n"
            doc += f"They are arguments because {reason}."
        statements.append(Do(Call(Text("keras.utils.set_random_seed"), (self._setting("seed"),))))
        if settings.deterministic:
            statements.append(Do(Text("tf.config.experimental.enable_op_determinism()")))
        names = loaded.names if loaded is not None else "inputs, targets, weights"
        validation: Expression | None = Text("validation_data") if loaded is None else None
        if loaded is None:
            statements += weights_of_arrays(self.spec.graph, is_always=settings.drop_remainder)
        else:
            statements.append(Assign(names, loaded.calls["train"]))
            if "validation" in loaded.calls:
                validation = loaded.calls["validation"]
                if loaded.has_text:
                    statements.append(Assign("validation_data", validation))
                    validation = Text("validation_data")
            elif self.spec.data is not None and self.spec.data.held_out:
                statements += self._held_out(names)
                validation = Text("validation_data")
            statements += loaded.as_tensors("inputs")
            if loaded.has_text and validation is not None:
                tensors = Items((Text("as_tensors(validation_data[0])"), Text("*validation_data[1:]")), "(")
                statements.append(Assign("validation_data", tensors))
        statements.append(Blank())
        statements.append(Assign("model", Call(Text("build_model"))))
        statements += self._adapting()
        if self.training.initial_weights is not None:
            statements.append(load_weights("model", self.training.initial_weights, self.module.path))
        if self.training.lora is not None:
            is_changed = any(stage_freezing(self.spec.graph, self.training))
            statements += adapting(self.spec.graph, self.training.lora, is_changed=is_changed)
        if not self.training.is_staged:
            statements.append(Do(Call(Text("compile_model"), (Text("model"),))))
        arguments: tuple[Expression, ...] = (Text("inputs"), Text("targets"))
        keywords: list[tuple[str, Expression]] = []
        if settings.drop_remainder:
            statements += self._whole_batches("weights" in names)
            arguments = (Text("batches"),)
            if validation is not None:
                keywords.append(("validation_batch_size", self._setting("batch_size")))
        else:
            if "weights" in names:
                keywords.append(("sample_weight", Text("weights")))
            keywords.append(("batch_size", self._setting("batch_size")))
        if not self.training.is_staged:
            keywords.append(("epochs", Text("epochs")))
        if validation is not None:
            keywords.append(("validation_data", validation))
        if settings.validation_freq != 1 and validation is not None:
            keywords.append(("validation_freq", self._setting("validation_freq")))
        if settings.steps_per_epoch is not None:
            keywords.append(("steps_per_epoch", self._setting("steps_per_epoch")))
        callbacks = [self._made(self._with_mode(each)) for each in self.training.callbacks]
        if callbacks and self.training.is_staged:
            statements.append(Assign("callbacks", Items(tuple(callbacks))))
            keywords.append(("callbacks", Text("callbacks")))
        elif callbacks:
            keywords.append(("callbacks", Items(tuple(callbacks))))
        if "mlflow" in settings.log:
            statements.append(
                Comment(["The spec logs to MLflow as well: `mlflow.keras.autolog()` before `fit` does so."])
            )
        if self.training.is_staged:
            statements += self._stages(arguments, keywords)
        else:
            statements.append(Do(Call(Text("model.fit"), arguments, tuple(keywords))))
        statements.append(Do(Text("model"), "return"))
        return Function(name="train", parameters=parameters, doc=doc, body=statements)

    def _stages(self, arguments: tuple[Expression, ...], keywords: list[tuple[str, Expression]]) -> list[Statement]:
        """Return the calls of `fit` for each stage, which count their epochs on."""
        statements: list[Statement] = []
        may_end_early = bool(self.training.callbacks)
        done, every = 0, stage_freezing(self.spec.graph, self.training)
        for number, (stage, freezing) in enumerate(zip(self.training.stages, every, strict=True)):
            if freezing and self.training.lora is not None:
                freezing = [CLOSED, *freezing, OPENED]
            statements += [Blank(), Comment([stage.name]), *freezing]
            own = () if stage.optimizer is self.training.optimizer else (self._made(stage.optimizer),)
            statements.append(Do(Call(Text("compile_model"), (Text("model"), *own))))
            epochs: list[tuple[str, Expression]] = [("epochs", Text(str(done + stage.epochs)))]
            if number and may_end_early:
                statements.append(Assign("done", Text("history.epoch[-1] + 1")))
                epochs = [("initial_epoch", Text("done")), ("epochs", Text(f"done + {stage.epochs}"))]
            elif number:
                epochs.insert(0, ("initial_epoch", Text(str(done))))
            fit = Call(Text("model.fit"), arguments, (*keywords, *epochs))
            is_asked = may_end_early and number + 1 < len(every)
            statements.append(Assign("history", fit) if is_asked else Do(fit))
            done += stage.epochs
        return statements

    def _whole_batches(self, has_weights: bool) -> list[Statement]:
        """Return the statements that make batches without the last one, which `fit` itself cannot leave out."""
        parts = "(inputs, targets, weights)" if has_weights else "(inputs, targets)"
        shuffled = "samples.shuffle(samples.cardinality())"
        if self.settings.steps_per_epoch is not None:
            shuffled += ".repeat()"
        batches = Call(Text(f"{shuffled}.batch"), (self._setting("batch_size"),), (("drop_remainder", Text("True")),))
        return [
            Assign("samples", Text(f"tf.data.Dataset.from_tensor_slices({parts})")),
            Assign("batches", batches),
        ]

    def _held_out(self, names: str) -> list[Statement]:
        """Return the statements that hold out the samples that graphspec holds out."""
        assert self.spec.data is not None
        share = self.spec.data.held_out
        first = literal_text(next(iter(self.spec.graph.inputs)))
        several = [each.strip() for each in names.split(",")]

        def part(name: str, chosen: str) -> str:
            return f"{{name: values[{chosen}] for name, values in {name}.items()}}"

        lines = [
            f"count = len(inputs[{first}])",
            f"order = np.random.default_rng([{self._seed()}, count]).permutation(count)",
            f"held_out, kept = np.split(order, [round(count * {share!r})])",
        ]
        held = "held_out"
        statements: list[Statement] = [Lines("\n".join(lines))]
        values = Items(tuple(Text(part(each, held)) for each in several), "(")
        statements.append(Assign("validation_data", values))
        statements += [Assign(each, Text(part(each, "kept"))) for each in several]
        return statements

    def _seed(self) -> str:
        return flat(self._setting("seed"))

    def _with_mode(self, callback: Object) -> Object:
        """Return a callback with the `mode` that Keras does not find for a metric of one of several outputs.

        Where stages follow each other, a log is one file, which Keras would begin anew with each.
        """
        if callback.name == "CSVLogger" and self.training.is_staged:
            return replace(callback, arguments={**callback.arguments, "append": True})
        if not is_monitoring(callback) or callback.arguments.get("mode", "auto") != "auto":
            return callback
        monitor = str(callback.arguments.get("monitor", "val_loss"))
        if monitor in ("loss", "val_loss"):
            return callback
        metric = log_keys(self.spec.graph, validates=True).get(monitor)
        mode = "min" if metric is None else _direction(metric)
        return replace(callback, arguments={**callback.arguments, "mode": mode}) if mode else callback

    def _adapting(self) -> list[Statement]:
        """Return the statements that let preprocessing layers learn from the inputs."""
        statements: list[Statement] = []
        graph = self.spec.graph
        for node in graph.nodes.values():
            for number, step in enumerate(node.steps):
                layer = step.layer
                if not isinstance(layer, KerasLayer) or not _learns(layer.object):
                    continue
                found = f"model.get_layer({literal_text(layer.name)})"
                source = node.feed.single
                if number == 0 and source is not None and source.name in graph.inputs:
                    statements.append(Do(Text(f"{found}.adapt(inputs[{literal_text(source.name)}])")))
                else:
                    statements.append(Assign("before", Text(f"keras.Model(model.input, {found}.input)")))
                    statements.append(Do(Text(f"{found}.adapt(before.predict(inputs, verbose=0))")))
        inside = _learning_inside(graph)
        if inside:
            listed = ", ".join(f"`{each}`" for each in inside)
            statements.append(Comment([f"{listed} inside other layers learn from data: call their `adapt` here."]))
        return statements

    # --- main -----------------------------------------------------------------------------------------------

    def main(self, loaded: Loading | None) -> list[Statement]:
        """Return the statements of the module as a program."""
        if loaded is None:
            return [
                Assign("model", Call(Text("build_model"))),
                Do(Call(Text("compile_model"), (Text("model"),))),
                Do(Text("model.summary()")),
            ]
        statements: list[Statement] = [Assign("model", Call(Text("train")))]
        if "test" in loaded.calls:
            statements.append(Assign(loaded.names, loaded.calls["test"]))
            statements += loaded.as_tensors("inputs")
            weights = (("sample_weight", Text("weights")),) if loaded.has_weights else ()
            statements.append(Do(Call(Text("model.evaluate"), (Text("inputs"), Text("targets")), weights)))
        statements.append(Do(Text(f"model.save({literal_text(f'{self.spec.name}.keras')})")))
        return statements


def _direction(metric: Object) -> str:
    name = snake_case(metric.name.rpartition(">")[2])
    if any(each in name for each in _RISING):
        return "max"
    return "min" if any(each in name for each in _FALLING) else ""


def _pairs(values: dict[str, Any]) -> Pairs:
    return Pairs(tuple((literal(name), value) for name, value in values.items()))


_STATE = {
    "Normalization": "mean",
    "Discretization": "bin_boundaries",
    "TextVectorization": "vocabulary",
    "StringLookup": "vocabulary",
    "IntegerLookup": "vocabulary",
}
"""The layers that learn from data, with the argument that gives them what they would learn."""


def _learns(made: Object) -> bool:
    return made.name in _STATE and made.arguments.get(_STATE[made.name]) is None


def _learning_inside(graph: Graph) -> list[str]:
    """Return the names of the learning layers that lie in other layers or models."""
    return [
        path
        for path, layer in layer_paths(graph)
        if "/" in path and isinstance(layer, KerasLayer) and _learns(layer.object)
    ]
