"""One random change of a spec: rename, retype, drop, swap, resize or rewire.

In: the text of a spec and a random number generator. Out: the mutated text, and which of its lines were mutated. A word
becomes a slip of the pen or another word that could stand there; a number becomes another; a reference another tensor.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphspec import catalog
from graphspec.language.lower.merges import MERGES

from .edits import Edited, drop, rename_key, replace_value, swap, swap_keys
from .places import Path, Place, Text

NOT_FOR_KERAS = ("data", "description")
"""Parts of a spec that Keras' build and compile have nothing to say of, so that they are left alone."""

_REFERENCE = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)(\[\d+\]|\.[A-Za-z_][A-Za-z0-9_-]*)?")
_ATTEMPTS = 200


@dataclass(frozen=True)
class Mutation:
    """kind: what was done; what: the change in words; text and lines: as in `Edited`."""

    kind: str
    what: str
    text: str
    lines: frozenset[int]
    gone: frozenset[str] = frozenset()


def mutate(spec: str, rng: random.Random) -> Mutation:
    """One mutation of the text `spec`, of a kind drawn first."""
    text = Text(spec)
    places = [place for place in text.root.walk() if place.path[0] not in NOT_FOR_KERAS]
    kind = rng.choice(list(KINDS))
    for _ in range(_ATTEMPTS):
        what, edited = KINDS[kind](text, places, rng) or ("", None)
        if edited is not None:
            return Mutation(kind, what, edited.text, edited.lines, edited.gone)
    raise ValueError("this spec cannot be mutated")


Made = tuple[str, Edited | None] | None


def _rename(text: Text, places: list[Place], rng: random.Random) -> Made:
    """A key, or a text: a layer, an argument, a name, a reference, a word of Keras."""
    words = [place for place in places if place.key is not None or isinstance(place.value, str)]
    place = rng.choice(words)
    if place.key is not None and (not isinstance(place.value, str) or rng.random() < 0.5):
        word = str(place.name)
        new = _other_word(word, rng, _alike(place, as_key=True))
        return f"the key {_at(place.path)} becomes {new}", rename_key(text, place, new)
    new = _other_word(place.value, rng, _alike(place, as_key=False))
    return f"{_at(place.path)}: {place.value} becomes {new}", replace_value(text, place, new)


def _alike(place: Place, *, as_key: bool) -> list[str]:
    """Other words that could stand in the place."""
    word = str(place.name if as_key else place.value)
    for kind in _KINDS_OF_WORDS:
        if word in _words(kind):
            return _words(kind)
    if as_key and place.parent is not None:
        owner = str(place.parent.name) if place.parent.path else ""
        entry = catalog.find("layers", owner)
        if entry is not None:
            return list(entry.arguments)
        return [str(each.name) for each in place.parent.children]
    return ["same", "valid", "causal"] if word in ("same", "valid", "causal") else []


_KINDS_OF_WORDS: tuple[catalog.Kind, ...] = (
    "layers", "activations", "losses", "metrics", "optimizers", "initializers", "regularizers", "schedules",
    "callbacks", "ops",
)  # fmt: skip


@cache
def _words(kind: catalog.Kind) -> list[str]:
    return [*catalog.names(kind), *catalog.identifiers(kind)]


