"""The configurations that are mutated, and what is in them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Corpus:
    """The configurations that are mutated, as texts by the names of their models."""

    texts: dict[str, str]

    @classmethod
    def of(cls, folder: Path) -> Corpus:
        """Return the corpus of the JSON files in a folder."""
        return cls({path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))})

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """The values of each argument of objects that are no models."""
        found: dict[str, dict[str, Any]] = {}
        for text in self.texts.values():
            for each in objects_in(json.loads(text)):
                if isinstance(each.get("config"), dict) and "layers" not in each["config"]:
                    for key, value in each["config"].items():
                        found.setdefault(key, {})[json.dumps(value)] = value
        return {key: list(each.values()) for key, each in found.items()}

    def tree(self, rng: random.Random) -> tuple[str, Any]:
        """Return the name and a copy of one configuration, seldom of a large model."""
        groups = {name.partition(" ")[0] if " " in name else "" for name in self.texts}
        group = rng.choices(list(_SHARES), [_SHARES[each] if each in groups else 0 for each in _SHARES])[0]
        name = rng.choice(
            [each for each in self.texts if each.partition(" ")[0] == group or not (group or " " in each)]
        )
        return name, json.loads(self.texts[name])


_SHARES = {"": 50, "layer": 35, "spec": 14, "application": 1}
"""Of a hundred cases, those of each group of models."""


def walk(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    """Yield every mapping or list of a tree with each of its keys, and the keys that lead there."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key, path
        if isinstance(tree[key], dict | list):
            yield from walk(tree[key], (*path, key))


def objects_in(tree: Any) -> list[dict[str, Any]]:
    """Return every serialised object of a tree."""
    return [
        holder[key]
        for holder, key, _ in walk({"": tree})
        if isinstance(holder[key], dict) and isinstance(holder[key].get("class_name"), str)
    ]
