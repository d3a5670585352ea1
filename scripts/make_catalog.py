"""Write graphspec/catalog/keras.json: what the installed Keras offers, read from Keras itself.

    python scripts/make_catalog.py            writes the file, and docs.json beside it
    python scripts/make_catalog.py --check    exits with 1 where one of them is stale

What Keras says of each argument stands in a file of its own, since validating a spec needs none of it.

Nothing in the catalogue is typed by hand but the lists of what a spec cannot hold, below.

A function of `keras.ops` is an operation where it hands arguments of its own to an `Operation` of Keras: that is how
it traces symbolic tensors, and its source tells which arguments they are. Whether such an argument is one tensor or a
list of them, its documentation tells.

An optimizer that fails on TensorFlow in each step is left out, as `Muon` is before Keras 3.13.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import pkgutil
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argument_docs
import catalog_files
import keras
import keras_dtypes
import numpy as np
from constructor_arguments import default, parameters
from keras.src import activations, constraints, initializers, losses, metrics, optimizers, regularizers
from keras.src import applications as applications_package

from graphspec.catalog.refused import CODE_CARRYING_OPS

KINDS: dict[str, tuple[Any, type, dict[str, Any]]] = {
    "layers": (keras.layers, keras.Layer, {}),
    "initializers": (keras.initializers, keras.initializers.Initializer, initializers.ALL_OBJECTS_DICT),
    "regularizers": (keras.regularizers, keras.regularizers.Regularizer, regularizers.ALL_OBJECTS_DICT),
    "constraints": (keras.constraints, keras.constraints.Constraint, constraints.ALL_OBJECTS_DICT),
    "losses": (keras.losses, keras.losses.Loss, losses.ALL_OBJECTS_DICT),
    "metrics": (keras.metrics, keras.metrics.Metric, metrics.ALL_OBJECTS_DICT),
    "optimizers": (keras.optimizers, keras.optimizers.Optimizer, optimizers.ALL_OBJECTS_DICT),
    "schedules": (keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule, {}),
    "callbacks": (keras.callbacks, keras.callbacks.Callback, {}),
}

# Strings that `compile` itself reads, in no dictionary of Keras: trainers/compile_utils.py, get_metric.
COMPILE_METRICS = ("accuracy", "acc")


def entry(cls: type) -> dict[str, Any]:
    """What the catalogue holds of one class: its first line of documentation and its arguments in order."""
    arguments: dict[str, Any] = {}
    for name, parameter in parameters(cls).items():
        arguments[name] = {} if parameter.default is parameter.empty else {"default": default(parameter)}
    about = {"doc": first_paragraph(cls), "arguments": arguments}
    return about | (called(cls) | lora_parts(cls) if issubclass(cls, keras.Layer) else {})


def lora_parts(cls: type[keras.Layer]) -> dict[str, Any]:
    """The layers that a layer makes itself and that know LoRA: the attribute of each by its name in Keras.

    A part that is made only where an argument is true, which is not by default, has the argument after a space.
    """
    flags = [""] + [name for name, parameter in parameters(cls).items() if parameter.default is False]
    found: dict[str, str] = {}
    for flag in flags:
        for name, attribute in made_parts(cls, flag).items():
            found.setdefault(name, f"{attribute} {flag}".strip())
    return {"lora_parts": found} if found else {}


def made_parts(cls: type[keras.Layer], flag: str) -> dict[str, str]:
    """The parts of a layer that is made and built with 2 for whatever it requires; none where Keras refuses that."""
    required = [name for name, parameter in parameters(cls).items() if parameter.default is parameter.empty]
    try:
        layer = cls(**dict.fromkeys(required, 2), **({flag: True} if flag else {}))
        layer.build(*[(2, 3, 4) for _ in list(inspect.signature(layer.build).parameters)[: 2 if required else 0]])
    except Exception:
        return {}
    parts = {id(part): part for part in layer._flatten_layers(include_self=False) if hasattr(part, "enable_lora")}
    attributes = sorted((name for name in dir(layer) if not name.startswith("__")), key=lambda name: name[0] == "_")
    return {
        part.name: next(name for name in attributes if getattr(layer, name, None) is part) for part in parts.values()
    }


def called(cls: type[keras.Layer]) -> dict[str, Any]:
    """The arguments of a layer's call, and what it does with a mask: `passes` it, or has a rule of its `own`."""
    found: dict[str, Any] = {"call": {}}
    for name, parameter in list(inspect.signature(cls.call).parameters.items())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            found["call_open"] = True
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            found["call"][name] = {} if parameter.default is parameter.empty else {"default": default(parameter)}
    said = (re.search(r"self\.supports_masking = (\w+)", inspect.getsource(base)) for base in cls.__mro__[:-1])
    supports = next((each[1] for each in said if each is not None), "False")
    if cls.compute_mask is not keras.Layer.compute_mask:
        found["masks"] = "own"
    elif supports == "True":
        found["masks"] = "passes"
    return found


def first_paragraph(documented: Any) -> str:
    return " ".join(inspect.cleandoc(documented.__doc__ or "").split("\n\n")[0].split())


