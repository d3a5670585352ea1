"""What repeats in a body → blocks: equal windows of units with one result, each written once.

A window counts where its units are of equal kinds and wired alike, and nothing after it takes what it computes but its
last result. The window that saves most lines becomes a block, and the search continues with its uses in its place, and
in the blocks that were found as well.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from graphspec.from_keras.parameters import PREFIX, Parameters, find_parameters
from graphspec.from_keras.records import Tensor
from graphspec.from_keras.units import Block, Unit, lines_of, users_of

MAX_LENGTH, MIN_LENGTH, MAX_INPUTS = 150, 2, 3
_TRIED = 40
"""Windows, of those that save most, whose parameters are looked at."""

_OF_BLOCK = 5.0
"""Lines that a block takes beside its units."""

_OF_PARAMETER = 0.2
"""Lines that a parameter costs the reader, in the block and at each use."""

_OF_CHAIN = 2.0
"""Lines of a node beside its steps: a unit begins one unless it takes what the unit before it gives, and alone does."""

_OF_NODE = 4.0
"""Lines of the node that a use begins where several tensors come in, with the one before that it ends."""


@dataclass(eq=False, slots=True)
class Segment:
    """Units in a row that share their tensors: those of a body, or of a block.

    outputs: the tensors that it gives. several: the layers and calls that give several tensors, none of which can be
    the result of a block. is_body: the outputs are those of a model, whose layers bear their names.
    """

    units: list[Unit]
    outputs: list[Tensor]
    several: Container[tuple[str, int]]
    is_body: bool


@dataclass(frozen=True, slots=True)
class Window:
    """Units in a row of a segment, the tensors that come into them, and the lines that they take.

    chains: The nodes that begin after the first unit. periods: The equal windows that it is made of.
    """

    segment: Segment
    start: int
    length: int
    inputs: tuple[Tensor, ...]
    lines: float
    chains: int
    periods: int = 1

    @property
    def units(self) -> list[Unit]:
        """The units of the window."""
        return self.segment.units[self.start : self.start + self.length]


@dataclass(frozen=True, slots=True)
class _Choice:
    """Windows that a block may stand for, with its parameters and the slots of its template."""

    windows: list[Window]
    parameters: Parameters
    slots: list[dict[str, Any]]


def find_blocks(
    units: list[Unit], outputs: list[Tensor], several: Container[tuple[str, int]] = ()
) -> tuple[list[Unit], list[Block]]:
    """Return the units of a body with uses of blocks in the place of what repeats, and the blocks."""
    segments = [Segment(units, outputs, several, is_body=True)]
    blocks: list[Block] = []
    while (choice := _best(segments)) is not None:
        block, uses = _block(choice, [each.name for each in blocks])
        for segment in segments:
            segment.units = _replaced(segment, uses)
        for earlier, segment in zip(blocks, segments[1:], strict=True):
            earlier.template = segment.units
        blocks.append(block)
        segments.append(Segment(block.template, [block.output], several, is_body=False))
    return segments[0].units, blocks


def _best(segments: list[Segment]) -> _Choice | None:
    """Return the windows whose block saves most lines."""
    candidates = sorted(_repeated(segments), key=lambda each: -_most_saved(each))
    best: tuple[float, _Choice] | None = None
    for windows in candidates[:_TRIED]:
        for chosen in (windows, windows[1:]) if len(windows) > 2 else (windows,):
            found = find_parameters([window.units for window in chosen])
            if found is None:
                continue
            choice = _Choice(chosen, *found)
            saved = _saved(choice)
            if saved > 0 and (best is None or saved > best[0]):
                best = (saved, choice)
    return best[1] if best is not None else None


def _most_saved(windows: list[Window]) -> float:
    """Return how many lines a block of windows saves if its uses have no parameters."""
    return (len(windows) - 1) * windows[0].lines - len(windows) * _of_use(windows[0]) - _OF_BLOCK


def _saved(choice: _Choice) -> float:
    """Return how many lines a block saves."""
    windows, parameters = choice.windows, choice.parameters
    before = sum(window.lines for window in windows)
    template = sum(map(lines_of, choice.slots)) + _OF_CHAIN * windows[0].chains
    uses = sum(lines_of(values) for values in parameters.by_use())
    template *= 2 - 1 / windows[0].periods  # a reader reads again what repeats
    wiring = sum(_of_use(window) - 1 for window in windows) + _OF_NODE * sum(map(_is_branch, windows))
    return before - template - uses - wiring - _OF_BLOCK - _OF_PARAMETER * len(parameters.values) * (len(windows) + 2)


def _of_use(window: Window) -> float:
    """Return how many lines a use takes, without its parameters."""
    return 1 + (_OF_NODE if len(window.inputs) > 1 else 0)


def _is_branch(window: Window) -> bool:
    """Return whether what a window gives is at once merged with what comes into it: a block had better hold both."""
    result = window.units[-1].result
    following = window.segment.units[window.start + window.length :]
    after = next((unit for unit in following if result in unit.inputs), None)
    return after is not None and any(tensor in window.inputs for tensor in after.inputs)


def _repeated(segments: list[Segment]) -> Iterator[list[Window]]:
    """Yield the windows that are equal but for their slots, without those that overlap."""
    groups: dict[tuple[int, int], list[Window]] = defaultdict(list)
    signatures: dict[tuple[int, int, int], int] = {}
    for segment in segments:
        for signature, window in _windows(segment):
            groups[window.length, signature].append(window)
            signatures[id(segment), window.start, window.length] = signature
    for windows in groups.values():
        apart: list[Window] = []
        for window in windows:
            last = apart[-1] if apart and apart[-1].segment is window.segment else None
            if last is None or window.start >= last.start + last.length:
                apart.append(window)
        if len(apart) > 1:
            yield [replace(window, periods=_periods(window, signatures)) for window in apart]


def _periods(window: Window, signatures: dict[tuple[int, int, int], int]) -> int:
    """Return of how many equal windows a window is made; 1 for one that does not repeat in itself."""
    for length in range(MIN_LENGTH, window.length // 2 + 1):
        if window.length % length == 0:
            starts = range(window.start, window.start + window.length, length)
            parts = {signatures.get((id(window.segment), start, length)) for start in starts}
            if len(parts) == 1 and None not in parts:
                return window.length // length
    return 1


def _windows(segment: Segment) -> Iterator[tuple[int, Window]]:
    """Yield every window that may be a block, with its signature."""
    units = segment.units
    position = {(unit.result.layer, unit.result.call): number for number, unit in enumerate(units)}
    last_use = [0] * len(units)
    is_plain = [(unit.result.layer, unit.result.call) not in segment.several for unit in units]
    for number, unit in enumerate(units):
        for tensor in unit.inputs:
            made = position.get((tensor.layer, tensor.call))
            if made is not None:
                last_use[made] = max(last_use[made], number)
                is_plain[made] &= tensor.index == 0
    for tensor in segment.outputs:
        if (made := position.get((tensor.layer, tensor.call))) is not None:
            last_use[made] = len(units)
            is_plain[made] &= not segment.is_body  # its layer bears the name of the output, which a block would hide
    chains = _chains(segment)
    for start in range(len(units)):
        external: list[Tensor] = []
        signature, furthest, begun, lines = 0, 0, 0, 0.0
        kinds: set[tuple[str, str]] = set()
        for end in range(start, min(len(units), start + MAX_LENGTH)):
            unit = units[end]
            signature = hash((signature, unit.kind, _wiring([unit.args, unit.kwargs], position, start, external)))
            length = end - start + 1
            kinds.add(unit.kind)
            begun += chains[end]
            lines += unit.lines + _OF_CHAIN * chains[end]
            if len(external) > MAX_INPUTS or length == len(units):
                break
            is_list = len(kinds) == 1 and unit.block is not None  # uses of one block read well as they are
            ends_well = is_plain[end] and last_use[end] > end and furthest <= end
            if length >= MIN_LENGTH and external and ends_well and not is_list:
                yield signature, Window(segment, start, length, tuple(external), lines, begun - chains[start])
            furthest = max(furthest, last_use[end])


def _chains(segment: Segment) -> list[bool]:
    """Return for each unit whether it begins a node."""
    users = users_of(segment.units, segment.outputs)
    continued = [
        unit.inputs == [before.result] and users[before.result] == 1 for before, unit in pairwise(segment.units)
    ]
    return [True, *(not each for each in continued)]


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


def _block(choice: _Choice, names: list[str]) -> tuple[Block, dict[tuple[int, int], Unit]]:
    """Return the block of a choice, and its uses by the segment and the start of their windows."""
    defaults = choice.parameters.defaults()
    first = choice.windows[0]
    template = [replace(unit, slots=each, known_lines=0) for unit, each in zip(first.units, choice.slots, strict=True)]
    inputs = dict(zip(_input_names(len(first.inputs)), first.inputs, strict=True))
    block = Block(_name(choice.parameters.values.get(PREFIX), first.units, names), defaults, inputs, template)
    uses = {}
    for window, values in zip(choice.windows, choice.parameters.by_use(), strict=True):
        uses[id(window.segment), window.start] = Unit(
            kind=("block", block.name),
            args=[window.inputs[0]] if len(window.inputs) == 1 else [list(window.inputs)],
            kwargs={},
            result=window.units[-1].result,
            slots=values,
            defaults=defaults,
            block=block,
        )
    return block, uses


def _input_names(count: int) -> list[str]:
    return ["x"] if count == 1 else [f"x{number}" for number in range(1, count + 1)]


def _replaced(segment: Segment, uses: dict[tuple[int, int], Unit]) -> list[Unit]:
    """Return the units of a segment with the uses of a block in the place of their windows."""
    left: list[Unit] = []
    number = 0
    while number < len(segment.units):
        use = uses.get((id(segment), number))
        left.append(use if use is not None else segment.units[number])
        number += len(use.block.template) if use is not None and use.block is not None else 1
    return left


def _name(prefixes: list[str] | None, units: list[Unit], taken: list[str]) -> str:
    """Return a name for a block: what the names of its uses have in common, or what it is made of."""
    words = [_words(prefix) for prefix in prefixes or []]
    common = next((word for word in reversed(words[0]) if all(word in each for each in words)), "") if words else ""
    inputs = {tensor for unit in units for tensor in unit.inputs} - {unit.result for unit in units}
    adds_input = any(unit.kind[1] == "Add" and inputs.intersection(unit.inputs) for unit in units)
    is_convolution = "Conv" in units[0].kind[1] and len(units) <= 3
    stem = "residual" if adds_input else common or ("conv" if is_convolution else "block")
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name


def _words(prefix: str) -> list[str]:
    """Return the words in the name of a use, without their numbers; not `block`, which says nothing."""
    words = (re.sub(r"\d+[a-z]?$|\d+", "", each) for each in prefix.split("_") if "${" not in each)
    return [word for word in words if len(word) > 2 and word != "block"]


def in_order(blocks: list[Block]) -> list[Block]:
    """Return blocks so that each comes after those that it uses."""
    ordered: list[Block] = []
    for block in reversed(blocks):  # one that was found later is used by earlier ones, or uses them
        _add(block, ordered)
    return ordered


def _add(block: Block, ordered: list[Block]) -> None:
    if block not in ordered:
        for unit in block.template:
            if unit.block is not None:
                _add(unit.block, ordered)
        ordered.append(block)
