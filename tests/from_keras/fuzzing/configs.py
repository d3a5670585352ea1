"""A number → the text of a model's configuration, mutated until it may be anything.

Case n of a seed is always the same for the same models. A configuration is changed as a tree, by one to three edits,
most of which leave it one that Keras could have written, or as text.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tests.from_keras.fuzzing.corpus import Corpus
from tests.from_keras.fuzzing.edits import EDITS

_MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Case:
    """A model in a file. what: the seed model and what was changed."""

    what: str
    data: bytes
    suffix: str = ".json"


def make_case(corpus: Corpus, seed: int, number: int) -> Case:
    """Return case `number` of `seed`."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)  # to write what is nested deeply
    try:
        return _case(corpus, seed, number)
    finally:
        sys.setrecursionlimit(limit)


def _case(corpus: Corpus, seed: int, number: int) -> Case:
    rng = random.Random(f"{seed}:{number}")
    name, tree = corpus.tree(rng)
    if number % 50 == 0:
        return Case(f"{name}: as it is", corpus.texts[name].encode())
    if rng.random() < 0.12:
        text = corpus.texts[name]
        what = rng.choice(list(_TEXT_EDITS))
        data = _TEXT_EDITS[what](text, rng)
        return Case(f"{name}: {what}", data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        what = rng.choices(list(EDITS), [weight for weight, _ in EDITS.values()])[0]
        try:
            EDITS[what][1](tree, rng, corpus)
        except (LookupError, TypeError, AttributeError, ValueError):  # an earlier edit has left nothing to change
            continue
        done.append(what)
    return Case(f"{name}: {', '.join(done)}", json.dumps(tree).encode()[:_MAX_BYTES])


def _flip(text: str, rng: random.Random) -> bytes:
    data = bytearray(text.encode())
    for _ in range(rng.choice((1, 1, 3, 10))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _doubled(text: str, rng: random.Random) -> str:
    key = rng.choice(("config", "class_name", "layers", "name", "inbound_nodes", "units"))
    value = json.dumps(rng.choice((1, {}, [], "x", None)))
    return text.replace(f'"{key}":', f'"{key}": {value}, "{key}":' if rng.random() < 0.5 else f'"{key}": 1, "{key}":')


def _token(text: str, rng: random.Random) -> str:
    tokens = (
        "NaN",
        "-Infinity",
        "1" + "0" * 400,
        "1" + "0" * 5_000,
        "1e999",
        "[" * 200,
        '{"a":' * 200,
        "\\ud800",
        "\0",
    )
    at = rng.choice([at for at, sign in enumerate(text) if sign in ":,["])
    cut = at + 1 + rng.randrange(12)
    return text[: at + 1] + rng.choice(tokens) + text[cut:]


_TEXT_EDITS: dict[str, Callable[[str, random.Random], str | bytes]] = {
    "truncated": lambda text, rng: text[: rng.randrange(len(text))],
    "bits flipped": _flip,
    "a byte order mark": lambda text, rng: "\ufeff" + text,
    "UTF-16": lambda text, rng: text.encode(rng.choice(("utf-16", "utf-16-le", "utf-32"))),
    "keys twice": _doubled,
    "an odd token": _token,
    "all of it deep": lambda text, rng: "[" * 100_000 + text,
    "a list": lambda text, rng: f"[{text}]",
    "a number for it": lambda text, rng: rng.choice(("1", "null", '"x"', "{}", "[]", "", "NaN", '{"config": []}')),
    "spread over lines": lambda text, rng: json.dumps(json.loads(text), indent=rng.choice((0, 1, 40))),
}