def classes(module: Any, base: type) -> dict[str, type]:
    return {
        name: value
        for name, value in sorted(vars(module).items())
        if inspect.isclass(value) and issubclass(value, base) and not name.startswith("_")
    }


@cache
def usable_classes(kind: str) -> dict[str, type]:
    """Return the classes of a kind that Keras exports, but for optimizers that it fails with on TensorFlow."""
    module, base, _ = KINDS[kind]
    return {name: cls for name, cls in classes(module, base).items() if kind != "optimizers" or trains(cls)}


def trains(optimizer: type) -> bool:
    """Return whether an optimizer with its defaults trains a step; one that needs an argument is not tried."""
    try:
        made = optimizer()
    except TypeError:
        return True
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile(made, "mse", jit_compile=False)
    try:
        model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    except Exception:
        return False
    return True


def application_layers() -> dict[str, type]:
    """The layers that models of `keras.applications` are made of and that Keras does not export."""
    modules = (
        importlib.import_module(f"{applications_package.__name__}.{each.name}")
        for each in pkgutil.iter_modules(applications_package.__path__)
    )
    return {
        name: value
        for module in modules
        for name, value in sorted(vars(module).items())
        if inspect.isclass(value) and issubclass(value, keras.Layer) and value.__module__ == module.__name__
    }


def identifiers(known: dict[str, Any], usable: dict[str, type]) -> dict[str, str | None]:
    """Return each string that Keras' `get` takes: the usable class it stands for, or None where it is a function."""
    names = {value: name for name, value in reversed(usable.items())}
    found: dict[str, str | None] = {}
    for name, value in sorted(known.items()):
        if inspect.isclass(value) and value not in names:
            continue
        found[name] = names[value] if inspect.isclass(value) else None
    return found


