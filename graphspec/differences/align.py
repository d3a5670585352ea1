"""Alignment of two sequences, and of the uses of blocks in two graphs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from typing import Any

from graphspec.differences.values import frozen
from graphspec.language.graph import Expansion

_MAX_PAIRS = 250_000
"""Pairs of items that are compared; longer sequences are aligned at their two ends alone."""


def equal_pairs(first: Sequence[Hashable], second: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the places of equal items in two sequences, in order and as many as `difflib` finds."""
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    end = 0
    while end < min(len(first), len(second)) - start and first[-1 - end] == second[-1 - end]:
        end += 1
    pairs = [(number, number) for number in range(start)]
    inner, other = first[start : len(first) - end], second[start : len(second) - end]
    if inner and other and len(inner) * len(other) <= _MAX_PAIRS:
        for block in SequenceMatcher(None, inner, other, autojunk=False).get_matching_blocks():
            pairs += [(start + block.a + number, start + block.b + number) for number in range(block.size)]
    return pairs + [(len(first) - each, len(second) - each) for each in range(end, 0, -1)]


def gaps(pairs: list[tuple[int, int]], first: int, second: int) -> list[tuple[range, range]]:
    """Return the ranges between aligned places of two sequences of lengths `first` and `second`."""
    found, at, other = [], 0, 0
    for one, two in [*pairs, (first, second)]:
        if at < one or other < two:
            found.append((range(at, one), range(other, two)))
        at, other = one + 1, two + 1
    return found


def use_of(name: str, expansions: dict[str, Expansion]) -> str:
    """Return the prefix of the innermost use of a block that the node `name` was expanded from."""
    end = name.rfind("__") if expansions else -1
    while end > 0:
        if name[: end + 2] in expansions:
            return name[: end + 2]
        end = name.rfind("__", 0, end + 1)
    return ""


def places_of(label: str, expansions: dict[str, Expansion]) -> list[tuple[str, str]]:
    """Return the node `label` and the nodes around it that use blocks, each with the use on the way to `label`."""
    found, use = [(label, "")], use_of(label, expansions)
    while use:
        found.append((expansions[use].node, use))
        use = use_of(expansions[use].node, expansions)
    return found


class BlockUses:
    """The uses of blocks in two graphs that belong together, by the prefixes of their nodes."""

    def __init__(self, first: dict[str, Expansion], second: dict[str, Expansion]) -> None:
        self.first, self.second = first, second
        self.pairs: dict[str, str] = {}
        self.hosts: dict[str, str] = {}
        self._names = {each.block for each in self.first.values()}, {each.block for each in self.second.values()}
        by_host, by_other = _by_host(self.first), _by_host(self.second)
        for host in sorted(by_host, key=lambda host: len(places_of(host, self.first))):
            other = self._host(host, by_host, by_other)
            if other is not None:
                self.hosts[host] = other
                self._align(by_host[host], by_other[other])

    def name(self, name: str, prefix: str) -> str | None:
        """Return the name that a node or layer has in the second graph; None if its use of a block is gone."""
        if not prefix or not name.startswith(prefix):
            return name
        if prefix in self.pairs:
            return self.pairs[prefix] + name[len(prefix) :]
        return None if self.second else name

    def label(self, label: str) -> str | None:
        """Return the name that a node of the spec has in the second graph, as for `name`."""
        return self.hosts.get(label) or self.name(label, use_of(label, self.first))

    def _host(self, host: str, by_host: dict[str, list[str]], by_other: dict[str, list[str]]) -> str | None:
        """Return the node of the second graph that uses the blocks which `host` uses."""
        inside = use_of(host, self.first)
        if not inside:
            if host in by_other:
                return host
            blocks = self._blocks(by_host[host])
            free = [each for each in by_other if each not in by_host and not use_of(each, self.second)]
            taken = set(self.hosts.values())
            alike = (each for each in free if each not in taken and _blocks(by_other[each], self.second) == blocks)
            return next(alike, None)
        named = self.pairs[inside] + host[len(inside) :] if inside in self.pairs else None
        return named if named in by_other else None

    def _blocks(self, prefixes: list[str]) -> list[Any]:
        return _blocks(prefixes, self.first)

    def _align(self, ours: list[str], theirs: list[str]) -> None:
        """Pair equal uses in order, then uses of one block with other parameters."""
        first, second = self._blocks(ours), _blocks(theirs, self.second)
        pairs = equal_pairs(first, second)
        for inner, other in gaps(pairs, len(first), len(second)):
            names = [self.first[ours[number]].block for number in inner]
            others = [self.second[theirs[number]].block for number in other]
            alike = equal_pairs(names, others)
            pairs += [(inner[one], other[two]) for one, two in alike]
            for left, right in gaps(alike, len(names), len(others)):
                pairs += [
                    (inner[one], other[two])
                    for one, two in zip(left, right, strict=False)
                    if self._is_renamed(names[one], others[two])
                ]
        self.pairs |= {ours[one]: theirs[two] for one, two in pairs}

    def _is_renamed(self, block: str, other: str) -> bool:
        """Return whether the second graph may use `other` under the name that `block` had."""
        return other not in self._names[0] and block not in self._names[1]


def _by_host(expansions: dict[str, Expansion]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for prefix, each in expansions.items():
        found.setdefault(each.node, []).append(prefix)
    return found


def _blocks(prefixes: list[str], expansions: dict[str, Expansion]) -> list[Any]:
    return [(expansions[each].block, frozen(expansions[each].parameters)) for each in prefixes]
