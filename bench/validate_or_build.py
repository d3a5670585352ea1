"""How much sooner `validate` tells what is wrong with a spec than building its model with Keras would.

    python bench/validate_or_build.py

Every shipped spec is validated and built in one process, in turns, warm: TensorFlow is imported and each has been done
once before. `build` allocates the weights, as a user's first attempt would; `traced` is the weightless build of
`summary` and `validate --deep`. The start of a process is not counted: it takes a third of a second against the four of
importing TensorFlow.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras

import graphspec
from graphspec.spec import inspect

SPECS = Path(__file__).resolve().parent.parent / "specs"
TURNS = 5
HUGE = ("vqa", "video_qa", "shared_vision")
"""Specs of hundreds of millions of weights: built once a turn would take minutes, so they are only traced."""


def best(work: Callable[[], object], turns: int) -> float:
    """The shortest of `turns` runs, in seconds."""
    times = []
    for _ in range(turns):
        keras.backend.clear_session(free_memory=False)
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print a line a spec, and the smallest and the median ratio."""
    print(f"{platform.machine()}, Python {platform.python_version()}, Keras {keras.__version__}")
    print(f"  {'spec':28}{'validate':>10}{'traced':>10}{'build':>10}{'traced':>9}{'build':>9}")
    ratios: dict[str, list[float]] = {"traced": [], "build": []}
    for path in sorted(SPECS.rglob("*.yaml")):
        validated = best(lambda path=path: inspect(path, data=True), TURNS)  # type: ignore[misc]
        traced = best(lambda path=path: graphspec.build(path, weightless=True), 3)  # type: ignore[misc]
        row = f"  {path.stem:28}{validated * 1e3:8.1f}ms{traced * 1e3:8.0f}ms"
        ratios["traced"].append(traced / validated)
        if path.stem in HUGE:
            print(f"{row}{'':>10}{traced / validated:8.0f}x")
            continue
        built = best(lambda path=path: graphspec.build(path), 2)  # type: ignore[misc]
        ratios["build"].append(built / validated)
        print(f"{row}{built * 1e3:8.0f}ms{traced / validated:8.0f}x{built / validated:8.0f}x", flush=True)
    for name, found in ratios.items():
        print(f"{name}: {min(found):.0f}x at least, {statistics.median(found):.0f}x in the middle")


if __name__ == "__main__":
    main()
