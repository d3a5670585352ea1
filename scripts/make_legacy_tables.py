"""Write the tables of docs/decompile.md about models of older Keras.

    python scripts/make_legacy_tables.py            writes them
    python scripts/make_legacy_tables.py --check    exits with 1 where they are stale

They are read from the tables that `graphspec.from_keras.legacy` translates by.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from generated_text import keep

from graphspec.catalog.refused import CODE_CARRYING
from graphspec.from_keras.legacy import names, objects, operations, training
from graphspec.from_keras.legacy.functions import function_names

PAGE = Path(__file__).resolve().parent.parent / "docs" / "decompile.md"
BEGIN, END = "<!-- These tables are written by scripts/make_legacy_tables.py. -->", "<!-- Up to here. -->"
_PART = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


def table(title: str, heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of two columns below a heading."""
    head = [f"### {title}", "", f"| {heads[0]} | {heads[1]} |", "|---|---|"]
    return "\n".join([*head, *(f"| {old} | {new} |" for old, new in rows)])


def grouped(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return rows with all older names of a new one in one row."""
    by_new: dict[str, list[str]] = {}
    for old, new in pairs:
        by_new.setdefault(new, []).append(f"`{old}`")
    return [(", ".join(sorted(old)), new) for new, old in sorted(by_new.items())]


def layer_rows() -> list[tuple[str, str]]:
    words = [
        (f"`Merge`, `mode: {mode}`", ", and ".join(f"`{part}`" for part in word.replace("`", "").split(", and ")))
        for mode, (_, word) in names.MERGE_MODES.items()
    ]
    renamed = grouped((old, f"`{new}`") for old, new in names.LAYERS.items())
    others = [(f"`{old}`", new) for old, new in names.TRANSLATED.items() if old != "Merge"]
    return [*renamed, *others, *words]


def argument_rows() -> list[tuple[str, str]]:
    sides = [(", ".join(f"`{side}`" for side in each), "`kernel_size`") for each in names.KERNEL_SIDES]
    renamed = [(f"`{old}`", " or ".join(f"`{each}`" for each in new)) for old, new in sorted(names.ARGUMENTS.items())]
    dropped = ", ".join(f"`{each}`" for each in sorted(names.WITHOUT_EFFECT))
    return [*renamed, *sides, (dropped, "nothing: Keras 3 knows it from the input, or chooses by itself")]


def refused_rows() -> list[tuple[str, str]]:
    code = [(f"`{name}`", f"it carries code; {why}") for name, why in CODE_CARRYING.items() if name == "Lambda"]
    layers = [(f"`{name}`", why) for name, why in sorted(names.REFUSED_LAYERS.items())]
    arguments = [
        (f"`{key}` other than `{str(neutral).lower() if neutral is not None else 'null'}`", why)
        for key, (neutral, why) in sorted(names.HARMLESS.items())
    ]
    objects_ = [(f"`{name}`", why) for name, why in sorted(objects.RETIRED.items())]
    functions = [(f"`tf.{name}`", why) for name, why in sorted(operations.REFUSED.items())]
    modes = [(f"`Merge`, `mode: {mode}`", why) for mode, why in names.REFUSED_MODES.items()]
    trained = {**training.REFUSED_LOSSES, **training.REFUSED_METRICS, **training.OPTIMIZERS_REFUSED}
    left_out = [(f"`{name}` in the training", f"left out; {why}") for name, why in sorted(trained.items())]
    fit = [(f"`{name}`", why) for name, why in names.NOT_IN_CONFIGURATIONS.items()]
    return [*code, *layers, *modes, *arguments, *objects_, *functions, *left_out, *fit]


def tables() -> str:
    """Return all tables."""
    functions = ", ".join(f"`{name}`" for name in function_names())
    parts = [
        table("Layers that are translated", ("in Keras 1 or 2", "in a spec"), layer_rows()),
        table("Arguments that are translated", ("in Keras 1 or 2", "in a spec"), argument_rows()),
        f"### Functions of TensorFlow that are translated\n\n{functions}; and the nodes of graphs that compute these.",
        table("What has no equivalent", ("in Keras 1 or 2", "what to do"), refused_rows()),
    ]
    return "\n\n".join(parts)


def page(text: str) -> str:
    """Return the text of the page with the tables as they are now."""
    return _PART.sub(lambda _: f"{BEGIN}\n\n{tables()}\n\n{END}", text)


def main() -> int:
    return keep(PAGE, page(PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main())
