"""A model of Keras 1 or 2 → the model of Keras 3: its layers, and the calls between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from graphspec.diagnostics.rules import LEGACY_ARGUMENT, LEGACY_FORM, LEGACY_LAYER
from graphspec.from_keras.legacy.calls import (
    LayerCall,
    Ref,
    check_refs,
    first_calls,
    read_call,
    read_tensors,
    refs_in,
    replaced,
    serialised,
)
from graphspec.from_keras.legacy.functions import FUNCTION_LAYERS, PREVIOUS, Step, function_steps
from graphspec.from_keras.legacy.graph_nodes import function_call
from graphspec.from_keras.legacy.layers import (
    MODELS,
    RECURRENT,
    NewLayer,
    Upgrade,
    input_config,
    merge_layers,
    upgrade_layer,
)
from graphspec.from_keras.legacy.objects import dtype_policy
from graphspec.from_keras.legacy.place import FormError, Place
from graphspec.from_keras.legacy.ranks import write_last_axes

FUNCTIONAL = "keras.src.models.functional"
INPUT = "InputLayer"
MAX_NESTING = 30
"""Models within models."""


@dataclass(slots=True)
class _Record:
    """A layer of Keras 3 and its calls.

    Attributes:
        is_behind: It is one of several layers for one, and takes what the one before it gives.
    """

    layer: NewLayer
    calls: list[LayerCall] = field(default_factory=list)
    is_behind: bool = False

    @property
    def name(self) -> str:
        return str(self.layer.config.get("name"))

    def serialise(self) -> dict[str, Any]:
        """Return the layer as Keras 3 serialises it in a model."""
        nodes = [{"args": serialised(call.args), "kwargs": serialised(call.kwargs)} for call in self.calls]
        return {**self.layer.as_object(), "name": self.name, "inbound_nodes": nodes}


def upgrade_model(class_name: str, config: Any, place: Place, era: int, *, depth: int = 0) -> NewLayer:
    """Return a model of Keras 3.

    Args:
        class_name: One of `MODELS`.
        config: Its configuration: a mapping, or the list of layers of an older `Sequential`.
        place: The place of the configuration.
        era: The major version of the Keras that wrote it.
        depth: How many models are around it.

    Raises:
        FormError: It is not of the form that Keras writes.
    """
    if depth > MAX_NESTING:
        place.add(LEGACY_FORM, f"models are nested more than {MAX_NESTING} deep")
        raise FormError(place.path)
    upgrade = Upgrade(era, lambda name, inner, at: upgrade_model(name, inner, at, era, depth=depth + 1))
    if class_name == "Sequential":
        if isinstance(config, list):
            return _sequential({"layers": config}, place, upgrade, is_list=True)
        return _sequential(place.mapping(config), place, upgrade)
    return _Functional(place.mapping(config), place, upgrade).upgraded()


class _Functional:
    """The upgrade of one functional model.

    Attributes:
        results: What gives in the new model what a call of a layer gave.
        names: The names of layers, and those in the new model.
    """

    def __init__(self, config: dict[str, Any], place: Place, upgrade: Upgrade) -> None:
        self.config = config
        self.place = place
        self.upgrade = upgrade
        self.records: list[_Record] = []
        self.results: dict[tuple[str, int], Ref] = {}

    def upgraded(self) -> NewLayer:
        at = self.place.at("layers")
        written = [at.at(number).mapping(each) for number, each in enumerate(at.items(self.config.get("layers")))]
        names = [_name_of(each, at.at(number)) for number, each in enumerate(written)]
        for number, name in enumerate(names):
            if name in names[:number]:
                at.at(number).add(LEGACY_FORM, f"two layers are called `{name}`")
                raise FormError(at.path)
        self.names = new_names(names)
        self.taken = set(self.names.values())
        calls = {
            name: self._calls(each, set(names), at.at(number).of_layer(name))
            for number, (name, each) in enumerate(zip(names, written, strict=True))
        }
        inputs = read_tensors(self.config.get("input_layers"), self.place.at("input_layers"))
        outputs = read_tensors(self.config.get("output_layers"), self.place.at("output_layers"))
        classes = dict(zip(names, (str(each.get("class_name")) for each in written), strict=True))
        calls, outputs = self._numbered(calls, outputs, classes)
        used = [*refs_in([inputs, outputs]), *(ref for each in calls.values() for call in each for ref in _taken(call))]
        counts = {name: len(calls[name]) or (classes[name] == INPUT) for name in names}
        if not check_refs(used, counts, self.place):
            raise FormError(self.place.path)
        for number, (name, each) in enumerate(zip(names, written, strict=True)):
            try:
                self._add(name, each, calls[name], at.at(number).of_layer(name))
            except FormError:
                continue
        return self._model(inputs, outputs, used)

    def _calls(self, written: dict[str, Any], names: set[str], place: Place) -> list[LayerCall]:
        at = place.at("inbound_nodes")
        nodes = at.items(written.get("inbound_nodes") or [])
        return [read_call(node, names, at.at(number)) for number, node in enumerate(nodes) if node]

    def _numbered(
        self, calls: dict[str, list[LayerCall]], outputs: Any, classes: dict[str, str]
    ) -> tuple[dict[str, list[LayerCall]], Any]:
        """Return calls and outputs with the calls of nested models counted from 0."""
        if self.upgrade.era == 3:  # which counts them so, but from 1 in outputs
            return calls, replaced(
                outputs,
                {
                    ref: replace(ref, call=ref.call - 1)
                    for ref in refs_in(outputs)
                    if classes.get(ref.layer) == "Functional" and ref.call > 0
                },
            )
        used = [*refs_in(outputs), *(ref for each in calls.values() for call in each for ref in _taken(call))]
        first = first_calls({name: len(calls[name]) for name in calls if classes[name] in MODELS}, used)
        by = {ref: replace(ref, call=ref.call - 1) for ref in used if first.get(ref.layer)}
        return {name: [_replaced(call, by) for call in each] for name, each in calls.items()}, replaced(outputs, by)

    def _add(self, name: str, written: dict[str, Any], calls: list[LayerCall], place: Place) -> None:
        """Add the new layers for a layer."""
        class_name = str(written.get("class_name"))
        if class_name in FUNCTION_LAYERS:
            self._add_functions(name, class_name, place.mapping(written.get("config")), calls, place=place)
            return
        if class_name == "Merge":
            parts = merge_layers(place.at("config").mapping(written.get("config")), place.at("config"))
        else:
            parts = upgrade_layer(written, place, self.upgrade)
        for number, part in enumerate(parts):
            part.config["name"] = self.names[name] if number == 0 else self._free(str(part.config.get("name")))
        for number, part in enumerate(parts):
            if number == 0:
                own = [_adapted(call, part, place) for call in calls]
            else:
                before = str(parts[number - 1].config["name"])
                own = [LayerCall([Ref(before, each)]) for each in range(len(calls))]
            self.records.append(_Record(part, own, is_behind=number > 0))
        if parts:
            last = str(parts[-1].config["name"])
            self.results |= {(name, number): Ref(last, number) for number in range(max(len(calls), 1))}

    def _add_functions(
        self, name: str, class_name: str, config: dict[str, Any], calls: list[LayerCall], *, place: Place
    ) -> None:
        """Add the operations that compute what the calls of a function do."""
        at = place.at("config")
        if class_name in ("AddLoss", "AddMetric"):
            place.add(
                LEGACY_LAYER,
                f"`{class_name}` adds to the loss or the metrics, which no layer of a spec does",
                help="make the tensor an output, with a loss of its own",
            )
            return
        for number, call in enumerate(calls):
            function = "__operators__.getitem"
            if class_name == "TensorFlowOpLayer":
                found = function_call(config, call, at)
                if found is None:
                    return
                function, call = found
            elif class_name == "TFOpLambda":
                function = at.at("function").text(config.get("function"))
            steps = function_steps(function, call, at)
            own = self.names[name] if len(calls) == 1 else self._free(f"{self.names[name]}_{number}")
            before = PREVIOUS
            for index, step in enumerate(steps):
                is_last = index == len(steps) - 1
                record = self._operation(
                    step, own if is_last else self._free(f"{own}_{step.class_name.lower()}"), before
                )
                self.records.append(record)
                before = Ref(record.name)
            self.results[name, number] = before

    def _operation(self, step: Step, name: str, before: Ref) -> _Record:
        layer = NewLayer(step.class_name, {**step.config, "name": name}, step.module, step.class_name)
        if not step.module.startswith("keras.src.ops"):
            layer = replace(layer, registered_name=None)
        return _Record(layer, [LayerCall(replaced(step.args, {PREVIOUS: before}))])

    def _free(self, name: str) -> str:
        return take_free(name, self.taken)

    def _model(self, inputs: Any, outputs: Any, used: list[Ref]) -> NewLayer:
        by = {}
        for ref in used:
            if (result := self.results.get((ref.layer, ref.call))) is not None:
                by[ref] = replace(result, index=ref.index)
        functional = {each.name for each in self.records if each.layer.module == FUNCTIONAL}
        for record in self.records:
            if not record.is_behind:
                record.calls = [_replaced(call, by) for call in record.calls]
        write_last_axes(
            (each.layer, [ref.layer for ref in _taken(each.calls[0])] if each.calls else []) for each in self.records
        )
        config = {
            "name": str(self.config.get("name") or "model"),
            "trainable": self.config.get("trainable") is not False,
            "layers": [record.serialise() for record in self.records],
            "input_layers": _places(inputs, {}, set()),
            "output_layers": _places(outputs, by, functional),
        }
        return NewLayer("Functional", config, FUNCTIONAL, "Functional")


def new_names(names: list[str]) -> dict[str, str]:
    """Return names of layers, and those of the same layers in Keras 3, which have no slash."""
    taken = {name for name in names if "/" not in name}
    return {name: take_free(name.replace("/", "_"), taken) if "/" in name else name for name in names}


def take_free(name: str, taken: set[str]) -> str:
    """Return `name`, or `name` with a number, that is not taken, and add it to the taken ones."""
    free, number = name, 1
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free


def _taken(call: LayerCall) -> list[Ref]:
    return list(refs_in([call.args, call.kwargs]))


def _replaced(call: LayerCall, by: dict[Ref, Ref]) -> LayerCall:
    return replace(call, args=replaced(call.args, by), kwargs=replaced(call.kwargs, by))


def _name_of(written: dict[str, Any], place: Place) -> str:
    config = written.get("config")
    name = written.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return place.at("name").text(name)


def _adapted(call: LayerCall, layer: NewLayer, place: Place) -> LayerCall:
    """Return a call as the layer of Keras 3 takes it: initial states by keyword, and no arguments of None."""
    kwargs = {key: value for key, value in call.kwargs.items() if value is not None}
    args = call.args
    if layer.class_name in RECURRENT and len(args) == 1 and isinstance(args[0], list) and len(args[0]) > 1:
        first, *states = args[0]
        args, kwargs = [first], {**kwargs, "initial_state": states}
    if "constants" in kwargs:
        place.at("inbound_nodes").add(LEGACY_ARGUMENT, "no recurrent layer of Keras 3 takes constants")
    return LayerCall(args, {**kwargs, **layer.call})


def _places(value: Any, by: dict[Ref, Ref], functional: set[str]) -> Any:
    """Return inputs or outputs as Keras 3 writes them: calls of functional models are counted from 1 there."""
    if isinstance(value, Ref):
        ref = by.get(value, value)
        return [ref.layer, ref.call + (ref.layer in functional), ref.index]
    if isinstance(value, dict):
        return {key: _places(each, by, functional) for key, each in value.items()}
    return [_places(each, by, functional) for each in value]


def _sequential(config: dict[str, Any], place: Place, upgrade: Upgrade, *, is_list: bool = False) -> NewLayer:
    at = place if is_list else place.at("layers")
    written = [at.at(number).mapping(each) for number, each in enumerate(at.items(config.get("layers")))]
    name = str(config.get("name") or "sequential")
    if written and written[0].get("class_name") == "Merge":
        return _branches(name, written, at, upgrade)
    layers: list[NewLayer] = []
    for number, each in enumerate(written):
        inner = each.get("config")
        own = str(inner.get("name") or "") if isinstance(inner, dict) else ""
        here = at.at(number).of_layer(own)
        try:
            layers += _step_of_chain(each, here, upgrade)
        except FormError:
            continue
    if layers and layers[0].class_name != INPUT:
        layers = [*_input_layers(config, written, f"{layers[0].config.get('name')}_input", place), *layers]
    taken: set[str] = set()
    for layer in layers:
        layer.config["name"] = take_free(str(layer.config.get("name")).replace("/", "_"), taken)
    before = ["", *(str(layer.config["name"]) for layer in layers)]
    write_last_axes((layer, [before[number]]) for number, layer in enumerate(layers))
    new: dict[str, Any] = {"name": name, "trainable": config.get("trainable") is not False}
    return NewLayer("Sequential", {**new, "layers": [each.as_object() for each in layers]}, "keras")


def _step_of_chain(written: dict[str, Any], place: Place, upgrade: Upgrade) -> list[NewLayer]:
    class_name = str(written.get("class_name"))
    if class_name in (*FUNCTION_LAYERS, "Merge"):
        place.add(LEGACY_FORM, f"a `{class_name}` takes its tensors by a list of calls, which a `Sequential` has not")
        return []
    return upgrade_layer(written, place, upgrade)


def _input_layers(config: dict[str, Any], written: list[dict[str, Any]], name: str, place: Place) -> list[NewLayer]:
    """Return the layer of what comes into a chain, by its first layer; none where no one knows its shape."""
    found = _first_config(written)
    shape = config.get("build_input_shape") if found is None else found["batch_input_shape"]
    if shape is None:
        return []
    dtype = dtype_policy(found.get("input_dtype") or found.get("dtype")) if found is not None else "float32"
    return [NewLayer(INPUT, input_config(shape, "float32" if dtype.startswith("mixed_") else dtype, name, place))]


def _first_config(written: list[Any]) -> dict[str, Any] | None:
    """Return the configuration of the first layer that keeps the shape of its input, in the first model if nested."""
    for _ in range(MAX_NESTING):
        config = written[0].get("config") if written and isinstance(written[0], dict) else None
        if isinstance(config, dict) and config.get("batch_input_shape") is not None:
            return config
        inner = config.get("layers") if isinstance(config, dict) else config
        if not isinstance(inner, list):
            return None
        written = inner
    return None


def _branches(name: str, written: list[dict[str, Any]], place: Place, upgrade: Upgrade) -> NewLayer:
    """Return a `Sequential` of Keras 1 that begins with a `Merge` of several models, as a functional model."""
    at = place.at(0).at("config")
    merge = at.mapping(written[0].get("config"))
    own = at.at("layers").items(merge.get("layers"))
    layers: list[dict[str, Any]] = []
    inputs, branches = [], []
    for number, each in enumerate(own):
        here = at.at("layers").at(number)
        model = here.mapping(each)
        branch = branch_name(model, number)
        found = _first_config([model])
        if found is None:
            here.add(LEGACY_FORM, "no layer keeps the shape of what comes into this branch of a `Merge`")
            raise FormError(here.path)
        kept = {
            "batch_input_shape": found["batch_input_shape"],
            "dtype": found.get("input_dtype") or found.get("dtype"),
        }
        inputs.append([f"{branch}_input", 0, 0])
        layers.append({"class_name": INPUT, "name": inputs[-1][0], "config": {**kept, "name": inputs[-1][0]}})
        layers.append({**model, "name": branch, "inbound_nodes": [[inputs[-1]]]})
        branches.append([branch, 0, 0])
    last = branches
    for number, each in enumerate(written):
        config = place.at(number).at("config").mapping(each.get("config"))
        own_name = place.at(number).at("config").at("name").text(config.get("name"))
        layers.append({**each, "name": own_name, "inbound_nodes": [last]})
        last = [[own_name, 0, 0]]
    functional = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": last}
    return _Functional(functional, replace(place, path=place.path.removesuffix(".layers")), upgrade).upgraded()


def branch_name(model: dict[str, Any], number: int) -> str:
    """Return the name of a model that a `Merge` of Keras 1 holds."""
    config = model.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return str(name or f"branch_{number + 1}")
