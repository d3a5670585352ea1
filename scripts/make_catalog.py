"""Write graphspec/catalog/keras.json: what the installed Keras offers, read from Keras itself.

    python scripts/make_catalog.py            writes the file
    python scripts/make_catalog.py --check    exits with 1 where the file is stale

Nothing in the catalogue is typed by hand but the lists of what a spec cannot hold, below. A constructor's
arguments are its own plus those it hands on through `**kwargs`, which its source tells: an argument of a parent
counts unless the class passes it to `super().__init__` itself.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras.src import activations, constraints, initializers, losses, metrics, optimizers, regularizers
from keras.src.backend.common.dtypes import ALLOWED_DTYPES

CATALOG = Path(__file__).resolve().parent.parent / "graphspec" / "catalog" / "keras.json"

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


def own_parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The parameters of the constructor that `cls` itself defines, `self` left out."""
    return dict(list(inspect.signature(cls.__dict__["__init__"]).parameters.items())[1:])


def handed_on(cls: type) -> tuple[int, set[str]] | None:
    """How many positional and which keyword arguments `cls` passes to its parent; None where it passes no **kwargs."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls.__dict__["__init__"])))
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"):
            continue
        if any(keyword.arg is None for keyword in call.keywords):
            return len(call.args), {keyword.arg for keyword in call.keywords if keyword.arg is not None}
    return None


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """Every named argument that constructing `cls` takes, its own first."""
    lineage = [base for base in cls.__mro__ if "__init__" in base.__dict__ and base is not object]
    found: dict[str, inspect.Parameter] = {}
    blocked: set[str] = set()
    for base in lineage:
        own = own_parameters(base)
        for name, parameter in own.items():
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) and name not in blocked:
                found.setdefault(name, parameter)
        passed = handed_on(base)
        if passed is None or not any(parameter.kind is parameter.VAR_KEYWORD for parameter in own.values()):
            break
        following = lineage[lineage.index(base) + 1 :]
        if following:
            blocked |= passed[1] | set(list(own_parameters(following[0]))[: passed[0]])
    return found


def default(parameter: inspect.Parameter) -> Any:
    """The default as JSON holds it; a default that JSON cannot hold is given by its text."""
    value = parameter.default
    if isinstance(value, tuple):
        value = list(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value


def entry(cls: type) -> dict[str, Any]:
    """What the catalogue holds of one class: its first line of documentation and its arguments in order."""
    arguments: dict[str, Any] = {}
    for name, parameter in parameters(cls).items():
        arguments[name] = {} if parameter.default is parameter.empty else {"default": default(parameter)}
    paragraph = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
    return {"doc": " ".join(paragraph.split()), "arguments": arguments}


def classes(module: Any, base: type) -> dict[str, type]:
    return {
        name: value
        for name, value in sorted(vars(module).items())
        if inspect.isclass(value) and issubclass(value, base) and not name.startswith("_")
    }


def identifiers(known: dict[str, Any], exported: dict[str, type]) -> dict[str, str | None]:
    """Each string that Keras' `get` takes: the exported class it stands for, or None where it is a function."""
    names = {value: name for name, value in reversed(exported.items())}
    found: dict[str, str | None] = {}
    for name, value in sorted(known.items()):
        if inspect.isclass(value) and value not in names:
            continue
        found[name] = names[value] if inspect.isclass(value) else None
    return found


def catalog() -> dict[str, Any]:
    """The whole catalogue as it is written."""
    kinds: dict[str, Any] = {}
    for kind, (module, base, known) in KINDS.items():
        exported = classes(module, base)
        strings = identifiers(known, exported)
        if kind == "metrics":
            strings |= dict.fromkeys(COMPILE_METRICS)
        kinds[kind] = {
            "classes": {name: entry(cls) for name, cls in exported.items()},
            "identifiers": {name: target for name, target in strings.items() if name not in exported},
        }
    functions = dict.fromkeys(sorted(activations.ALL_OBJECTS_DICT))
    kinds["activations"] = {"classes": {}, "identifiers": functions}
    return {"keras": keras.__version__, "dtypes": sorted(ALLOWED_DTYPES), "kinds": kinds}


def main() -> int:
    text = json.dumps(catalog(), indent=1, sort_keys=False, ensure_ascii=False) + "\n"
    if "--check" in sys.argv[1:]:
        fresh = CATALOG.exists() and CATALOG.read_text(encoding="utf-8") == text
        print("the catalogue is up to date" if fresh else "the catalogue is stale: run python scripts/make_catalog.py")
        return 0 if fresh else 1
    CATALOG.write_text(text, encoding="utf-8")
    print(f"wrote {CATALOG}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
