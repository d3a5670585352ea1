"""The weights that a model can take over from another one: of layers that belong together, with the same shapes."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.differences.bodies import LayerPairs
from graphspec.differences.difference import CarriedWeights, LayerWeights
from graphspec.differences.values import class_of, layer_values
from graphspec.language.graph import ExternalModel, Graph, Layer, NestedModel
from graphspec.language.traversal import layer_paths
from graphspec.shapes import Shapes
from graphspec.shapes.parameters import weight_shapes


def carried_weights(first: tuple[Graph, Shapes], second: tuple[Graph, Shapes], layers: LayerPairs) -> CarriedWeights:
    """Compare the weights of two models.

    Args:
        first: A graph, whose weights are trained, with its shapes.
        second: The graph that may take them over, with its shapes.
        layers: The layers that belong together.

    Returns:
        The layers of both by what becomes of their weights.
    """
    found = CarriedWeights()
    origins = path_origins(first[0], second[0], layers)
    ours = dict(layer_paths(first[0], needed=True))
    used: set[Layer] = set()
    seen: set[Layer] = set()
    for path, layer in layer_paths(second[0], needed=True):
        if layer in seen:
            continue
        seen.add(layer)
        after = _shapes(layer, second[1])
        was = origins.get(path)
        origin = ours.get(was) if was is not None else None
        before = _shapes(origin, first[1]) if origin is not None else None
        if origin is not None:
            used.add(origin)
        if after == () and (before in ((), None)):
            continue
        each = LayerWeights(path, was if was is not None and was != path else "", before, after)
        if origin is None:
            is_known = after is not None and not _is_in_external(path, origins, ours)
            (found.fresh if is_known else found.unknown).append(each)
        elif _is_same_external(origin, layer):
            found.carried.append(each)
        elif before is None or after is None:
            found.unknown.append(each)
        elif before == after:
            found.carried.append(each)
        else:
            found.reshaped.append(each)
    for path, layer in ours.items():
        if layer not in used:
            used.add(layer)
            before = _shapes(layer, first[1])
            if before != ():
                is_known = not any(isinstance(layers.pairs.get(each), ExternalModel) for each in _around(path, ours))
                (found.lost if is_known else found.unknown).append(LayerWeights(path, "", before))
    return found


def _is_in_external(path: str, origins: dict[str, str | None], ours: dict[str, Layer]) -> bool:
    """Return whether a layer is in a model that comes from elsewhere in the first graph."""
    while path := path.rpartition("/")[0]:
        origin = origins.get(path)
        if origin is not None and isinstance(ours.get(origin), ExternalModel):
            return True
    return False


def _around(path: str, layers: dict[str, Layer]) -> Iterator[Layer]:
    """Yield the models around a layer."""
    while path := path.rpartition("/")[0]:
        yield layers[path]


def _is_same_external(layer: Layer, other: Layer) -> bool:
    """Return whether two models come from the same place with the same arguments."""
    if not isinstance(layer, ExternalModel) or not isinstance(other, ExternalModel):
        return False
    return class_of(layer) == class_of(other) and layer_values(layer) == layer_values(other)


def path_origins(first: Graph, second: Graph, layers: LayerPairs) -> dict[str, str | None]:
    """Return the path of each layer of the second graph in the first: by the match, then by equal paths.

    It is None for a layer that the first graph does not have.
    """
    by_layer: dict[Layer, list[str]] = {}
    for path, layer in layer_paths(first):
        by_layer.setdefault(layer, []).append(path)
    there = list(layer_paths(second))
    found: dict[str, str] = {}
    for path, layer in there:
        origin = layers.origins.get(layer)
        if origin in by_layer:
            paths = by_layer[origin]
            found[path] = path if path in paths else paths[0]
    taken = set(found.values())
    free = {path for layer, paths in by_layer.items() if layer not in layers.pairs for path in paths} - taken
    found |= {path: path for path, layer in there if path in free and layer not in layers.origins}
    return {path: found.get(path) for path, _ in there}


def _shapes(layer: Layer, shapes: Shapes) -> tuple[tuple[int, ...], ...] | None:
    if isinstance(layer, NestedModel):
        return ()
    if isinstance(layer, ExternalModel) and shapes.saved.get(layer) is not None:
        return None
    found = weight_shapes(layer, shapes)
    return tuple(tuple(size or 0 for size in shape) for shape in found) if found is not None else None
