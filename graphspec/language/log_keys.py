"""Keys of a training's logs, such as `val_score_auc`, which callbacks monitor and Keras reports."""

from __future__ import annotations

from collections import Counter

from graphspec.language.graph import Graph
from graphspec.language.lower.naming import snake_case
from graphspec.language.objects import Object


def log_keys(graph: Graph, *, validates: bool) -> dict[str, Object | None]:
    """Return every log key of a training with its metric; None for a loss.

    Args:
        graph: the graph that is trained.
        validates: add the keys of validation, `val_...`.
    """
    keys: dict[str, Object | None] = {"loss": None}
    if len(graph.loss_weights) > 1 or graph.losses:
        keys |= dict.fromkeys(f"{name}_loss" for name in graph.loss_weights)
    for name, output in graph.outputs.items():
        prefix = f"{name}_" if len(graph.outputs) > 1 else ""
        metrics = metric_names([*output.metrics, *output.weighted_metrics])
        keys |= {prefix + metric_name: metric for metric, metric_name in metrics}
    return keys | {f"val_{key}": metric for key, metric in keys.items()} if validates else keys


def metric_names(metrics: list[Object]) -> list[tuple[Object, str]]:
    """Return the metrics of one output with their names: its own or its class's, numbered if taken."""
    counts = Counter[str]()
    named = []
    for metric in metrics:
        default = metric.name if metric.is_identifier else snake_case(metric.name.rpartition(">")[2])
        name = str(metric.arguments.get("name", default))
        counts[name] += 1
        named.append((metric, name if counts[name] == 1 else f"{name}_{counts[name] - 1}"))
    return named