def _other_word(word: str, rng: random.Random, alike: Sequence[str]) -> str:
    """Another word of the same kind, or `word` with a slip of the pen."""
    if alike and rng.random() < 0.5:
        return rng.choice(alike)
    at = rng.randrange(len(word)) if word else 0
    slips = [
        word[:at] + word[at + 1 :],
        word[:at] + word[at : at + 1] + word[at:],
        word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
        word[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz_") + word[at + 1 :],
        word.swapcase() if rng.random() < 0.5 else word.lower(),
    ]
    return rng.choice([slip for slip in slips if slip and slip != word] or ["x"])


def _retype(text: Text, places: list[Place], rng: random.Random) -> Made:
    """A value of another type of JSON."""
    place = rng.choice(places)
    old = place.value
    new = rng.choice([each for each in _other_types(old) if type(each) is not type(old)])
    return f"{_at(place.path)}: {_short(old)} becomes {_short(new)}", replace_value(text, place, new)


def _other_types(value: Any) -> list[Any]:
    others: list[Any] = [None, True, "text", 3, 1.5, [], {}]
    if isinstance(value, bool):
        return [*others, int(value), "yes" if value else "no", [value]]
    if isinstance(value, int):
        return [*others, str(value), float(value), value + 0.5, [value], [value, value], {"value": value}]
    if isinstance(value, float):
        return [*others, str(value), int(value), [value], {"value": value}]
    if isinstance(value, str):
        return [*others, [value], {value: None}, {"name": value}]
    if isinstance(value, list):
        return [
            *others,
            *value[:1],
            str(value),
            {str(each): None for each in value if not isinstance(each, dict | list)},
        ]
    if isinstance(value, dict):
        return [*others, [value], next(iter(value), None), [{key: item} for key, item in value.items()]]
    return [*others, 0]


def _drop(text: Text, places: list[Place], rng: random.Random) -> Made:
    """A key with its value, or an item of a list."""
    place = rng.choice(places)
    return f"{_at(place.path)} is dropped", drop(text, place)


def _swap(text: Text, places: list[Place], rng: random.Random) -> Made:
    """The values of two keys of a mapping, two items of a list, two references, or two layers."""
    kind = rng.choice(("siblings", "references", "layers"))
    if kind == "siblings":
        one = rng.choice(places)
        others = [each for each in one.parent.children if each is not one and each in places] if one.parent else []
    else:
        fits: Callable[[Place], bool] = _is_reference if kind == "references" else _names_layer
        found = [place for place in places if fits(place)]
        if len(found) < 2:
            return None
        one = rng.choice(found)
        others = [each for each in found if not _within(one.path, each.path)]
    if not others:
        return None
    other = rng.choice(others)
    what = f"{_at(one.path)} and {_at(other.path)} change places"
    if kind == "layers" and one.key is not None and other.key is not None:
        return what, swap_keys(text, one, other)
    return what, swap(text, one, other) if kind != "layers" or one.key is other.key is None else None


def _within(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _names_layer(place: Place) -> bool:
    if place.key is not None and not isinstance(place.value, str):
        return catalog.find("layers", str(place.name)) is not None
    return isinstance(place.value, str) and catalog.find("layers", place.value) is not None


def _resize(text: Text, places: list[Place], rng: random.Random) -> Made:
    """A number, a number in an expression, or the length of a list of sizes."""
    sizes = [place for place in places if _is_number(place.value) or _sizes(place.value) or _counts(place.value)]
    if not sizes:
        return None
    place = rng.choice(sizes)
    new = _other_size(place.value, rng)
    return f"{_at(place.path)}: {_short(place.value)} becomes {_short(new)}", replace_value(text, place, new)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(_is_number(each) or each is None or _counts(each) for each in value)


def _counts(value: Any) -> bool:
    return isinstance(value, str) and "${" in value and re.search(r"\d", value) is not None


def _other_size(value: Any, rng: random.Random) -> Any:
    if isinstance(value, list):
        extra = rng.choice([1, 2, 3, None, 7])
        longer = [*value, extra] if rng.random() < 0.5 else [extra, *value]
        shuffled = rng.sample(value, len(value))
        return rng.choice([each for each in (longer, value[:-1], value[1:], shuffled) if each != value])
    if isinstance(value, str):
        numbers = list(re.finditer(r"\d+", value))
        one = rng.choice(numbers)
        return value[: one.start()] + str(_other_size(int(one[0]), rng)) + value[one.end() :]
    if isinstance(value, float):
        return rng.choice([0.0, -value, value * 2, value / 2, 1.0, value + 1, 1e9, None])
    others = [0, -1, -value, value + 1, value - 1, value * 2, value // 2, 1, 2, 3, rng.randint(1, 2000), 10**9, None]
    return rng.choice([each for each in others if each != value])


def _rewire(text: Text, places: list[Place], rng: random.Random) -> Made:
    """A reference to another tensor, one tensor more or fewer, a list in the place of one, or another merge."""
    wires = [place for place in places if _is_reference(place) or place.name in ("from", "merge")]
    if not wires:
        return None
    place = rng.choice(wires)
    tensors = _tensors(text, place)
    if place.name == "merge":
        new: Any = rng.choice([word for word in MERGES if word != place.value])
    elif isinstance(place.value, str):
        other = rng.choice(tensors)
        several = [[place.value, other], [place.value]] if place.name == "from" else []
        new = rng.choice(
            [other, other, other, f"{place.value}[{rng.randint(0, 2)}]", f"{place.value}.{other}", *several]
        )
    elif isinstance(place.value, list):
        new = rng.choice([[*place.value, rng.choice(tensors)], place.value[:-1], place.value[::-1], place.value[0]])
    else:
        new = list(place.value.values())
    if new == place.value:
        return None
    return f"{_at(place.path)}: {_short(place.value)} becomes {_short(new)}", replace_value(text, place, new)


def _is_reference(place: Place) -> bool:
    """Whether a text stands where tensors are named: in `from`, in `call`, or as a whole output or node."""
    if not isinstance(place.value, str) or not _REFERENCE.fullmatch(place.value):
        return False
    above = [each for each in place.path if isinstance(each, str)]
    if above[-1] == "from" or above[-2:-1] == ["from"] or (len(above) > 1 and "call" in above[-2:]):
        return True
    return len(above) > 1 and above[-2] in ("graph", "outputs") and place.path[-2] in ("graph", "outputs")


def _tensors(text: Text, place: Place) -> list[str]:
    """The names of tensors in the body that the place stands in; of the whole spec where it stands in none."""
    body = text.root
    current: Place | None = place
    while current is not None:
        if (isinstance(current.value, dict) and "outputs" in current.value) or current.path[:-1] == ("blocks",):
            body = current
            break
        current = current.parent
    names: list[str] = []
    for part in ("inputs", "graph", "outputs"):
        held = body.value.get(part, {})
        names += held if isinstance(held, list | dict) else [held]
    return [str(name) for name in names] or ["x"]


KINDS: dict[str, Callable[[Text, list[Place], random.Random], Made]] = {
    "rename": _rename,
    "retype": _retype,
    "drop": _drop,
    "swap": _swap,
    "resize": _resize,
    "rewire": _rewire,
}


def _at(path: Path) -> str:
    return ".".join(map(str, path))


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
