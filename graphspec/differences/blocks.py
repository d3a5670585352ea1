"""The changes inside uses of blocks, one for all uses that differ in the same way."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from dataclasses import replace
from typing import Any

from graphspec.differences.align import use_of
from graphspec.differences.difference import BlockChange, Change, NodeChange, Status
from graphspec.differences.matching import Matching
from graphspec.differences.values import UNSET, Unset, frozen
from graphspec.language.graph import Expansion


def group_blocks(
    matching: Matching, changes: list[NodeChange], same: Collection[str]
) -> tuple[list[BlockChange], list[NodeChange]]:
    """Return the changes of blocks, and those of nodes outside of them.

    Args:
        matching: The calls that belong together, with the uses of blocks.
        changes: The changes of all nodes.
        same: The blocks that both specs define alike.
    """
    uses = matching.uses
    inside: dict[tuple[str, str], list[NodeChange]] = {}
    outside: list[NodeChange] = []
    for each in changes:
        if each.use and not each.model:
            inside.setdefault((each.status if each.status == "removed" else "", each.use), []).append(each)
        else:
            outside.append(each)
    found: dict[Hashable, BlockChange] = {}
    origins = {other: prefix for prefix, other in uses.pairs.items()}
    for prefix, use in uses.second.items():
        was = origins.get(prefix)
        if was is None:
            _add(found, _whole("added", use, prefix, uses.second, paired=origins))
            continue
        members = [*inside.get(("", prefix), []), *inside.get(("removed", was), [])]
        local = [_local(each, prefix, was) for each in members]
        parameters = tuple(_parameters(uses.first[was], use))
        renamed = uses.first[was].block if uses.first[was].block != use.block else ""
        direct = tuple(each for each in local if each.is_direct)
        outside += [each for each in members if not each.is_direct]
        if direct or parameters or renamed:
            _add(
                found,
                BlockChange(
                    status="changed",
                    block=use.block,
                    was=renamed,
                    nodes=(_outermost(use, uses.second),),
                    parameters=parameters,
                    members=direct,
                    is_explained=bool(parameters) and use.block in same,
                ),
            )
    for prefix, use in uses.first.items():
        if prefix not in uses.pairs:
            _add(found, _whole("removed", use, prefix, uses.first, paired=uses.pairs))
    return list(found.values()), outside


def _whole(
    status: Status, use: Expansion, prefix: str, uses: dict[str, Expansion], *, paired: dict[str, str]
) -> BlockChange | None:
    """Return the change of a use that is only in one graph; None for one inside of another such use."""
    outer = use_of(use.node, uses)
    if outer and outer not in paired:
        return None
    values = [
        Change("parameter", name, *((UNSET, value) if status == "added" else (value, UNSET)))
        for name, value in use.parameters.items()
    ]
    return BlockChange(status=status, block=use.block, nodes=(_outermost(use, uses),), parameters=tuple(values))


def _outermost(use: Expansion, uses: dict[str, Expansion]) -> str:
    """Return the node of the spec that uses a block, be it in other blocks."""
    while outer := use_of(use.node, uses):
        use = uses[outer]
    return use.node


def _parameters(first: Expansion, second: Expansion) -> Iterator[Change]:
    for name in dict.fromkeys((*first.parameters, *second.parameters)):
        before, after = first.parameters.get(name, UNSET), second.parameters.get(name, UNSET)
        if frozen(before) != frozen(after) and not _is_unused(first, second, name):
            yield Change("parameter", name, before, after)


def _is_unused(first: Expansion, second: Expansion, name: str) -> bool:
    """Return whether a parameter is new or gone, so that what it changes is shown where it is used."""
    return name not in first.parameters or name not in second.parameters


def _add(found: dict[Hashable, BlockChange], change: BlockChange | None) -> None:
    """Add one use to the change that is the same."""
    if change is None:
        return
    key = (
        change.status,
        change.block,
        change.was,
        tuple(_key(each) for each in change.parameters),
        tuple(_member_key(each) for each in change.members),
    )
    before = found.get(key)
    found[key] = replace(before, nodes=before.nodes + change.nodes) if before is not None else change


def _key(change: Change) -> Hashable:
    return (change.aspect, change.path, _frozen(change.before), _frozen(change.after))


def _frozen(value: Any) -> Hashable:
    hashable: Hashable = "unset" if isinstance(value, Unset) else ("value", frozen(value))
    return hashable


def _member_key(member: NodeChange) -> Hashable:
    return (member.status, member.name, member.was, member.layers, tuple(map(_key, member.changes)))


def _local(member: NodeChange, prefix: str, was: str) -> NodeChange:
    """Return a change inside a block with the names that the block uses."""

    def text(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return ", ".join(part.removeprefix(prefix).removeprefix(was) for part in value.split(", "))

    return replace(
        member,
        name=text(member.name),
        was=text(member.was),
        changes=tuple(
            replace(each, path=text(each.path), before=text(each.before), after=text(each.after))
            if each.aspect in ("from", "name", "shared")
            else replace(each, path=text(each.path))
            for each in member.changes
        ),
        feed=tuple(map(text, member.feed)),
        consumers=tuple(map(text, member.consumers)),
    )