def functions() -> dict[str, Callable[..., Any]]:
    """The public functions of `keras.ops` and of the modules in it, as `ops.relu` and `ops.image.resize`."""
    modules = {"ops": keras.ops}
    modules |= {f"ops.{name}": module for name, module in vars(keras.ops).items() if inspect.ismodule(module)}
    return {
        f"{prefix}.{name}": value
        for prefix, module in modules.items()
        for name, value in vars(module).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


def operation_calls(function: Callable[..., Any]) -> Iterator[tuple[type[keras.Operation], ast.Call]]:
    """The classes of `Operation` that `function` makes and calls at once, each with that call."""
    for call in calls(function):
        made = call.func.value if isinstance(call.func, ast.Attribute) else call.func
        if not (isinstance(made, ast.Call) and isinstance(made.func, ast.Name)):
            continue
        operation = function.__globals__.get(made.func.id)
        if inspect.isclass(operation) and issubclass(operation, keras.Operation):
            yield operation, call


def handed_to_operation(function: Callable[..., Any]) -> set[str]:
    """The names that `function` hands to an `Operation`, itself or through another function of its module."""
    found: set[str] = set()
    for _, call in operation_calls(function):
        found |= names_in(call)
    if not found:
        for call in calls(function):
            other = function.__globals__.get(call.func.id) if isinstance(call.func, ast.Name) else None
            if inspect.isfunction(other) and other.__module__ == function.__module__ and handed_to_operation(other):
                found |= names_in(call)
    return found


def calls(function: Callable[..., Any]) -> Iterator[ast.Call]:
    """The calls in the source of `function`."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Call):
            yield node


def names_in(call: ast.Call) -> set[str]:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return {each.id for value in values for each in ast.walk(value) if isinstance(each, ast.Name)}


def operation_entry(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the entry of one operation in the catalogue.

    An argument that takes tensors has `tensors`: `one`, a `list` of them, or as many as there are, `each` by itself.
    `class` is the `Operation` in the graph of Keras, and `taken` what its call takes where that is not the tensors.
    """
    fed, about = handed_to_operation(function), argument_docs.documented(function.__doc__)
    arguments: dict[str, Any] = {}
    found: dict[str, Any] = {"doc": first_paragraph(function), "arguments": arguments}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            if name != "kwargs":
                found["open"] = name
            continue
        arguments[name] = {} if parameter.default is parameter.empty else {"default": default(parameter)}
        if parameter.kind is parameter.VAR_POSITIONAL:
            arguments[name] = {"tensors": "each"}
        elif name in fed and not re.search(r"^string|sequence of integers", about.get(name, ""), re.I):
            is_list = re.match(r"(?:an? |the )?(?:list|sequence|tuple) of ", about.get(name, ""), re.I)
            arguments[name]["tensors"] = "list" if is_list else "one"
    for operation, _ in operation_calls(function):
        found["class"] = operation.__name__
        taken = [
            each.name
            for each in list(inspect.signature(operation.call).parameters.values())[1:]
            if each.kind is not each.VAR_KEYWORD
        ]
        if taken != [name for name, argument in arguments.items() if "tensors" in argument]:
            found["taken"] = taken
    return found


def takes_tensors(entry: dict[str, Any]) -> bool:
    """Return whether an argument of an operation takes tensors."""
    return any("tensors" in argument for argument in entry["arguments"].values())


def makes_tensor(function: Callable[..., Any]) -> bool:
    """Return whether `function` makes a tensor from numbers, or from a shape, as `eye` and `zeros` do."""
    required = [
        name for name, each in inspect.signature(function).parameters.items() if each.default is inspect.Parameter.empty
    ]
    for value in (2, (2, 2)):
        try:
            result = function(**dict.fromkeys(required, value))
        except Exception:  # it takes something else
            continue
        return function is not keras.ops.empty and keras.ops.is_tensor(result)  # what `empty` holds is no constant
    return False


def gives_no_tensor(function: Callable[..., Any]) -> bool:
    """Whether `function` of one tensor gives plain numbers, as `ndim` does: no layer can go on from them."""
    try:
        result = function(keras.ops.ones((2, 2)))
    except Exception:
        return False  # it needs more than a tensor
    return not any(keras.ops.is_tensor(each) for each in keras.tree.flatten(result))


def operations() -> dict[str, Any]:
    """Every operation under its shortest name, its other names, what makes tensors from no others, and the rest."""
    found: dict[str, Any] = {}
    makers: dict[str, Any] = {}
    aliases: dict[str, str | None] = {}
    others: list[str] = []
    names: dict[Callable[..., Any], str] = {}
    for name, function in sorted(functions().items(), key=lambda item: (item[0].count("."), item[0])):
        if "ops." + name.rpartition(".")[2] in CODE_CARRYING_OPS:
            continue
        if function in names and names[function] != name:
            if names[function] in found:
                aliases[name] = names[function]
            continue
        names[function] = name
        entry = operation_entry(function)
        if not takes_tensors(entry) and makes_tensor(function):
            makers[name] = entry
        elif not takes_tensors(entry) or gives_no_tensor(function):
            others.append(name)
        else:
            found[name] = entry
    return {
        "classes": dict(sorted(found.items())),
        "identifiers": dict(sorted(aliases.items())),
        "makers": dict(sorted(makers.items())),
        "others": others,
    }


def random_functions() -> dict[str, Callable[..., Any]]:
    """The functions of `keras.random` that draw numbers, by the names of operations."""
    return {
        f"ops.random.{name}": value for name, value in sorted(vars(keras.random).items()) if inspect.isfunction(value)
    }


def random_entry(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the entry of a random operation, whose first argument is a tensor, or the shape of one."""
    found = operation_entry(function)
    next(iter(found["arguments"].values()))["tensors"] = "one"
    return found


def applications() -> dict[str, Any]:
    """The arguments of every function of `keras.applications` that makes a model."""
    return {
        name: {key: default(parameter) for key, parameter in inspect.signature(function).parameters.items()}
        for name, function in sorted(vars(keras.applications).items())
        if inspect.isfunction(function)
    }


def catalog() -> dict[str, Any]:
    """The whole catalogue as it is written."""
    kinds: dict[str, Any] = {}
    for kind, (_, _, known) in KINDS.items():
        found = usable_classes(kind)
        strings = identifiers(known, found)
        if kind == "metrics":
            strings |= dict.fromkeys(COMPILE_METRICS)
        entries = {name: entry(cls) for name, cls in found.items()}
        if kind == "layers":
            own = application_layers()
            entries |= {
                name: entry(cls) | {"module": cls.__module__} for name, cls in own.items() if name not in entries
            }
        kinds[kind] = {
            "classes": entries,
            "identifiers": {name: target for name, target in strings.items() if name not in found},
        }
    kinds["activations"] = {"classes": {}, "identifiers": dict.fromkeys(sorted(activations.ALL_OBJECTS_DICT))}
    kinds["ops"] = operations() | {"random": {name: random_entry(each) for name, each in random_functions().items()}}
    return {
        "keras": keras.__version__,
        "dtypes": keras_dtypes.names(),
        "promotion": keras_dtypes.promotion(),
        "kinds": kinds,
        "applications": applications(),
    }


def docs() -> dict[str, Any]:
    """What Keras says of each argument, by kind and class or operation."""
    kinds: dict[str, Any] = {}
    for kind, (_, base, _) in KINDS.items():
        found = usable_classes(kind)
        said = {name: argument_docs.of_class(cls, list(parameters(cls))) for name, cls in found.items()}
        common = argument_docs.of_base(said, list(parameters(base)))
        for name, cls in found.items():
            said[name] |= {each: common[each] for each in parameters(cls) if each in common and each not in said[name]}
        kinds[kind] = said
    public = functions()
    documented = {name: public[name] for name in operations()["classes"]} | random_functions()
    kinds["ops"] = {name: argument_docs.of_function(each) for name, each in documented.items()}
    return kinds


def main() -> int:
    stale = False
    for name, content in (("keras.json", catalog()), ("docs.json", docs())):
        if "--check" in sys.argv[1:]:
            fresh = text_of(catalog_files.read(name)) == text_of(content)
            print(f"{name} is up to date" if fresh else f"{name} is stale: run python scripts/make_catalog.py")
            stale = stale or not fresh
        else:
            catalog_files.write(name, content, text_of)
    return int(stale)


def text_of(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=False, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
