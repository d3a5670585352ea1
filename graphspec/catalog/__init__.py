"""The catalogue of Keras: every layer, loss, optimizer, ... with its arguments.

`keras.json` holds it, which `scripts/make_catalog.py` generates from the installed Keras; Keras is not imported here.
`docs.json` holds the documentation of the arguments, and is read when needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from graphspec.catalog.versions import cached, read_generated

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
    "functions",
]

KINDS: tuple[Kind, ...] = tuple(each for each in get_args(Kind) if each != "functions")
"""The kinds that the catalogue lists. Functions are those of plugins alone, for arguments that take any function."""

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
    "functions": "function",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A class of Keras, or an operation.

    Attributes:
        name: The exported name.
        doc: The first line of its documentation.
        arguments: The default of each argument in order, as JSON, or `REQUIRED`.
        tensors: For an operation, the arguments that take tensors: `one`, a `list`, or `each` of any number.
        is_open: It takes further arguments of any name.
        call: The arguments of a layer's call, with their defaults.
        call_is_open: The call takes further arguments of any name.
        masks: A layer `passes` its mask on, computes its `own`, or drops it (None).
        module: The module of a layer that `keras.layers` does not export.
        operation: The class of an operation in a graph of Keras; empty if there is none.
        taken: The arguments of the call of that class, in order.
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
    module: str = ""
    operation: str = ""
    taken: tuple[str, ...] = ()

    @property
    def required(self) -> list[str]:
        """The names of the arguments without a default."""
        return [name for name, default in self.arguments.items() if default is REQUIRED]


REQUIRED = object()
Tensors = Literal["one", "list", "each"]
Masks = Literal["passes", "own"]


def argument_docs(kind: Kind, name: str) -> dict[str, str]:
    """Return a line of documentation for each documented argument of the class or operation `name`."""
    found: dict[str, str] = read_generated("docs.json").get(kind, {}).get(name, {})
    return found


def keras_version() -> str:
    """Return the version of Keras that the catalogue was generated from."""
    return str(read_generated("keras.json")["keras"])


def dtypes() -> list[str]:
    """Return the names of the dtypes of Keras."""
    return list(read_generated("keras.json")["dtypes"])


def promotion() -> dict[str, Any]:
    """Return the tables of dtype promotion: `above`, `narrowed` and `numbers`, see `scripts/make_catalog.py`."""
    found: dict[str, Any] = read_generated("keras.json")["promotion"]
    return found


def names(kind: Kind) -> list[str]:
    """Return the class names of `kind` that Keras exports."""
    return list(_listed(kind)["classes"])


def identifiers(kind: Kind) -> dict[str, str | None]:
    """Return the string identifiers of `kind` besides class names, with the class of each, None for a function."""
    found: dict[str, str | None] = _listed(kind)["identifiers"]
    return found


def full_name(kind: Kind, name: str) -> str:
    """Return the name of an object with its module, such as `keras.layers.LSTM`."""
    module = {"schedules": "optimizers.schedules.", "ops": ""}.get(kind, f"{kind}.")
    return f"keras.{module}{name}".replace("keras.ops.random.", "keras.random.")


def _listed(kind: Kind) -> dict[str, Any]:
    """Return the classes and identifiers of a kind."""
    found: dict[str, Any] = read_generated("keras.json")["kinds"].get(kind, {"classes": {}, "identifiers": {}})
    return found


def is_identifier(kind: Kind, name: str) -> bool:
    """Return whether Keras' `get` for `kind` takes the string `name` (in any case for optimizers)."""
    return name in identifiers(kind) or (kind == "optimizers" and name.lower() in identifiers(kind))


@cached
def find(kind: Kind, name: str) -> Entry | None:
    """Return the entry of a class name or string identifier; None if there is none."""
    listed = _listed(kind)
    classes = {**listed["classes"], **listed.get("makers", {}), **listed.get("random", {})}
    target = name if name in classes else identifiers(kind).get(name)
    if target is None and kind == "optimizers":
        target = identifiers(kind).get(name.lower())
    if target is None:
        return None
    about = classes[target]
    arguments = {key: each.get("default", REQUIRED) for key, each in about["arguments"].items()}
    tensors = {key: each["tensors"] for key, each in about["arguments"].items() if "tensors" in each}
    call = {key: each.get("default", REQUIRED) for key, each in about.get("call", {}).items()}
    return Entry(
        kind,
        target,
        about["doc"],
        arguments,
        tensors,
        is_open="open" in about,
        call=call,
        call_is_open="call_open" in about,
        masks=about.get("masks"),
        module=about.get("module", ""),
        operation=about.get("class", ""),
        taken=tuple(about.get("taken", tensors)),
    )


@cached
def operation_of(class_name: str) -> Entry | None:
    """Return the operation whose class in a graph of Keras is `class_name`; None if there is none."""
    found = (
        name
        for name, about in read_generated("keras.json")["kinds"]["ops"]["classes"].items()
        if about.get("class") == class_name
    )
    name = next(found, None)
    return find("ops", name) if name is not None else None


def applications() -> list[str]:
    """Return the names of the functions of `keras.applications`."""
    return list(read_generated("keras.json")["applications"])


def application_arguments(name: str) -> dict[str, Any]:
    """Return the arguments of a function of `keras.applications` with their defaults."""
    found: dict[str, Any] = read_generated("keras.json")["applications"][name]
    return found


def makers() -> list[str]:
    """Return the operations that a node may begin with: they make a tensor from arguments alone."""
    listed = _listed("ops")
    return sorted([*listed["makers"], *(each for each in _MAKING if each in listed["classes"])])


_MAKING = ("ops.arange", "ops.array", "ops.full", "ops.geomspace", "ops.linspace", "ops.logspace")
"""Operations that take tensors, and numbers alone as well."""


def random_operations() -> list[str]:
    """Return the operations that draw random numbers: the functions of `keras.random`, as `ops.random.normal`."""
    return list(read_generated("keras.json")["kinds"]["ops"]["random"])


def other_functions() -> list[str]:
    """Return the functions of `keras.ops` that give no tensor, so that no step can use them."""
    return list(read_generated("keras.json")["kinds"]["ops"]["others"])


def fed(entry: Entry, count: int) -> list[str]:
    """Return the arguments that `count` unnamed tensors feed: the first that take tensors, in order.

    An argument that takes a list, or any number of tensors, gets all of them.
    """
    if not entry.tensors or not count:
        return []
    first = next(iter(entry.tensors))
    if entry.tensors[first] != "one":
        return [first]
    return [argument for argument, kind in entry.tensors.items() if kind == "one"][:count]
