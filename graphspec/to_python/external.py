"""Models from files and of `keras.applications` as functions that return them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from graphspec.language.graph import ExternalModel, PresetModel, PresetPreprocessor
from graphspec.language.objects import Weights
from graphspec.shapes.presets import PREPROCESSOR, takes_images
from graphspec.shapes.saved import read_saved
from graphspec.to_python.literals import literal, literal_text
from graphspec.to_python.source import Assign, Call, Do, Expression, Function, Pairs, Statement, Text

_OWN = "output"
"""The name of the output that an application has beside those of its inner layers."""

_CLASSES = {
    "tokenizer": "tokenizers.Tokenizer",
    "preprocessor": "models.TextClassifierPreprocessor",
    "image_converter": "layers.ImageConverter",
}

MakePath = Callable[[Path], Expression]


def interface_of(model: ExternalModel) -> tuple[list[str], list[str]] | None:
    """Return the names of a model's inputs and outputs; None where its file does not tell them, or nothing does."""
    if model.path is None and model.taps:
        return [""], [_OWN, *(tap.text for tap in model.taps)]
    graph = read_saved(model)
    return (list(graph.inputs), list(graph.outputs)) if graph is not None else None


def external_function(model: ExternalModel, name: str, make_path: MakePath) -> Function:
    """Return the function that loads a saved model, or builds one of `keras.applications`."""
    if isinstance(model, PresetPreprocessor):
        return _preprocessor_function(model, name, make_path)
    if isinstance(model, PresetModel):
        source = make_path(model.path) if model.path is not None else literal(model.source)
        preset = Call(Text("str"), (source,)) if model.path is not None else source
        statements: list[Statement] = [Assign("saved", Call(Text("keras_hub.models.Backbone.from_preset"), (preset,)))]
        outputs_of_preset: Expression = Text("saved.output")
        if model.taps:
            own = "dict(saved.output) if isinstance(saved.output, dict) else {saved.output_names[0]: saved.output}"
            statements.append(Assign("outputs", Text(own)))
            statements.append(Assign("levels", Text('getattr(saved, "pyramid_outputs", {})')))
            for tap in model.taps:
                name_of_tap = literal_text(tap.text)
                inner = f"levels[{name_of_tap}] if {name_of_tap} in levels else saved.get_layer({name_of_tap}).output"
                statements.append(Assign(f"outputs[{name_of_tap}]", Text(inner)))
            outputs_of_preset = Text("outputs")
        tensors = (("inputs", Text("saved.input")), ("outputs", outputs_of_preset))
        statements.append(
            Assign("model", Call(Text("keras.Model"), (), (*tensors, ("name", Text(literal_text(model.name))))))
        )
        doc = f"Load the preset `{model.source}` of KerasHub."
    elif model.path is None:
        keywords = {key: literal(each, as_tuple=True) for key, each in model.arguments.items()}
        keywords = {"weights": Text("None")} | keywords
        keywords.setdefault("name", Text(literal_text(model.name)))
        application = Call(Text(f"keras.applications.{model.source}"), (), tuple(keywords.items()))
        made: Expression = application
        statements = [Assign("model", application)]
        if model.taps:
            tapped = (("inputs", Text("whole.input")), ("outputs", _with_taps("whole", [_OWN], model)))
            made = Call(Text("keras.Model"), (), (*tapped, ("name", Text(literal_text(model.name)))))
            statements = [Assign("whole", application), Assign("model", made)]
        doc = f"Build the {model.source} of Keras."
    else:
        statements = [Assign("saved", Call(Text("keras.saving.load_model"), (make_path(model.path),)))]
        interface = interface_of(model)
        inputs, outputs = interface if interface is not None else ([""], [""])
        given = _tensors("outputs", outputs)
        if model.taps:
            given = _with_taps("saved", outputs[: len(outputs) - len(model.taps)], model)
        arguments = (("inputs", _tensors("inputs", inputs)), ("outputs", given))
        made = Call(Text("keras.Model"), (), (*arguments, ("name", Text(literal_text(model.name)))))
        statements.append(Assign("model", made))
        doc = f"Load the model in `{model.source}`."
    settings = settings_of(model.weights, model.trainable, make_path)
    if not settings:
        last = statements.pop()
        assert isinstance(last, Assign)
        return Function(name=name, parameters=[], doc=doc, body=[*statements, Do(last.value, "return")])
    return Function(name=name, parameters=[], doc=doc, body=[*statements, *settings, Do(Text("model"), "return")])


def _preprocessor_function(layer: PresetPreprocessor, name: str, make_path: MakePath) -> Function:
    """Return the function that loads the tokenizer, preprocessor or image converter of a preset."""
    place = Call(Text("str"), (make_path(layer.path),)) if layer.path is not None else literal(layer.source)
    keywords = (
        ("name", Text(literal_text(layer.name))),
        *((key, literal(each)) for key, each in layer.arguments.items()),
    )
    made_by = _CLASSES[layer.part]
    if layer.part == PREPROCESSOR and takes_images(layer):
        made_by = "models.ImageClassifierPreprocessor"
    made = Call(Text(f"keras_hub.{made_by}.from_preset"), (place,), keywords)
    doc = f"Load the {layer.part.replace('_', ' ')} of the preset `{layer.source}` of KerasHub."
    return Function(name=name, parameters=[], doc=doc, body=[Do(made, "return")])


def _tensors(side: str, names: list[str]) -> Expression:
    """Return the inputs or outputs of a loaded model: the bare tensor of one, several by name."""
    if len(names) == 1:
        return Text(f"saved.{side}[0]")
    one = side.removesuffix("s")
    if names == sorted(names):
        return Pairs(tuple((literal(name), Text(f"saved.{side}[{index}]")) for index, name in enumerate(names)))
    return Text(f"saved.{one}")


def _with_taps(variable: str, outputs: list[str], model: ExternalModel) -> Expression:
    """Return the outputs of a model by name, then those of its inner layers."""
    own = [(literal(name), Text(f"{variable}.outputs[{index}]")) for index, name in enumerate(outputs)]
    taps = [(literal(tap.text), Text(f"{variable}.get_layer({literal_text(tap.text)}).output")) for tap in model.taps]
    return Pairs((*own, *taps))


def settings_of(weights: Weights | None, trainable: bool, make_path: MakePath) -> list[Statement]:
    """Return the statements that load the weights of a model, and freeze it."""
    statements: list[Statement] = []
    if weights is not None:
        statements.append(load_weights("model", weights, make_path))
    if not trainable:
        statements.append(Assign("model.trainable", Text("False")))
    return statements


def load_weights(model: str, weights: Weights, make_path: MakePath) -> Statement:
    """Return the statement that loads weights into a model."""
    keywords = (("skip_mismatch", Text("True")),) if weights.partial else ()
    return Do(Call(Text(f"{model}.load_weights"), (make_path(weights.path),), keywords))
