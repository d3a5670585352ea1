"""Metrics as lines for people, by output, training beside validation: `accuracy 0.981 (val 0.975)`."""

from __future__ import annotations

from typing import Any


def describe(logs: dict[str, Any], outputs: list[str]) -> list[str]:
    """The logs as lines: what concerns the whole model first, then a line an output where there are several."""
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


def _pairs(values: dict[str, tuple[Any, Any]]) -> str:
    return "  ".join(
        f"{name} {number(value)}" + (f" (val {number(validated)})" if validated is not None else "")
        for name, (value, validated) in values.items()
    )


def number(value: Any) -> str:
    """A metric in four digits; a list of them where it has several values."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0:
        return f"[{', '.join(map(number, value))}]"
    return f"{value:.4g}" if value is not None else "nan"
