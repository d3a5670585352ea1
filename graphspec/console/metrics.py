"""Metrics as text, by output, training beside validation: `accuracy 0.981 (val 0.975)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphspec.console.echo import echo


def describe(logs: dict[str, Any], outputs: list[str]) -> list[str]:
    """Return the logs as lines: one for the whole model, then one per output if there are several."""
    left = dict(sorted(logs.items(), key=lambda item: item[0] not in ("loss", "val_loss")))
    rows = []
    width = max(map(len, outputs), default=0)
    for output in sorted(outputs, key=len, reverse=True) if len(outputs) > 1 else []:
        own = [key for key in left if key.startswith(f"{output}_")]
        if own:
            own.sort(key=lambda key: key != f"{output}_loss")
            values = {key[len(output) + 1 :]: (left.pop(key), left.pop(f"val_{key}", None)) for key in own}
            rows.append((outputs.index(output), f"{output:<{width}}  {_pairs(values)}"))
    whole = {key: (value, left.get(f"val_{key}")) for key, value in left.items() if not key.startswith("val_")}
    whole |= {key: (value, None) for key, value in left.items() if key.startswith("val_") and key[4:] not in whole}
    return [_pairs(whole), *(row for _, row in sorted(rows))]


def echo_metrics(metrics: Mapping[str, Any], outputs: list[str], title: str) -> None:
    """Print `metrics` under `title`, one line for the whole model and one per output."""
    head, *rows = describe(dict(metrics), outputs)
    echo(f"{title}: {head}")
    for row in rows:
        echo(f"    {row}")


def _pairs(values: dict[str, tuple[Any, Any]]) -> str:
    return "  ".join(
        f"{name} {number(value)}" + (f" (val {number(validated)})" if validated is not None else "")
        for name, (value, validated) in values.items()
    )


def number(value: Any) -> str:
    """Return a metric in four digits; several values as a list."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0:
        return f"[{', '.join(map(number, value))}]"
    return f"{value:.4g}" if value is not None else "nan"
