"""Write graphspec/catalog/optuna.json: the types of the arguments of optuna's samplers and pruners, by its annotations.

python scripts/make_optuna.py            writes the file
python scripts/make_optuna.py --check    exits with 1 where it is stale
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import optuna
from generated_text import keep

FILE = Path(__file__).resolve().parent.parent / "graphspec" / "catalog" / "optuna.json"


def annotated(kind: type[Any]) -> dict[str, str]:
    """Return the annotation of each argument that has one, as text."""
    return {
        name: str(parameter.annotation).strip("'") if isinstance(parameter.annotation, str) else _named(parameter)
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.annotation is not parameter.empty
    }


def _named(parameter: inspect.Parameter) -> str:
    return parameter.annotation.__name__ if isinstance(parameter.annotation, type) else str(parameter.annotation)


def content() -> dict[str, Any]:
    """Return the whole file."""
    classes = {
        name: annotated(getattr(module, name))
        for module, base in (
            (optuna.samplers, optuna.samplers.BaseSampler),
            (optuna.pruners, optuna.pruners.BasePruner),
        )
        for name in sorted(module.__all__)
        if isinstance(getattr(module, name), type) and issubclass(getattr(module, name), base)
    }
    return {"optuna": optuna.__version__, "classes": {name: said for name, said in classes.items() if said}}


if __name__ == "__main__":
    sys.exit(keep(FILE, f"{json.dumps(content(), indent=1)}\n"))
