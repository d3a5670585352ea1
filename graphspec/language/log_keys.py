"""Keys of a training's logs, such as `val_score_auc`, which callbacks monitor and Keras reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from graphspec.language.graph import Object, Output
from graphspec.language.lower.naming import snake_case


def log_keys(outputs: Mapping[str, Output], *, validates: bool) -> dict[str, Object | None]:
    """Return every log key of a training with its metric; None for a loss.

    Args:
        outputs: the outputs of the graph by name.
        validates: add the keys of validation, `val_...`.
    """
    trained = [name for name, output in outputs.items() if output.loss is not None]
    keys: dict[str, Object | None] = {"loss": None}
    if len(trained) > 1:
        keys |= dict.fromkeys(f"{name}_loss" for name in trained)
    for name, output in outputs.items():
        prefix = f"{name}_" if len(outputs) > 1 else ""
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
