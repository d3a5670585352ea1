"""What Keras offers a spec: every layer, loss, optimizer, ... and the arguments each takes.

The facts lie in `keras.json`, which `scripts/make_catalog.py` reads from the installed Keras; nothing of Keras is
imported here. `arguments` tells which arguments hold objects of another kind. What Keras says of each argument lies in
`docs.json`, which is read when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from graphspec.catalog.generated import read_generated

Kind = Literal[
    "layers",
    "initializers",
    "regularizers",
    "constraints",
    "activations",
    "losses",
    "metrics",
    "optimizers",
    "schedules",
    "callbacks",
    "ops",
]

SINGULAR: dict[Kind, str] = {
    "layers": "layer",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "constraints": "constraint",
    "activations": "activation",
    "losses": "loss",
    "metrics": "metric",
    "optimizers": "optimizer",
    "schedules": "learning-rate schedule",
    "callbacks": "callback",
    "ops": "operation",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One class of Keras: its exported name, first line of documentation, and arguments in order; or one operation.

    arguments maps each name to its default as JSON, or to `REQUIRED`. tensors maps the arguments of an operation that
    take tensors to how many: `one`, a `list`, or as many as there are, `each` by itself. is_open tells that further
    arguments may be named freely. call holds the arguments of a layer's call; masks says whether the layer `passes` a
    mask on or has a rule of its `own`, and is None where it drops masks.
    """

    kind: Kind
    name: str
    doc: str
    arguments: dict[str, Any]
    tensors: dict[str, Tensors] = field(default_factory=dict)
    is_open: bool = False
    call: dict[str, Any] = field(default_factory=dict)
    call_is_open: bool = False
    masks: Masks | None = None

    @property
    def required(self) -> list[str]:
        return [name for name, default in self.arguments.items() if default is REQUIRED]


REQUIRED = object()
Tensors = Literal["one", "list", "each"]
Masks = Literal["passes", "own"]


def argument_docs(kind: Kind, name: str) -> dict[str, str]:
    """A line on each argument of the class or operation `name` that Keras documents; `name` as `Entry.name` has it."""
    found: dict[str, str] = read_generated("docs.json").get(kind, {}).get(name, {})
    return found


def keras_version() -> str:
    """The version of Keras that the catalogue was read from."""
    return str(read_generated("keras.json")["keras"])


def dtypes() -> list[str]:
    """The names of the dtypes that Keras knows."""
    return list(read_generated("keras.json")["dtypes"])


def promotion() -> dict[str, Any]:
    """How Keras finds a common dtype: `above`, `narrowed` and `numbers`, as `scripts/make_catalog.py` tells."""
    found: dict[str, Any] = read_generated("keras.json")["promotion"]
    return found


def names(kind: Kind) -> list[str]:
    """The class names of `kind` that keras exports."""
    return list(read_generated("keras.json")["kinds"][kind]["classes"])


def identifiers(kind: Kind) -> dict[str, str | None]:
    """The strings that Keras reads as objects of `kind` beside class names: the class each stands for, if one."""
    found: dict[str, str | None] = read_generated("keras.json")["kinds"][kind]["identifiers"]
    return found


def is_identifier(kind: Kind, name: str) -> bool:
    """Whether Keras' `get` for `kind` takes the string `name` (optimizers without regard to case)."""
    return name in identifiers(kind) or (kind == "optimizers" and name.lower() in identifiers(kind))


@cache
def find(kind: Kind, name: str) -> Entry | None:
    """The class that `name` names, itself or through one of Keras' string identifiers; None where there is none."""
    classes = read_generated("keras.json")["kinds"][kind]["classes"]
    target = name if name in classes else identifiers(kind).get(name)
    if target is None and kind == "optimizers":
        target = identifiers(kind).get(name.lower())
    if target is None:
        return None
    about = classes[target]
    arguments = {key: each.get("default", REQUIRED) for key, each in about["arguments"].items()}
    tensors = {key: each["tensors"] for key, each in about["arguments"].items() if "tensors" in each}
    call = {key: each.get("default", REQUIRED) for key, each in about.get("call", {}).items()}
    more = (call, "call_open" in about, about.get("masks"))
    return Entry(kind, target, about["doc"], arguments, tensors, "open" in about, *more)


def applications() -> list[str]:
    """The functions of `keras.applications`."""
    return list(read_generated("keras.json")["applications"])


def application_arguments(name: str) -> dict[str, Any]:
    """The arguments of a function of `keras.applications`, with their defaults."""
    found: dict[str, Any] = read_generated("keras.json")["applications"][name]
    return found


def other_functions() -> list[str]:
    """The functions of `keras.ops` that compute no tensors from tensors, and so are no steps of a graph."""
    return list(read_generated("keras.json")["kinds"]["ops"]["others"])


def fed(entry: Entry, count: int) -> list[str]:
    """The arguments that `count` tensors feed when they are not named: the first that take tensors, in order.

    An argument that takes a list, or as many tensors as there are, is fed all of them.
    """
    first = next(iter(entry.tensors))
    if entry.tensors[first] != "one":
        return [first]
    return [argument for argument, kind in entry.tensors.items() if kind == "one"][:count]
