"""Write graphspec/catalog/comparisons.json: which shapes of targets each loss and metric of Keras takes, measured.

    python scripts/make_comparisons.py            writes the file, in a quarter of a minute
    python scripts/make_comparisons.py --check    exits with 1 where the file says otherwise

Each compares small arrays: outputs of every rank, and targets of the same shape, without the last axis, with a last
axis of one, or of another length. See `graphspec.catalog.comparisons`.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import catalog_files
import keras
import numpy as np
from keras.src.losses.losses import LossFunctionWrapper

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.comparisons import form_of, row_of
from graphspec.catalog.refused import NOT_APPLIED
from tests.trials import construct, contexts

KINDS: tuple[Kind, ...] = ("losses", "metrics")
BATCH = 4
OUTPUTS: tuple[tuple[int, ...], ...] = (
    (),
    (1,),
    (3,),
    (5, 1),
    (5, 3),
    (5, 6, 1),
    (5, 6, 3),
    (2, 5, 6, 1),
    (2, 5, 6, 3),
)


def targets(output: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes of targets to compare with an output, without the batch."""
    cut = [output[:-1], (*output[:-1], 1)] if output else []
    return list(dict.fromkeys([output, *cut, (2,)]))


def arrays(target: tuple[int, ...], output: tuple[int, ...]) -> tuple[Any, Any]:
    """Return a target and an output: classes of 0 and 1, and shares of a whole."""
    random = np.random.default_rng(0)
    shares = random.random((BATCH, *output), np.float32)
    if output and output[-1] > 1:
        shares /= shares.sum(-1, keepdims=True)
    return random.integers(0, 2, (BATCH, *target)).astype(np.float32), shares


def compare(kind: Kind, name: str, target: Any, output: Any) -> None:
    """Compare the two as Keras does in a training. Raises whatever Keras raises."""
    entry = catalog.find(kind, name)
    if kind == "losses":
        by_name = entry is None
        loss = LossFunctionWrapper(keras.losses.get(name)) if by_name else construct(kind, name, known(kind, name))
        loss(target, output)
        return
    metric = construct(kind, name, known(kind, name))
    metric.update_state(target, output)
    metric.result()


def known(kind: Kind, name: str) -> dict[str, Any]:
    """Return the arguments without which the class is not made."""
    entry = catalog.find(kind, name)
    assert entry is not None
    used = contexts(kind, name, entry.required)[0]
    return {argument: used[argument] for argument in entry.required}


def measured(kind: Kind, name: str) -> dict[str, str]:
    """Return the forms of targets that are taken for each sort of output."""
    rows: dict[str, str] = {}
    for output in OUTPUTS:
        taken = ""
        for target in targets(output):
            try:
                compare(kind, name, *arrays(target, output))
            except Exception:
                continue
            taken += form_of(target, output)
        rows[row_of(output)] = taken
    return rows


def names(kind: Kind) -> list[str]:
    """Return every class that a spec can name, and of losses the functions."""
    functions = catalog.identifiers(kind) if kind == "losses" else ()
    return [each for each in (*catalog.names(kind), *functions) if each not in NOT_APPLIED]


def text_of(content: dict[str, Any]) -> str:
    """The file: one line a class."""
    kinds = []
    for kind, classes in content["kinds"].items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(rows)}" for name, rows in sorted(classes.items()))
        kinds.append(f" {json.dumps(kind)}: {{\n{lines}\n }}")
    return f'{{\n"keras": {json.dumps(content["keras"])},\n"kinds": {{\n' + ",\n".join(kinds) + "\n}\n}\n"


def main() -> int:
    warnings.simplefilter("ignore")
    kinds = {kind: {name: measured(kind, name) for name in names(kind)} for kind in KINDS}
    content = {"keras": keras.__version__, "kinds": kinds}
    if "--check" in sys.argv[1:]:
        fresh = text_of(catalog_files.read("comparisons.json")) == text_of(content)
        print("comparisons.json is up to date" if fresh else "stale: run python scripts/make_comparisons.py")
        return int(not fresh)
    catalog_files.write("comparisons.json", content, text_of)
    return 0


if __name__ == "__main__":
    sys.exit(main())
