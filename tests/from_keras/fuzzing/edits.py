"""Edits of the tree of a configuration: most leave it one that Keras could have written."""

from __future__ import annotations

import base64
import json
import marshal
import random
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

from graphspec import catalog
from graphspec.catalog.refused import CODE_CARRYING
from tests.from_keras.fuzzing.corpus import Corpus, objects_in, walk
from tests.security.audit import MARKER

_ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 7, 1.0, 0.5, -0.0, 2**31, 2**64, -(2**70), 10**400, 1e308, float("inf")),
    *(float("nan"), "", " ", "x", "no", "1", "${x}", "$${", "\0", "\n", "a\nb", "\ufeff", "\u2028", "é", "\ud800"),
    *("\U0001f600", "a" * 300, "/dev/null", "../../etc/passwd", [], {}, [[]], [None], {"": None}, {"class_name": "x"}),
    *([[[[[[]]]]]], {"class_name": 1, "config": 2}, {"class_name": "__tuple__", "items": 3}, [1, "a", None]),
    *({"class_name": "__tensor__"}, {"class_name": "__numpy__", "config": {"value": [[1], [2, 3]], "dtype": "int8"}}),
    {"class_name": "__slice__", "config": {"start": None, "stop": "x", "step": 0}},
    {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": ["x", 0, 0]},
    },
    {"class_name": "__tensor__", "config": {"value": [1.0, 2.0], "dtype": "float32"}},
]  # fmt: skip
_NAMES = [
    *("a/b", "", "no", "null", "1", "x[0]", "x.y", "a b", "é", "\u202e", "\U0001f600", "n" * 10_000, "-", "_", "${x}"),
    *("node", "inputs", "layers/dense", "../x", "a\0b", "a\nb", "\ud800", "input_layer", "x", "dense", "true", "__"),
    *("a_b", "a.b", "Dense", "/../../x", "output", "graph", "x_output", "block", "${x}_1", "$${x", "ops.add", "my>L"),
]  # fmt: skip
_MODULES = ["os", "subprocess", "builtins", "antigravity", MARKER, "keras.layers", "keras.src.ops.numpy", "", None, 3]


def _leaf(tree: Any, rng: random.Random) -> tuple[Any, Any]:
    """Return the holder and the key of a scalar or of an empty list."""
    return rng.choice([(holder, key) for holder, key, _ in walk(tree) if not isinstance(holder[key], dict | list)])


def _place(tree: Any, rng: random.Random) -> tuple[Any, Any]:
    return rng.choice([(holder, key) for holder, key, _ in walk(tree)])


def _argument(tree: Any, rng: random.Random) -> tuple[dict[str, Any], str]:
    """Return the configuration of an object, and the name of one of its arguments."""
    configs = [each["config"] for each in objects_in(tree) if isinstance(each.get("config"), dict) and each["config"]]
    config = rng.choice(configs)
    return config, rng.choice(list(config))


def _layers(tree: Any, rng: random.Random) -> list[dict[str, Any]]:
    """Return the layers of one of the models in a tree."""
    configs = [each["config"] for each in objects_in(tree) if isinstance(each.get("config"), dict)]
    models = [config["layers"] for config in configs if config.get("layers")]
    layers: list[dict[str, Any]] = rng.choice([each for each in models if isinstance(each, list)])
    return layers


