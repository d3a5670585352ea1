"""What repeats in a body → blocks: equal windows of units with one result, each written once.

A window counts where its units are of equal kinds and wired alike, and nothing after it takes what it computes but its
last result. The window that saves most lines becomes a block, and the search goes on with its uses in its place.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

from graphspec.from_keras.parameters import PREFIX, find_parameters
from graphspec.from_keras.records import Tensor
from graphspec.from_keras.units import Block, Unit

MAX_LENGTH, MIN_LENGTH, MAX_INPUTS = 150, 3, 3
_TRIED = 40
"""Windows, of those that save most, whose parameters are looked at."""

_OF_USE, _OF_PARAMETER, _OF_BLOCK = 1.0, 0.2, 5.0
"""Lines that a use, each parameter in it, and a block beside its units take."""

_OF_NODE = 4.0
"""Lines of the node that a use begins where several tensors come in, with the one before that it ends."""


def find_blocks(units: list[Unit], outputs: list[Tensor]) -> tuple[list[Unit], list[Block]]:
    """Return the units of a body with uses of blocks in the place of what repeats, and the blocks."""
    blocks: list[Block] = []
    while (found := _best(units, outputs, [block.name for block in blocks])) is not None:
        block, uses = found
        blocks.append(block)
        units = _replaced(units, uses, len(block.template))
    return units, blocks


def _best(units: list[Unit], outputs: list[Tensor], names: list[str]) -> tuple[Block, dict[int, Unit]] | None:
    """Return the block that saves most lines, and its uses by the positions of their first units."""
    candidates = sorted(
        _repeated(units, outputs), key=lambda each: -_saved(len(each[1]), each[0], 0, len(each[2][each[1][0]]))
    )
    best: tuple[float, Any] | None = None
    for length, starts, externals in candidates[:_TRIED]:
        for chosen in (starts, starts[1:]) if len(starts) > 2 else (starts,):
            found = find_parameters([units[start : start + length] for start in chosen])
            if found is None:
                continue
            saved = _saved(len(chosen), length, len(found[0].values), len(externals[chosen[0]]))
            saved -= _OF_NODE * sum(_is_branch(units, start, length, externals[start]) for start in chosen)
            if saved > 0 and (best is None or saved > best[0]):
                best = (saved, (length, chosen, externals, found))
    return _block(units, names, *best[1]) if best is not None else None


def _saved(uses: int, length: int, parameters: int, inputs: int) -> float:
    """Return about how many lines a block saves."""
    of_use = _OF_USE + _OF_PARAMETER * parameters + (_OF_NODE if inputs > 1 else 0)
    return uses * (length - of_use) - length - _OF_BLOCK - 0.5 * parameters


def _is_branch(units: list[Unit], start: int, length: int, external: list[Tensor]) -> bool:
    """Return whether what a window gives is at once merged with what comes into it: a block had better hold both."""
    result = units[start + length - 1].result
    after = next((unit for unit in units[start + length :] if result in unit.inputs), None)
    return after is not None and any(tensor in external for tensor in after.inputs)


def _repeated(units: list[Unit], outputs: list[Tensor]) -> Iterator[tuple[int, list[int], dict[int, list[Tensor]]]]:
    """Yield the lengths of windows that repeat, where they start, and the tensors that come into each."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    inputs: dict[tuple[int, int], list[Tensor]] = {}
    for start, length, signature, external in _windows(units, outputs):
        groups[length, signature].append(start)
        inputs[start, length] = external
    for (length, _), starts in groups.items():
        apart: list[int] = []
        for start in starts:
            if not apart or start >= apart[-1] + length:
                apart.append(start)
        if len(apart) > 1:
            yield length, apart, {start: inputs[start, length] for start in apart}


def _windows(units: list[Unit], outputs: list[Tensor]) -> Iterator[tuple[int, int, int, list[Tensor]]]:
    """Yield every window that may be a block: its start, length, signature, and what comes into it."""
    position = {(unit.result.layer, unit.result.call): number for number, unit in enumerate(units)}
    last_use = [0] * len(units)
    is_plain = [True] * len(units)
    for number, unit in enumerate(units):
        for tensor in unit.inputs:
            made = position.get((tensor.layer, tensor.call))
            if made is not None:
                last_use[made] = max(last_use[made], number)
                is_plain[made] &= tensor.index == 0
    for tensor in outputs:
        if (made := position.get((tensor.layer, tensor.call))) is not None:
            last_use[made] = len(units)
            is_plain[made] = False  # its layer bears the name of the output, which a block would hide
    for start in range(len(units)):
        external: list[Tensor] = []
        signature, furthest = 0, 0
        for end in range(start, min(len(units), start + MAX_LENGTH)):
            unit = units[end]
            signature = hash((signature, unit.kind, _wiring([unit.args, unit.kwargs], position, start, external)))
            if len(external) > MAX_INPUTS:
                break
            length = end - start + 1
            if length >= MIN_LENGTH and furthest <= end and is_plain[end] and external and last_use[end] > end:
                yield start, length, signature, list(external)
            furthest = max(furthest, last_use[end])


def _wiring(value: Any, position: dict[tuple[str, int], int], start: int, external: list[Tensor]) -> Hashable:
    """Return how tensors come into a unit of the window from `start`: from within it, or as which of its inputs."""
    if isinstance(value, Tensor):
        made = position.get((value.layer, value.call), -1)
        if made >= start:
            return ("within", made - start, value.index)
        if value not in external:
            external.append(value)
        return ("input", external.index(value))
    if isinstance(value, dict):
        return tuple((key, _wiring(item, position, start, external)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(_wiring(item, position, start, external) for item in value)
    return repr(value)


def _block(
    units: list[Unit], names: list[str], length: int, starts: list[int], externals: dict[int, list[Tensor]], found: Any
) -> tuple[Block, dict[int, Unit]]:
    parameters, slots = found
    defaults = parameters.defaults()
    first = units[starts[0] : starts[0] + length]
    template = [replace(unit, slots=each) for unit, each in zip(first, slots, strict=True)]
    inputs = dict(zip(_input_names(len(externals[starts[0]])), externals[starts[0]], strict=True))
    block = Block(_name(first, parameters.values.get(PREFIX), names), defaults, inputs, template)
    uses = {}
    for number, start in enumerate(starts):
        values = {name: each[number] for name, each in parameters.values.items()}
        stated = {name: value for name, value in values.items() if repr(value) != repr(defaults[name])}
        given = externals[start]
        uses[start] = Unit(
            kind=("block", block.name),
            args=[given[0]] if len(given) == 1 else [list(given)],
            kwargs={},
            result=units[start + length - 1].result,
            slots=stated,
            defaults=defaults,
            block=block,
        )
    return block, uses


def _input_names(count: int) -> list[str]:
    return ["x"] if count == 1 else [f"x{number}" for number in range(1, count + 1)]


def _replaced(units: list[Unit], uses: dict[int, Unit], length: int) -> list[Unit]:
    left: list[Unit] = []
    number = 0
    while number < len(units):
        if number in uses:
            left.append(uses[number])
            number += length
        else:
            left.append(units[number])
            number += 1
    return left


def _name(units: list[Unit], prefixes: list[str] | None, taken: list[str]) -> str:
    """Return a name for a block: what the names of its uses have in common, or what it is made of."""
    stem = ""
    if prefixes:
        words = [re.sub(r"\d+[a-z]?$|\d+", "", each) for each in prefixes[0].split("_")]
        stem = next((word for word in reversed(words) if len(word) > 2), "")
    stem = stem or "block"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name