def _near(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Change a scalar into another that may stand there."""
    holder, key = _leaf(tree, rng)
    value = holder[key]
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = rng.choice((value + 1, value - 1, value * 2, -value, value + 0.5, float(value), str(value)))
    elif isinstance(value, float):
        holder[key] = rng.choice((value / 2, value * 3, -value, round(value), 0.0, 1.0))
    else:
        holder[key] = deepcopy(rng.choice(corpus.values.get(str(key), [None])))


def _as_elsewhere(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Give an argument the value that it has elsewhere in the corpus."""
    config, key = _argument(tree, rng)
    config[key] = deepcopy(rng.choice(corpus.values.get(key, [None])))


def _any_argument(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Add an argument of another class."""
    config, _ = _argument(tree, rng)
    key = rng.choice(list(corpus.values))
    config[key] = deepcopy(rng.choice(corpus.values[key]))


def _odd_value(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    holder, key = _place(tree, rng)
    holder[key] = deepcopy(rng.choice(_ODD))


def _odd_scalar(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    holder, key = _leaf(tree, rng)
    holder[key] = deepcopy(rng.choice(_ODD))


def _delete(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    holder, key = _place(tree, rng)
    del holder[key]


def _rename_key(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    holder, key = rng.choice([(holder, key) for holder, key, _ in walk(tree) if isinstance(holder, dict)])
    others = [*holder, *_NAMES[:8], "config", "class_name", "name", "layers", "units", "args", "kwargs"]
    value = holder.pop(key) if rng.random() < 0.7 else deepcopy(holder[key])
    holder[rng.choice(others)] = value


def _move(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Put a part of a configuration of the corpus in the place of another."""
    source = tree if rng.random() < 0.6 else corpus.tree(rng)[1]
    other, other_key = _place(source, rng)
    holder, key = _place(tree, rng)
    holder[key] = deepcopy(other[other_key])


def _wrap(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    holder, key = _place(tree, rng)
    value = holder[key]
    wrapped = [[value], {"x": value}, [value, deepcopy(value)], {"class_name": "__tuple__", "items": [value]}]
    holder[key] = rng.choice([*wrapped, *(value[:1] if isinstance(value, list) else ())])


def _histories(tree: Any) -> list[list[Any]]:
    """Return the places of tensors: of calls, inputs and outputs."""
    found = []
    for holder, key, path in walk(tree):
        value = holder[key]
        is_end = any(each in ("input_layers", "output_layers") for each in (*path, key))
        if isinstance(value, list) and len(value) == 3 and (key == "keras_history" or is_end):
            found.append(value)
    return found


def _rewire(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Let a call or an output take another tensor."""
    histories = _histories(tree)
    history, other = rng.choice(histories), deepcopy(rng.choice(histories))
    match rng.randrange(5):
        case 0 | 1:
            history[:] = other
        case 2:
            history[1] = rng.choice((0, 1, 2, -1, 1.0, "0", None, 10**30, True))
        case 3:
            history[2] = rng.choice((0, 1, 2, -1, 0.0, "0", None, 10**30, True))
        case _:
            history[0] = rng.choice((*_NAMES, 3, None, other[0]))


def _duplicate_layer(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    layers = _layers(tree, rng)
    layer = deepcopy(rng.choice(layers))
    if rng.random() < 0.6:
        layer["name"] = layer["config"]["name"] = rng.choice(_NAMES)
    layers.insert(rng.randrange(len(layers) + 1), layer)


def _delete_layer(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    layers = _layers(tree, rng)
    layers.remove(rng.choice(layers))


def _swap_layers(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    layers = _layers(tree, rng)
    one, other = rng.randrange(len(layers)), rng.randrange(len(layers))
    layers[one], layers[other] = layers[other], layers[one]


def _rename_layer(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Rename a layer wherever it is named, to a name that may be odd."""
    layers = _layers(tree, rng)
    layer = rng.choice(layers)
    old, new = layer["config"]["name"], rng.choice((*_NAMES, rng.choice(layers)["config"]["name"]))
    for holder, key, _ in list(walk(tree)):
        if holder[key] == old and isinstance(holder[key], str) and key in ("name", 0):
            holder[key] = new


def _rename_somewhere(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    holder, key = rng.choice([(h, k) for h, k, _ in walk(tree) if k == "name"])
    holder[key] = deepcopy(rng.choice((*_NAMES, *_ODD)))


def _change_class(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Make another object of one: of the same arguments, or of another model."""
    each = rng.choice(objects_in(tree))
    kind: catalog.Kind = rng.choice(("layers", "layers", "initializers", "activations", "losses", "optimizers"))
    if rng.random() < 0.5:
        each["class_name"] = rng.choice(catalog.names(kind))
    elif rng.random() < 0.5:
        operations = [other for other in objects_in(corpus.tree(rng)[1]) if "ops" in str(other.get("module"))]
        each["class_name"] = rng.choice(operations)["class_name"] if operations else "Exp"
        each["module"] = "keras.src.ops.numpy"
    else:
        other = rng.choice(objects_in(corpus.tree(rng)[1]))
        name = each.get("name")
        each.update(deepcopy({key: value for key, value in other.items() if key != "inbound_nodes"}))
        if name:
            each["name"] = each["config"]["name"] = name


def _carry_code(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Make an object one that carries code, or that only its module knows."""
    each = rng.choice(objects_in(tree))
    match rng.randrange(5):
        case 0:
            name = each["config"].get("name", "x")
            each.update(class_name="Lambda", module="keras.layers", registered_name=None)
            each["config"] = {"name": name, "trainable": True, "dtype": "float32", "function": code(), "arguments": {}}
        case 1:
            each.update(class_name=rng.choice([*CODE_CARRYING, "__lambda__", "function", "__bytes__", "Map", "Cond"]))
        case 2:
            each.update(code())
        case 3:
            config, key = _argument(tree, rng)
            config[key] = rng.choice((code(), {"class_name": "function", "config": "eval", "module": "builtins"}))
        case _:
            module = rng.choice(("os", "subprocess", "builtins", MARKER))
            each.update(module=module, class_name=rng.choice(("system", "eval", "Popen")))


@cache
def _code() -> str:
    source = f"lambda x: __import__('os').system('touch {MARKER}')"
    compiled = compile(source, MARKER, "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(compiled)).decode()


def code() -> dict[str, Any]:
    """Return a function as Keras serialises it, whose code runs a command."""
    config = {"value": [_code(), None, None]}
    return {"class_name": "__lambda__", "config": config, "module": "builtins", "registered_name": "function"}


def _register(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    each = rng.choice(objects_in(tree))
    registered = (f"{MARKER}>Layer", "my>Dense", ">", "a>b>c", None, "", 3, "Dense", "keras>Dense", "os>system")
    each["registered_name"] = rng.choice(registered)
    if rng.random() < 0.5:
        each["module"] = rng.choice(_MODULES)
    if rng.random() < 0.3:
        each["class_name"] = rng.choice(("my>Dense", "Mine", "", "Dense"))


def _change_module(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    rng.choice(objects_in(tree))["module"] = rng.choice(_MODULES)


def _in_part(part: str) -> Callable[[Any, random.Random, Corpus], None]:
    """Return an edit of what is below a key."""

    def edit(tree: Any, rng: random.Random, corpus: Corpus) -> None:
        holder, key = rng.choice([(holder, key) for holder, key, _ in walk(tree) if key == part])
        if not holder[key]:
            holder[key] = {"input_shape": [None, 3]}
        rng.choice((_odd_value, _odd_scalar, _near, _delete, _move, _change_class, _wrap))(holder[key], rng, corpus)

    return edit


def _compile(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Give a model the `compile_config` of another, or edit its own."""
    if not tree.get("compile_config"):
        others = [json.loads(text).get("compile_config") for text in corpus.texts.values() if '"optimizer"' in text]
        tree["compile_config"] = rng.choice([each for each in others if each])
    _in_part("compile_config")(tree, rng, corpus)


def _recurse(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Put the model into itself, once or many times."""
    layers = _layers(tree, rng)
    layer = rng.choice(layers)
    inner = {"class_name": tree["class_name"], "module": "keras.src.models.functional", "registered_name": None}
    inner["config"] = deepcopy(tree["config"])
    layer.update(inner)
    if rng.random() < 0.5:
        layer["config"]["name"] = layer.get("name")


def _nest(tree: Any, rng: random.Random, corpus: Corpus) -> None:
    """Nest a value, a layer or a model deeply."""
    depth = rng.choice((20, 150, 400))
    holder, key = _place(tree, rng)
    match rng.randrange(3):
        case 0:
            for _ in range(depth):
                holder[key] = [holder[key]]
        case 1:
            for _ in range(depth):
                holder[key] = {"class_name": "TimeDistributed", "module": "keras.layers", "registered_name": None,
                               "config": {"name": "t", "layer": holder[key]}}  # fmt: skip
        case _:
            layers = _layers(tree, rng)
            at = rng.randrange(len(layers))
            for _ in range(depth):
                inner = {"name": "s", "layers": [layers[at]], "build_input_shape": [None, 4]}
                kept = {key: layers[at].get(key) for key in ("name", "inbound_nodes")}
                model = {"class_name": "Sequential", "module": "keras", "registered_name": None, "config": inner}
                layers[at] = {**model, **kept}


Edit = Callable[[Any, random.Random, Corpus], None]
EDITS: dict[str, tuple[float, Edit]] = {
    "a near value": (6, _near),
    "an argument as elsewhere": (10, _as_elsewhere),
    "an argument of another class": (2, _any_argument),
    "an odd scalar": (4, _odd_scalar),
    "an odd value": (3, _odd_value),
    "a key less": (4, _delete),
    "a key renamed": (3, _rename_key),
    "a part moved": (4, _move),
    "a value wrapped": (3, _wrap),
    "a tensor rewired": (7, _rewire),
    "a layer twice": (2, _duplicate_layer),
    "a layer less": (2, _delete_layer),
    "layers swapped": (2, _swap_layers),
    "a layer renamed": (5, _rename_layer),
    "a name changed": (3, _rename_somewhere),
    "another class": (7, _change_class),
    "code": (3, _carry_code),
    "another registration": (3, _register),
    "another module": (2, _change_module),
    "another build_config": (2, _in_part("build_config")),
    "another compile_config": (4, _compile),
    "other calls": (4, _in_part("inbound_nodes")),
    "the model in itself": (2, _recurse),
    "deep nesting": (1, _nest),
}
